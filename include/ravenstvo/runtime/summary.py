"""What a run tells at its end: files, rows, schools found, and where to look next."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor

from ravenstvo.publishing.difference import difference_path, published_differences
from ravenstvo.quality.workbook import NO_YEAR
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

Say = Callable[[str], None]

_SHOWN = 10


_FOUND = """
select i.method_code, m.kind, m.label_ru, count(*) filter (where i.is_low_results),
  count(case when m.kind = 'context_share' then i.is_adverse_context else i.is_low_results end),
  count(*) filter (where i.is_low_results and i.is_fragile), count(*) filter (where i.is_adverse_context)
from marts.mart_identification as i
join core.dim_method as m on i.method_code = m.method_code and i.method_version = m.method_version
where i.year = %s
group by i.method_code, m.kind, m.label_ru
order by m.kind <> 'low_share', i.method_code
"""


def show(settings: Settings, started: datetime, say: Say) -> int:
    """Print the summary of the run that began at ``started``. Returns the number of files refused as a whole."""
    found = json.loads(settings.last_inbox_file.read_text(encoding="utf-8"))
    say("")
    n_refused = show_files(settings, started, say, found)
    with connect(settings) as connection, connection.cursor() as cursor:
        calculation = _calculation(cursor, started)
        if calculation is None:
            say(_nothing_to_do(cursor, found["year"]))
        else:
            say(f"Пересчитаны годы: {', '.join(map(str, calculation['years']))} (расчёт {calculation['id']}).")
            _show_differences(settings, cursor, calculation["years"], say)
        _show_rows(cursor, found["year"], say)
        listed = _show_schools(cursor, found["year"], say)
        example = _example(cursor, listed) if listed else None
    _show_next(settings, found["year"], listed, example, n_refused, say)
    return n_refused


def show_files(settings: Settings, started: datetime, say: Say, found: dict[str, Any] | None = None) -> int:
    """Print what became of the files of the run that began at ``started``. Returns the number of refused ones."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select count(*) filter (where landed_at >= %s), "
            "count(*) filter (where waits and sha256 = any(%s)) from "
            "(select sha256, max(p.landed_at) as landed_at, bool_or(p.status = 'waiting') as waits "
            "from ops.source_file join ops.source_part as p using (file_id) group by sha256) as files",
            (started, [] if found is None else found["fingerprints"]),
        )
        n_landed, n_waiting = cursor.fetchone() or (0, 0)
        cursor.execute(
            "select f.path, string_agg(p.message || coalesce(' — ' || p.advice, ''), '; ' order by p.problem_id) "
            "from ops.source_file as f join ops.file_problem as p using (file_id) "
            "where f.status = 'refused' and p.severity = 'error' and p.found_at >= %s group by f.path order by f.path",
            (started,),
        )
        refused = cursor.fetchall()
    if found is not None:
        say(
            f"Файлов в папке: {found['n_found']}. Загружено новых: {n_landed}, были загружены раньше: "
            f"{found['n_known']}, ждут своего года: {n_waiting}, отклонено: {len(refused)}."
        )
    for path, message in refused[:_SHOWN]:
        say(f"  ОТКЛОНЁН {path}: {message}")
    if len(refused) > _SHOWN:
        say(f"  … и ещё {len(refused) - _SHOWN}")
    return len(refused)


def _calculation(cursor: Cursor, started: datetime) -> dict[str, Any] | None:
    cursor.execute(
        "select calculation_id, years from ops.calculation where started_at >= %s and status = 'done' "
        "order by started_at desc limit 1",
        (started,),
    )
    row = cursor.fetchone()
    return None if row is None else {"id": row[0], "years": row[1]}


def _show_differences(settings: Settings, cursor: Cursor, years: list[int], say: Say) -> None:
    """Say where an approved list no longer is what is computed."""
    for found in published_differences(cursor, years):
        say(
            f"Перечень {found.year} года утверждён на расчёте {found.pair.base_id} и заморожен; новый расчёт "
            f"отличается от него, школ с отличиями: {found.n_schools}. Книга: {difference_path(settings, found)}"
        )


