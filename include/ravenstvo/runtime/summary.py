"""What a run tells at its end: files, rows, schools found, what changed, and where to look next."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor

from ravenstvo.asking.expected import lacking
from ravenstvo.calculation.proposal import ApprovalError, propose
from ravenstvo.publishing.corrected import corrected_lines, corrections_of
from ravenstvo.publishing.difference import difference, difference_path
from ravenstvo.publishing.school_review import open_keys
from ravenstvo.publishing.senders import told
from ravenstvo.runtime.notifying.days import here_today
from ravenstvo.runtime.results import answers, results
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse.connection import connect
from ravenstvo.words import counted, number

_SHOWN = 10
_PROGRAM = ".venv/bin/ravenstvo"

_ROWS = """
select source, count(distinct file_id), sum(n_rows_read), sum(n_rows_accepted), sum(n_rows_rejected),
  sum(n_rows_dropped), sum(n_warnings)
from ops.source_part
where status = 'landed' and in_force and (year is null or year <= %s)
group by source
"""
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
# What came last year and did not come, or not wholly, this year: how it is told, and each thing with its remark.
_MISSING = """
select 'Не пришло, в прошлом году было' as told, 1 as place, source_title as what, null as remark
from marts.mart_source_presence where year = %(year)s and is_yearly and state = 'missing_came_last_year'
union all
select 'Пришло не всё', 2, source_title,
  format('школ %%s, в прошлом году %%s', coalesce(n_schools, 0), n_schools_last_year)
from marts.mart_source_presence where year = %(year)s and is_yearly and state = 'partial'
union all
select 'Результатов нет, в прошлом году были', 3, procedure_title, null
from marts.mart_procedure_presence where year = %(year)s and state = 'missing_came_last_year'
union all
select 'Результаты не всех', 4, procedure_title, coalesce('нет: ' || municipalities_missing,
  format('школ %%s, в прошлом году %%s', n_schools, n_schools_last_year))
