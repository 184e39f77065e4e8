"""What is told when a run is done, and day by day: refused files, and who has not delivered what."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from psycopg2.extensions import cursor as Cursor

from ravenstvo.asking.expected import Lacking, grouped, lacking
from ravenstvo.publishing.senders import FOLDER, INDEX, told
from ravenstvo.runtime.notifying import outbox
from ravenstvo.runtime.notifying.channels import deliver
from ravenstvo.runtime.notifying.failures import tell_left
from ravenstvo.runtime.notifying.papers import Paper, Part, clean, listed, subject
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.words import counted

log = logging.getLogger(__name__)

_SHOWN = 20
_REFUSED_TOPIC = "refused"
# Refused as a whole, and nothing of that path has been accepted since.
_REFUSED = """
select refused.path, coalesce(string_agg(problem.message || coalesce(' — ' || problem.advice, ''), '; '
    order by problem.problem_id), refused.message, '')
from ops.source_file as refused
left join ops.file_problem as problem on refused.file_id = problem.file_id and problem.severity = 'error'
where refused.status = 'refused' and not exists (
    select 1 from ops.source_file as later
    where later.path = refused.path and later.file_id > refused.file_id and later.status in ('landed', 'waiting')
)
group by refused.file_id
order by refused.path
"""
_LAST = "select calculation_id from ops.calculation where status = 'done' order by finished_at desc limit 1"


def tell_finished(settings: Settings, year: int, today: date) -> bool:
    """Tell of a run that ended with refused files or with something that is overdue, if that is news.

    Also sends what waited. Returns whether there was something new to tell. Raises nothing of the channels.
    """
    if not outbox.channels(settings):
        return False
    with connect(settings) as connection, connection.cursor() as cursor:
        refused = _rows(cursor, _REFUSED)
        overdue = [one for one in lacking(cursor) if one.is_watched and one.due_on < today and one.year <= year]
        calculation = next(iter(_rows(cursor, _LAST)), (None,))[0]
    paper = finished_paper(settings, year, calculation, refused, overdue, today) if refused or overdue else None
    facts = [refused, [_fact(one) for one in overdue]]
    is_news = outbox.tell_change(settings, paper, f"finished {year}", facts)
    # The morning does not tell of them once more.
    outbox.tell_change(settings, None, _REFUSED_TOPIC, refused)
    deliver(settings)
    return is_news


def finished_paper(
    settings: Settings,
    year: int,
    calculation: str | None,
    refused: Sequence[tuple[str, str]],
    overdue: Sequence[Lacking],
    today: date,
) -> Paper:
    """The letter of a run that is done, but not with everything."""
    said = []
    if refused:
        said.append(f"отклонено целиком: {counted(len(refused), 'файл', 'файла', 'файлов')}")
    if overdue:
        said.append(f"не пришло в срок: {counted(len(overdue), 'позиция', 'позиции', 'позиций')}")
    parts = []
    if refused:
        parts.append(_refused_part(refused))
    if overdue:
        parts.append(Part("Не пришло в срок", listed(grouped(overdue, today), _SHOWN)))
    senders = told(settings, year)
    if senders:
        n_rejected = sum(one.n_rejected for one in senders)
        parts.append(
            Part(
                "Замечания отправителям",
                (
                    f"Отправителей: {len(senders)}, строк отклонено: {n_rejected}.",
                    f"Книги и письма: {settings.reports_dir / str(year) / FOLDER / INDEX}",
                    f"Разослать: ravenstvo send-letters --year {year}",
                ),
            )
        )
    report = settings.report_file(year)
    where = [f"Отчёт: {report}"] if report.exists() else []
    where += ["Файлы и версии: ravenstvo status", f"Кто чего не прислал: ravenstvo expected --year {year}"]
    parts.append(Part("Где смотреть", tuple(where)))
    done = f"Расчёт {year} года выполнен{f' ({calculation})' if calculation else ''}."
    lead = (done, *(f"{one[0].upper()}{one[1:]}." for one in said))
    return Paper(subject(f"расчёт {year} года выполнен; {'; '.join(said)}"), lead, tuple(parts))


def watch_deliveries(settings: Settings, today: date) -> bool:
    """Tell who has not delivered what, when that is not what was told last: one letter with everything.

    Told are due dates that have passed and those of the next days, of the time since the warehouse holds files. Also
    tells of files that were refused since, and of runs that nobody told of, and sends what waited. Returns whether
    there was something new to tell of deliveries.
    """
    if not outbox.channels(settings):
        return False
    tell_left(settings)
    near = today + timedelta(days=settings.notify_days_before)
    with connect(settings) as connection, connection.cursor() as cursor:
        found = [one for one in lacking(cursor) if one.is_watched and one.due_on <= near]
        refused = _rows(cursor, _REFUSED)
    late = [one for one in found if one.due_on < today]
    facts = [[_fact(one), one.due_on < today] for one in found]
    paper = delivery_paper(late, [one for one in found if one.due_on >= today], today) if found else None
    is_news = outbox.tell_change(settings, paper, "deliveries", facts)
    outbox.tell_change(settings, _refused_paper(refused) if refused else None, _REFUSED_TOPIC, refused)
    deliver(settings)
    return is_news


def _refused_paper(refused: Sequence[tuple[str, str]]) -> Paper:
    """The letter of files that came since the last calculation and were refused."""
    said = f"отклонено целиком: {counted(len(refused), 'файл', 'файла', 'файлов')}"
    where = Part("Где смотреть", ("Файлы и версии: ravenstvo status",))
    return Paper(subject(said), (f"{said[0].upper()}{said[1:]}.",), (_refused_part(refused), where))


def _refused_part(refused: Sequence[tuple[str, str]]) -> Part:
    lines = [clean(f"{path}: {message}") for path, message in refused]
    return Part("Отклонённые файлы: что не так и что сделать", listed(lines, _SHOWN))


def delivery_paper(late: Sequence[Lacking], near: Sequence[Lacking], today: date) -> Paper:
    """The letter of due dates."""
    n_senders = len({one.sender for one in late})
    lead = []
    if late:
        senders = counted(n_senders, "отправителя", "отправителей", "отправителей")
        lead.append(f"На {today:%d.%m.%Y} не пришло в срок: {len(late)}, от {senders}.")
    if near:
        lead.append(f"Срок наступает на днях: {len(near)}.")
    parts = []
    for title, items in (("Срок прошёл", late), ("Срок близко", near)):
        years = sorted({one.year for one in items})
        for year in years:
            of_year = [one for one in items if one.year == year]
            parts.append(Part(f"{title}, кампания {year} года", listed(grouped(of_year, today), _SHOWN)))
    parts.append(
        Part(
            "Что сделать",
            (
                "Напомните тем, кто назван. Пришедшие файлы положите в папку приёма: следующий расчёт их учтёт.",
                "Весь список на сегодня: ravenstvo expected. Срок изменился — строка справочника expected_source.",
            ),
        )
    )
    what = [*([f"не пришло в срок: {len(late)}"] if late else []), *([f"срок близко: {len(near)}"] if near else [])]
    return Paper(subject("; ".join(what)), tuple(lead), tuple(parts))


def _fact(one: Lacking) -> list[Any]:
    """What makes a thing not delivered news; not the number of days."""
    return [one.year, one.what, one.sender, one.due_on.isoformat(), one.is_partial, one.n_schools]


def _rows(cursor: Cursor, statement: str) -> list[tuple[Any, ...]]:
    cursor.execute(statement)
    return cursor.fetchall()
