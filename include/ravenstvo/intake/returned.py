"""Corrected rows in force: they take what they do not say from the original rows, and the place of these rows.

What a person did not send again (a pseudonym, scores of items) is in the original row; so is everything that the
workbook does not show. A part of returned rows is in force as long as the part that it corrects is.
"""

from __future__ import annotations

from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from ravenstvo.layouts import MADE_OF, PUPIL_COLUMNS
from ravenstvo.layouts.returned import PART_KEY_SQL
from ravenstvo.sources import Source, load_sources

_NEW = f"""
select part.part_id, part.source, part.given_columns, original.part_id
from ops.source_part as part
inner join ops.source_file as came using (file_id)
inner join (
  select part.part_id, part.source, {PART_KEY_SQL} as part_key
  from ops.source_part as part inner join ops.source_file as file using (file_id)
  where part.status in ('landed', 'withdrawn') and part.landed_at is not null and part.corrects_key is null
) as original on original.part_key = part.corrects_key and original.source = part.source
where part.status = 'landed' and part.corrects is null
order by part.landed_at, came.modified_at, part.part_id
"""

# Of several corrections of a row the later is in force: by arrival, then modification, then place.
_SUPERSEDED = """
select distinct on (row.part_id, row.row_no, row.record_key) row.part_id, row.row_no, row.record_key, row.by_part
from pg_temp.returned_row as fresh
inner join lateral (
  select fresh.corrects as part_id, fresh.row_no, fresh.record_key, fresh.part_id as by_part
  union all
  select older.part_id, older.row_no, older.record_key, fresh.part_id
  from pg_temp.returned_row as older
  where older.corrects = fresh.corrects and older.row_no = fresh.row_no and older.record_key = fresh.record_key
    and older.place < fresh.place
) as row on true
order by row.part_id, row.row_no, row.record_key, fresh.place desc
"""


def find_originals(connection: Connection) -> None:
    """Complete the returned rows whose original file has come."""
    with connection.cursor() as cursor:
        cursor.execute(_NEW)
        for part_id, source, given, original in cursor.fetchall():
            _fill(cursor, load_sources()[source], part_id, original, set(given))


def settle_returned(connection: Connection) -> None:
    """Decide anew which returned rows count, and which rows they take the place of.

    The outcome depends on the parts alone. Whatever it changes is due to be validated again, with all that stands
    beside it: a corrected row may repeat a row that was right from the start.
    """
    with connection.cursor() as cursor:
        _say_what_waits(cursor)
        _put_in_force(cursor)
        _list_rows(cursor)
        _replace_rows(cursor)


def _fill(cursor: Any, source: Source, part_id: int, original: int, given: set[str]) -> None:
    """Complete the rows of a part from those of its original; rows that never were there are dropped.

    Where a row had come back before, it is completed from what it was then: a name that was sent once stays.
    """
    table = sql.Identifier("landing", source.name)
    record = sql.Identifier(source.record) if source.record else sql.SQL("null::text")
    same_row: sql.Composable = sql.SQL("original.row_no = landed.row_no")
    if source.record:
        same_row += sql.SQL(" and original.{0} is not distinct from landed.{0}").format(record)
    values = {"part": part_id, "original": original}
    cursor.execute(
        sql.SQL(
            "with gone as (delete from {table} as landed where part_id = %(part)s and not exists"
            " (select 1 from {table} as original where part_id = %(original)s and {same_row}) returning row_no)"
            " select count(distinct row_no), count(*) from gone"
        ).format(table=table, same_row=same_row),
        values,
    )
    if any(gone := cursor.fetchone()):
        _drop(cursor, part_id, *gone)
    if taken := _taken(source, given):
        cursor.execute(
            sql.SQL(
                """
                with said as (
                  select %(original)s as part_id, 0 as place
                  union all
                  select part_id, row_number() over (order by landed_at, modified_at, part_id)
                  from ops.source_part inner join ops.source_file using (file_id)
                  where corrects = %(original)s and source_part.status = 'landed'
                ),
                original as (
                  select distinct on (row_no, {record}) landed.*
                  from {table} as landed inner join said using (part_id)
                  order by row_no, {record}, said.place desc
                )
                update {table} as landed set {taken} from original where landed.part_id = %(part)s and {same_row}
                """
            ).format(table=table, record=record, taken=sql.SQL(", ").join(taken), same_row=same_row),
            values,
        )
    cursor.execute("update ops.source_part set corrects = %(original)s where part_id = %(part)s", values)


