"""A server that is not there: it is said once, asked again after a while, and holds up nothing."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

_ASK_AGAIN_AFTER = 60


class Outage:
    """Whether a server was there the last time, known to all processes of a home by a file."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    @property
    def is_fresh(self) -> bool:
        """Whether the server was missed a moment ago, so that it need not be asked."""
        with suppress(OSError):
            return 0 <= time.time() - self._mark.stat().st_mtime < _ASK_AGAIN_AFTER
        return False

    def note(self) -> bool:
        """The server was missed. Returns whether that is news."""
        with suppress(OSError):
            self._mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_news = not self._mark.exists()
            self._mark.touch(mode=0o600)
            return is_news
        return False

    def end(self) -> None:
        """The server has answered."""
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)
