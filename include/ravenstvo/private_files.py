"""Files for the owner only."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, text: str, *, lasting: bool = False) -> None:
    """Write for the owner only, at once, and only what changed; ``lasting``: on the disk before it is there."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.touch(mode=0o600)
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        if lasting:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)
    if lasting:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
