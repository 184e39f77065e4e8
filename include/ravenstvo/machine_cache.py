"""What is the same in every home of a machine and takes seconds to make: kept in the user's own cache folder.

Nothing there is needed, and nothing there is the data's: without the folder, or after it was emptied, everything is
made anew. What another user could have written is not taken.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from ravenstvo.settings import Settings

_KEPT = 4


def fetch(settings: Settings, name: str, target: Path) -> bool:
    """Copy what is kept under a name to ``target``; False where there is nothing, or nothing to be trusted."""
    folder = settings.cache_dir
    if folder is None or not _is_ours(folder) or not _is_ours(folder / name):
        return False
    draft = _draft(target)
    try:
        shutil.copyfile(folder / name, draft)
        draft.replace(target)
        # What is used stays.
        os.utime(folder / name)
    except OSError:
        draft.unlink(missing_ok=True)
        return False
    return True


def keep(settings: Settings, name: str, made: Path) -> None:
    """Keep a copy of a file under a name, and of its kind (the name up to the first dash) only the latest few."""
    folder = settings.cache_dir
    if folder is None:
        return
    # The folder may be closed, or its disk full: then the next home makes it anew.
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_ours(folder):
            return
        draft = _draft(folder / name)
        draft.touch(mode=0o600)
        try:
            shutil.copyfile(made, draft)
            draft.replace(folder / name)
        finally:
            draft.unlink(missing_ok=True)
        same = sorted(folder.glob(f"{name.partition('-')[0]}-*"), key=lambda path: path.stat().st_mtime)
        for old in same[:-_KEPT]:
            old.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.new")


def _is_ours(path: Path) -> bool:
    """Whether it is this user's, and nobody else may write it."""
    try:
        status = path.lstat()
    except OSError:
        return False
    is_plain = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    return is_plain and status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
