from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
from ravenstvo.runtime import processes

# Starts a child and tells its pid; both sleep.
PROGRAM = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(120)
"""


def _start(folder: Path, note: Path) -> psutil.Process:
    """Start the program; gives its child."""
    told = folder / "child"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-c", PROGRAM, str(told)]
    processes.start(note, command, dict(os.environ), folder, folder / "log")
    deadline = time.monotonic() + 30
    while not (told.exists() and told.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return psutil.Process(int(told.read_text()))


def _kill(note: Path) -> None:
    leader = processes.running(note)
    assert leader is not None
    leader.kill()
    leader.wait(timeout=10)
    assert processes.running(note) is None


def test_what_a_killed_program_left_behind_is_ended(tmp_path: Path) -> None:
    one, other = tmp_path / "pids" / "one.json", tmp_path / "pids" / "other.json"
    (tmp_path / "other").mkdir()
    child, stranger = _start(tmp_path, one), _start(tmp_path / "other", other)
    _kill(one)
    assert child.is_running()
    # By the next start, by a stop; what another program has started stays.
    second = _start(tmp_path, one)
    assert not child.is_running()
    assert second.is_running()
    _kill(one)
    assert processes.stop([one]) == 0
    assert not second.is_running()
    assert stranger.is_running()
    _kill(other)
    assert processes.stop([other]) == 0
    assert not stranger.is_running()
