"""The clock moved, the disk full, a file changed while it is read, a reader killed, two commands at once."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import xlsxwriter
from ravenstvo.calculation import begin, finish
from ravenstvo.intake import discover, pool
from ravenstvo.intake.landing import land
from ravenstvo.intake.versions import settle
from ravenstvo.runtime.causes import explained
from ravenstvo.runtime.recalculation import BusyError, alone
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade
from ravenstvo.warehouse.no_space import NoSpaceError

FILE = "2021/5/Математика.xlsx"
HEADER = ["логин школы", "регион", "код обучающегося", "вариант", "всего баллов", "балл за 1"]


@pytest.fixture
def inbox(warehouse: Settings, tmp_path: Path) -> Path:
    upgrade(warehouse)
    folder = tmp_path / "входящие"
    _write(folder / FILE, 7)
    return folder


def _write(path: Path, total: int, n_pupils: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Лист1")
        sheet.write_row(0, 0, HEADER)
        for number in range(n_pupils):
            sheet.write_row(number + 1, 0, [f"sch22000{number % 3}", "Город", 50001 + number, "1", total, total])


def _take(settings: Settings, inbox: Path) -> dict[str, str]:
    """Load what is new; gives path → status."""
    done = [land(file, settings) for file in discover.read_inbox(inbox, None, settings)["files"]]
    settle(settings)
    return {one["path"]: one["status"] for one in done}


def _ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []


def _totals(settings: Settings) -> list[tuple[Any, ...]]:
    """Totals of the rows in force, with the number of their rows."""
    return _ask(
        settings,
        "select primary_score, count(*) from landing.vpr_result join ops.source_part using (part_id) where in_force "
        "group by 1",
    )


def test_a_clock_moved_back_changes_nothing(warehouse: Settings, inbox: Path) -> None:
    """What was noted while the clock was ten years ahead stays earlier than what comes after it was put right."""
    _take(warehouse, inbox)
    first = begin(warehouse, 2021)
    assert first is not None
    finish(warehouse, first)
    for table, columns in {
        "ops.source_file": ("first_seen_at",),
        "ops.source_part": ("landed_at",),
        "ops.calculation": ("started_at", "finished_at"),
    }.items():
        moved = ", ".join(f"{column} = {column} + interval '10 years'" for column in columns)
        _ask(warehouse, f"update {table} set {moved}")
    _ask(warehouse, "update ops.source_part set validated_at = landed_at")

    _write(inbox / FILE.replace(".xlsx", " исправленная.xlsx"), 9)
    _take(warehouse, inbox)
    assert _totals(warehouse) == [("9", 3)]
    second = begin(warehouse, 2021)
    assert second is not None
    finish(warehouse, second)
    assert second["calculation_id"] > first["calculation_id"]
    _ask(warehouse, "update ops.source_part set validated_at = landed_at")
    assert begin(warehouse, 2021) is None, "the last calculation is the one that was done last"


def _changing(path: Path, times: int) -> Callable[..., Any]:
    """A reading during which the file gets other rows, the first ``times`` times."""
    left = iter(range(times))

    def read_all(*arguments: Any) -> Any:
        if next(left, None) is not None:
            _write(path, 8, n_pupils=4)
            os.utime(path, (time.time(), time.time() + times))
        return pool.read_all(*arguments)

    return read_all


def test_a_file_that_changed_while_it_was_read_is_read_as_it_became(
    warehouse: Settings, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discover, "read_all", _changing(inbox / FILE, 1))
    assert _take(warehouse, inbox) == {FILE: "landed"}
    assert _totals(warehouse) == [("8", 4)]
    assert _take(warehouse, inbox) == {}


def test_a_file_that_still_grows_is_refused_and_taken_when_it_is_whole(
    warehouse: Settings, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_all(*arguments: Any) -> Any:
        answers = pool.read_all(*arguments)
        # Rows came after the reading: what was read was a whole file once, but not this one.
        with (inbox / FILE).open("ab") as file:
            file.write(b"\0")
        return answers

    with monkeypatch.context() as patched:
        patched.setattr(discover, "read_all", read_all)
        assert set(_take(warehouse, inbox).values()) == {"refused"}
    ((message,),) = _ask(warehouse, "select distinct message from ops.file_problem")
    assert "изменился, пока его читали" in message
    assert _totals(warehouse) == []
    _write(inbox / FILE, 7)
    assert _take(warehouse, inbox) == {FILE: "landed"}
    assert _totals(warehouse) == [("7", 3)]


def test_a_killed_reader_is_replaced(warehouse: Settings, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = pool._Process._start

    def start_and_kill_the_first(self: pool._Process) -> Any:
        process = start(self)
        started.append(process.pid)
        if len(started) == 1:
            process.kill()
            process.wait()
        return process

    monkeypatch.setattr(pool._Process, "_start", start_and_kill_the_first)
    assert _take(warehouse, inbox) == {FILE: "landed"}
    assert len(started) == 2


@contextmanager
def _no_file_longer_than(n_bytes: int) -> Iterator[None]:
    """What a full disk does to a file that grows; processes started meanwhile inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_and_nothing_is_blamed_for_it(warehouse: Settings, inbox: Path) -> None:
    _write(inbox / FILE, 7, n_pupils=2_000)
    with _no_file_longer_than(20_000), pytest.raises(NoSpaceError, match=r"кончилось место.*повторите ту же команду"):
        _take(warehouse, inbox)
    assert _ask(warehouse, "select count(*) from ops.source_file") == [(0,)]
    assert _take(warehouse, inbox) == {FILE: "landed"}
    assert _totals(warehouse) == [("7", 2_000)]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('could not extend file "base/1": No space left on device', "кончилось место"),
        ("[Errno 28] No space left on device: 'x'", "кончилось место"),
        ("Этап dbt «core» не прошёл. fct_result: Database Error server closed the connection", "База данных остановил"),
        ("connection to server on socket failed: No such file or directory", "База данных остановил"),
        ("что-то другое", "что-то другое"),
    ],
)
def test_what_the_system_says_is_told_in_words_that_help(tmp_path: Path, said: str, meant: str) -> None:
    told = explained(Settings(home=tmp_path, warehouse_url=None), said)
    assert meant in told
    assert told == said or "овторите ту же команду" in told


def test_a_second_command_waits_for_all_of_the_first(tmp_path: Path) -> None:
    """Also for what a killed command has left running: it holds the lock that it inherited."""
    with alone(tmp_path) as lock:
        with pytest.raises(BusyError, match="уже идёт расчёт"), alone(tmp_path):
            pass
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,))
    with pytest.raises(BusyError), alone(tmp_path):
        pass
    child.communicate(b"\n")
    with alone(tmp_path):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked for it")
def test_what_a_killed_command_had_started_dies_with_it(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(600)\n")
    command = (
        "import subprocess, sys; from ravenstvo.runtime.follow import following\n"
        "child = subprocess.Popen(following([sys.executable, '-m', 'sleeper']))\n"
        "print(child.pid, flush=True); child.wait()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-c", command], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "up\n"
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs([child], timeout=10)
    assert alive == []
