"""Files of the state folder that nobody needs any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ravenstvo.settings import Settings

_DAY = 24 * 3600
# What a killed reading left; one that is at work is younger.
_SPOOL_DAYS = 1
# Among the reports these are made anew for each moment or calculation; everything else there takes its own place again.
_MOMENTS = ("*/Состояние на *", "*/Решения — *, расчёт *.xlsx")


def remove_old_files(settings: Settings) -> dict[str, int]:
    """Remove logs, rows on their way and earlier states that are older than the settings say; how many of each."""
    logs = [path for path in settings.logs_dir.rglob("*") if path.is_file() or path.is_symlink()]
    n_logs = _remove(logs, settings.logs_days)
    _remove_empty(settings.logs_dir)
    return {
        "журналов": n_logs,
        "остатков чтения": _remove(spool_leftovers(settings), _SPOOL_DAYS),
        "прежних состояний": _remove(
            (path for pattern in _MOMENTS for path in settings.reports_dir.glob(pattern)), settings.reports_days
        ),
    }


def spool_leftovers(settings: Settings) -> list[Path]:
    """What a reading or a landing that was broken off has left."""
    return [path for path in settings.spool_dir.glob("*") if _age(path) > _SPOOL_DAYS * _DAY]


def _remove(paths: Iterable[Path], days: int) -> int:
    old = [path for path in paths if _age(path) > days * _DAY]
    for path in old:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(old)


def _remove_empty(folder: Path) -> None:
    """Folders of runs whose logs are gone."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and _age(path) > _DAY:
            with suppress(OSError):  # not empty
                path.rmdir()


def _age(path: Path) -> float:
    """Seconds since a file was written; a folder is as old as what was written into it last."""
    with suppress(FileNotFoundError):
        return time.time() - max(one.lstat().st_mtime for one in (path, *(path.glob("*") if path.is_dir() else ())))
    return 0.0
