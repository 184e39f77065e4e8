"""What a backup holds: a folder with its parts and ``manifest.json``, which tells of them and vouches for them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ravenstvo.errors import ToldError

FORMAT = 1
MANIFEST = "manifest.json"
WAREHOUSE, AIRFLOW, ORIGINALS, ROOMS = "warehouse.dump", "airflow.dump", "originals.tar", "home.tar.gz"
# Of the state folder: what people have made or been given, and the open half of the archive's key.
ROOM_NAMES = ("layouts", "decisions", "reports")

_PIECE = 1 << 20
_SEAL = "sha256"


class BackupError(ToldError):
    """A backup cannot be written or is not what it should be; the message (Russian) says what to do."""


class Part(BaseModel):
    """A file of a backup."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    size_bytes: int
    sha256: str


class Mart(BaseModel):
    """Rows and fingerprint of a mart, and the query that gives them: a later program may make another."""

    model_config = ConfigDict(frozen=True)

    n_rows: int
    hash: str
    query: str


class Manifest(BaseModel):
    """What was backed up, all of one moment of the database. Fingerprints of keys, never the keys."""

    model_config = ConfigDict(frozen=True)

    format: int
    made_at: datetime
    program: str
    code: str
    revisions: list[str]
    server_version: int
    dump_major: int
    database: str
    database_bytes: int
    warehouse_id: str
    # Versions 1, 2, …
    pseudonym_keys: list[str]
    archive_keys: list[str]
    n_files: int
    calculations: dict[int, str]
    # A calculation that was begun and not done: the marts are between two calculations.
    unfinished: str | None
    marts: dict[str, Mart]
    missing_originals: int
    parts: list[Part]

    def part(self, name: str) -> Part | None:
        """The part of this name, if the backup has it."""
        return next((part for part in self.parts if part.name == name), None)

    @property
    def size_bytes(self) -> int:
        """Of all parts."""
        return sum(part.size_bytes for part in self.parts)


def write(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json``, with a fingerprint of its own, onto the disk."""
    told = manifest.model_dump(mode="json")
    text = json.dumps(told | {_SEAL: _seal(told)}, ensure_ascii=False, indent=1)
    path = folder / MANIFEST
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read(source: Path) -> tuple[Path, Manifest]:
    """Folder and manifest of a backup, given as its folder or its manifest. Raises BackupError; no part is read."""
    folder = source.parent if source.name == MANIFEST else source
    try:
        told: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        seal = told.pop(_SEAL, None)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BackupError(f"Это не резервная копия: в {folder} нет {MANIFEST}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"Опись копии {folder / MANIFEST} не читается.") from error
    except (ValueError, AttributeError) as error:
        raise BackupError(f"Опись копии {folder / MANIFEST} повреждена. Возьмите другую копию.") from error
    if isinstance(told.get("format"), int) and told["format"] > FORMAT:
        raise BackupError(
            f"Копия {folder} сделана более новой версией программы (вид {told['format']}, эта знает {FORMAT})."
        )
    try:
        if seal != _seal(told):
            raise ValueError
        return folder, Manifest.model_validate(told)
    except (ValidationError, ValueError) as error:
        raise BackupError(f"Опись копии {folder / MANIFEST} повреждена. Возьмите другую копию.") from error


def verified(source: Path, progress: Callable[[int], None] = lambda done: None) -> tuple[Path, Manifest]:
    """The same, after every part was read to its end and found whole; ``progress`` is told the bytes read so far."""
    folder, manifest = read(source)
    done = 0
    for part in manifest.parts:
        path = folder / part.name
        if not path.is_file():
            raise BackupError(f"Копия {folder} неполна: нет части {part.name} ({part.title}). Возьмите другую копию.")
        size = path.stat().st_size
        if size != part.size_bytes:
            raise BackupError(
                f"Часть {part.name} ({part.title}) копии {folder} обрезана или изменена: {size} байт вместо "
                f"{part.size_bytes}. Возьмите другую копию."
            )
        before = done
        if fingerprint(path, lambda read, before=before: progress(before + read)) != part.sha256:  # type: ignore[misc]
            raise BackupError(
                f"Часть {part.name} ({part.title}) копии {folder} повреждена: отпечаток другой. Возьмите другую копию."
            )
        done += size
    return folder, manifest


def fingerprint(path: Path, progress: Callable[[int], None] = lambda done: None) -> str:
    """SHA-256 of a file; ``progress`` is told the bytes read so far."""
    made, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            made.update(piece)
            done += len(piece)
            progress(done)
    return made.hexdigest()


def _seal(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
