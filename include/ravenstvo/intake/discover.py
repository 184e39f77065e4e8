"""Look through the inbox, read what is new, and say what is to be landed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Collection, Container, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ravenstvo.errors import ToldError, why
from ravenstvo.intake.opening import KNOWN, UNREAD
from ravenstvo.intake.pool import Request, read_all
from ravenstvo.intake.problems import Problem
from ravenstvo.layouts import load_layouts
from ravenstvo.settings import Settings
from ravenstvo.warehouse import keys
from ravenstvo.warehouse.connection import connect, moment
from ravenstvo.warehouse.roles import LOADER

DESCRIPTION = "file.json"
_ABANDONED_AFTER = 24 * 3600
_HIDDEN = (".", "~$")
_COPY = "Положите в папку сам файл"
_CONVERT = "Пришлите таблицы файлами .xlsx или .csv, архив — .zip"
# Problems that another name of the same file may cure.
_CHANGED = "changed_while_read"
_NAME_MATTERS = {"missing_fact", "two_layouts", "condition"}


class NoFilesError(ToldError):
    """The inbox holds no file of a kind that can be read."""


@dataclass(frozen=True)
class Found:
    """A file of the inbox."""

    path: str
    full_path: Path
    sha256: str
    size_bytes: int
    modified_at: str
    problem: Problem | None = None
    """Why it is not to be read at all."""


@dataclass(frozen=True)
class KnownFile:
    """What the warehouse has of a content: status, the last year of its parts, the first year that waits."""

    status: str
    last: int | None
    waits_for: int | None

    def is_taken(self, year: int | None, *, refused_too: bool = False) -> bool:
        """Whether a campaign of this year has nothing to read in it; a refused one is worth another try by a person."""
        if self.status == "refused":
            return refused_too
        return year is None or self.waits_for is None or self.waits_for > year


def natural_key(text: str) -> list[tuple[int, int | str]]:
    """Sort key in which «v10» comes after «v2»."""
    return [(0, int(piece)) if piece.isdigit() else (1, piece) for piece in re.split(r"(\d+)", text.lower()) if piece]


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shown_path(relative: Path) -> str:
    """A path inside the inbox as text: names that are not UTF-8 are taken for Windows' own, control characters go."""
    raw = os.fsencode(relative.as_posix())
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1251", errors="replace")
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)


def list_inbox(inbox: Path, only: Container[Path] | None = None) -> list[Found]:
    """Every file under the inbox that holds data or may hold it, in natural order; hidden ones are left.

    Files of a kind that is not read, links that lead out of the inbox and what cannot be opened come with a problem.
    ``only`` names files of the resolved inbox; the others are not looked into.
    """
    root = inbox.resolve()
    found = []
    for path in sorted(root.rglob("*"), key=lambda one: natural_key(shown_path(one.relative_to(root)))):
        relative = path.relative_to(root)
        if any(part.startswith(_HIDDEN) for part in relative.parts) or (only is not None and path not in only):
            continue
        if path.suffix.lower() in (*KNOWN, *UNREAD) or path.is_symlink():
            entry = found_file(root, path)
            if entry:
                found.append(entry)
    return found


def found_file(root: Path, path: Path) -> Found | None:
    """A file of the resolved inbox as it is entered; None for a folder."""
    shown, problem = shown_path(path.relative_to(root)), None
    sha256 = hashlib.sha256(os.fsencode(path)).hexdigest()
    try:
        # Before the bytes: what changes while they are read is seen by it.
        status = path.lstat()
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            problem = Problem("link_outside", "Это ссылка на место за пределами папки, по ней не читают", _COPY)
        elif path.is_dir():
            return None
        elif not path.is_file():
            problem = Problem("not_a_file", "Это не файл с данными (канал, устройство или пустая ссылка)", _COPY)
        else:
            sha256 = _fingerprint(path)
            if path.suffix.lower() in UNREAD:
                kind = path.suffix.lower()
                problem = Problem("not_read", f"Файлы {kind} не читаются, данные из него не загружены", _CONVERT)
    except (OSError, RuntimeError) as error:
        # A loop of links is a RuntimeError.
        reason = why(error) if isinstance(error, OSError) else "ссылка ведёт сама на себя"
        problem = Problem("not_opened", f"Файл не открывается: {reason}", "Проверьте права и пришлите файл заново")
        return Found(shown, path, sha256, 0, datetime.now(UTC).isoformat(), problem)
    return Found(shown, path, sha256, status.st_size, _modified(status), problem)


