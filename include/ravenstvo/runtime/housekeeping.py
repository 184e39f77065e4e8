"""``ravenstvo housekeeping``: what has to be done from time to time so that nobody has to think of it in between.

Each step does its work alone and tells of it in a line; one that fails keeps none of the others from theirs.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg2

from ravenstvo.errors import ToldError
from ravenstvo.runtime.causes import explained
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse import migrate, server
from ravenstvo.warehouse.connection import outside_transaction
from ravenstvo.words import number

AIRFLOW_SECONDS = 600


class HousekeepingError(ToldError):
    """A step failed; the message (Russian) says where to look."""


def keep_house(settings: Settings, terminal: Terminal, only: str | None = None) -> bool:
    """Take every step, or the one named. Returns whether all of them went well."""
    if only is not None and only not in STEPS:
        raise HousekeepingError(f"Нет такого шага: {only}. Есть: {', '.join(STEPS)}")
    fine = True
    for name in STEPS if only is None else [only]:
        title = STEPS[name][0]
        try:
            told = step(settings, name)
        except (RuntimeError, ValueError, OSError, psycopg2.Error, subprocess.SubprocessError) as error:
            fine = False
            terminal.say(f"✗ {title}: {explained(settings, str(error).strip())}", "bold red")
        else:
            terminal.say(f"✓ {title}: {told}")
    return fine


def step(settings: Settings, name: str) -> str:
    """Take one step. Returns what came of it, in Russian; raises whatever kept it from its work."""
    server.ensure_running(settings)
    # An older program does not know what must stay.
    migrate.refuse_newer(migrate.revisions(settings))
    return STEPS[name][1](settings)


def _backup(settings: Settings) -> str:
    import io

    from ravenstvo.runtime.backup import back_up
    from ravenstvo.runtime.backup.pruning import remove_old

    folder = back_up(settings, None, Terminal(io.StringIO()))
    return f"{folder}; старых убрано: {remove_old(settings)}"


def _retention(settings: Settings) -> str:
    from ravenstvo.calculation.retention import forget_old

    forgotten = forget_old(settings)
    return f"расчётов убрано: {forgotten.n_calculations}, итогов проверок: {forgotten.n_results}"


def _files(settings: Settings) -> str:
    from ravenstvo.runtime.old_files import remove_old_files
    from ravenstvo.runtime.recalculation import BusyError, alone
    from ravenstvo.warehouse.as_of import remove_leftover

    removed = remove_old_files(settings)
    # The database may be of a home that is no more: it is looked for on the server, not in the folder of its lock.
    room = settings.home / "as_of"
    room.mkdir(exist_ok=True, mode=0o700)
    with suppress(BusyError), alone(room):  # an earlier state is being calculated
        removed["временных баз"] = int(remove_leftover(settings))
    return "убрано " + ", ".join(f"{what}: {count}" for what, count in removed.items())


def _archive(settings: Settings) -> str:
    from ravenstvo.runtime.archive import expire

    return f"исходных файлов с истёкшим сроком удалено: {expire(settings)}"


def _docs(settings: Settings) -> str:
    from ravenstvo.calculation.dbt_docs import write_docs
    from ravenstvo.calculation.lifecycle import is_calculated

    if not is_calculated(settings):
        return "расчётов ещё не было"
    written = [str(page) for page in [write_docs(settings)] if page]
    if not (settings.data_docs_dir / "index.html").exists():
        # Great Expectations takes seconds to import.
        from ravenstvo.quality.data_docs import write_data_docs

        written.append(str(write_data_docs(settings, settings.project_root / "expectations")))
    return f"записано: {', '.join(written)}" if written else "словарь и страницы проверок в порядке"


def _vacuum(settings: Settings) -> str:
    with outside_transaction(settings) as cursor:
        cursor.execute("vacuum (analyze)")
        cursor.execute("select pg_catalog.pg_database_size(pg_catalog.current_database())")
        (size,) = cursor.fetchone() or (0,)
    return f"место убранных строк свободно, статистика свежая; база занимает {number(size / 2**20)} МБ"


def _airflow(settings: Settings) -> str:
    from ravenstvo.runtime import airflow_home

    environment = airflow_home.prepare(settings)
    before = datetime.now(UTC) - timedelta(days=settings.airflow_days)
    log = settings.logs_dir / "airflow-db-clean.log"
    arguments = ("db", "clean", "--clean-before-timestamp", before.isoformat(), "--skip-archive", "--yes")
    with log.open("w") as output:
        done = subprocess.run(
            airflow_home.command(*arguments),
            env=environment,
            cwd=settings.home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=AIRFLOW_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise HousekeepingError(f"История Airflow не убрана. Подробности: {log}")
    return f"история запусков — с {before:%d.%m.%Y}"


# In the order in which they are taken: what is removed is in the backup.
STEPS: dict[str, tuple[str, Callable[[Settings], str]]] = {
    "backup": ("резервная копия", _backup),
    "retention": ("старые расчёты", _retention),
    "files": ("старые файлы", _files),
    "archive": ("архив исходных файлов", _archive),
    "docs": ("словарь и страницы проверок", _docs),
    "vacuum": ("уборка базы", _vacuum),
    "airflow": ("история Airflow", _airflow),
}