from marts.mart_procedure_presence where year = %(year)s and state = 'partial'
union all
select 'Нет муниципалитета', 5, source_title, string_agg(municipality_name, ', ' order by municipality_name)
from marts.mart_source_presence_municipality where year = %(year)s and is_missing group by source_title, source
having source in (select source from marts.mart_source_presence where year = %(year)s and n_files > 0)
order by place, what
"""


def show(settings: Settings, started: datetime, terminal: Terminal) -> int:
    """Print the summary of the run that began at ``started``. Returns the number of files refused as a whole."""
    found = json.loads(settings.last_inbox_file.read_text(encoding="utf-8"))
    terminal.say()
    n_refused = show_files(settings, started, terminal, found)
    with connect(settings) as connection, connection.cursor() as cursor:
        calculation = _calculation(cursor, started)
        if calculation is None:
            terminal.say(_nothing_to_do(cursor, found["year"]))
        else:
            years = ", ".join(map(str, calculation["years"]))
            terminal.say(f"Пересчитаны годы: {years} (расчёт {calculation['id']}).")
        _show_rows(cursor, found["year"], terminal)
        _show_remarks(settings, found["year"], terminal)
        _show_missing(cursor, found["year"], terminal)
        _show_overdue(cursor, found["year"], here_today(settings), terminal)
        _show_keys(cursor, terminal)
        listed = _show_schools(cursor, found["year"], terminal)
        if calculation is not None:
            _show_corrections(cursor, calculation["id"], found["year"], terminal)
        _show_changes(settings, cursor, listed, [] if calculation is None else calculation["years"], terminal)
        example = _example(cursor, listed) if listed else None
    _show_open(settings, found["year"], terminal)
    _show_next(settings, listed, example, terminal)
    if n_refused:
        terminal.say(
            f"Внимание: отклонено целиком: {counted(n_refused, 'файл', 'файла', 'файлов')}; остальные загружены.",
            "bold yellow",
        )
    return n_refused


def show_files(settings: Settings, started: datetime, terminal: Terminal, found: dict[str, Any] | None = None) -> int:
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
        cursor.execute(
            "select min(f.path), count(*) - 1, min(p.message) from ops.source_file as f "
            "join ops.file_problem as p using (file_id) where p.code like 'drift%%' and p.found_at >= %s "
            "group by p.code, coalesce(p.column_name, f.path) order by min(f.path)",
            (started,),
        )
        drifted = cursor.fetchall()
    if found is not None:
        terminal.say(
            f"Файлов в папке: {number(found['n_found'])}. Загружено новых: {number(n_landed)}, были загружены раньше: "
            f"{number(found['n_known'])}, ждут своего года: {number(n_waiting)}, отклонено: {number(len(refused))}."
        )
    for path, message in refused[:_SHOWN]:
        terminal.say(f"  ОТКЛОНЁН {path}: {message}", "red")
    if len(refused) > _SHOWN:
        terminal.say(f"  … и ещё {len(refused) - _SHOWN}")
    if drifted:
        terminal.say(
            f"Не так, как в прошлые годы: {counted(len(drifted), 'замечание', 'замечания', 'замечаний')}.", "yellow"
        )
        for path, n_more, message in drifted[:_SHOWN]:
            more = f" (и ещё {counted(n_more, 'файл', 'файла', 'файлов')})" if n_more else ""
            terminal.say(f"  {path}{more}: {message}")
        if len(drifted) > _SHOWN:
            terminal.say(f"  … и ещё {len(drifted) - _SHOWN}: в книгах с замечаниями")
    return len(refused)


def _calculation(cursor: Cursor, started: datetime) -> dict[str, Any] | None:
    cursor.execute(
        "select calculation_id, years from ops.calculation where started_at >= %s and status = 'done' "
        "order by started_at desc limit 1",
        (started,),
    )
    row = cursor.fetchone()
    return None if row is None else {"id": row[0], "years": row[1]}


def _nothing_to_do(cursor: Cursor, year: int) -> str:
    cursor.execute("select exists (select 1 from ops.source_part where in_force and year = %s)", (year,))
    row = cursor.fetchone()
    if row and row[0]:
        return "Ничего нового: данные, справочники и модели те же, расчёт не повторялся."
    return f"Данных за {year} год нет: рассчитывать нечего."


def _show_rows(cursor: Cursor, year: int, terminal: Terminal) -> None:
    """Rows of the files in force by what they tell of; read = accepted + rejected + dropped."""
    cursor.execute(_ROWS, (year,))
    sources = load_sources()
    rows: list[list[Any]] = [
        [sources[source].title if source in sources else source, *(int(count or 0) for count in counts)]
        for source, *counts in cursor.fetchall()
    ]
    if not rows:
        return
    rows.sort(key=lambda row: (-row[2], row[0]))
    # A file that tells of two things is counted once.
    cursor.execute(
        "select count(distinct file_id) from ops.source_part "
        "where status = 'landed' and in_force and (year is null or year <= %s)",
        (year,),
    )
    n_files = (cursor.fetchone() or (0,))[0]
    total = ["Всего", n_files, *(sum(row[place] for row in rows) for place in range(2, 7))]
    terminal.heading(f"Строки действующих файлов, по {year} год включительно")
    columns = ("Сведения", "Файлов", "Прочитано", "Принято", "Отклонено", "Не данные", "Предупреждений")
    terminal.table(columns, [*rows, total], total=True)
    terminal.say("  Не данные — заголовки, итоги и пустые строки. Принятая строка может быть с предупреждением.", "dim")


def _show_remarks(settings: Settings, year: int, terminal: Terminal) -> None:
    """Senders of the year who have something to correct or to look at: each has a workbook and a letter."""
    senders = sorted(told(settings, year), key=lambda one: (-one.n_rejected, -one.n_warned, one.sender))
    if not senders:
        return
    of_year = counted(len(senders), "отправитель", "отправителя", "отправителей")
    terminal.heading(f"Замечания отправителям, {year} год: {of_year}")
    rows = [[one.sender, one.n_files, one.n_rejected, one.n_warned] for one in senders[:_SHOWN]]
    terminal.table(("Отправитель", "Файлов", "Отклонено строк", "С предупреждением"), rows)
    if len(senders) > _SHOWN:
        terminal.say(f"  … и ещё {len(senders) - _SHOWN}")
    terminal.say("  У каждого своя книга и письмо. Исправленную книгу отправитель присылает обратно.", "dim")


def _show_missing(cursor: Cursor, year: int, terminal: Terminal) -> None:
    """What the year lacks beside the year before: sources, procedures, municipalities."""
    cursor.execute("select to_regclass('marts.mart_procedure_presence')")
    if (cursor.fetchone() or (None,))[0] is None:
        return
    cursor.execute(_MISSING, {"year": year})
    missing: dict[str, list[str]] = {}
    for kind, _place, what, remark in cursor.fetchall():
        missing.setdefault(kind, []).append(f"{what} ({remark})" if remark else what)
    if not missing:
        return
    terminal.heading(f"Чего не хватает рядом с прошлым годом, {year} год")
    for kind, things in missing.items():
        more = f"; … и ещё {len(things) - _SHOWN}" if len(things) > _SHOWN else ""
        terminal.say(f"  {kind}: {'; '.join(things[:_SHOWN])}{more}")


def _show_overdue(cursor: Cursor, year: int, today: date, terminal: Terminal) -> None:
    """How much of the year's is past its due date and not there."""
    overdue = [one for one in lacking(cursor) if one.year == year and one.due_on < today]
    if overdue:
        what = counted(len(overdue), "позиция", "позиции", "позиций")
        terminal.say(f"Срок прошёл, а сведений нет: {what}. Кто и чего не прислал: {_PROGRAM} expected --year {year}")


