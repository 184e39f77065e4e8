"""An inbox in a storage: S3-compatible or SFTP, read through Airflow's ``ObjectStoragePath`` and a connection of its.

What is fetched comes whole or not at all: into a draft beside its place, checked against what the storage said of it
before and after.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ravenstvo.errors import ToldError, why
from ravenstvo.settings import Settings
from ravenstvo.warehouse.no_space import is_no_space

_TRIES, _PAUSE = 3, 2.0
_NAME_BYTES = 255
Result = TypeVar("Result")


class StorageError(ToldError):
    """An inbox in a storage is not to be read; the message (Russian) says which, why, and what to do."""


class NotFetchedError(RuntimeError):
    """One file does not come; the message (Russian) says why. The others may."""


@dataclass(frozen=True)
class Item:
    """A file of a storage: its name inside the inbox, and what tells that it has changed."""

    name: str
    place: str
    size: int
    stamp: str
    modified: float | None
    problem: str | None = None
    """Why it cannot be fetched, in Russian."""


class Storage:
    """The files of one address, such as ``s3://connection@bucket/prefix``."""

    def __init__(self, address: str, settings: Settings) -> None:
        self._address, self._settings = address, settings
        self._scheme = address.partition("://")[0]
        self._connection = address.partition("://")[2].partition("@")[0]
        self._files: Any = None
        self._root = ""

    def items(self) -> list[Item]:
        """Every file under the address. Raises StorageError."""
        return self._tried(lambda: list(self._walk(self._root)))

    def fetch(self, item: Item, folder: Path) -> Path:
        """Bring one file into a folder under its own name; tries again when the connection drops.

        Raises NotFetchedError when it does not come whole, or changed meanwhile.
        """
        target = folder / item.name
        draft = target.with_name(f".{hashlib.sha256(item.name.encode(errors='surrogateescape')).hexdigest()[:16]}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._tried(lambda: self._get(item, draft))
            if draft.stat().st_size != item.size or self._tried(lambda: self._stamp_now(item)) != item.stamp:
                raise NotFetchedError("изменился, пока его забирали")
            if item.modified is not None:
                os.utime(draft, (item.modified, item.modified))
            draft.replace(target)
        except StorageError as error:
            raise NotFetchedError(f"не забран из хранилища: {error.__context__ or error}") from error
        except OSError as error:
            if is_no_space(error):
                raise
            raise NotFetchedError(f"не записан: {why(error)}") from error
        finally:
            draft.unlink(missing_ok=True)
        return target

    def _get(self, item: Item, draft: Path) -> None:
        # Several pieces at once would be held in memory whole.
        more = {"max_concurrency": 1} if self._scheme == "s3" else {}
        self._files.get_file(item.place, str(draft), **more)

    def _stamp_now(self, item: Item) -> str:
        self._files.invalidate_cache()
        return _stamp(self._files.info(item.place))

    def _connect(self) -> None:
        """Open a new connection; one that was dropped is not used again."""
        from airflow.sdk import BaseHook, ObjectStoragePath
        from airflow.sdk.io import attach, get_fs

        # A connection that is not there would be a nameless visit to Amazon.
        extra = BaseHook.get_connection(self._connection).extra_dejson
        files = get_fs(self._scheme, self._connection, self._options(extra))
        # The store of the connection, where every path of it finds its files.
        attach(self._scheme, self._connection).fs = files
        path = ObjectStoragePath(self._address)
        self._root = path.path.rstrip("/") or "/"
        self._files = path.fs

    def _options(self, extra: dict[str, Any]) -> dict[str, Any]:
        """How long the storage is waited for; for SFTP also that the server is the one that is known."""
        if self._scheme == "s3":  # s3fs tries again itself
            return {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 0}}
        _quiet_asyncssh()
        options: dict[str, Any] = {"connect_timeout": 10, "login_timeout": 20, "keepalive_interval": 15}
        options |= {"skip_instance_cache": True, "sftp_client_kwargs": {"path_errors": "surrogateescape"}}
        if str(extra.get("no_host_key_check", "")).lower() != "true":
            options["known_hosts"] = str(extra.get("known_hosts") or Path("~/.ssh/known_hosts").expanduser())
        return options

    def _walk(self, folder: str) -> Iterator[Item]:
        self._files.invalidate_cache()
        for found in self._listed(folder):
            place = str(found["name"])
            is_folder = found["type"] == "directory"
            if is_folder and place.rstrip("/") != folder:
                yield from self._walk(place.rstrip("/"))
            elif is_folder or place.rstrip("/") != folder:  # S3 may hold an object for the folder itself
                yield _item(place, place.removeprefix(self._root).removeprefix("/"), found)

    def _listed(self, folder: str) -> list[dict[str, Any]]:
        try:
            return list(self._files.ls(folder, detail=True))
        except FileNotFoundError:
            # S3 knows no folders: a prefix without files is an empty one, where its bucket is there.
            if self._scheme == "s3" and folder == self._root and "/" in folder:
                self._files.ls(folder.partition("/")[0], detail=True)
                return []
            raise

    def _tried(self, work: Callable[[], Result]) -> Result:
        """Do it, and once more over a new connection when this one drops. What no repeating mends is told at once."""
        for again in range(_TRIES):
            is_last = again == _TRIES - 1
            try:
                with self._told(passing=() if is_last else _again()):
                    if again or self._files is None:
                        self._connect()
                    return work()
            except _again():
                time.sleep(_PAUSE * (again + 1))
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _told(self, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Say in words what the storage's own libraries raise; those to be tried again pass.

        Of a chain of errors a person is told the first: what the libraries say stands in the message.
        """
        from airflow.exceptions import AirflowNotFoundException

        where = f"Входящая папка {self._address} (подключение «{self._connection}»)"
        connections = self._settings.airflow_home / "connections.yaml"
        try:
            yield
        except StorageError:
            raise
        except AirflowNotFoundException:
            raise StorageError(
                f"{where}: такого подключения нет. Впишите его в файл {connections}: как, сказано в docs/running.md."
            ) from None
        except FileNotFoundError:
            raise StorageError(f"{where}: там нет такой корзины или папки. Проверьте адрес.") from None
        except PermissionError:
            raise StorageError(
                f"{where}: хранилище не пускает. Проверьте имя, пароль или ключ в файле {connections} и права на папку."
            ) from None
        except _failures() as error:
            if isinstance(error, passing) or (isinstance(error, OSError) and is_no_space(error)):
                raise
            if "Host key" in str(error):
                raise StorageError(
                    f"{where}: ключ сервера неизвестен или сменился. Впишите проверенный ключ в файл known_hosts "
                    f"и его путь в подключение (known_hosts) в файле {connections}."
                ) from None
            raise StorageError(
                f"{where}: хранилище не отвечает ({type(error).__name__}: {error}). Проверьте сеть и адрес узла в "
                f"файле {connections}; загрузка повторится при следующем просмотре."
            ) from None


def _item(place: str, name: str, found: dict[str, Any]) -> Item:
    parts = PurePosixPath(name).parts
    problem = None
    if ".." in parts or "/".join(parts) != name or "\0" in name:
        problem = "такого имени у файла быть не может"
    elif found["type"] != "file":
        problem = "это ссылка или устройство, а не файл"
    elif any(len(part.encode(errors="surrogateescape")) > _NAME_BYTES for part in parts):
        problem = "имя длиннее 255 байт"
    modified = found.get("mtime") or found.get("LastModified")
    seconds = modified.timestamp() if isinstance(modified, datetime) else None
    return Item(name, place, int(found.get("size") or 0), _stamp(found), seconds, problem)


def _stamp(found: dict[str, Any]) -> str:
    """What changes when a file changes: size, time and, where the storage counts one, the fingerprint."""
    modified = found.get("mtime") or found.get("LastModified")
    return f"{found.get('size')} {found.get('ETag') or ''} {modified}"


def _quiet_asyncssh() -> None:
    """Leave out of the journals what it says of every connection."""
    import asyncssh

    asyncssh.set_log_level("WARNING")
    asyncssh.set_sftp_log_level("WARNING")


def _failures() -> tuple[type[Exception], ...]:
    """What the libraries of storages raise when one does not answer, or not as it should."""
    import aiohttp
    import asyncssh
    from botocore.exceptions import BotoCoreError, ClientError

    # ValueError: no channel of a dropped connection is left.
    return (OSError, TimeoutError, asyncssh.Error, aiohttp.ClientError, BotoCoreError, ClientError, ValueError)


def _again() -> tuple[type[Exception], ...]:
    """Of these, what another try over a new connection may mend."""
    import aiohttp
    import asyncssh
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    return (
        *(ConnectionError, TimeoutError, EOFError, asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost),
        *(asyncssh.SFTPNoConnection, aiohttp.ClientError, HTTPClientError, IncompleteReadError),
    )