def _modified(status: os.stat_result) -> str:
    return datetime.fromtimestamp(status.st_mtime, UTC).isoformat()


def known_files(settings: Settings) -> dict[str, KnownFile]:
    """What came before, by fingerprint."""
    query = """
        select f.sha256, f.status, max(p.year), min(p.year) filter (where p.status = 'waiting')
        from ops.source_file as f
        left join ops.source_part as p using (file_id)
        group by f.sha256, f.status
    """
    with connect(settings, LOADER) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return {sha256: KnownFile(*known) for sha256, *known in cursor.fetchall()}


def _sweep(spool_dir: Path, known: Iterable[str]) -> None:
    """Remove what killed runs left in the spool: readings of files that are in, and old ones; a live run is younger."""
    landed = {_spool_name(sha256) for sha256 in known}
    for folder in spool_dir.glob("*"):
        with suppress(FileNotFoundError):  # the other run has just landed it
            is_old = time.time() - folder.stat().st_mtime > _ABANDONED_AFTER
            if is_old or folder.name.partition("-")[0] in landed:
                shutil.rmtree(folder, ignore_errors=True)


def _spool_name(sha256: str) -> str:
    return sha256[:24]


def _read(files: list[Found], inbox: Path, settings: Settings, n_keys: int) -> list[dict[str, Any]]:
    """Read new files into the spool; each gets a new folder, so that no other run writes where this one lands from.

    Its name is the answer's ``spool_folder``.
    """
    requests, folders = [], []
    for file in files:
        folder = settings.spool_dir / f"{_spool_name(file.sha256)}-{secrets.token_hex(4)}"
        folders.append(folder)
        folder.mkdir(parents=True, mode=0o700)
        if file.problem is None:
            requests.append(Request(f"{inbox.resolve().name}/{file.path}", str(file.full_path), str(folder)))
    try:
        read = iter(read_all(requests, settings, n_keys))
    except BaseException:
        # Where the disk is full, leave room for the next try.
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    answers = [
        next(read) if file.problem is None else {"refused": True, "parts": [], "problems": [file.problem.as_dict()]}
        for file in files
    ]
    for file, folder, answer in zip(files, folders, answers, strict=True):
        answer["spool_folder"] = folder.name
        if file.problem is None and (answer.get("sha256", file.sha256) != file.sha256 or _differs(file)):
            changed = Problem(
                _CHANGED,
                "Файл изменился, пока его читали",
                "Дождитесь, пока файл скопируется целиком, и запустите загрузку снова",
            )
            answer |= {"refused": True, "parts": [], "problems": [changed.as_dict()]}
    return answers


def _differs(file: Found) -> bool:
    """Whether a file is no longer of the size or the time that it had when it was found: it is still being copied."""
    try:
        status = file.full_path.lstat()
    except OSError:
        return False  # gone: the reading has said so, or was done before
    return (status.st_size, _modified(status)) != (file.size_bytes, file.modified_at)


def _read_changed_again(
    read: list[tuple[Found, dict[str, Any]]], known: Container[str], inbox: Path, settings: Settings, n_keys: int
) -> list[tuple[Found, dict[str, Any]]]:
    """Read once more what changed while it was read: it may have been the end of its copying."""
    again = []
    for file, answer in read:
        now = None
        if any(problem["code"] == _CHANGED for problem in answer["problems"]):
            now = found_file(inbox.resolve(), file.full_path)
        if now is None:
            again.append((file, answer))
            continue
        shutil.rmtree(settings.spool_dir / answer["spool_folder"], ignore_errors=True)
        if now.sha256 not in known:
            again.append((now, _read([now], inbox, settings, n_keys)[0]))
    return again


