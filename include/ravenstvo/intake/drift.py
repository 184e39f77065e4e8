"""Notice that the same header has come to mean something else: columns beside those of the year before.

A header check cannot see it: percents for fractions, a code list that was replaced, a column that lost its values.
What is found is a warning to the file; no row is rejected for it. The limits are rows of the seed ``drift_rule``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from ravenstvo.layouts import FACTS, PUPIL_COLUMNS, load_layouts
from ravenstvo.reference import drift_rules
from ravenstvo.settings import Settings
from ravenstvo.sources import Column, load_sources
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import LOADER

SAMPLE_ROWS = 4_000
"""About so many rows of a part are looked at, evenly spread over it."""
_VALUES = 12
_LONGEST_VALUE = 24
_VALUES_TOLD = 4
# What the title says is compared by the content itself; keys and item scores have no set of values.
_UNCOMPARED = FACTS | PUPIL_COLUMNS | {"item_scores"}
_WITH_VALUES = ("text", "flag", "list")
"""Kinds of columns that have a set of values; a date or a code of a school is new every year."""

_PROFILE = """
insert into ops.part_profile (part_id, column_name, n_rows, n_blank, n_numeric, max_number, shares)
with part (part_id, step) as (values {parts}),
cell as (
  select part.part_id, cell.name, nullif(cell.value, '') as value
  from part
  join {table} as landed on landed.part_id = part.part_id and landed.row_no % part.step = 0
  cross join lateral (values {columns}) as cell (name, value)
),
counted as (
  select part_id, name, value, count(*) as n, value ~ '^-?\\d{{1,12}}([.]\\d+)?$' as is_number
  from cell
  group by part_id, name, value
)
select part_id, name, sum(n), coalesce(sum(n) filter (where value is null), 0),
  coalesce(sum(n) filter (where is_number), 0), max(cast(value as numeric)) filter (where is_number),
  case when count(value) between 1 and {values} and max(length(value)) <= {longest}
    then jsonb_object_agg(lower(value), n) filter (where value is not null) end
from counted
group by part_id, name
"""
# The same content of the latest earlier year: the key without its year and dates.
_PAIRS = """
with part as (
  select part.*, regexp_replace(
      regexp_replace(content_key, '\\d{4}-\\d\\d-\\d\\d', '*'), '\\|' || year || '(\\||$)', '|*\\1'
    ) as lasting
  from ops.source_part as part
  where status = 'landed' and in_force and corrects_key is null and year is not null
),
fresh as (select * from part where part_id = any(%(parts)s)),
before as (
  select fresh.part_id, max(part.year) as year
  from fresh join part on part.lasting = fresh.lasting and part.year < fresh.year
  group by fresh.part_id
)
select fresh.part_id, fresh.file_id, file.path, fresh.sheet, fresh.source, fresh.layout, fresh.scope_kind, before.year,
  (select sum(one.n_records) from part as one where one.lasting = fresh.lasting and one.year = fresh.year),
  (select sum(one.n_records) from part as one where one.lasting = fresh.lasting and one.year = before.year),
  array(select one.part_id from part as one where one.lasting = fresh.lasting and one.year = before.year)
from fresh
join before using (part_id)
join ops.source_file as file using (file_id)
order by fresh.part_id
"""

# A part beside the one that it put out of force as a whole; of several the latest.
_SHRUNK = """
select part.file_id, file.path, part.sheet, part.n_records, before.n_records, before.path
from ops.source_part as part
join ops.source_file as file using (file_id)
cross join lateral (
  select earlier.n_records, earlier_file.path
  from ops.source_part as earlier
  join ops.source_file as earlier_file using (file_id)
  where earlier.superseded_by = part.part_id and earlier.status = 'landed'
  order by earlier.landed_at desc, coalesce(earlier_file.modified_at, earlier.landed_at) desc, earlier.part_id desc
  limit 1
) as before
where part.status = 'landed' and part.in_force
  and before.n_records >= %(min_rows)s and part.n_records * 100 < %(threshold)s * before.n_records
  and not exists (
    select from ops.file_problem as told
    where told.file_id = part.file_id and told.sheet = part.sheet and told.code = %(code)s
  )
