"""Who has not delivered what: the mart of deliveries compared with a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from psycopg2.extensions import cursor as Cursor

from ravenstvo.words import counted, noun, number

_SENDERS_SHOWN = 12
_THERE = "select to_regclass('marts.mart_source_delivery') is not null"
# A procedure is not told beside its source when that has not come at all.
_UNDELIVERED = """
select lacking.year, lacking.source, lacking.source_title, lacking.procedure_title, lacking.sender_title,
    lacking.collected_by, lacking.due_on, lacking.is_watched, lacking.state = 'partial',
    lacking.n_schools, lacking.n_schools_register,
    count(*) over (
        partition by lacking.year, lacking.source, lacking.procedure_code, lacking.state = 'partial'
    ) = place.n_places and place.n_places > 1
from marts.mart_source_delivery as lacking
inner join (
    select year, source, procedure_code, count(*) as n_places from marts.mart_source_delivery group by 1, 2, 3
) as place
    on lacking.year = place.year and lacking.source = place.source
        and lacking.procedure_code is not distinct from place.procedure_code
where lacking.state in ('missing', 'awaited', 'partial')
    and (lacking.procedure_code is null or not exists (
        select 1 from marts.mart_source_delivery as whole
        where whole.year = lacking.year and whole.source = lacking.source and whole.procedure_code is null
            and whole.municipality_code is not distinct from lacking.municipality_code
            and whole.state in ('missing', 'awaited')
    ))
order by lacking.year, lacking.due_on, lacking.source_title, lacking.procedure_code nulls first,
    lacking.state = 'partial', lacking.sender_title
"""
# What the marts cannot know yet: files that have come since the last calculation began.
_FRESH = """
select part.source, part.year, count(distinct part.file_id)
from ops.source_part as part inner join ops.source_file as file using (file_id)
where part.status in ('landed', 'waiting') and part.source is not null
    and coalesce(part.landed_at, file.first_seen_at) > (
        select coalesce(max(started_at), '-infinity') from ops.calculation where status = 'done'
    )
group by part.source, part.year
"""


@dataclass(frozen=True)
class Lacking:
    """Something that somebody has not delivered, as of a day."""

    year: int
    source: str
    what: str
    sender: str
    collected_by: str
    due_on: date
    is_watched: bool
    """Whether it came due after the first file of the warehouse: before it nobody waited."""
    is_partial: bool
    n_schools: int | None
    n_schools_register: int | None
    is_everybody: bool
    """Nobody of those who send it has sent it."""
    n_fresh: int
    """Files of the source that have come since the last calculation: the marts do not know whose."""

    def days_late(self, today: date) -> int:
        """Days since the due date; negative while it is to come."""
        return (today - self.due_on).days


def lacking(cursor: Cursor) -> list[Lacking]:
    """What of all campaigns is not there, in the order of the due dates; empty before the first calculation."""
    cursor.execute(_THERE)
    if cursor.fetchone() != (True,):
        return []
    cursor.execute(_FRESH)
    fresh = {(source, year): n_files for source, year, n_files in cursor.fetchall()}
    cursor.execute(_UNDELIVERED)
    return [_lacking(row, fresh) for row in cursor.fetchall()]


def _lacking(row: tuple[Any, ...], fresh: dict[tuple[str, int | None], int]) -> Lacking:
    year, source, title, procedure, sender, *others = row
    n_fresh = fresh.get((source, year), 0) or fresh.get((source, None), 0)
    values = [year, source, procedure or title or source, sender or "Регион", *others, n_fresh]
    return Lacking(*values)


def campaigns(found: Sequence[Lacking], today: date, near: timedelta) -> list[int]:
    """Years that a person looks after now: something that came due while files were watched, or comes due soon.

    Without any, the last year of which something is past its due date.
    """
    watched = {one.year for one in found if one.is_watched and one.due_on <= today + near}
    past = [one.year for one in found if one.due_on < today]
    return sorted(watched) or sorted({max(past)} if past else set())


def expected_lines(found: Sequence[Lacking], today: date) -> Iterator[str]:
    """Who has not delivered what, year by year, with the due date and for how long."""
    for year, of_year in groupby(found, key=lambda one: one.year):
        items = list(of_year)
        late = sum(one.due_on < today for one in items)
        yield (
            f"Кампания {year} года, на {today:%d.%m.%Y}. Ещё не пришло: {number(len(items))}, "
            f"из них срок прошёл: {number(late)}."
        )
        for line in grouped(items, today):
            yield f"  {line}"


def grouped(items: Sequence[Lacking], today: date) -> list[str]:
    """A line for each kind of information: due date, what, who."""
    lines = []
    for (due_on, what, is_partial), of_kind in groupby(items, key=lambda one: (one.due_on, one.what, one.is_partial)):
        group = list(of_kind)
        lines.append(f"{when(due_on, today)} — {what}{', не от всех школ' if is_partial else ''}: {_who(group)}")
    return lines


def when(due_on: date, today: date) -> str:
    """A due date and how far it is."""
    days = (today - due_on).days
    if days > 0:
        return f"срок {due_on:%d.%m.%Y}, прошло {counted(days, 'день', 'дня', 'дней')}"
    if days == 0:
        return f"срок {due_on:%d.%m.%Y}, сегодня"
    verb = noun(-days, "остался", "осталось", "осталось")
    return f"срок {due_on:%d.%m.%Y}, {verb} {counted(-days, 'день', 'дня', 'дней')}"


def _who(group: Sequence[Lacking]) -> str:
    first = group[0]
    if first.is_everybody and not first.is_partial:
        said = f"все муниципалитеты ({len(group)})"
    else:
        said = ", ".join(_sender(one) for one in group[:_SENDERS_SHOWN])
        if len(group) > _SENDERS_SHOWN:
            said += f" и ещё {len(group) - _SENDERS_SHOWN}"
    if first.n_fresh:
        files = counted(first.n_fresh, "новый файл", "новых файла", "новых файлов")
        said += f"; после последнего расчёта пришло: {files}, рассчитайте год"
    return said


def _sender(one: Lacking) -> str:
    if one.is_partial:
        return f"{one.sender} (школ {one.n_schools} из {one.n_schools_register})"
    return one.sender
