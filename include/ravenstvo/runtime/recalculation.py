"""One run of the DAG from the command line: prepare, run, say how it went."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import psutil
import psycopg2

from ravenstvo.errors import ToldError
from ravenstvo.runtime import airflow_home, executors, observability, summary
from ravenstvo.runtime.causes import explained
from ravenstvo.runtime.follow import following
from ravenstvo.runtime.terminal import Stages, Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse import migrate
from ravenstvo.warehouse.connection import moment
from ravenstvo.warehouse.server import ServerError
from ravenstvo.words import duration

DAG_ID = "annual_recalculation"

# Exit statuses.
DONE = 0
FAILED = 1
FILE_REFUSED = 3
INTERRUPTED = 130

STEP_TITLES = {
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
_PREPARATION = "подготовка"
# Steps that dbt takes, which notes every node in its log.
_BUILDS = "build_"
_TASK_STARTS = re.compile(r"\[DAG TEST\] starting task_id=(\w+) map_index=(-?\d+)")
# The line that ends a traceback: the first one that is not indented.
_RAISED = re.compile(r"[\w.]+: (.+)")
_NODE = re.compile(r" (?P<place>\d+) of (?P<all>\d+) (?P<what>[A-Z]+)")
_STOP_SECONDS = 10
_LOCK = "run.lock"


class BusyError(ToldError):
    """Another run works in this state folder."""


def run(settings: Settings, inbox: str | None, year: int | None, terminal: Terminal) -> int:
    """Run the DAG for an inbox and a campaign year and print a summary.

    Returns the exit status: 0 — done, 1 — the run failed, 3 — done, but some file was refused as a whole, 130 — a
    person interrupted it.
    """
    settings.make_home()
    with alone(settings.home) as lock, terminable():
        started = datetime.now(UTC)
        log = _log_file(settings, started)
        terminal.say(f"Папка: {inbox or f'{settings.sample_dir} (учебный регион)'}")
        try:
            with terminal.stages([_PREPARATION, *STEP_TITLES.values()]) as stages:
                stages.start(_PREPARATION)
                migrate.upgrade(settings)
                started = moment(settings)
                environment = executors.watched_by_a_person(airflow_home.prepare(settings)) | observability.PLAIN_LOG
                conf: dict[str, object] = {"year": year, "inbox": inbox, "at_once": True}
                command = following(airflow_home.command(*_arguments(conf)))
                failure = run_dag(command, environment, settings, log, stages, lock)
        except KeyboardInterrupt:
            terminal.say(
                "\nПрервано. Загруженные файлы остались в хранилище; повторите команду, и расчёт продолжится с них.\n"
                f"Журнал: {log}"
            )
            return INTERRUPTED
        if failure is not None:
            undone = "Опубликовано не всё" if failure.step == STEP_TITLES["publish"] else "Расчёт не выполнен"
            terminal.say(f"{undone} ({failure.step}): {explained(settings, failure.message)}", "bold red")
            terminal.say(f"Подробности: {log}")
            # The database may be what failed.
            with suppress(psycopg2.Error, ServerError):
                summary.show_files(settings, started, terminal)
            return FAILED
        terminal.say(f"Готово за {duration(stages.seconds)}.")
        n_refused = summary.show(settings, started, terminal)
        return FILE_REFUSED if n_refused else DONE


@contextmanager
def alone(folder: Path, what: str = "расчёт") -> Iterator[int]:
    """Keep every other process from the same work in a folder. Raises BusyError while one is at it.

    Yields the descriptor that holds the lock: a child that inherits it keeps the lock when its parent is killed.
    """
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield handle
    except BlockingIOError as error:
        raise BusyError(f"В папке состояния {folder} уже идёт {what}. Дождитесь его окончания и повторите.") from error
    finally:
        os.close(handle)


def is_at_work(folder: Path) -> bool:
    """Whether a process is at such work in a folder; only looks."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the command as an exception does, so that what it started is stopped too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _log_file(settings: Settings, started: datetime) -> Path:
    folder = settings.logs_dir / "runs"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder / f"{started:%Y%m%dT%H%M%S}.log"


def _arguments(conf: dict[str, object]) -> tuple[str, ...]:
    return ("dags", "test", DAG_ID, "--conf", json.dumps(conf))


@dataclass(frozen=True)
class Failure:
    """Why a run failed, and at which step, in Russian."""

    step: str
    message: str


