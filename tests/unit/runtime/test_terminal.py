"""What a run shows: in a real pseudo-terminal, in a pipe, without colours, when it fails or is interrupted."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.words import counted, duration, number

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")

# The DAG's process as the command line sees it: lines of Airflow, and dbt's log beside them.
DAG = r"""
import json, os, pathlib, signal, sys
home, how = pathlib.Path(os.environ["RAVENSTVO_HOME"]), sys.argv[1]
def begins(task, index=-1):
    print(f"2026 [info] [DAG TEST] starting task_id={task} map_index={index} [airflow]", flush=True)
begins("read_inbox")
(home / "last_inbox.json").write_text(json.dumps({"n_new": 3}))
for file in (2, 0, 1):
    begins("land", file)
begins("prepare")
(home / "logs" / "dbt").mkdir(parents=True, exist_ok=True)
def builds(all_nodes, done):
    with (home / "logs" / "dbt" / "dbt.log").open("a") as log:
        for place in range(1, done + 1):
            log.write(f"10 [info ] [Thread-1]: {place} of {all_nodes} START sql table model a\n")
            log.write(f"10 [info ] [Thread-1]: {place} of {all_nodes} OK created a\n")
begins("build_core")
builds(4, 4)
begins("build_marts")
builds(2, 1)
if how == "watched":
    open(home / "seen").read()  # until somebody has seen this much
if how == "fails":
    print("Traceback (most recent call last):\n  File x\nravenstvo.Broken: модель \x1b[31ma не построена", flush=True)
    sys.exit(1)
if how == "waits":
    # Deaf to what the terminal sends to the whole group: only being stopped ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    (home / "waits").write_text(str(os.getpid()))
    begins("finish")
    signal.pause()
"""
# The command with everything but the shown part replaced.
RUN = r"""
import os, sys
from datetime import UTC, datetime
from ravenstvo.runtime import recalculation
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import get_settings
recalculation.migrate.upgrade = lambda settings: False
recalculation.moment = lambda settings: datetime.now(UTC)
recalculation.airflow_home.prepare = lambda settings: dict(os.environ)
recalculation.airflow_home.command = lambda *arguments: [sys.executable, "-c", os.environ["DAG"], sys.argv[1]]
recalculation.summary.show = recalculation.summary.show_files = lambda settings, started, terminal: 0
sys.exit(recalculation.run(get_settings(), None, None, Terminal()))
"""

Shown = tuple[int, str]


def _environment(home: Path, more: dict[str, str]) -> dict[str, str]:
    dropped = ("RAVENSTVO_", "NO_COLOR", "FORCE_COLOR", "TTY_", "COLORTERM", "COLUMNS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return clean | {"RAVENSTVO_HOME": str(home), "DAG": DAG, "TERM": "xterm-256color"} | more


def _in_terminal(home: Path, how: str, press: Callable[[str], bytes] = lambda so_far: b"", **more: str) -> Shown:
    """Exit status and everything drawn; ``press`` says what to type after what was seen so far."""
    pid, screen = pty.fork()
    if pid == 0:
        # Tests that run in the background have been told not to hear Ctrl-C, and what they start would inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(sys.executable, [sys.executable, "-c", RUN, how], _environment(home, more))
    drawn = b""
    deadline = time.monotonic() + 60
    while True:
        if not select.select([screen], [], [], max(0, deadline - time.monotonic()))[0]:
            os.kill(pid, signal.SIGTERM)
            deadline += 10
            continue
        try:
            piece = os.read(screen, 65536)
        except OSError:  # the terminal's last user has gone
            break
        if not piece:
            break
        drawn += piece
        if typed := press(drawn.decode(errors="replace")):
            os.write(screen, typed)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(screen)
    return status, drawn.decode()


def _in_pipe(home: Path, how: str) -> Shown:
    done = subprocess.run(
        [sys.executable, "-c", RUN, how], env=_environment(home, {}), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def _words(drawn: str) -> str:
    """What stands on the screen, without the codes that put it there."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)


def test_a_terminal_shows_stages_with_progress_and_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "seen")
    seen_times = []

    def press(so_far: str) -> bytes:
        if "1 из 2" in so_far and not seen_times:
            seen_times.append(so_far)
            (tmp_path / "seen").write_text("")
        return b""

    status, drawn = _in_terminal(tmp_path, "watched", press)
    assert status == 0
    assert COLOUR.search(drawn)
    # While it works: what is done, what runs, what waits.
    assert re.search(r"✓ чтение папки .+[⠀-⣿] витрины .+· завершение", _words(seen_times[0]), re.DOTALL)
    assert "\x1b[2K" in drawn, "the stages are drawn over, not anew below"
    seen = _words(drawn[len(seen_times[0]) :])
    for stage in ("подготовка", "чтение папки", "загрузка файлов", "что изменилось", "звезда", "витрины"):
        assert re.search(rf"✓ {stage} +\d+,\d с", seen), stage
    assert re.search(r"✓ загрузка файлов +\d+,\d с файлов: 3 из 3", seen)
    assert re.search(r"✓ звезда +\d+,\d с моделей и проверок: 4 из 4", seen)
    assert re.search(r"✓ витрины +\d+,\d с моделей и проверок: 1 из 2", seen)
    assert re.search(r"Готово за \d+,\d с\.", seen)
    # What did not begin is not said to be done.
    assert "принятые строки" not in seen


