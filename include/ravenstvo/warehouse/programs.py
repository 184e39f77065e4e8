"""PostgreSQL's own client programs: which to take for a server, and how to run them without giving a password away."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import make_dsn
from sqlalchemy.engine import URL

from ravenstvo.errors import ToldError
from ravenstvo.warehouse.account import BINARIES
from ravenstvo.warehouse.connection import url_parameters

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class ProgramError(ToldError):
    """A program is missing, too old, or failed; the message (Russian) says what to do."""


@dataclass(frozen=True)
class Programs:
    """A folder of client programs of one version of PostgreSQL."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        """Where a program is."""
        return str(self.folder / name)


def programs_for(server_version: int, names: tuple[str, ...]) -> Programs:
    """Programs that know a server of this version (as libpq numbers it: 180004): the package's own, else the system's.

    A program may be newer than its server, never older. Raises ProgramError.
    """
    wanted = server_version // 10_000
    found: list[Programs] = []
    for folder in [BINARIES, *map(Path, os.environ.get("PATH", os.defpath).split(os.pathsep))]:
        if all(shutil.which(name, path=str(folder)) for name in names):
            major = _major(folder / names[0])
            if major is not None and major >= wanted:
                return Programs(folder, major)
            if major is not None:
                found.append(Programs(folder, major))
    there = ", ".join(sorted({f"{one.folder} — {one.major}" for one in found})) or "нет"
    raise ProgramError(
        f"Сервер базы — PostgreSQL {wanted}, а программы {', '.join(names)} старее его или отсутствуют ({there}). "
        f"Установите клиентские программы PostgreSQL {wanted} или новее и добавьте их папку в PATH."
    )


@contextmanager
def access(url: URL) -> Iterator[tuple[str, dict[str, str]]]:
    """What a program is called with to reach a database: a connection string without the password, an environment.

    The password is in a file for the owner only, which is gone when the block ends or the process does: neither the
    list of processes nor their environment shows it.
    """
    given = url_parameters(url)
    password = given.pop("password", None)
    environment = dict(os.environ) | {"LC_ALL": "C.UTF-8", "PGAPPNAME": "ravenstvo"}
    if not password:
        yield make_dsn(**given), environment
        return
    # In memory: one on the disk would stay when the process is killed.
    with open(os.memfd_create("pgpass"), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(f"*:*:*:*:{_escaped(str(password))}\n")
        file.flush()
        yield make_dsn(**given), environment | {"PGPASSFILE": f"/proc/{os.getpid()}/fd/{file.fileno()}"}


def complaint(said: str | bytes) -> str:
    """The first line of a program's complaint, without its name."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    lines = [line for line in text.splitlines() if "error" in line.lower() or "fatal" in line.lower()]
    lines = lines or [line for line in text.splitlines() if line.strip()]
    return re.sub(r"^(psql:\S+ |pg_\w+: |error: |ERROR:\s*)+", "", lines[0].strip()) if lines else "причина не названа"


def _major(program: Path) -> int | None:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(told.stdout)
    return int(version[1]) if version else None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")
