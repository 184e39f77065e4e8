"""Facts of the sources that have no SQL document of their own: they follow from the source document.

The check table of such a source holds its landed columns and, by the kind of each column ``c``:

* date: ``c_day`` (date), ``c_year``, ``odd_c`` (what cannot be read);
* year, whole, number: ``c_number``, ``odd_c``;
* flag, list: ``c_value`` (value of ``seeds.value_list``), ``unknown_c``;
* school: ``padded_c``, ``unknown_c``; municipality: ``unknown_c``;
* programme: ``c_code``, ``unknown_c``; code of a record of another source: ``unknown_c``.

And of the row: ``first_row_no`` (an earlier row has the same key; which of them is loaded is settled in ``repeats``),
``early_c`` (``c`` ends a period before it begins), ``blank_group_1`` … (nothing of an ``any_of`` group is filled),
``snils_malformed``, ``snils_wrong_check``, ``snils_missing`` (and no name to know the person by). A document
``<source>.facts.sql`` beside this one adds select expressions over ``typed``, which holds all of the above.
"""

from __future__ import annotations

from pathlib import Path

from ravenstvo.sources import Column, Source, load_sources

FOLDER = Path(__file__).parent
_NUMBERS = {"year": "whole", "whole": "whole", "number": "num"}
_YES_NO = "yes_no"


def list_of(column: Column) -> str | None:
    """Name of the value list that the column's values must be in; None when any value will do."""
    if column.kind == "flag":
        return _YES_NO
    return column.values if column.kind == "list" else None


def referred(source: Source, column: Column) -> Source | None:
    """The other source whose records the column names by their key; None for any other column."""
    if column.kind != "code":
        return None
    others = (other for other in load_sources().values() if other.name != source.name)
    return next((other for other in others if other.key == (column.name,)), None)


def check_select(source: Source) -> str:
    """SELECT of the check table from ``pending_row``: the rows of the parts to check."""
    return f"""
with landed as not materialized (
    select * from pending_row
){"".join(_helpers(source))},

typed as (
    select landed.*, '' as record_key{_listed(_facts(source))}
    from landed{"".join(_joins(source))}
)

select typed.*{_listed(_row_facts(source))}{_more(source)}
from typed
"""


def _listed(expressions: list[str]) -> str:
    return "".join(f",\n        {expression}" for expression in expressions)


def _more(source: Source) -> str:
    document = FOLDER / f"{source.name}.facts.sql"
    return f",\n{document.read_text(encoding='utf-8')}" if document.exists() else ""


def _of_kind(source: Source, kind: str) -> list[str]:
    return [column.name for column in source.columns if column.kind == kind]


def _helpers(source: Source) -> list[str]:
    """What each distinct value is compared with, once."""
    helpers = []
    if schools := _of_kind(source, "school"):
        values = ", ".join(f"({name})" for name in schools)
        helpers.append(
            f""",

schools as materialized (
    select code, pg_temp.code_known(code) as is_known
    from (
        select distinct code from landed, lateral (values {values}) as said (code) where code is not null
    ) as said
)"""
        )
    for column in source.columns:
        if other := referred(source, column):
            helpers.append(
                f""",

known_{column.name} as materialized (
    select distinct pg_temp.fold({column.name}) as code
    from landing.{other.name} inner join ops.source_part as part using (part_id)
    where part.in_force and not pg_temp.is_rejected(part_id, row_no)
)"""
            )
    return helpers


def _joins(source: Source) -> list[str]:
    joins = []
    for column in source.columns:
        name, said = column.name, f"landed.{column.name}"
        if values := list_of(column):
            joins.append(
                f"\n    left join seeds.value_list as list_{name}"
                f" on list_{name}.list_name = '{values}' and list_{name}.spelling = pg_temp.fold({said})"
            )
        elif column.kind == "school":
            joins.append(f"\n    left join schools as school_{name} on school_{name}.code = {said}")
        elif column.kind == "municipality":
            joins.append(
                f"\n    left join town_in_force as town_{name} on town_{name}.code = pg_temp.whole({said})::text"
            )
        elif column.kind == "programme":
            joins.append(
                f"\n    left join programme_name as named_{name} on named_{name}.name = pg_temp.fold_title({said})"
            )
        elif referred(source, column):
            joins.append(f"\n    left join known_{name} on known_{name}.code = pg_temp.fold({said})")
    return joins