def _taken(source: Source, given: set[str]) -> list[sql.Composable]:
    """What a returned row takes from its original: what the sheet did not have, pseudonyms it says nothing about."""
    taken: list[sql.Composable] = []
    for column in source.column_names:
        name = sql.Identifier(column)
        if column in PUPIL_COLUMNS and set(source.column_names) >= PUPIL_COLUMNS:
            taken.append(sql.SQL("{} = {}").format(name, _pupil(column)))
        elif column in source.made_columns and column in MADE_OF:
            taken.append(sql.SQL("{name} = coalesce(landed.{name}, original.{name})").format(name=name))
        elif column not in given:
            taken.append(sql.SQL("{name} = original.{name}").format(name=name))
    return taken


def _pupil(column: str) -> sql.Composable:
    """A pupil's pseudonym: of the name in the returned row, else the original one where it still holds.

    What was made of the name within a school and year (and of a participant's code) is another one in another school
    or year: it is left blank there, and the rule about rows that name nobody asks for the name. Only a pseudonym of
    the СНИЛС (level 1) or of name and document (level 2) is the same everywhere.
    """
    same = "landed.{0} is not distinct from original.{0}"
    holds = f"{same.format('school_code')} and {same.format('year')}"
    if column != "name_key":
        holds = f"({holds}) or original.link_level in ('1', '2')"
    return sql.SQL(
        f"case when landed.name_key is not null then landed.{column} when {holds} then original.{column} end"
    )


def _drop(cursor: Any, part_id: int, n_rows: int, n_records: int) -> None:
    cursor.execute(
        "update ops.source_part set n_rows_landed = n_rows_landed - %(rows)s, n_records = n_records - %(records)s,"
        " n_rows_dropped = n_rows_dropped + %(rows)s where part_id = %(part)s",
        {"rows": n_rows, "records": n_records, "part": part_id},
    )
    cursor.execute(
        "insert into ops.dropped_row (part_id, reason, n_rows) values (%s, 'no_origin', %s)"
        " on conflict (part_id, reason) do update set n_rows = dropped_row.n_rows + excluded.n_rows",
        (part_id, n_rows),
    )
    cursor.execute(
        """
        insert into ops.file_problem (file_id, path, sheet, code, severity, message, advice)
        select part.file_id, file.path, part.sheet, 'returned_row_unknown', 'warning',
          'В исходном файле нет строк, вместо которых должны встать эти: строк — ' || %s,
          'Возьмите последнюю книгу с замечаниями и исправьте в ней'
        from ops.source_part as part inner join ops.source_file as file using (file_id) where part.part_id = %s
        """,
        (n_rows, part_id),
    )


def _say_what_waits(cursor: Any) -> None:
    """Tell the sender of rows whose original file has not come, or has been replaced as a whole since."""
    cursor.execute(
        """
        with alone as (
          select distinct part.file_id, file.path, part.sheet,
            case when part.corrects is null then 'Исходного файла этих строк в хранилище нет: строки не учтены'
              else 'Исходный файл этих строк заменён более новым или отозван: строки не учтены' end as message,
            case when part.corrects is null then 'Исправьте строки в исходном файле и пришлите его целиком'
              else 'Проверьте новый файл: замечания к нему, если они есть, — в новой книге' end as advice
          from ops.source_part as part
          inner join ops.source_file as file using (file_id)
          left join ops.source_part as original on original.part_id = part.corrects
          where part.status = 'landed' and part.corrects_key is not null
            and not coalesce(original.in_force, false)
        ),
        past as (
          delete from ops.file_problem as problem
          where code = 'returned_alone' and not exists (
            select 1 from alone
            where alone.file_id = problem.file_id and alone.sheet = problem.sheet and alone.message = problem.message
          )
        )
        insert into ops.file_problem (file_id, path, sheet, code, severity, message, advice)
        select file_id, path, sheet, 'returned_alone', 'warning', message, advice from alone
        where not exists (
          select 1 from ops.file_problem as problem
          where problem.code = 'returned_alone' and problem.file_id = alone.file_id and problem.sheet = alone.sheet
            and problem.message = alone.message
        )
        """
    )


def _put_in_force(cursor: Any) -> None:
    """Returned rows count while their original part does; what a narrower file replaced there, it replaced here."""
    cursor.execute(
        """
        update ops.source_part as part
        set in_force = part.status = 'landed' and part.superseded_by is null and coalesce(original.in_force, false)
        from ops.source_part as same
        left join ops.source_part as original on original.part_id = same.corrects
        where same.part_id = part.part_id and part.corrects_key is not null
        """
    )
    cursor.execute(
        """
        insert into ops.superseded_school (part_id, school_key)
        select part.part_id, past.school_key
        from ops.source_part as part
        inner join ops.source_part as original on original.part_id = part.corrects
        inner join ops.superseded_school as past on past.part_id = original.part_id
        where part.in_force and part.content_key is not distinct from original.content_key
        on conflict do nothing
        """
    )


