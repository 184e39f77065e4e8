"""The inbox, wherever it is: which of its files are to be read now, brought to a folder of this machine."""

from __future__ import annotations

import secrets
import shutil
import time
import zipfile
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ravenstvo.errors import ToldError
from ravenstvo.intake.discover import KnownFile, found_file, shown_path
from ravenstvo.intake.landing import original
from ravenstvo.intake.opening import ARCHIVES, KNOWN, UNREAD
from ravenstvo.runtime.looks import Looks
from ravenstvo.runtime.storage import Item, NotFetchedError, Storage
from ravenstvo.settings import Settings, is_remote
from ravenstvo.words import counted

_ABANDONED_AFTER = 24 * 3600
_NAMED = 10
# Names that programs give to a file which they have not copied to its end.
_UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", "~")
_ZIPPED = (*ARCHIVES, ".xlsx", ".xlsm", ".xlsb", ".ods")


class InboxError(ToldError):
    """The inbox is not to be read; the message (Russian) says why."""


@dataclass
class Gathered:
    """What of an inbox is to be read."""

    folder: Path
    only: set[Path] | None = None
    """The files of the folder that are to be read; None means all."""
    elsewhere: set[str] = field(default_factory=set)
    """Fingerprints of what was read before, and is not brought again."""
    left: dict[str, str] = field(default_factory=dict)
    """What is left for the next look: name → why, in Russian."""


def gather(
    settings: Settings, address: str, known: Mapping[str, KnownFile], year: int | None, *, patiently: bool
) -> Gathered:
    """Bring together what is to be read.

    Args:
        settings: where the state is.
        address: folder, or the address of a storage.
        known: what is in the warehouse: fingerprint → status and years.
        year: campaign year: a file that waits for it is read again.
        patiently: take only files that two looks found the same, and leave the rest for the next look; else all there
            are.

    Raises:
        InboxError: there is no such folder.
        StorageError: the storage is not to be read.
    """
    if not is_remote(address) and not Path(address).is_dir():
        raise InboxError(f"Нет папки с файлами: {address}")
    if not is_remote(address) and not patiently:
        return Gathered(Path(address))
    storage = Storage(address, settings) if is_remote(address) else None
    items = storage.items() if storage else list(_local(Path(address)))
    looks = Looks(settings, address)
    folder = _room(settings, address) if storage else Path(address).resolve()
    only: set[Path] = set()
    gathered = Gathered(folder, only)
    taken = {sha256 for sha256, file in known.items() if file.is_taken(year, refused_too=patiently)}
    for item in _choose(items, looks, gathered, taken, patiently=patiently):
        try:
            path = storage.fetch(item, folder) if storage else folder / item.name
            why = _unclosed(path, looks.unchanged(item.name), settings) if patiently else None
        except NotFetchedError as error:
            gathered.left[item.name] = str(error)
            continue
        found = None if why else found_file(folder, path)
        if found is None:
            gathered.left[item.name] = why or "исчез, пока на него смотрели"
        else:
            looks.sights[item.name]["sha256"] = found.sha256
            (gathered.elsewhere.add(found.sha256) if found.sha256 in taken else only.add(path))
        if found is None or found.sha256 in taken:
            discard_fetched(settings, path)
    looks.save(patiently=patiently)
    return gathered


def _choose(
    items: list[Item],
    looks: Looks,
    gathered: Gathered,
    taken: Container[str],
    *,
    patiently: bool,
) -> list[Item]:
    """The files that are to be read; the others are noted as left or as taken before."""
    in_reach = [item for item in items if not _is_hidden(item.name)]
    looks.see({item.name: item.stamp for item in in_reach if _is_of_use(item.name)})
    wanted = []
    for item in in_reach:
        if item.problem is not None:
            gathered.left[item.name] = item.problem
        elif item.name.lower().endswith(_UNFINISHED):
            gathered.left[item.name] = "имя недописанного файла"
        elif not _is_of_use(item.name):
            continue
        elif looks.is_taken(item.name, taken):
            gathered.elsewhere.add(str(looks.sights[item.name]["sha256"]))
        elif patiently and not looks.is_settled(item.name):
            gathered.left[item.name] = "ещё меняется или только что появился"
        else:
            wanted.append(item)
    return wanted


def _local(root: Path) -> Iterator[Item]:
    """Files of a folder. Links and what is no file pass: reading says of them what is wrong."""
    root = root.resolve()
    for path in sorted(root.rglob("*")):
        with suppress(OSError):  # gone meanwhile
            status = path.lstat()
            if path.is_symlink() or not path.is_dir():
                stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
                yield Item(path.relative_to(root).as_posix(), str(path), status.st_size, stamp, status.st_mtime)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "~$")) and part != ".." for part in PurePosixPath(name).parts)


def _is_of_use(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in (*KNOWN, *UNREAD)


def _unclosed(path: Path, unchanged: float, settings: Settings) -> str | None:
    """Why an archive that lacks its end, as a copy that stopped half-way does, is left; None once patience is over."""
    if unchanged > settings.inbox_patience_minutes * 60 or not path.is_file() or path.is_symlink():
        return None
    with suppress(OSError), path.open("rb") as file:
        # What is no archive, whatever its name, is refused by reading.
        is_begun = path.suffix.lower() in _ZIPPED and file.read(2) in (b"PK", b"")
        if is_begun and not zipfile.is_zipfile(file):
            return f"не дописан: архив не закрыт; через {settings.inbox_patience_minutes} мин будет отклонён как есть"
    return None


def _room(settings: Settings, address: str) -> Path:
    """A folder for what is fetched, not made yet, named as the inbox's own; what dead runs left goes."""
    for room in settings.inboxes_dir.glob("fetched-*"):
        with suppress(OSError):
            if time.time() - room.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(room, ignore_errors=True)
    # The folder's name may tell the year.
    name = PurePosixPath(address.partition("@")[2]).name or "inbox"
    return settings.inboxes_dir.resolve() / f"fetched-{secrets.token_hex(6)}" / name


def told(gathered: Gathered) -> list[str]:
    """What is left for the next look, a line for each reason; of many files the first are named."""
    by_reason: dict[str, list[str]] = {}
    for name, why in sorted(gathered.left.items()):
        by_reason.setdefault(why, []).append(shown_path(Path(name)))
    return [
        f"Оставлено до следующего просмотра: {counted(len(names), 'файл', 'файла', 'файлов')} — {why}: "
        + "; ".join(names[:_NAMED])
        + (f" и ещё {len(names) - _NAMED}" if len(names) > _NAMED else "")
        for why, names in by_reason.items()
    ]


def discard_unread(settings: Settings, gathered: Gathered, files: list[dict[str, str]]) -> None:
    """Remove fetched files that reading did not take: such as the same content under another name."""
    for path in (gathered.only or set()) - {original(file, settings) for file in files}:
        discard_fetched(settings, path)


def discard_fetched(settings: Settings, path: Path) -> None:
    """Remove a fetched file that has gone its way: its original is in the archive, or in the storage."""
    if not path.is_relative_to(settings.inboxes_dir.resolve()):
        return
    path.unlink(missing_ok=True)
    with suppress(OSError):  # not empty, or another task has removed it
        for folder in path.parents:
            if folder == settings.inboxes_dir.resolve():
                return
            folder.rmdir()
