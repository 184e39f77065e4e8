"""What something that was broken off has left, and what has not been done for long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from psycopg2 import sql

from ravenstvo.calculation.lifecycle import is_taken
from ravenstvo.runtime import backup, processes, services
from ravenstvo.runtime.backup.backing_up import drafts, last
from ravenstvo.runtime.backup.restoring import unfinished
from ravenstvo.runtime.doctor.asking import asking_warehouse, value
from ravenstvo.runtime.doctor.finding import Finding, ok, trouble, warning
from ravenstvo.runtime.notifying.outbox import refused, waiting
from ravenstvo.runtime.old_files import spool_leftovers
from ravenstvo.runtime.recalculation import is_at_work
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import as_of
from ravenstvo.warehouse.connection import has_table

_LOST_ROWS = """
select count(*) from (select distinct part_id from {} except select part_id from ops.source_part) as lost
"""
# Between two stages of a calculation.
_PAUSE_MINUTES = 15


def files(settings: Settings) -> Iterator[Finding]:
    """Of the state folder."""
    title = "остатки в папке состояния"
    is_fine = True
    if when := unfinished(settings):
        is_fine = False
        yield trouble(
            title, f"возврат копии от {when} не доведён до конца", "повторите ту же команду ravenstvo restore"
        )
    for path in sorted((settings.home / "pids").glob("*.json")):
        if processes.running(path) is None:
            is_fine = False
            yield warning(
                title, f"служба {path.stem} отмечена как запущенная, а её процесса нет", "make up или make down"
            )
    if left := spool_leftovers(settings):
        is_fine = False
        yield warning(
            title, f"остатки чтения файлов: {len(left)} в {settings.spool_dir}", "ravenstvo housekeeping --only files"
        )
    if halves := drafts(settings.backups):
        is_fine = False
        yield warning(
            title, f"недописанные копии: {len(halves)} в {settings.backups}", "их удалит следующая ravenstvo backup"
        )
    if is_fine:
        yield ok(title, "нет")


def calculations(settings: Settings) -> Iterator[Finding]:
    """A calculation that is marked as running and is not, and how the last one ended."""
    title = "расчёты"
    with asking_warehouse(settings) as cursor:
        if not has_table(cursor, "ops.calculation"):
            return
        cursor.execute(
            "select calculation_id, extract(epoch from clock_timestamp() - started_at) / 60 "
            "from ops.calculation where status = 'running'"
        )
        running = dict(cursor.fetchall())
        cursor.execute("select calculation_id, status, message from ops.calculation order by started_at desc limit 1")
        row = cursor.fetchone()
        is_working = is_taken(cursor) or is_at_work(settings.home)
    is_fine = True
    for calculation_id, minutes in running.items():
        # On a server of one's own another machine may be at it, and pause between two stages.
        if not is_working and (minutes > _PAUSE_MINUTES or settings.warehouse_url is None):
            is_fine = False
            seen = f"{calculation_id} отмечен как идущий, а за ним никого нет"
            yield warning(title, seen, "ravenstvo run начнёт его заново")
    if row and row[1] == "failed":
        is_fine = False
        yield warning(title, f"последний, {row[0]}, не удался: {row[2] or 'причина не записана'}", "ravenstvo run")
    if is_fine:
        yield ok(title, f"последний — {row[0]}{', идёт' if row[1] == 'running' else ''}" if row else "ещё не было")


def database(settings: Settings) -> Iterator[Finding]:
    """Of the warehouse: a second database, rows whose file nobody knows."""
    title = "остатки в базе"
    is_fine = True
    name = as_of.leftover(settings)
    if name and not is_at_work(settings.home / "as_of"):
        is_fine = False
        yield warning(title, f"временная база {name}", "ravenstvo housekeeping --only files")
    with asking_warehouse(settings) as cursor:
        for source in load_sources():
            if not has_table(cursor, f"landing.{source}") or not has_table(cursor, "ops.source_part"):
                continue
            cursor.execute(sql.SQL(_LOST_ROWS).format(sql.Identifier("landing", source)))
            if (lost := (cursor.fetchone() or (0,))[0]) > 0:
                is_fine = False
                seen = f"в landing.{source} строки частей, которых нет в учёте: {lost}"
                yield trouble(title, seen, "верните копию: ravenstvo restore")
        if has_table(cursor, "ops.source_part"):
            lost = value(
                cursor,
                "select count(*) from ops.source_file as file where status = 'landed' "
                "and not exists (select from ops.source_part as part where part.file_id = file.file_id)",
            )
            if lost:
                is_fine = False
                yield trouble(title, f"загруженные файлы без частей: {lost}", "верните копию: ravenstvo restore")
    if is_fine:
        yield ok(title, "нет")


def backups(settings: Settings) -> Iterator[Finding]:
    """When the last backup was made, and whether it is still there."""
    title = "резервная копия"
    if not (settings.server_dir / "data").exists() and settings.warehouse_url is None:
        return
    known = last(settings)
    if known is None:
        yield warning(title, "ни одной ещё не было", "ravenstvo backup")
        return
    made_at, folder = datetime.fromisoformat(known["made_at"]), Path(known["folder"])
    days = (datetime.now(UTC) - made_at).days
    seen = f"последняя от {made_at:%d.%m.%Y}, {folder}"
    if days > settings.backup_days:
        yield warning(title, f"{seen}: {days} дн. назад", "ravenstvo backup; раз в неделю её делает DAG housekeeping")
    elif not (folder / backup.MANIFEST).exists():
        yield warning(
            title,
            f"{seen}: папки копии больше нет на месте",
            "проверьте диск копий или сделайте новую: ravenstvo backup",
        )
    else:
        yield ok(title, seen)


def messages(settings: Settings) -> Iterator[Finding]:
    """Whether what was to be told has been sent."""
    aside = refused(settings)
    if aside:
        seen = f"не принято и отложено {len(aside)}, последнее: {aside[-1].subject}: {aside[-1].error}"
        yield warning("сообщения", seen, "что отложено: ravenstvo status; исправьте адрес или подключение")
    if kept := waiting(settings):
        oldest, why = kept[0], kept[0].error or "ещё не отправлялось"
        yield warning(
            "сообщения",
            f"не отправлено {len(kept)}, старейшее от {oldest.since:%d.%m.%Y}: {why}",
            "проверьте почту и подключение: ravenstvo notify-test",
        )
    elif not aside:
        yield ok("сообщения", "все отправлены")


def services_health(settings: Settings) -> Iterator[Finding]:
    """Airflow's services that are to run here."""
    title = "службы Airflow"
    running = [name for name in services.SERVICES if processes.running(services.note(settings, name))]
    if not running and settings.api_url is None:
        yield ok(title, "не запущены (make up)")
        return
    ill = services.unhealthy(settings)
    if ill:
        yield trouble(title, f"не отвечают или нездоровы: {', '.join(ill)}", f"make up; журналы в {settings.logs_dir}")
    else:
        yield ok(title, f"здоровы: {', '.join(services.SERVICES)}")
