"""Kills `ravenstvo run` at many points and looks whether the same command still ends in the same marts.

    python bench/kills.py --points 30 [--inbox FOLDER] [--year Y] [--in-a-row 3]

A run without deaths says how long it takes and what the marts are. Then, in fresh homes, the whole process group of the
command is killed (SIGKILL) at points spread over that time; `--in-a-row` deaths follow each other in a home, each run
continuing what the last one left, before a run may end and its marts are compared. Every third death is another one:
of the command's own process alone, of one reading process, or of PostgreSQL.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import psutil
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect

PROGRAM = str(Path(sys.executable).with_name("ravenstvo"))
_HASHES = """
select mart, n_rows, hash from ops.mart_hash where calculation_id = (
    select calculation_id from ops.calculation where status = 'done' order by finished_at desc limit 1)
"""
KINDS = ("group", "group", "command", "group", "group", "reader", "group", "group", "server")


def main() -> int:
    """Returns 0 when every chain of deaths ended in the same marts."""
    asked = _arguments()
    generator = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        # Root's server runs under an account of its own, which must pass.
        Path(folder).chmod(0o711)
        template = Path(folder) / "template"
        # A home with its databases made, and nothing in it.
        _call(template, ["migrate"])
        _call(template, ["down"])
        with _home(template, Path(folder) / "reference") as home:
            started = time.monotonic()
            _finish(home, asked)
            whole = time.monotonic() - started
            wanted = _hashes(home)
        print(f"without deaths: {whole:.0f} s, {len(wanted)} marts", flush=True)
        # Spread over the whole run, whatever the seed. What a dead run leaves is continued sooner than it was begun, so
        # the late points come first in a fresh home.
        points = deque((number + generator.random()) / asked.points for number in range(asked.points))
        n_killed = n_chains = n_wrong = 0
        while points:
            with _home(template, Path(folder) / f"home{n_chains}") as home:
                told = []
                for place in range(min(asked.in_a_row, len(points))):
                    point = points.popleft() if place else points.pop()
                    kind = KINDS[n_killed % len(KINDS)]
                    if place and kind == "reader":  # everything is read by then
                        kind = "group"
                    started, after = time.monotonic(), whole * point
                    if not _die(home, asked, after, kind):
                        told.append(f"done before {after:.1f} s")
                        points.append(point)
                        if not place:  # the machine is quicker now
                            whole = time.monotonic() - started
                        break
                    n_killed += 1
                    told.append(kind if kind == "reader" else f"{kind} {after:.1f} s")
                _finish(home, asked)
                found = _hashes(home)
            unlike = sorted(mart for mart in wanted.keys() | found.keys() if wanted.get(mart) != found.get(mart))
            n_chains, n_wrong = n_chains + 1, n_wrong + bool(unlike)
            print(f"{', '.join(told)}: {'DIFFERENT ' + ', '.join(unlike) if unlike else 'same marts'}", flush=True)
        print(f"deaths: {n_killed} in {n_chains} homes; ended otherwise: {n_wrong}")
    return int(n_wrong > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=30)
    parser.add_argument("--in-a-row", type=int, default=3)
    parser.add_argument("--inbox", type=Path)
    parser.add_argument("--year", type=int)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


@contextlib.contextmanager
def _home(template: Path, home: Path) -> Iterator[Path]:
    shutil.copytree(template, home, symlinks=True)
    if os.geteuid() == 0:
        # The server's account owns the data.
        for path in (template / "postgres").rglob("*"):
            there = home / path.relative_to(template)
            os.chown(there, path.stat().st_uid, path.stat().st_gid, follow_symlinks=False)
    try:
        yield home
    finally:
        server.stop(Settings(home=home, warehouse_url=None))
        shutil.rmtree(home)


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAVENSTVO_")}
    return kept | {"RAVENSTVO_HOME": str(home)}


def _command(asked: argparse.Namespace) -> list[str]:
    inbox = ["--inbox", str(asked.inbox)] if asked.inbox else []
    return [PROGRAM, "run", *inbox, *(["--year", str(asked.year)] if asked.year else [])]


def _call(home: Path, arguments: list[str]) -> None:
    subprocess.run([PROGRAM, *arguments], env=_environment(home), check=True, capture_output=True)


def _finish(home: Path, asked: argparse.Namespace) -> None:
    done = subprocess.run(_command(asked), env=_environment(home), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(f"the run did not end:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")


def _die(home: Path, asked: argparse.Namespace, after: float, kind: str) -> bool:
    """One run that dies; False when it was done before."""
    with (
        (home / "killed.log").open("a") as log,
        subprocess.Popen(
            _command(asked), env=_environment(home), stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        deadline = time.monotonic() + after
        while not _readers(process) if kind == "reader" else time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            time.sleep(0.01)
        if process.poll() is not None:
            return False
        if kind == "command":
            process.kill()
        elif kind == "reader":
            _readers(process)[0].kill()
        elif kind == "server":
            with contextlib.suppress(FileNotFoundError):  # not started yet
                pid = int((home / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
                os.kill(pid, signal.SIGQUIT)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return True


def _readers(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children(recursive=True)
        return [child for child in children if "ravenstvo.intake.serve" in child.cmdline()]
    return []


def _hashes(home: Path) -> dict[str, tuple[int, str]]:
    with connect(Settings(home=home, warehouse_url=None)) as connection, connection.cursor() as cursor:
        cursor.execute(_HASHES)
        return {mart: (n_rows, found) for mart, n_rows, found in cursor.fetchall()}


if __name__ == "__main__":
    sys.exit(main())