def _unless(said: str, known: str, name: str) -> str:
    return f"case when {said} is not null and {known} then {said} end as {name}"


def _facts(source: Source) -> list[str]:
    facts = []
    for column in source.columns:
        facts += _column_facts(source, column)
    return facts


def _column_facts(source: Source, column: Column) -> list[str]:
    name, said = column.name, f"landed.{column.name}"
    if function := _NUMBERS.get(column.kind):
        number = f"pg_temp.{function}({said})"
        return [f"{number} as {name}_number", _unless(said, f"{number} is null", f"odd_{name}")]
    if list_of(column):
        known = f"list_{name}.value"
        return [f"{known} as {name}_value", _unless(said, f"{known} is null", f"unknown_{name}")]
    match column.kind:
        case "date":
            day = f"pg_temp.day({said})"
            year = f"extract(year from {day})::integer as {name}_year"
            return [f"{day} as {name}_day", year, _unless(said, f"{day} is null", f"odd_{name}")]
        case "school":
            unknown = _unless(said, f"not school_{name}.is_known", f"unknown_{name}")
            return [f"pg_temp.code6({said}) as padded_{name}", unknown]
        case "municipality":
            # A code that is no number is another matter, and without a register nothing is unknown.
            asked = f"pg_temp.whole({said}) is not null and exists (select 1 from town_in_force)"
            return [_unless(said, f"{asked} and town_{name}.code is null", f"unknown_{name}")]
        case "programme":
            code = f"named_{name}.programme_code"
            return [f"{code} as {name}_code", _unless(said, f"{code} is null", f"unknown_{name}")]
    if referred(source, column):
        return [_unless(said, f"known_{name}.code is null", f"unknown_{name}")]
    return []


def _row_facts(source: Source) -> list[str]:
    facts = [f"{_first_row_no(source)} as first_row_no"] if source.key else []
    facts += [
        f"case when typed.{second}_day < typed.{first}_day then typed.{second} end as early_{second}"
        for first, second in source.periods
    ]
    for number, group in enumerate(source.any_of, start=1):
        filled = ", ".join(f"typed.{name}" for name in group)
        facts.append(f"case when coalesce({filled}) is null then 'пусто' end as blank_group_{number}")
    if "snils_state" in source.column_names:
        nobody = " and typed.name_key is null" if "name_key" in source.column_names else ""
        facts += [
            f"case when typed.snils_state = '{state}' then '{state}' end as snils_{state}"
            for state in ("malformed", "wrong_check")
        ]
        facts.append(
            f"case when coalesce(typed.snils_state, 'missing') = 'missing'{nobody} then 'missing' end as snils_missing"
        )
    return facts


def _key_part(source: Source, column: Column) -> str:
    """The value of a key column as it is compared: two spellings of one thing are one."""
    name, said = column.name, f"typed.{column.name}"
    if column.kind in _NUMBERS:
        return f"coalesce(typed.{name}_number::text, {said})"
    if list_of(column):
        return f"coalesce(typed.{name}_value, pg_temp.fold({said}))"
    match column.kind:
        case "date":
            return f"coalesce(typed.{name}_day::text, {said})"
        case "school":
            return f"typed.padded_{name}"
        case "municipality":
            return f"coalesce(pg_temp.whole({said})::text, {said})"
        case "programme":
            return f"coalesce(typed.{name}_code, pg_temp.fold_title({said}))"
        case "pseudonym":
            # Whose СНИЛС is not given is known by the name.
            return f"coalesce({said}, typed.name_key)" if "name_key" in source.column_names else said
    return f"pg_temp.fold({said})"


def _first_row_no(source: Source) -> str:
    """Number of the first row with the same key; null for that row, and where it is not known of whom or what it is.

    What may be left blank is the same when both leave it blank.
    """
    columns = {column.name: column for column in source.columns}
    key = [columns[name] for name in source.key if not (name == "name_key" and "person_key" in source.key)]
    parts = ", ".join(["typed.whole_id", *(_key_part(source, column) for column in key)])
    first = f"min(typed.row_no) over (partition by {parts})"
    needed = [column for column in key if column.required or column.kind == "pseudonym"]
    conditions = [f"typed.row_no > {first}", *(f"{_key_part(source, column)} is not null" for column in needed)]
    return f"case when {' and '.join(conditions)} then {first} end"
