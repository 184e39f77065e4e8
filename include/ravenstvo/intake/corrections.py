"""What a newer version, an appeal, a withdrawn or a partial file changed: the rows of files in force, then and now.

Rows are compared in landing, by SQL, content by content; a record is found again by ``Source.identity``. What could
tell one person from another is neither kept nor shown: that it changed is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ravenstvo.intake.versions import replaced_schools, school_column
from ravenstvo.sources import PRIVATE_COLUMNS, load_sources

# A year's parts are compared with those of the last calculation that looked at the year; what had no part then is
# new, not corrected.
_CONTENTS = """
with looked_at as (
  select seen.year, (
    select done.calculation_id
    from ops.calculation as done
    where done.status = 'done' and (
      seen.year is null
      or seen.year between (select min(one) from unnest(done.years) as one) - %(years_back)s
        and (select max(one) from unnest(done.years) as one)
    )
    order by done.finished_at desc
    limit 1
  ) as calculation_id
  from (select generate_series(%(first)s - %(years_back)s, %(last)s) union all select null) as seen (year)
),
before as (
  select looked_at.calculation_id, input.part_id
  from looked_at
  join ops.calculation_input as input
    on input.calculation_id = looked_at.calculation_id and input.year is not distinct from looked_at.year
),
now as (select part_id from ops.calculation_input where calculation_id = %(calculation)s),
known as (
  select max(before.calculation_id) as base, part.content_key, part.source, min(part.year) as year,
    coalesce(array_agg(part_id order by part_id) filter (where before.part_id is not null), '{}') as parts_before,
    coalesce(array_agg(part_id order by part_id) filter (where now.part_id is not null), '{}') as parts_now
  from before full join now using (part_id) join ops.source_part as part using (part_id)
  where part.source is not null
  group by part.content_key, part.source
)
select base, year, source, content_key, parts_before, parts_now
from known
where parts_before <> parts_now and parts_before <> '{}'
order by year nulls last, content_key collate "C"
"""

_CORRECTION = """
insert into ops.correction (
  calculation_id, base_calculation_id, year, source, content_key, files_now, files_gone,
  n_rows_before, n_rows_now, n_added, n_removed, n_changed, n_schools
)
select %(calculation)s, %(base)s, %(year)s, %(source)s, %(content)s, files.now, files.gone, 0, 0, 0, 0, 0, 0
from (
  select
    coalesce(array_agg(distinct path order by path) filter (where part_id <> all(%(before)s)), '{}') as now,
    coalesce(array_agg(distinct path order by path) filter (where part_id <> all(%(now)s)), '{}') as gone
  from ops.source_part join ops.source_file using (file_id)
  where part_id = any(%(before)s) or part_id = any(%(now)s)
) as files
returning correction_id
"""

_SIDE = """
  select part_id, row_no, {school} as school, array[{identity}] as known, {record} as record,
    to_jsonb(landed) - %(uncompared)s::text[] as cells,
    -- Rows that nothing tells apart are taken in their order.
    row_number() over (partition by array[{identity}] order by part_id, row_no) as place
  from {table} as landed
  where part_id = any(%({parts})s) and not exists (
    select from {replaced} as replaced where replaced.part_id = landed.part_id and replaced.school_key = {school}
  )
