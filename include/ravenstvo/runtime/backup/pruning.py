"""Old backups go when newer ones are there."""

from __future__ import annotations

import shutil
from pathlib import Path

from ravenstvo.runtime.backup import manifest as described
from ravenstvo.runtime.backup.backing_up import remove_drafts
from ravenstvo.runtime.backup.content import warehouse_id
from ravenstvo.runtime.backup.manifest import BackupError, Manifest
from ravenstvo.settings import Settings


def remove_old(settings: Settings) -> int:
    """Remove this warehouse's backups but the latest ``backups_kept``; others in the folder stay. Returns how many."""
    own = warehouse_id(settings)
    ours = [
        (manifest.made_at, folder) for folder, manifest in backups(settings.backups) if manifest.warehouse_id == own
    ]
    old = [folder for _, folder in sorted(ours, reverse=True)[settings.backups_kept :]]
    for folder in old:
        # Without its manifest it is no backup any more, should the removal be broken off.
        (folder / described.MANIFEST).unlink()
        shutil.rmtree(folder)
    remove_drafts(settings.backups)
    return len(old)


def backups(folder: Path) -> list[tuple[Path, Manifest]]:
    """Every backup in a folder whose manifest is whole."""
    found = []
    for path in folder.glob(f"*/{described.MANIFEST}"):
        try:
            found.append(described.read(path))
        except BackupError:
            continue
    return found