def _list_rows(cursor: Any) -> None:
    """Every returned record in a temporary table, with the order of its part."""
    cursor.execute(
        "create temp table returned_row (part_id bigint, corrects bigint, row_no int, record_key text, place bigint)"
        " on commit drop"
    )
    cursor.execute("select distinct source from ops.source_part where status = 'landed' and corrects is not null")
    for (name,) in cursor.fetchall():
        record = load_sources()[name].record
        cursor.execute(
            sql.SQL(
                """
                insert into pg_temp.returned_row
                select landed.part_id, part.corrects, landed.row_no, {record}, part.place
                from landing.{source} as landed
                inner join (
                  select part_id, corrects, row_number() over (order by landed_at, modified_at, part_id) as place
                  from ops.source_part inner join ops.source_file using (file_id)
                  where source_part.status = 'landed' and superseded_by is null and corrects is not null
                    and source = %s
                ) as part using (part_id)
                """
            ).format(
                source=sql.Identifier(name),
                record=sql.SQL("coalesce(landed.{}, '')").format(sql.Identifier(record)) if record else sql.SQL("''"),
            ),
            (name,),
        )


def _replace_rows(cursor: Any) -> None:
    """Bring ``ops.superseded_row`` up to date; parts about which anything changed are due again."""
    cursor.execute(f"create temp table now_superseded on commit drop as {_SUPERSEDED}")
    cursor.execute(
        """
        with changed as (
          select part_id from (table ops.superseded_row except table pg_temp.now_superseded) as gone
          union
          select part_id from (table pg_temp.now_superseded except table ops.superseded_row) as fresh
        ),
        whole as (select coalesce(corrects, part_id) as part_id from ops.source_part inner join changed using (part_id))
        update ops.source_part set validated_at = null
        where status = 'landed' and coalesce(corrects, part_id) in (select part_id from whole)
        """
    )
    cursor.execute("delete from ops.superseded_row")
    cursor.execute("insert into ops.superseded_row table pg_temp.now_superseded")
    _count_corrected(cursor)


def _count_corrected(cursor: Any) -> None:
    """A sheet row all of whose records are replaced is neither accepted nor rejected: it counts as dropped."""
    cursor.execute(
        "select distinct source from ops.source_part where part_id in (select part_id from ops.superseded_row)"
    )
    counts: list[sql.Composable] = [sql.SQL("select null::bigint as part_id, 0 as n_rows where false")]
    for (name,) in cursor.fetchall():
        record = load_sources()[name].record
        counts.append(
            sql.SQL(
                """
                select part_id, count(*)::int from (
                  select landed.part_id, landed.row_no
                  from landing.{source} as landed
                  left join ops.superseded_row as past
                    on past.part_id = landed.part_id and past.row_no = landed.row_no and past.record_key = {record}
                  where landed.part_id in (select part_id from ops.superseded_row)
                  group by landed.part_id, landed.row_no having bool_and(past.part_id is not null)
                ) as row group by part_id
                """
            ).format(
                source=sql.Identifier(name),
                record=sql.SQL("coalesce(landed.{}, '')").format(sql.Identifier(record)) if record else sql.SQL("''"),
            )
        )
    cursor.execute(
        sql.SQL(
            """
            with now as ({counts}),
            moved as (
              select part_id, coalesce(now.n_rows, 0) as n_rows,
                coalesce(now.n_rows, 0) - coalesce(past.n_rows, 0) as n_more
              from now full join (select part_id, n_rows from ops.dropped_row where reason = 'corrected') as past
                using (part_id)
            ),
            parts as (
              update ops.source_part as part
              set n_rows_landed = n_rows_landed - n_more, n_rows_dropped = n_rows_dropped + n_more
              from moved where moved.part_id = part.part_id and n_more <> 0
            ),
            gone as (
              delete from ops.dropped_row using moved
              where dropped_row.part_id = moved.part_id and reason = 'corrected' and moved.n_rows = 0
            )
            insert into ops.dropped_row (part_id, reason, n_rows)
            select part_id, 'corrected', n_rows from moved where n_rows > 0
            on conflict (part_id, reason) do update set n_rows = excluded.n_rows
            """
        ).format(counts=sql.SQL(" union all ").join(counts))
    )
