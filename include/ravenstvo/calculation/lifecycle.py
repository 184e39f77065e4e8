"""Begin and end of a calculation.

One calculation at a time works on a warehouse: its stages rebuild common tables. A stage holds an advisory lock
while it runs; a calculation that is still marked as running when another begins has died, or loses its turn and
stops at its next stage. One that has failed goes on when the stage that failed is tried again, as long as nothing
else has begun and the rules are the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypedDict

import psycopg2
from psycopg2.extensions import cursor as Cursor

from ravenstvo.calculation.inputs import code_version, data_hashes, libraries, seeds_hash, year_hash
from ravenstvo.calculation.record import record_begin, record_end
from ravenstvo.errors import ToldError
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect, parameters
from ravenstvo.warehouse.keys import version_in_force
from ravenstvo.warehouse.roles import TRANSFORMER

_LOCK = "hashtext('ravenstvo.calculation')"
_TAKEN = f"""
select exists (
    select from pg_catalog.pg_locks
    where locktype = 'advisory' and granted
        and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
        and (classid::bigint << 32 | objid::bigint) = {_LOCK}::bigint
)
"""
_PAUSE = 0.1
# How long the warehouse is waited for: by a person's command, and by a stage, whose run would end of it.
_PATIENCE, _STAGE_PATIENCE = 1, 60


class CalculationError(ToldError):
    """A calculation cannot begin or go on; the message (Russian) says why."""


class BusyError(CalculationError):
    """Another calculation works on this warehouse, and the message (Russian) says which: it is waited for.

    It says nothing against the calculation that waits for its turn.
    """


class Calculation(TypedDict):
    """What the tasks hand to each other."""

    calculation_id: str
    year: int
    years: list[int]


_LAST_HASHES = """
select distinct on (hashed.year) hashed.year::int, hashed.hash
from ops.calculation, jsonb_each_text(parameters -> 'year_hashes') as hashed (year, hash)
where status = 'done'
order by hashed.year, finished_at desc
"""


def begin(
    settings: Settings,
    year: int | None = None,
    run_id: str | None = None,
    is_alive: Callable[[str], bool] | None = None,
) -> Calculation | None:
    """Decide which years to recalculate and open a calculation.

    Years are the campaign year and every earlier year with data whose inputs differ from those of its last done
    calculation. Without a year the campaign is the latest year with data. Returns None when nothing changed, or
    when nothing has come at all.

    ``run_id`` is kept with the calculation; ``is_alive`` tells of the run of another one whether it still goes on.
    Without it the other one loses its turn.

    Raises BusyError while a stage of another calculation runs, or its run goes on between two stages.
    """
    with turn(settings), connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        if is_alive is not None:
            _leave_to_others(cursor, run_id, is_alive)
        data = data_hashes(cursor, year)
        cursor.execute(_LAST_HASHES)
        last = dict(cursor.fetchall())
        # A year whose files were all withdrawn has no data left and is calculated once more, to nothing.
        for gone in last.keys() - data.keys():
            data[gone] = ""
        campaign = year if year is not None else max(data, default=None)
        if campaign is None or campaign not in data:
            return None
        seeds, code = seeds_hash(settings.project_root), code_version(settings.project_root)
        key_version = version_in_force(cursor)
        hashes = {y: year_hash(data[y], seeds, code, key_version) for y in sorted(data) if y <= campaign}
        changed = [y for y, value in hashes.items() if last.get(y) != value]
        if not changed and not _unvalidated(cursor):
            return None
        years = sorted({*changed, campaign})
        calculation_id = _new_id(cursor, campaign)
        cursor.execute(
            "update ops.calculation set status = 'failed', finished_at = ops.moment(), message = %s "
            "where status = 'running'",
            (f"Прерван: не был закончен к началу расчёта {calculation_id}",),
        )
        cursor.execute(
            "insert into ops.calculation "
            "(calculation_id, year, years, status, inputs_hash, code_version, seeds_hash, parameters) "
            "values (%s, %s, %s, 'running', %s, %s, %s, %s)",
            (
                *(calculation_id, campaign, years, hashes[campaign], code, seeds),
                json.dumps(
                    {"year_hashes": {str(y): hashes[y] for y in years}, "libraries": libraries(), "run": run_id}
                ),
            ),
        )
        record_begin(cursor, calculation_id, years)
        return Calculation(calculation_id=calculation_id, year=campaign, years=years)


def _leave_to_others(cursor: Cursor, run_id: str | None, is_alive: Callable[[str], bool]) -> None:
    cursor.execute(
        "select calculation_id, parameters ->> 'run' from ops.calculation where status = 'running' "
        "and parameters ->> 'run' <> coalesce(%s, '')",
        (run_id,),
    )
    for calculation_id, other in cursor.fetchall():
        if is_alive(other):
            raise BusyError(f"Идёт расчёт {calculation_id} (запуск {other}).")


def out_of_date(settings: Settings) -> list[int]:
    """Calculated years whose inputs are not what they were, or which have got rows that nobody has validated yet."""
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute(_LAST_HASHES)
        last = dict(cursor.fetchall())
        data = data_hashes(cursor, max(last, default=None))
        seeds, code = seeds_hash(settings.project_root), code_version(settings.project_root)
        key_version = version_in_force(cursor)
        cursor.execute("select distinct year from ops.source_part where status = 'landed' and validated_at is null")
        unvalidated = {year for (year,) in cursor.fetchall()}
    return [
        year
        for year in sorted(last.keys() & data.keys())
        if year in unvalidated or year_hash(data[year], seeds, code, key_version) != last[year]
    ]


def finish(settings: Settings, calculation: Calculation) -> None:
    """Record the calculation and mark it as done: from now on its inputs count as calculated.

    One that is done already stays as it is: a task that dies after its transaction is tried again.
    Raises CalculationError when another calculation has begun meanwhile.
    """
    with (
        turn(settings, _STAGE_PATIENCE),
        connect(settings, TRANSFORMER) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "update ops.calculation set status = 'done', finished_at = ops.moment() "
            "where calculation_id = %s and status = 'running'",
            (calculation["calculation_id"],),
        )
        if cursor.rowcount != 1:
            if _is_done(cursor, calculation):
                return
            raise CalculationError(_lost_turn(calculation))
        record_end(cursor, calculation["calculation_id"], calculation["years"], settings.histories_kept)


def _is_done(cursor: Cursor, calculation: Calculation) -> bool:
    cursor.execute(
        "select 1 from ops.calculation where calculation_id = %s and status = 'done'", (calculation["calculation_id"],)
    )
    return cursor.fetchone() is not None


def fail(settings: Settings, calculation: Calculation, message: str) -> None:
    """Mark the calculation as failed."""
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute(
            "update ops.calculation set status = 'failed', finished_at = ops.moment(), message = %s "
            "where calculation_id = %s and status = 'running'",
            (message, calculation["calculation_id"]),
        )


def is_calculated(settings: Settings) -> bool:
    """Whether any calculation of this warehouse has come to its end."""
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute("select exists (select 1 from ops.calculation where status = 'done')")
        row = cursor.fetchone()
        return bool(row and row[0])


@contextmanager
def stage_turn(settings: Settings, calculation: Calculation) -> Iterator[None]:
    """Hold the warehouse for one stage, after checking that this calculation still is the one in hand."""
    with turn(settings, _STAGE_PATIENCE):
        with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
            cursor.execute(
                "select status, code_version, seeds_hash, started_at = (select max(started_at) from ops.calculation) "
                "from ops.calculation where calculation_id = %s",
                (calculation["calculation_id"],),
            )
            status, code, seeds, is_last = cursor.fetchone() or ("", "", "", False)
            if status == "failed" and is_last:
                _go_on(settings, cursor, calculation, code, seeds)
            elif status != "running":
                raise CalculationError(_lost_turn(calculation))
        yield


def _go_on(settings: Settings, cursor: Cursor, calculation: Calculation, code: str, seeds: str) -> None:
    """Take up a calculation whose stage has failed and is tried again: by Airflow, or by a person who cleared it."""
    root = settings.project_root
    if (code, seeds) != (code_version(root), seeds_hash(root)):
        raise CalculationError(
            f"Расчёт {calculation['calculation_id']} не продолжить: с его начала изменились справочники или программа. "
            "Запустите расчёт заново."
        )
    cursor.execute(
        "update ops.calculation set status = 'running', finished_at = null, message = null where calculation_id = %s",
        (calculation["calculation_id"],),
    )


@contextmanager
def turn(settings: Settings, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the warehouse against calculations. Raises BusyError while a stage of one runs, after so many seconds."""
    # A session lock on a connection without a transaction: an open one would hold back vacuum for a whole stage.
    holder = psycopg2.connect(**parameters(settings, TRANSFORMER))
    try:
        holder.autocommit = True
        with holder.cursor() as cursor:
            if not _take(cursor, patience):
                raise BusyError(
                    "В этом хранилище сейчас идёт другой расчёт. "
                    "Дождитесь его окончания («ravenstvo status») и повторите."
                )
            try:
                yield
            finally:
                # The server notices a closed connection a moment later: the next stage may be there before. Where the
                # connection is broken, the lock is gone with it.
                with suppress(psycopg2.Error):
                    cursor.execute(f"select pg_advisory_unlock({_LOCK})")
    finally:
        holder.close()


