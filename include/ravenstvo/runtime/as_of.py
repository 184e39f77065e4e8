"""``ravenstvo run --as-of``: a year as it was computed, or would have been, from what was known at a moment.

The present marts are not touched: the earlier state is calculated in a database of its own, compared with what was
recorded then and with what holds now, written down as workbooks, and dropped.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor

from ravenstvo.calculation import Calculation, begin, finish, run_stage, timed_stage
from ravenstvo.estimates import estimate
from ravenstvo.intake.versions import settle
from ravenstvo.publishing import export
from ravenstvo.publishing.earlier_state import Comparison, compare_states, comparison_lines, write_comparison
from ravenstvo.quality import validate
from ravenstvo.runtime.recalculation import alone
from ravenstvo.runtime.terminal import Stages, Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse import migrate
from ravenstvo.warehouse.as_of import AsOfError, warehouse_as_of
from ravenstvo.warehouse.connection import connect
from ravenstvo.words import duration

_STEPS = {
    "copy": "прежнее состояние",
    "seeds": "справочники",
    "validate": "проверка строк",
    "staging": "принятые строки",
    "core": "звезда",
    "estimate": "оценки",
    "marts": "витрины",
    "books": "книги",
}
_ONLY_A_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d\d\.\d\d\.\d{4}")


@dataclass(frozen=True)
class _Earlier:
    """What was asked for: the moment, the year, the campaign that everything up to the moment belongs to."""

    moment: datetime
    year: int
    campaign: int


def recalculate_as_of(settings: Settings, said: str, year: int | None, terminal: Terminal) -> Comparison:
    """Calculate what ``said`` names, tell what came of it, and write the workbooks.

    Args:
        settings: of the warehouse; it is not changed.
        said: a calculation's number (the moment it was done), a day (its end) or a moment; without a zone it is in the
            time that the warehouse shows.
        year: whose results are written; None means the latest there was.
        terminal: where to speak.

    Raises:
        AsOfError: no such moment, or nothing was there yet.
        BusyError: another such command is at work.
    """
    settings.make_home()
    # A room of its own: rows on their way, dbt's target, what the calculation writes for people.
    room = settings.home / "as_of"
    room.mkdir(exist_ok=True, mode=0o700)
    with alone(room, "пересчёт прежнего состояния"), terminal.stages(list(_STEPS.values())) as stages:
        stages.start(_STEPS["copy"])
        migrate.upgrade(settings)
        earlier = _asked(settings, said, year)
        with _own_home(settings, room) as home, warehouse_as_of(settings, earlier.moment, home) as there:
            with _noise_in(settings.logs_dir / "as_of.log"):
                calculation = _calculate(there, earlier.campaign, stages)
            stages.start(_STEPS["books"])
            compared = _compare(settings, there, earlier)
            folder = settings.reports_dir / str(earlier.year) / f"Состояние на {earlier.moment:%Y-%m-%d %H.%M.%S}"
            written = _write(there, calculation, earlier, compared, folder)
    terminal.say(f"Готово за {duration(stages.seconds)}. Действующие витрины не изменены.")
    for line in comparison_lines(compared):
        terminal.say(line)
    terminal.heading("Открыть:")
    for title, path in written:
        terminal.path(title, path, max(len(title) for title, _ in written))
    return compared


def _asked(settings: Settings, said: str, year: int | None) -> _Earlier:
    with connect(settings) as connection, connection.cursor() as cursor:
        moment = _moment(cursor, said)
        cursor.execute("select max(year) from ops.source_part where landed_at <= %s and source is not null", (moment,))
        last = (cursor.fetchone() or (None,))[0]
        # A campaign without results of its own was calculated too.
        cursor.execute("select max(year) from ops.calculation where status = 'done' and finished_at <= %s", (moment,))
        calculated = (cursor.fetchone() or (None,))[0]
    campaigns = [one for one in (last, calculated) if one is not None]
    if not campaigns:
        raise AsOfError(f"На {moment:%d.%m.%Y %H:%M} в хранилище ещё ничего не было.")
    if year is not None and year > max(campaigns):
        raise AsOfError(
            f"На {moment:%d.%m.%Y %H:%M} данных за {year} год ещё не было; последний год — {max(campaigns)}."
        )
    return _Earlier(moment, year or last or max(campaigns), max(campaigns))


def _moment(cursor: Cursor, said: str) -> datetime:
    cursor.execute("select status, finished_at from ops.calculation where calculation_id = %s", (said,))
    found = cursor.fetchone()
    if found and found[0] != "done":
        raise AsOfError(f"Расчёт {said} не был закончен: повторять нечего.")
    if found:
        at: datetime = found[1]
        return at
    try:
        cursor.execute("set local datestyle = 'ISO, DMY'")
        end = "1 day - 1 microsecond" if _ONLY_A_DAY.fullmatch(said.strip()) else "0"
        cursor.execute("select cast(%s as timestamptz) + cast(%s as interval), now()", (said, end))
    except (errors.InvalidDatetimeFormat, errors.DatetimeFieldOverflow):
        raise AsOfError(
            f"Непонятно, на какой момент: «{said}». Назовите номер расчёта («ravenstvo status»), день 2024-06-01 "
            "или время 2024-06-01 12:30."
        ) from None
    moment, now = cursor.fetchone() or (None, None)
    if moment > now:
        moment = now
    return moment


@contextmanager
def _own_home(settings: Settings, room: Path) -> Iterator[Path]:
    """A state folder that is gone at the end; dbt's parsed project is taken over, since parsing takes long."""
    home = room / "home"
    shutil.rmtree(home, ignore_errors=True)
    parsed = settings.dbt_target_dir / "partial_parse.msgpack"
    if parsed.exists():
        target = home / parsed.relative_to(settings.home)
        target.parent.mkdir(parents=True, mode=0o700)
        shutil.copy2(parsed, target)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _noise_in(log: Path) -> Iterator[None]:
    """Let what libraries say on standard error go to a file: the terminal shows the stages."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with log.open("w", encoding="utf-8") as noise:
            os.dup2(noise.fileno(), 2)
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def _calculate(there: Settings, campaign: int, stages: Stages) -> Calculation:
    """The stages of a run, in the order of the DAG, over everything that was there."""
    settle(there)
    calculation = begin(there, campaign)
    if calculation is None:
        raise AsOfError("В этот момент рассчитывать было нечего: действующих файлов нет.")
    for step in ("seeds", "validate", "staging", "core", "estimate", "marts"):
        stages.start(_STEPS[step])
        if step == "validate":
            validate(there)
        elif step == "estimate":
            with timed_stage(there, calculation, step):
                estimate(there, calculation["years"])
        else:
            run_stage(there, calculation, step)
    finish(there, calculation)
    return calculation


def _compare(settings: Settings, there: Settings, earlier: _Earlier) -> Comparison:
    with (
        connect(settings) as connection,
        connection.cursor() as now,
        connect(there) as second,
        second.cursor() as then,
    ):
        return compare_states(now, then, earlier.moment, earlier.year)


def _write(
    there: Settings, calculation: Calculation, earlier: _Earlier, compared: Comparison, folder: Path
) -> list[tuple[str, Path]]:
    """The comparison, and the region's workbook of that state where the year had results."""
    written: list[tuple[str, Any]] = [("Сравнение", write_comparison(compared, folder / "Сравнение.xlsx"))]
    with connect(there) as connection, connection.cursor() as cursor:
        try:
            prepared = export.prepare(cursor, there, earlier.year)
        except export.ExportError:
            return written
        regions = export.Export(prepared.data, prepared.territories[:1])
        written += [("Книга региона на тот момент", book) for book in regions.write(folder)]
    return written
