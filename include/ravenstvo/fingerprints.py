"""Fingerprints (SHA-256) of files of the project: what a result was made with, and whether that has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(texts: Iterable[str]) -> str:
    """One fingerprint of some texts, in their order."""
    made = hashlib.sha256()
    for text in texts:
        made.update(text.encode())
        made.update(b"\n")
    return made.hexdigest()


def files_digest(root: Path, patterns: Iterable[str]) -> str:
    """One fingerprint of the files under ``root`` that match any pattern: their places and contents."""
    files = sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()})
    return digest(f"{path.relative_to(root)}:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files)


def file_digest(path: Path) -> str:
    """Fingerprint of one file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
