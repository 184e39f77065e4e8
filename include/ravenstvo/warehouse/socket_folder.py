"""The private folder of the embedded server's socket."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from ravenstvo.errors import ToldError
from ravenstvo.settings import Settings
from ravenstvo.warehouse.account import Account

PORT = 5432

_SOCKET_NAME = f"/.s.PGSQL.{PORT}"
_SOCKET_PATH_BYTES = 107  # sun_path of Linux, without the closing zero
_PLAIN_PATH = re.compile(r"[\w/. -]+")  # what libpq, URLs and shells all take as it is; \w includes Cyrillic


class SocketError(ToldError):
    """There is no place for the socket; the message (Russian) says what to do."""


def recorded(settings: Settings) -> Path | None:
    """The folder that the last start chose; None when there was none, or it is another user's."""
    try:
        return Path((settings.server_dir / "socket_dir").read_text(encoding="utf-8"))
    except (FileNotFoundError, PermissionError):
        return None


def choose(settings: Settings, account: Account) -> Path:
    """Private folder of the socket: in the home, or in the temp folder where the home's path is too long for one."""
    forget(settings)
    inside = settings.server_dir / "run"
    if _fits(inside) and _PLAIN_PATH.fullmatch(str(inside)):
        account.make_private_dir(inside)
        chosen = inside
    else:
        roots = [Path(tempfile.gettempdir()), Path("/tmp")]
        root = next((r for r in roots if _fits(r / "ravenstvo-xxxxxxxx") and _PLAIN_PATH.fullmatch(str(r))), None)
        if root is None:
            raise SocketError("Нет папки с коротким путём для сокета: задайте TMPDIR=/короткий/путь")
        # A new name at every start: nobody can have prepared it, and a copied home does not share it.
        chosen = Path(tempfile.mkdtemp(prefix="ravenstvo-", dir=root))
        account.give(chosen)
    (settings.server_dir / "socket_dir").write_text(str(chosen), encoding="utf-8")
    return chosen


def _fits(folder: Path) -> bool:
    return len(os.fsencode(f"{folder}{_SOCKET_NAME}.lock")) <= _SOCKET_PATH_BYTES


def leftovers(folder: Path) -> tuple[Path, Path]:
    """What a killed server leaves in the folder: the socket and its lock."""
    return Path(f"{folder}{_SOCKET_NAME}"), Path(f"{folder}{_SOCKET_NAME}.lock")


def forget(settings: Settings) -> None:
    """Remove the folder of a server that has stopped or was killed, where it lies outside the home."""
    folder = recorded(settings)
    if folder is None or folder.is_relative_to(settings.home):
        return
    with suppress(OSError):  # gone already, or not empty
        socket, lock = leftovers(folder)
        # The lock's second line is the data folder: in a copied home it names the other server.
        if lock.exists() and lock.read_text(errors="replace").splitlines()[1:2] == [str(settings.server_dir / "data")]:
            lock.unlink()
            socket.unlink(missing_ok=True)
        folder.rmdir()
