"""Reading processes: a few at once, each with limits, replaced when a file brings one down."""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ravenstvo import logs
from ravenstvo.intake.problems import Problem
from ravenstvo.settings import Settings
from ravenstvo.warehouse.no_space import NoSpaceError

log = logging.getLogger(__name__)
# Bytes of workbooks that one process reads in about the time that another one needs to start.
_WORTH_A_PROCESS = 500_000


@dataclass(frozen=True)
class Request:
    """A file to read: its path with the inbox's own name, where it is, and an empty folder for its rows.

    ``task`` is ``read``, or ``check`` and ``propose`` for a file that is only to be described (see ``examine``): no
    folder is needed then, and ``source`` says what the file is where a person knows it.
    """

    path: str
    full_path: str
    spool_dir: str = ""
    task: str = "read"
    source: str | None = None


class _Process:
    """One reading process. It is started when first needed, and again after it was brought down."""

    def __init__(self, settings: Settings, n_keys: int, ids: dict[str, Any]) -> None:
        self._settings = settings
        self._ids = ids
        self._n_keys = n_keys
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: Request) -> dict[str, Any]:
        """Have one file read; a file that breaks a limit is refused, and only that file.

        A process that was brought down may have been killed by somebody else: the file gets a second one.
        Raises NoSpaceError when there is no room for its rows.
        """
        answer, in_time = self._asked(request)
        if answer is None and in_time:
            _empty(request)
            answer, in_time = self._asked(request)
        if answer is None:
            with logs.bound(**self._ids_of(request)):
                logs.say(log, "Чтение файла прервано", logging.WARNING, codes=[self._why(in_time).code])
            return {"refused": True, "parts": [], "problems": [self._why(in_time).as_dict()]}
        if answer.get("no_space"):
            raise NoSpaceError(self._settings.home)
        return answer

    def _asked(self, request: Request) -> tuple[dict[str, Any] | None, bool]:
        """The answer, if there is one, and whether the process had its time."""
        process = self._process = self._process or self._start()
        assert process.stdin and process.stdout
        timer = threading.Timer(self._settings.read_seconds, process.kill)
        timer.start()
        try:
            # In ASCII: a file's name may hold bytes that are no text.
            process.stdin.write(json.dumps(asdict(request) | {"ids": self._ids_of(request)}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            in_time = not timer.finished.is_set()
            timer.cancel()
        if line.endswith("\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer, in_time
        self.stop()
        return None, in_time

    def _ids_of(self, request: Request) -> dict[str, Any]:
        """What the lines of the log about a file carry: the task's ids, and the file's by its path in the inbox."""
        _inbox, _slash, path = request.path.partition("/")
        return self._ids | logs.file_ids(path or request.path)

    def _start(self) -> subprocess.Popen[str]:
        settings = self._settings
        command = [
            sys.executable,
            "-m",
            "ravenstvo.intake.serve",
            str(settings.read_memory_mb),
            str(settings.key_file),
            str(self._n_keys),
        ]
        settings.logs_dir.mkdir(parents=True, exist_ok=True)
        with (settings.logs_dir / "reader.log").open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                command,
                # The documents of forms are read by the process itself.
                env=os.environ | {"RAVENSTVO_HOME": str(settings.home)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )

    def _why(self, in_time: bool) -> Problem:
        limits = f"{self._settings.read_memory_mb} МБ памяти и {self._settings.read_seconds} с"
        return Problem(
            "reader_died" if in_time else "too_slow",
            f"Чтение файла прервано: он повреждён или не укладывается в пределы ({limits})",
            "Откройте файл в Excel, удалите пустое оформление и сохраните заново; большие данные разделите",
        )

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _empty(request: Request) -> None:
    """Drop what a process that was brought down has left in the request's folder."""
    if request.spool_dir:
        for leftover in Path(request.spool_dir).iterdir():
            leftover.unlink()


def _size(request: Request) -> int:
    try:
        return Path(request.full_path).stat().st_size
    except OSError:
        # Gone since it was listed: the reading will say so.
        return 0


def read_all(requests: Sequence[Request], settings: Settings, n_keys: int = 0) -> list[dict[str, Any]]:
    """Read the files in ``settings.readers`` processes.

    Args:
        requests: what to read.
        settings: how many processes, their limits, where the keys are.
        n_keys: how many keys the pseudonyms are made with; none for files that are only described.

    Returns:
        Answers in the order of the requests: see ``reader.read_file`` and ``examine.examine_file``; a killed reading
        gives ``refused``.

    Raises:
        NoSpaceError: the disk has no room for the rows; no file is to blame for it.
    """
    answers: list[dict[str, Any]] = [{}] * len(requests)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    broken: list[OSError] = []
    # Threads know nothing of what is bound here.
    ids = logs.bound_now()
    # The largest first: the last file to finish then keeps nobody waiting for long.
    for index in sorted(range(len(requests)), key=lambda one: -_size(requests[one])):
        waiting.put(index)

    def work() -> None:
        process = _Process(settings, n_keys, ids)
        try:
            while not broken:
                try:
                    index = waiting.get_nowait()
                except queue.Empty:
                    return
                answers[index] = process.ask(requests[index])
        except OSError as error:
            broken.append(error)
        finally:
            process.stop()

    # A process takes most of a second to start: small files are read by then.
    n_worth = 1 + sum(map(_size, requests)) // _WORTH_A_PROCESS
    threads = [threading.Thread(target=work) for _ in range(min(settings.readers, len(requests), n_worth))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return answers
