"""One run of the DAG from the command line: prepare, run, say how it went."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ravenstvo.runtime import airflow_home, summary
from ravenstvo.settings import Settings
from ravenstvo.warehouse import migrate

DAG_ID = "annual_recalculation"

# Exit statuses.
DONE = 0
FAILED = 1
FILE_REFUSED = 3

_TITLES = {
    "read_inbox": "чтение папки",
    "land": "загрузка файлов",
    "prepare": "что изменилось",
    "build_seeds": "справочники",
    "validate": "проверка строк",
    "build_staging": "принятые строки",
    "build_core": "звезда",
    "estimate": "оценки",
    "build_marts": "витрины",
    "finish": "завершение",
    "publish": "отчёт",
}
_TASK_STARTS = re.compile(r"\[DAG TEST\] starting task_id=(\w+) map_index=(-?\d+)")
# The line that ends a traceback: the first one that is not indented.
_RAISED = re.compile(r"[\w.]+: (.+)")


class BusyError(RuntimeError):
    """Another run works in this state folder."""


def run(settings: Settings, inbox: Path | None, year: int | None, say: Callable[[str], None]) -> int:
    """Run the DAG for an inbox and a campaign year and print a summary.

    Returns the exit status: 0 — done, 1 — the run failed, 3 — done, but some file was refused as a whole.
    """
    settings.make_home()
    with _alone(settings):
        started = datetime.now(UTC)
        say("Подготовка: PostgreSQL, хранилище, Airflow")
        migrate.upgrade(settings)
        environment = airflow_home.prepare(settings)
        log = _log_file(settings, started)
        conf: dict[str, object] = {"year": year, "inbox": None if inbox is None else str(inbox)}
        error = _run_dag(environment, conf, settings, log, say)
        if error is not None:
            say(f"Расчёт не выполнен: {error}\nПодробности: {log}")
            summary.show_files(settings, started, say)
            return FAILED
        n_refused = summary.show(settings, started, say)
        return FILE_REFUSED if n_refused else DONE


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    handle = os.open(settings.home / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BusyError(
            f"В папке состояния {settings.home} уже идёт расчёт. Дождитесь его окончания и повторите."
        ) from error
    finally:
        os.close(handle)


def _log_file(settings: Settings, started: datetime) -> Path:
    folder = settings.logs_dir / "runs"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder / f"{started:%Y%m%dT%H%M%S}.log"


def _run_dag(
    environment: dict[str, str], conf: dict[str, object], settings: Settings, log: Path, say: Callable[[str], None]
) -> str | None:
    """Run the DAG with its output in the log, naming the steps. Returns what went wrong, if anything did."""
    command = airflow_home.command("dags", "test", DAG_ID, "--conf", json.dumps(conf))
    error = step = None
    in_traceback = False
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            env=environment,
            cwd=settings.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            output.write(line)
            if (starts := _TASK_STARTS.search(line)) and starts[1] != step:
                step = starts[1]
                say(f"  {_TITLES.get(step, step)}")
            elif line.startswith("Traceback "):
                in_traceback = True
            elif in_traceback and line.strip() and not line.startswith(" "):
                in_traceback = False
                raised = _RAISED.match(line)
                error = error or (raised[1] if raised else line).strip()
    if process.returncode == 0:
        return None
    return error or f"Airflow завершился с кодом {process.returncode}"
