"""What lies in the warehouse: files and their versions, rejections, the last calculation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection

from ravenstvo.words import duration

_STATUSES = {
    "landed": "загружен",
    "refused": "отклонён",
    "waiting": "ждёт своего года",
    "ignored": "без данных",
    "withdrawn": "отозван",
}
_STATES = {"running": "идёт", "done": "выполнен", "failed": "не выполнен", "unchanged": "менять нечего"}

_FILES = """
    select f.status, f.path,
      string_agg(distinct p.year::text, ', ') as years,
      max(p.version) as version,
      coalesce(bool_or(p.in_force), false) as in_force,
      sum(p.n_rows_read), sum(p.n_records), sum(p.n_rows_rejected), sum(p.n_warnings),
      f.message
    from ops.source_file as f
    left join ops.source_part as p using (file_id)
    group by f.file_id
    order by f.status, f.path
"""
# The words of a rule are those of its last check.
_REASONS = """
    select counted.severity, counted.expectation_id, rule.message, counted.n from (
      select severity, expectation_id, count(*) as n
      from ops.row_finding
      group by severity, expectation_id
    ) as counted
    left join lateral (
      select message from ops.expectation_result as checked
      where checked.expectation_id = counted.expectation_id
      order by validated_at desc limit 1
    ) as rule on true
    order by counted.severity, counted.n desc, counted.expectation_id
"""
_CALCULATIONS = """
    select calculation_id, year, years, status, started_at, finished_at, message
    from ops.calculation
    order by started_at desc
    limit 5
"""


def _rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _file_lines(connection: Connection) -> Iterator[str]:
    files = _rows(connection, _FILES)
    yield f"Файлы ({len(files)}):"
    for state, path, years, version, in_force, n_read, n_records, n_rejected, n_warnings, message in files:
        yield f"  {_STATUSES[state]:<17} {path}" + (f" · {years}" if years else "")
        if state == "landed":
            standing = "действует" if in_force else "заменён более новым"
            yield (
                f"    версия {version or '—'}, {standing}; строк {n_read or 0}, записей {n_records or 0}, "
                f"отклонено {n_rejected or 0}, предупреждений {n_warnings or 0}"
            )
        elif message:
            yield f"    {message}"


def status(connection: Connection) -> Iterator[str]:
    """Lines that tell of files, versions, rejections and the last calculations."""
    yield from _file_lines(connection)
    reasons = _rows(connection, _REASONS)
    yield ""
    yield "Замечания к строкам — нарушенное правило, сколько строк:" if reasons else "Замечаний к строкам нет."
    for severity, rule, said, n in reasons:
        told = f"{said} ({rule})" if said else rule
        yield f"  {'отклонено' if severity == 'critical' else 'предупреждение':<15} {told}: {n}"
    totals = _rows(connection, "select count(*), count(*) filter (where agrees is false) from ops.control_total")
    yield f"Контрольных итогов: {totals[0][0]}, не сошлось: {totals[0][1]}."
    calculations = _rows(connection, _CALCULATIONS)
    yield ""
    yield "Последние расчёты:" if calculations else "Расчётов ещё не было."
    for calculation_id, year, years, state, started, finished, message in calculations:
        took = f" за {duration((finished - started).total_seconds())}" if finished else ""
        told = f"кампания {year}, годы {', '.join(map(str, years))}"
        yield f"  {started:%d.%m.%Y %H:%M} {calculation_id}: {told}; {_STATES[state]}{took}"
        if message:
            yield f"    {message}"