"""

_COMPARE = """
with replaced_before as (
  select part_id, school_key from unnest(%(replaced_parts)s::bigint[], %(replaced_schools)s::text[])
    as listed (part_id, school_key)
),
before as ({before}),
now as ({now}),
paired as materialized (
  select before.part_id as part_before, before.row_no as row_before, before.cells as cells_before,
    now.part_id as part_now, now.row_no as row_now, now.cells as cells_now,
    coalesce(now.school, before.school) as school_key, coalesce(now.record, before.record) as record,
    case when before.part_id is null then 'added' when now.part_id is null then 'removed'
      when before.cells <> now.cells then 'changed' end as change
  from before full join now on before.known = now.known and before.place = now.place
),
told as (
  insert into ops.correction_row (
    correction_id, change, school_key, record, part_before, row_before, part_now, row_now, column_name, value_before,
    value_now
  )
  select %(correction)s, change, school_key, record, part_before, row_before, part_now, row_now, cell.name,
    case when cell.name <> all(%(private)s) then cell.before end,
    case when cell.name <> all(%(private)s) then cell.now end
  from paired
  left join lateral (
    select coalesce(old.key, new.key) as name, old.value as before, new.value as now
    from jsonb_each_text(cells_before) as old full join jsonb_each_text(cells_now) as new using (key)
    where old.value is distinct from new.value
  ) as cell on change = 'changed'
  where change is not null
)
update ops.correction
set n_rows_before = counted.n_before, n_rows_now = counted.n_now, n_added = counted.n_added,
  n_removed = counted.n_removed, n_changed = counted.n_changed, n_schools = counted.n_schools
from (
  select count(part_before) as n_before, count(part_now) as n_now,
    count(*) filter (where change = 'added') as n_added, count(*) filter (where change = 'removed') as n_removed,
    count(*) filter (where change = 'changed') as n_changed,
    count(distinct school_key) filter (where change is not null) as n_schools
  from paired
) as counted
where correction_id = %(correction)s
"""


@dataclass(frozen=True)
class _Content:
    base: str
    year: int | None
    source: str
    content_key: str
    before: list[int]
    now: list[int]


def note_corrections(cursor: Cursor, calculation_id: str, years: list[int], years_back: int) -> int:
    """Compare the rows in force for a calculation that has begun with those of the last calculations of its years.

    What is found goes to ``ops.correction`` and ``ops.correction_row``, within the caller's transaction. Returns the
    number of contents that were corrected.
    """
    scope = {"calculation": calculation_id, "first": min(years), "last": max(years), "years_back": years_back}
    cursor.execute(_CONTENTS, scope)
    contents = [_Content(*row) for row in cursor.fetchall()]
    for content in contents:
        _note(cursor, calculation_id, content)
    return len(contents)


def _note(cursor: Cursor, calculation_id: str, content: _Content) -> None:
    # What was replaced then is decided by the same policy as what is replaced now.
    replaced = replaced_schools(cursor, content.before)
    values: dict[str, Any] = {
        "calculation": calculation_id,
        "base": content.base,
        "year": content.year,
        "source": content.source,
        "content": content.content_key,
        "before": content.before,
        "now": content.now,
        "replaced_parts": [part_id for part_id, _ in replaced],
        "replaced_schools": [school for _, school in replaced],
        "private": sorted(PRIVATE_COLUMNS),
        # What the content is called is the same content, however a file spells it.
        "uncompared": ["file_id", "part_id", "row_no", *load_sources()[content.source].content],
    }
    cursor.execute(_CORRECTION, values)
    (values["correction"],) = cursor.fetchone()  # type: ignore[misc]
    cursor.execute(_comparison(content.source), values)


def _comparison(source_name: str) -> sql.Composable:
    source = load_sources()[source_name]
    shown = [name for name in source.identity if name not in PRIVATE_COLUMNS and name not in source.school]
    titles = {column.name: column.title for column in source.columns}
    record = [sql.SQL("{} || nullif({}, '')").format(sql.Literal(f"{titles[c]} "), sql.Identifier(c)) for c in shown]
    sides = {
        side: sql.SQL(_SIDE).format(
            school=school_column(source_name),
            identity=sql.SQL(", ").join(
                sql.SQL("coalesce({}, '')").format(sql.Identifier(name)) for name in source.identity
            ),
            record=sql.SQL("concat_ws(', ', {})").format(sql.SQL(", ").join(record)) if record else sql.SQL("null"),
            table=sql.Identifier("landing", source_name),
            parts=sql.SQL(side),
            replaced=sql.SQL(replaced),
        )
        for side, replaced in (("before", "replaced_before"), ("now", "ops.superseded_school"))
    }
    return sql.SQL(_COMPARE).format(**sides)
