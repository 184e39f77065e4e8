"""Programs in the background: started detached, known by a note with their pid, stopped with their children."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

STOP_SECONDS = 30


def start(note: Path, command: list[str], environment: dict[str, str], cwd: Path, log: Path, mark: str = "") -> None:
    """Start a program that outlives this one; its output goes to the end of ``log``, ``mark`` is kept in the note."""
    clear_leftovers(note)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    # A pid may be used again after a restart of the machine: the time of creation tells them apart.
    started = psutil.Process(process.pid).create_time()
    note.parent.mkdir(exist_ok=True, mode=0o700)
    note.write_text(json.dumps({"pid": process.pid, "started": started, "mark": mark}))


def leftovers(note: Path) -> list[psutil.Process]:
    """What a program that was killed has left behind: processes that it started, in the session that it led."""
    try:
        noted = json.loads(note.read_text())
        session, started = int(noted["pid"]), float(noted["started"])
    except (FileNotFoundError, ValueError, KeyError):
        return []
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            # One that is older belongs to another program, whose pid this session's leader got again.
            if os.getsid(process.pid) == session != process.pid and process.create_time() >= started - 1:
                found.append(process)
    return found


def clear_leftovers(note: Path) -> None:
    """End what a killed program has left behind: it would go on with work that is given to the next one."""
    left = leftovers(note) if running(note) is None else []
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=STOP_SECONDS)


def running(note: Path) -> psutil.Process | None:
    """The process of a note, None when it has ended."""
    try:
        noted = json.loads(note.read_text())
        process = psutil.Process(noted["pid"])
        same = abs(process.create_time() - noted["started"]) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, ValueError, KeyError, psutil.NoSuchProcess):
        return None


def mark(note: Path) -> str:
    """What was noted at the start."""
    try:
        return str(json.loads(note.read_text()).get("mark", ""))
    except (FileNotFoundError, ValueError):
        return ""


def stop(notes: list[Path]) -> int:
    """End the processes of the notes with all that they started; returns how many of the notes' ran."""
    processes = [process for note in notes if (process := running(note)) is not None]
    family = [member for process in processes for member in (process, *process.children(recursive=True))]
    for process in processes:
        process.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        process.kill()
    for note in notes:
        clear_leftovers(note)
        note.unlink(missing_ok=True)
    return len(processes)


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
