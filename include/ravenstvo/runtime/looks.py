"""What the looks into an inbox have seen of each file: whether it still changes, and whether it was taken."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Container
from typing import TypedDict

from ravenstvo import private_files
from ravenstvo.settings import Settings

_WATCHED_SECONDS = 24 * 3600


class Sight(TypedDict):
    """A file as a look saw it: what tells that it changes, since when it is so, and the content once it was read."""

    stamp: str
    since: float
    sha256: str | None


class Looks:
    """The looks into one inbox, kept in the home between them."""

    def __init__(self, settings: Settings, address: str) -> None:
        digest = hashlib.sha256(address.encode(errors="surrogateescape")).hexdigest()[:16]
        self._file = settings.inboxes_dir / f"{digest}.json"
        self._settle = settings.inbox_settle_seconds
        kept = json.loads(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        self.sights: dict[str, Sight] = kept.get("files", {})
        self._watched_at: float | None = kept.get("watched_at")
        self._address = address
        self._now = time.time()

    @property
    def is_watched(self) -> bool:
        """Whether somebody looks into this inbox day by day, so that what is left now is taken later."""
        return self._watched_at is not None and self._now - self._watched_at < _WATCHED_SECONDS

    def see(self, stamps: dict[str, str]) -> None:
        """Note what a look finds: name → stamp. What has gone is forgotten."""
        fresh = {}
        for name, stamp in stamps.items():
            seen = self.sights.get(name)
            # Of a clock that was moved back the time that has passed is not known.
            if seen is None or seen["stamp"] != stamp or seen["since"] > self._now:
                seen = Sight(stamp=stamp, since=self._now, sha256=None)
            fresh[name] = seen
        self.sights = fresh

    def is_taken(self, name: str, contents: Container[str]) -> bool:
        """Whether the file as it is now was read before and its content is among those named."""
        sha256 = self.sights[name]["sha256"]
        return sha256 is not None and sha256 in contents

    def is_settled(self, name: str) -> bool:
        """Whether the file has stayed as it is from an earlier look to this one."""
        return self.unchanged(name) >= self._settle

    def unchanged(self, name: str) -> float:
        """Seconds since the look that first saw the file as it is now."""
        return self._now - self.sights[name]["since"]

    def save(self, *, patiently: bool) -> None:
        """Keep what was seen for the next look; ``patiently``: this was one of those that leave what still changes."""
        if patiently:
            self._watched_at = self._now
        kept = {"address": self._address, "watched_at": self._watched_at, "files": self.sights}
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private_files.write(self._file, json.dumps(kept), lasting=True)