def _show_keys(cursor: Cursor, terminal: Terminal) -> None:
    """Keys of schools that nothing explains, and what people have decided about such keys."""
    cursor.execute("select to_regclass('core.int_key_use')")
    if (cursor.fetchone() or (None,))[0] is None:
        return
    keys, _ = open_keys(cursor, with_candidates=False)
    undecided = [key for key in keys if key.is_open]
    if undecided:
        rows = counted(sum(key.n_rows for key in undecided), "строка", "строки", "строк")
        unknown = counted(len(undecided), "ключ", "ключа", "ключей")
        terminal.heading(f"Школы не распознаны: {unknown}, {rows}")
        terminal.say(f"  Книга с похожими школами для решения: {_PROGRAM} schools review")
    if len(keys) > len(undecided):
        terminal.say(f"Решений о ключах школ действует: {len(keys) - len(undecided)}.")


def _show_schools(cursor: Cursor, year: int, terminal: Terminal) -> int | None:
    """Print schools found by method in the latest year with results. Returns that year."""
    cursor.execute("select to_regclass('marts.mart_identification')")
    if (cursor.fetchone() or (None,))[0] is None:
        return None
    cursor.execute("select max(year) from marts.mart_identification where year <= %s", (year,))
    last = (cursor.fetchone() or (None,))[0]
    if last is None:
        terminal.say("Результатов, по которым можно составить перечень, ещё нет.")
        return None
    if last < year:
        terminal.say(f"За {year} год результатов нет; последний год с результатами — {last}.")
    cursor.execute(_FOUND, (last,))
    found = cursor.fetchall()
    terminal.heading(f"Школы с низкими результатами, {last} год")
    rows = [
        (method, n_low, n_judged, n_fragile, title)
        for method, kind, title, n_low, n_judged, n_fragile, _ in found
        if kind != "context_share" and n_judged
    ]
    terminal.table(("Метод", "Школ", "Из", "Неустойчивых", "Что считает низким"), rows)
    without = [method for method, kind, *_, n_judged, _, _ in found if kind != "context_share" and not n_judged]
    if without:
        terminal.say(f"  без данных для вывода: {', '.join(without)}")
    for method, kind, title, _, n_judged, _, n_adverse in found:
        if kind == "context_share" and n_judged:
            terminal.say(f"  Школы в неблагоприятных условиях: {n_adverse} из {n_judged} ({method}) — {title}")
    if any(row[3] for row in rows):
        terminal.say("  Неустойчивые: один участник изменил бы вывод.", "dim")
    return int(last)