@dataclass
class _Heard:
    """What the lines of the DAG's run have told so far."""

    settings: Settings
    stages: Stages
    step: str | None = None
    error: Failure | None = None
    dbt: _DbtLog = field(init=False)
    _in_traceback: bool = False
    _n_files: int | None = None

    def __post_init__(self) -> None:
        self.dbt = _DbtLog(self.settings.dbt_logs_dir / "dbt.log")

    @property
    def title(self) -> str:
        """The step that runs, in Russian."""
        return _PREPARATION if self.step is None else STEP_TITLES.get(self.step, self.step)

    def line(self, line: str) -> None:
        """Take in a line of the run's output."""
        if starts := _TASK_STARTS.search(line):
            if starts[1] != self.step:
                self.step = starts[1]
                stage = self.stages.start(self.title)
                if self.step == "land":
                    stage.progress = self._files
                elif self.step.startswith(_BUILDS):
                    self.dbt.begin()
                    stage.progress = self.dbt.told
        elif line.startswith("Traceback "):
            self._in_traceback = True
        elif self._in_traceback and line.strip() and not line.startswith(" "):
            self._in_traceback = False
            raised = _RAISED.match(line)
            self.error = self.error or Failure(self.title, (raised[1] if raised else line).strip())

    def _files(self) -> str:
        if self._n_files is None:
            found = json.loads(self.settings.last_inbox_file.read_text(encoding="utf-8"))
            self._n_files = int(found.get("n_new", 0))
        # Every file to be landed has a folder in the spool, which goes when the file has come in.
        n_left = sum(1 for _ in self.settings.spool_dir.iterdir()) if self.settings.spool_dir.exists() else 0
        return f"файлов: {max(self._n_files - n_left, 0)} из {self._n_files}"


class _DbtLog:
    """How many nodes of a stage dbt has built, by the lines that its log gains."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = path.stat().st_size if path.exists() else 0
        self._rest = ""
        self._lines: deque[str] = deque()
        self._done = self._all = 0

    def begin(self) -> None:
        """A stage begins: nothing is counted before dbt starts its first node."""
        self._done = self._all = 0

    def told(self) -> str:
        """How many of how many; nothing while dbt has not said."""
        self._lines.extend(self._fresh_lines())
        while self._lines:
            node = _NODE.search(self._lines[0])
            starts = node is not None and node["what"] == "START"
            if node and starts and node["place"] == "1":
                if self._all and self._done == self._all:
                    break  # the next stage's, which has not been heard of yet
                self._done, self._all = 0, int(node["all"])
            elif node and not starts and self._all:
                self._done += 1
            self._lines.popleft()
        return f"моделей и проверок: {self._done} из {self._all}" if self._all else ""

    def _fresh_lines(self) -> list[str]:
        if not self._path.exists():
            return []
        # Dbt puts a full log aside and begins a new one.
        if self._path.stat().st_size < self._read:
            self._read = 0
        with self._path.open("rb") as log:
            log.seek(self._read)
            fresh = log.read()
        self._read += len(fresh)
        *lines, self._rest = (self._rest + fresh.decode("utf-8", errors="replace")).split("\n")
        return lines


def run_dag(
    command: list[str],
    environment: dict[str, str],
    settings: Settings,
    log: Path,
    stages: Stages,
    lock: int | None = None,
) -> Failure | None:
    """Run the DAG with its output in the log, showing the steps. Returns what went wrong, if anything did.

    The lock is handed down, so that as long as anything of the run lives, no other begins. However it ends, by an
    interruption too, nothing that the command started goes on.
    """
    heard = _Heard(settings, stages)
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
            pass_fds=() if lock is None else (lock,),
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                output.write(line)
                heard.line(line)
            process.wait()
        finally:
            _stop(process)
    if process.returncode == 0:
        return None
    stages.fail()
    return heard.error or Failure(heard.title, f"Airflow завершился с кодом {process.returncode}")


def _stop(process: subprocess.Popen[str]) -> None:
    """End a process that still runs, with all that it started."""
    if process.poll() is not None:
        return
    parent = psutil.Process(process.pid)
    family = [parent, *parent.children(recursive=True)]
    for member in family:
        with _gone_already():
            member.terminate()
    _, alive = psutil.wait_procs(family, timeout=_STOP_SECONDS)
    for member in alive:
        with _gone_already():
            member.kill()


@contextmanager
def _gone_already() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return