def test_no_color_leaves_no_colour(tmp_path: Path) -> None:
    status, drawn = _in_terminal(tmp_path, "works", NO_COLOR="1")
    assert status == 0
    assert "✓ витрины" in _words(drawn)
    assert COLOUR.search(drawn) is None


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(tmp_path: Path) -> None:
    status, drawn = _in_terminal(tmp_path, "works", TERM="dumb")
    assert status == 0
    assert "\x1b" not in drawn
    assert "  витрины … " in drawn


def test_a_pipe_gets_a_line_for_each_stage(tmp_path: Path) -> None:
    status, told = _in_pipe(tmp_path, "works")
    assert status == 0
    assert "\x1b" not in told
    assert "\r" not in told
    lines = told.splitlines()
    assert [re.sub(r" … \d+,\d с.*", "", line) for line in lines[1:-1]] == [
        *("  подготовка", "  чтение папки", "  загрузка файлов", "  что изменилось", "  звезда", "  витрины"),
    ]
    assert re.fullmatch(r"  загрузка файлов … \d+,\d с \(файлов: 3 из 3\)", lines[3])
    assert re.fullmatch(r"Готово за \d+,\d с\.", lines[-1])


def test_a_failure_names_the_stage_and_the_log(tmp_path: Path) -> None:
    status, drawn = _in_terminal(tmp_path, "fails")
    assert status == 1
    seen = _words(drawn)
    assert "✗ витрины" in seen
    assert "✓ витрины" not in seen
    log = next((tmp_path / "logs" / "runs").iterdir())
    assert "Расчёт не выполнен (витрины): модель" in seen
    assert f"Подробности: {log}" in seen
    told = _in_pipe(tmp_path, "fails")[1]
    assert "  витрины … не выполнено, " in told
    assert "\x1b" not in told, "the message of a failure steers no terminal"


def test_ctrl_c_stops_what_was_started(tmp_path: Path) -> None:
    pressed = []

    def press(so_far: str) -> bytes:
        if "завершение" in so_far and (tmp_path / "waits").exists() and not pressed:
            pressed.append(True)
            return b"\x03"
        return b""

    status, drawn = _in_terminal(tmp_path, "waits", press)
    assert status == 130
    assert "Прервано." in drawn
    assert "Traceback" not in drawn
    assert not psutil.pid_exists(int((tmp_path / "waits").read_text()))


def test_what_comes_from_files_steers_nothing() -> None:
    output = io.StringIO()
    terminal = Terminal(output)
    name = "школа\x1b[31m [red]№ 1[/red]\x07.xlsx"
    terminal.say(name)
    terminal.path("Книга", Path("/a") / name)
    terminal.table(("Файл", "Строк"), [(name, 12345), ("другой", 7)])
    told = output.getvalue()
    assert not set(told) & {"\x1b", "\x07"}
    assert told.count("[red]№ 1[/red]") == 3, "square brackets of a name are text"
    rows = told.splitlines()[-2:]
    assert [row[-6:] for row in rows] == ["12 345".replace(" ", "\N{NO-BREAK SPACE}"), "     7"]


@pytest.mark.parametrize(
    ("count", "told"),
    [
        *((0, "0 школ"), (1, "1 школа"), (3, "3 школы"), (5, "5 школ"), (11, "11 школ"), (12, "12 школ")),
        *((21, "21 школа"), (22, "22 школы"), (111, "111 школ"), (1001, "1 001 школа")),
    ],
)
def test_nouns_follow_their_numbers(count: int, told: str) -> None:
    assert counted(count, "школа", "школы", "школ").replace("\N{NO-BREAK SPACE}", " ") == told


def test_numbers_and_durations_are_russian() -> None:
    assert number(1234567.891, 2) == "1 234 567,89".replace(" ", "\N{NO-BREAK SPACE}")
    assert [duration(seconds) for seconds in (0.04, 59.97, 60, 125.4)] == [
        "0,0 с",
        "59,9 с",
        "1 мин 00 с",
        "2 мин 05 с",
    ]
