"""``ravenstvo backup`` and ``ravenstvo restore``: all that cannot be computed again, but the keys."""

from ravenstvo.runtime.backup.backing_up import back_up
from ravenstvo.runtime.backup.manifest import MANIFEST, BackupError, Manifest, verified
from ravenstvo.runtime.backup.restoring import check, restore

__all__ = ["MANIFEST", "BackupError", "Manifest", "back_up", "check", "restore", "verified"]