def _nothing_to_do(cursor: Cursor, year: int) -> str:
    cursor.execute("select exists (select 1 from ops.source_part where in_force and year = %s)", (year,))
    row = cursor.fetchone()
    if row and row[0]:
        return "Ничего нового: данные, справочники и модели те же, расчёт не повторялся."
    return f"Данных за {year} год нет: рассчитывать нечего."


def _show_rows(cursor: Cursor, year: int, say: Say) -> None:
    cursor.execute(
        "select sum(n_rows_read), sum(n_rows_accepted), sum(n_rows_rejected), sum(n_rows_dropped), sum(n_warnings) "
        "from ops.source_part where status = 'landed' and in_force and (year is null or year <= %s)",
        (year,),
    )
    read, accepted, rejected, dropped, warnings = (value or 0 for value in cursor.fetchone() or (0,) * 5)
    say(
        f"Строк в действующих файлах: {read} = принято {accepted} + отклонено {rejected} + заголовки, итоги и пустые "
        f"{dropped}. Принято с предупреждением: {warnings}."
    )


def _show_schools(cursor: Cursor, year: int, say: Say) -> int | None:
    """Print schools found by method in the latest year with results. Returns that year."""
    cursor.execute("select to_regclass('marts.mart_identification')")
    if (cursor.fetchone() or (None,))[0] is None:
        return None
    cursor.execute("select max(year) from marts.mart_identification where year <= %s", (year,))
    last = (cursor.fetchone() or (None,))[0]
    if last is None:
        say("Результатов, по которым можно составить перечень, ещё нет.")
        return None
    if last < year:
        say(f"За {year} год результатов нет; последний год с результатами — {last}.")
    cursor.execute(_FOUND, (last,))
    found = cursor.fetchall()
    say(f"Школы с низкими результатами, {last} год (из них держатся на одном участнике):")
    for method, kind, title, n_low, n_judged, n_fragile, _ in found:
        if kind != "context_share" and n_judged:
            fragile = f" ({n_fragile})" if n_fragile else ""
            say(f"  {method}: {n_low} из {n_judged}{fragile} — {title}")
    without = [method for method, kind, *_, n_judged, _, _ in found if kind != "context_share" and not n_judged]
    if without:
        say(f"  без данных для вывода: {', '.join(without)}")
    for method, kind, title, _, n_judged, _, n_adverse in found:
        if kind == "context_share" and n_judged:
            say(f"Школы в неблагоприятных условиях: {n_adverse} из {n_judged} ({method}) — {title}")
    return int(last)


def _example(cursor: Cursor, year: int) -> str | None:
    """A school of the list, by the key that people know."""
    cursor.execute(
        "select coalesce(school_code, login, school_id) from marts.mart_identification "
        "where year = %s and is_low_results order by n_low_procedures desc, school_id limit 1",
        (year,),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def _show_next(
    settings: Settings, year: int, listed: int | None, example: str | None, n_refused: int, say: Say
) -> None:
    program = ".venv/bin/ravenstvo"
    say("\nДальше:")
    if example is not None:
        say(f"  {program} explain --school {example} --year {listed}")
    if listed is not None:
        say(f'  {program} query "select * from marts.mart_identification where year = {listed} and is_low_results"')
    say(f"  {program} status")
    for folder in (str(year), NO_YEAR):
        errors = settings.reports_dir / folder / "errors"
        if errors.is_dir() and any(errors.iterdir()):
            say(f"  Ошибки для отправителей: {errors}")
    docs = settings.data_docs_dir / "index.html"
    if docs.exists():
        say(f"  Проверки (Data Docs): {docs}")
    if n_refused:
        say(f"Внимание: отклонено файлов целиком: {n_refused}; остальные загружены.")
