"""The disk is full: what that is called, and what to do."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NoSpaceError(OSError):
    """There is no room left for the state; the message (Russian) says where and what to do."""

    def __init__(self, home: Path) -> None:
        free = shutil.disk_usage(home).free // 2**20
        super().__init__(
            f"На диске кончилось место: папка состояния {home}, свободно {free} МБ. Освободите место и повторите ту же "
            "команду: ничего не потеряно, загруженные файлы заново не читаются."
        )


def is_no_space(error: OSError) -> bool:
    """Whether the error says that the disk, a quota or a limit on a file's size is used up."""
    return error.errno in _ERRORS