def is_taken(cursor: Cursor) -> bool:
    """Whether somebody holds the warehouse; only looks."""
    cursor.execute(_TAKEN)
    return cursor.fetchone() == (True,)


def _take(cursor: Cursor, patience: float) -> bool:
    """Take the lock; one that is held for a moment, or seems to be by a process killed just now, is waited for."""
    until = time.monotonic() + patience
    while True:
        cursor.execute(f"select pg_try_advisory_lock({_LOCK})")
        if cursor.fetchone() == (True,):
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(_PAUSE)


def _lost_turn(calculation: Calculation) -> str:
    return (
        f"Расчёт {calculation['calculation_id']} остановлен: тем временем в этом хранилище начат другой расчёт. "
        "Его итоги — в «ravenstvo status»."
    )


def _unvalidated(cursor: Cursor) -> bool:
    """Whether rows wait for validation, such as those of a file that came late and is not in force."""
    cursor.execute("select exists (select 1 from ops.source_part where status = 'landed' and validated_at is null)")
    row = cursor.fetchone()
    return bool(row and row[0])


def _new_id(cursor: Cursor, year: int) -> str:
    """Readable and unique: campaign year, time, and a number where two begin within one second."""
    cursor.execute("select to_char(ops.moment() at time zone 'UTC', 'YYYYMMDD\"T\"HH24MISS')")
    base = f"{year}-{(cursor.fetchone() or ('',))[0]}"
    cursor.execute("select count(*) from ops.calculation where starts_with(calculation_id, %s)", (base,))
    row = cursor.fetchone()
    taken = row[0] if row else 0
    return base if taken == 0 else f"{base}-{taken + 1}"