def _read_by_any_name(
    found: list[list[Found]], inbox: Path, settings: Settings, n_keys: int
) -> list[tuple[Found, dict[str, Any]]]:
    """Read files that may lie under several names: where one name does not tell enough, another may."""
    first = [names[0] for names in found]
    read = list(zip(first, _read(first, inbox, settings, n_keys), strict=True))
    for index, names in enumerate(found):
        for name in names[1:]:
            codes = {problem["code"] for problem in read[index][1]["problems"]}
            if read[index][1]["refused"] and codes <= _NAME_MATTERS:
                shutil.rmtree(settings.spool_dir / read[index][1]["spool_folder"], ignore_errors=True)
                read[index] = (name, _read([name], inbox, settings, n_keys)[0])
    return read


def _years(answers: Iterable[dict[str, Any]]) -> list[int]:
    return [part["year"] for answer in answers for part in answer["parts"] if part["year"]]


def read_inbox(
    inbox: Path,
    year: int | None,
    settings: Settings,
    only: Container[Path] | None = None,
    elsewhere: Collection[str] = (),
) -> dict[str, Any]:
    """Find and read what is new in the inbox.

    Args:
        inbox: folder of files as they were received.
        year: campaign year; None means the latest year that the files name, or this year where none does.
        settings: where the state and the warehouse are.
        only: the files of the resolved folder that are to be read; None means all.
        elsewhere: fingerprints of files that belong to the inbox, were read before and are not looked at again.

    Returns:
        ``year``, counts, fingerprints, and ``files``: one ``{"name", "path", "spool"}`` for each file to land; rows
        and facts lie in the spool. Files of later years will wait; refused ones are in the list, to be entered.

    Raises:
        FileNotFoundError: there is no such folder.
        LayoutError: a document of a form is wrong.
        NoFilesError: it holds no file of a kind that can be read.
        PseudonymKeyError: the key of the pseudonyms is lost or another one.
    """
    if not inbox.is_dir() and not elsewhere:
        raise FileNotFoundError(f"Нет папки с файлами: {inbox}")
    # A mistake in a document of a form is told once and by its name, not by every file.
    load_layouts()
    known = {sha256: file for sha256, file in known_files(settings).items() if file.status != "refused"}
    _sweep(settings.spool_dir, known)
    found: dict[str, list[Found]] = {}
    # Of one content under several names, one that can be read goes first.
    for file in sorted(list_inbox(inbox, only), key=lambda one: one.problem is not None):
        found.setdefault(file.sha256, []).append(file)
    if not found and not elsewhere:
        raise NoFilesError(f"В папке {inbox} нет файлов {', '.join(KNOWN)}")
    present = [known[sha256].last for sha256 in (*found, *elsewhere) if sha256 in known]
    fresh = [names for sha256, names in found.items() if sha256 not in known or not known[sha256].is_taken(year)]
    n_keys = len(keys.in_force(settings))
    read = _read_by_any_name(fresh, inbox, settings, n_keys)
    read = _read_changed_again(read, known, inbox, settings, n_keys)
    answers = [answer for _file, answer in read]
    now = moment(settings)
    # Registers alone name no year: they belong to the campaign of the day.
    campaign = year or max([*_years(answers), *(last for last in present if last)], default=now.year)
    files = []
    for file, answer in read:
        folder = settings.spool_dir / answer["spool_folder"]
        description = answer | {
            "path": file.path,
            "sha256": file.sha256,
            "size_bytes": file.size_bytes,
            "modified_at": file.modified_at,
            "loaded_at": now.isoformat(),
            "campaign_year": campaign,
            "key_version": n_keys,
            # A name may hold bytes that are no text.
            "full_path": os.fsencode(file.full_path).hex(),
        }
        (folder / DESCRIPTION).write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")
        files.append({"name": PurePosixPath(file.path).name, "path": file.path, "spool": folder.name})
    return {
        "year": campaign,
        "n_found": len({*found, *elsewhere}),
        "n_known": len({*found, *elsewhere}) - len(fresh),
        "fingerprints": sorted({*found, *elsewhere}),
        "files": files,
    }
