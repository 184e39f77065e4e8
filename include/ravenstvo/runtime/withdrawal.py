"""``ravenstvo withdraw``: a file that should not have come counts no more, and what it had replaced is in force again.

Nothing is deleted: the rows stay in landing, who withdrew the file and why is recorded, and a withdrawal can be undone.
The marts change with the next run, which recalculates the years concerned only.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from ravenstvo.calculation.lifecycle import turn
from ravenstvo.errors import ToldError
from ravenstvo.intake.versions import settle
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

_SHOWN = 10


class WithdrawalError(ToldError):
    """The file cannot be withdrawn or returned; the message (Russian) says why."""


@dataclass(frozen=True)
class Withdrawal:
    """What was withdrawn or returned: the file, its years (None: without a year), and files that are in force anew."""

    path: str
    years: list[int | None]
    in_force_anew: list[str]
    out_of_force: list[str]


def withdraw(settings: Settings, file: str, by: str, reason: str) -> Withdrawal:
    """Take a file out of everything.

    Args:
        settings: where the warehouse is.
        file: its path inside the inbox, its name, or the beginning of its SHA-256.
        by: who decides.
        reason: why.

    Raises:
        WithdrawalError: no such file, several, one that is not loaded; nobody or no reason given.
        CalculationError: a calculation is at work.
    """
    if not by.strip() or not reason.strip():
        raise WithdrawalError("Укажите, кто отзывает файл и почему: --by и --reason")
    with turn(settings):
        with connect(settings) as connection, connection.cursor() as cursor:
            file_id, path = _found(cursor, file, ("landed", "waiting"))
            before = _in_force(cursor)
            cursor.execute("update ops.source_file set status = 'withdrawn' where file_id = %s", (file_id,))
            cursor.execute(
                "update ops.source_part set status = 'withdrawn', in_force = false, superseded_by = null "
                "where file_id = %s and status in ('landed', 'waiting')",
                (file_id,),
            )
            cursor.execute(
                "delete from ops.superseded_school where part_id in "
                "(select part_id from ops.source_part where file_id = %s)",
                (file_id,),
            )
            _settle_anew(cursor, file_id)
            cursor.execute(
                "insert into ops.withdrawal (file_id, withdrawn_by, reason) values (%s, %s, %s)", (file_id, by, reason)
            )
        settle(settings)
        return _told(settings, file_id, path, before)


def undo(settings: Settings, file: str, by: str) -> Withdrawal:
    """Take a withdrawal back. Raises as ``withdraw`` does."""
    if not by.strip():
        raise WithdrawalError("Укажите, кто возвращает файл: --by")
    with turn(settings):
        with connect(settings) as connection, connection.cursor() as cursor:
            file_id, path = _found(cursor, file, ("withdrawn",))
            before = _in_force(cursor)
            # What had waited for its year waits again.
            cursor.execute(
                "update ops.source_part set status = case when landed_at is null then 'waiting' else 'landed' end "
                "where file_id = %s and status = 'withdrawn'",
                (file_id,),
            )
            cursor.execute(
                "update ops.source_file set status = case when exists (select from ops.source_part as part "
                "where part.file_id = source_file.file_id and part.status = 'landed') then 'landed' else 'waiting' end "
                "where file_id = %s",
                (file_id,),
            )
            _settle_anew(cursor, file_id)
            cursor.execute(
                "update ops.withdrawal set is_undone = true, undone_by = %s, undone_at = ops.moment() "
                "where file_id = %s and not is_undone",
                (by, file_id),
            )
        settle(settings)
        return _told(settings, file_id, path, before)


def lines(done: Withdrawal, *, is_undone: bool) -> list[str]:
    """What to tell the person who did it."""
    years = [str(year) for year in done.years if year is not None]
    said = [f"Файл {'возвращён' if is_undone else 'отозван'}: {done.path}"]
    said += [f"  снова действует: {path}" for path in done.in_force_anew if path != done.path][:_SHOWN]
    said += [f"  больше не действует: {path}" for path in done.out_of_force if path != done.path][:_SHOWN]
    campaign = f" --year {max(done.years, key=lambda year: year or 0)}" if years else ""
    concerned = f"годы {', '.join(years)}" if years else "сведения без года"
    said.append(f"Затронуто: {concerned}. Витрины изменит следующий расчёт: ravenstvo run{campaign}")
    return said


def _found(cursor: Cursor, file: str, statuses: tuple[str, ...]) -> tuple[int, str]:
    cursor.execute(
        "select file_id, path, status from ops.source_file "
        "where path = %(file)s or name = %(file)s or (length(%(file)s) >= 8 and starts_with(sha256, lower(%(file)s))) "
        "order by path = %(file)s desc, path",
        {"file": file},
    )
    rows = cursor.fetchall()
    if rows and rows[0][1] == file:
        rows = [row for row in rows if row[1] == file]
    fitting = [row for row in rows if row[2] in statuses]
    if len(fitting) == 1:
        return fitting[0][0], fitting[0][1]
    if len(fitting) > 1:
        listed = "; ".join(path for _id, path, _status in fitting[:_SHOWN])
        raise WithdrawalError(f"Под это подходит файлов: {len(fitting)} ({listed}). Укажите путь или начало SHA-256.")
    if rows:
        state = {"withdrawn": "уже отозван", "refused": "отклонён при загрузке, отзывать нечего"}.get(
            rows[0][2], "не отозван: возвращать нечего"
        )
        raise WithdrawalError(f"Файл {rows[0][1]} {state}.")
    raise WithdrawalError(f"Файла «{file}» в хранилище нет. Список: ravenstvo status")


def _settle_anew(cursor: Cursor, file_id: int) -> None:
    """Have the next settling decide again about every content that the file holds."""
    cursor.execute(
        "update ops.source_part set version = null where status = 'landed' and content_key in "
        "(select content_key from ops.source_part where file_id = %s)",
        (file_id,),
    )


def _in_force(cursor: Cursor) -> set[str]:
    cursor.execute("select distinct path from ops.source_part join ops.source_file using (file_id) where in_force")
    return {path for (path,) in cursor.fetchall()}


def _told(settings: Settings, file_id: int, path: str, before: set[str]) -> Withdrawal:
    with connect(settings) as connection, connection.cursor() as cursor:
        after = _in_force(cursor)
        cursor.execute(
            "select distinct year from ops.source_part where file_id = %s and source is not null order by year",
            (file_id,),
        )
        years = [year for (year,) in cursor.fetchall()]
    return Withdrawal(path, years, sorted(after - before), sorted(before - after))