def _show_corrections(cursor: Cursor, calculation_id: str, year: int, terminal: Terminal) -> None:
    """What newer versions, withdrawn and partial files changed in the rows of the files, before and after."""
    lines = list(corrected_lines(corrections_of(cursor, calculation_id)))
    if lines:
        terminal.heading("Исправлено в файлах с прошлого расчёта")
        terminal.say("\n".join(lines))
        terminal.say(f"  Все строки: {_PROGRAM} diff --year {year}")


def _show_changes(settings: Settings, cursor: Cursor, year: int | None, years: list[int], terminal: Terminal) -> None:
    """What the list of the year changes: to the year before, to the calculation before, to lists that are approved."""
    if year is None:
        return
    lines = []
    try:
        proposed = propose(cursor, year)
    except ApprovalError:
        proposed = None  # no method to approve by: nothing to compare
    if proposed is not None and proposed.last_year is not None:
        lines.append(
            f"  К {year - 1} году ({proposed.method_code}, {proposed.last_year.kind}): вошли {len(proposed.entered)}, "
            f"вышли {len(proposed.left)}, остались {proposed.n_stayed}"
        )
    for changed in range(min(years), max(years) + 1) if years else ():
        found = difference(cursor, changed)
        if found.is_published and found.changes:
            lines.append(
                f"  Перечень {found.year} года утверждён на расчёте {found.pair.base_id} и заморожен; новый расчёт "
                f"отличается от него, школ с отличиями: {found.n_schools}. Книга: {difference_path(settings, found)}"
            )
        elif found.pair is not None:
            lines.append(f"  К прошлому расчёту {found.year} года: школ с отличиями — {found.n_schools}")
    if lines:
        terminal.heading("Изменения")
        terminal.say("\n".join(lines))


def _example(cursor: Cursor, year: int) -> str | None:
    """A school of the list, by the key that people know."""
    cursor.execute(
        "select coalesce(school_code, login, school_id) from marts.mart_identification "
        "where year = %s and is_low_results order by n_low_procedures desc, school_id limit 1",
        (year,),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def _show_open(settings: Settings, year: int, terminal: Terminal) -> None:
    """Paths of what people open; only what exists."""
    found: list[tuple[str, Any]] = [(one.title, one.path) for one in results(settings, year)]
    if answers(settings.dashboards_address):
        found.append(("Дашборды", settings.dashboards_address))
    if not found:
        return
    terminal.heading("Открыть:")
    width = max(len(title) for title, _ in found)
    for title, target in found:
        terminal.path(title, target, width)


def _show_next(settings: Settings, listed: int | None, example: str | None, terminal: Terminal) -> None:
    commands = []
    if listed is not None:
        commands.append((f"{_PROGRAM} approve --year {listed} --show", "предлагаемый перечень целиком"))
    if example is not None:
        commands.append((f"{_PROGRAM} explain --school {example} --year {listed}", "почему школа в перечне"))
    commands.append((f"{_PROGRAM} status", "файлы, версии, отклонённые строки"))
    if not answers(settings.dashboards_address):
        commands.append(("make bi", "дашборды"))
    terminal.heading("Дальше:")
    width = max(len(command) for command, _ in commands)
    for command, what in commands:
        terminal.say(f"  {command:<{width}}  — {what}")