order by part.part_id
"""
_SHRUNK_RULE = "fewer_rows_than_before"


@dataclass(frozen=True)
class Profile:
    """What a column looks like in a sample of rows; ``shares`` counts its values where they are few."""

    n_rows: int
    n_blank: int
    n_numeric: int
    max_number: float | None
    shares: dict[str, int] | None

    @property
    def n_filled(self) -> int:
        """Rows with a value."""
        return self.n_rows - self.n_blank


@dataclass(frozen=True)
class Drift:
    """One difference; ``values`` fill the rule's message."""

    rule_code: str
    column: str | None
    values: dict[str, Any]


def compare(before: Profile, now: Profile, rules: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rules that a column breaks: code, and the numbers of the message.

    Shares are compared in whole numbers: ``threshold`` is in percentage points, for ``scale`` in times.
    """
    if _differs(now.n_blank, now.n_rows, before.n_blank, before.n_rows, rules["blank_share"], grows=True):
        yield "blank_share", _percents(now.n_blank, now.n_rows, before.n_blank, before.n_rows)
    if _differs(now.n_numeric, now.n_filled, before.n_numeric, before.n_filled, rules["numeric_share"]):
        yield "numeric_share", _percents(now.n_numeric, now.n_filled, before.n_numeric, before.n_filled)
        return
    rule = rules["scale"]
    if min(now.n_numeric, before.n_numeric) >= rule["min_rows"] and now.max_number and before.max_number:
        high, low = max(now.max_number, before.max_number), min(now.max_number, before.max_number)
        if low > 0 and high >= rule["threshold"] * low:
            yield "scale", {"now": _plain(now.max_number), "before": _plain(before.max_number)}
    rule = rules["new_values"]
    if now.shares and before.shares and min(now.n_filled, before.n_filled) >= rule["min_rows"]:
        strange = {value: n for value, n in now.shares.items() if value not in before.shares}
        n_strange = sum(strange.values())
        if n_strange * 100 >= rule["threshold"] * now.n_filled:
            listed = ", ".join(
                f"«{value}»" for value in sorted(strange, key=strange.__getitem__, reverse=True)[:_VALUES_TOLD]
            )
            yield "new_values", {"now": round(100 * n_strange / now.n_filled), "values": listed}


def _differs(n: int, of: int, n_before: int, of_before: int, rule: dict[str, Any], *, grows: bool = False) -> bool:
    """Whether two shares differ by the threshold or more, in whole numbers."""
    if min(of, of_before) < rule["min_rows"]:
        return False
    difference = n * of_before - n_before * of
    return (difference if grows else abs(difference)) * 100 >= rule["threshold"] * of * of_before


def _percents(n: int, of: int, n_before: int, of_before: int) -> dict[str, Any]:
    return {"now": round(100 * n / of), "before": round(100 * n_before / of_before)}


def _plain(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def find_drift(settings: Settings) -> int:
    """Look at the parts that came into force since the last time. Returns the number of warnings written."""
    with connect(settings, LOADER) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('ravenstvo.drift'))")
        fresh = _profile_new(cursor)
        found = list(_compare_new(cursor, fresh)) if fresh else []
        found += _shrunk(cursor)
        execute_values(
            cursor,
            "insert into ops.file_problem"
            " (file_id, path, sheet, column_name, code, severity, message, advice) values %s",
            found,
        )
    return len(found)


def _shrunk(cursor: Cursor) -> Iterator[tuple[Any, ...]]:
    """Rows of ``ops.file_problem`` for newer versions that are much shorter: a part of the region sent as the whole."""
    rule, code = drift_rules()[_SHRUNK_RULE], f"drift_{_SHRUNK_RULE}"
    cursor.execute(_SHRUNK, {"min_rows": rule["min_rows"], "threshold": rule["threshold"], "code": code})
    for file_id, path, sheet, n_now, n_before, replaced in cursor.fetchall():
        told = rule["message"].format(now=n_now, before=n_before, replaced=replaced)
        yield file_id, path, sheet, None, code, "warning", told, rule["advice"]


def _profile_new(cursor: Cursor) -> list[int]:
    """Take the profiles of parts that have none. Returns the parts."""
    cursor.execute(
        """
        select source, part_id, n_records from ops.source_part as part
        where status = 'landed' and in_force and corrects_key is null and source is not null and year is not null
          and not exists (select from ops.part_profile as known where known.part_id = part.part_id)
        order by source, part_id
        """
    )
    by_source: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for source, part_id, n_records in cursor.fetchall():
        by_source[source].append((part_id, max(1, n_records // SAMPLE_ROWS)))
    for source, parts in by_source.items():
        columns = _compared(source)
        query = sql.SQL(_PROFILE).format(
            parts=sql.SQL(", ").join(
                sql.SQL("({}::bigint, {}::int)").format(*map(sql.Literal, part)) for part in parts
            ),
            table=sql.Identifier("landing", source),
            columns=sql.SQL(", ").join(
                sql.SQL("({}, landed.{})").format(sql.Literal(column.name), sql.Identifier(column.name))
                for column in columns
            ),
            values=sql.Literal(_VALUES),
            longest=sql.Literal(_LONGEST_VALUE),
        )
        cursor.execute(query)
    return [part_id for parts in by_source.values() for part_id, _step in parts]


def _compared(source: str) -> list[Column]:
    known = load_sources()[source]
    return [column for column in known.columns if column.name not in known.made_columns | _UNCOMPARED]


def _compare_new(cursor: Cursor, fresh: list[int]) -> Iterator[tuple[Any, ...]]:
    """Rows of ``ops.file_problem`` for the parts that came new."""
    rules = drift_rules()
    cursor.execute(_PAIRS, {"parts": fresh})
    pairs = cursor.fetchall()
    profiles = _profiles(cursor, {part for pair in pairs for part in (pair[0], *pair[-1])})
    for part_id, file_id, path, sheet, source, layout, scope, year, n_now, n_before, earlier in pairs:
        columns = {column.name: column for column in load_sources()[source].columns}
        absent = load_layouts()[layout].absent if layout in load_layouts() else ()
        found = [
            Drift(code, column, values)
            for column, now in profiles[part_id].items()
            # A form that is known not to hold a column has not lost it.
            if column not in absent
            for code, values in compare(_together(profiles, earlier, column), now, rules)
            if code != "new_values" or columns[column].kind in _WITH_VALUES
        ]
        rule = rules["fewer_rows"]
        if scope == "region" and n_before >= rule["min_rows"] and n_now * 100 < rule["threshold"] * n_before:
            found.append(Drift("fewer_rows", None, {"now": n_now, "before": n_before}))
        for drift in found:
            rule = rules[drift.rule_code]
            title = columns[drift.column].title if drift.column else None
            told = rule["message"].format(column=title, before_year=year, **drift.values)
            yield file_id, path, sheet, title, f"drift_{drift.rule_code}", "warning", told, rule["advice"]


def _profiles(cursor: Cursor, parts: set[int]) -> dict[int, dict[str, Profile]]:
    cursor.execute(
        "select part_id, column_name, n_rows, n_blank, n_numeric, max_number, shares from ops.part_profile"
        " where part_id = any(%s) order by part_id, column_name",
        (list(parts),),
    )
    profiles: dict[int, dict[str, Profile]] = defaultdict(dict)
    for part_id, column, n_rows, n_blank, n_numeric, max_number, shares in cursor.fetchall():
        number = None if max_number is None else float(max_number)
        profiles[part_id][column] = Profile(n_rows, n_blank, n_numeric, number, shares)
    return profiles


def _together(profiles: dict[int, dict[str, Profile]], parts: list[int], column: str) -> Profile:
    """One profile of several parts of a year: the files of its municipalities."""
    found = [profiles[part][column] for part in parts if column in profiles[part]]
    shares: dict[str, int] | None = {}
    for one in found:
        if one.shares is None and one.n_filled:
            shares = None
            break
        for value, n in (one.shares or {}).items():
            assert shares is not None
            shares[value] = shares.get(value, 0) + n
    numbers = [one.max_number for one in found if one.max_number is not None]
    return Profile(
        sum(one.n_rows for one in found),
        sum(one.n_blank for one in found),
        sum(one.n_numeric for one in found),
        max(numbers, default=None),
        shares or None,
    )
