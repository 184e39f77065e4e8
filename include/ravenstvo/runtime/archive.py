"""``ravenstvo archive``: what lies in the archive of originals, opening one for a reason, removing what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ravenstvo.settings import Settings
from ravenstvo.warehouse import journal, vault
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import LOADER

# What a landing that was broken off has left; one in progress is younger.
_ABANDONED_AFTER = 24 * 3600


@dataclass(frozen=True)
class Original:
    """An original: its number and path in the inbox, when it was put in, until when it stays, when it was removed."""

    file_id: int
    path: str
    size_bytes: int
    archived_at: datetime
    keep_until: datetime
    removed_at: datetime | None


def listed(settings: Settings) -> list[Original]:
    """Every original that has been in the archive, the latest last."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select file_id, path, original.size_bytes, archived_at, archived_at + %s, removed_at "
            "from vault.original as original inner join ops.source_file using (file_id) order by archived_at, file_id",
            (timedelta(days=settings.archive_days),),
        )
        return [Original(*row) for row in cursor.fetchall()]


def restore(settings: Settings, file_id: int, by: str, reason: str, out: Path | None = None) -> Path:
    """Open an original into a new file; the journal tells of it first, whatever comes of it.

    Args:
        settings: where the archive, its key and the warehouse are.
        file_id: number of the file.
        by: who asks.
        reason: why.
        out: the new file, or a folder for it; None means the file's own name in the current folder.

    Raises:
        VaultError: no such file, its time is over, the key does not fit, the new file is there already.
        JournalError: nobody or no reason named.
    """
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select name, original.sha256, removed_at from vault.original as original "
            "inner join ops.source_file using (file_id) where file_id = %s",
            (file_id,),
        )
        found = cursor.fetchone()
        if found is None:
            raise vault.VaultError(f"Файла {file_id} в архиве нет. Список: ravenstvo archive list")
        name, sha256, removed_at = found
        if removed_at is not None:
            raise vault.VaultError(f"Файл {file_id} удалён из архива {removed_at:%d.%m.%Y}: срок хранения истёк.")
        target = (out or Path.cwd()).expanduser().absolute()
        target = target / name if target.is_dir() else target
        if target.exists():
            raise vault.VaultError(f"Файл {target} уже есть. Назовите другой: --out")
        journal.note(cursor, "restore", by, reason, file_id, sha256)
    vault.unseal(vault.place(settings, sha256), target, sha256, settings)
    return target


def expire(settings: Settings) -> int:
    """Remove the originals whose time is over, and what broken landings have left. Returns the number of originals."""
    with connect(settings, LOADER) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select file_id, sha256 from vault.original "
            "where removed_at is null and archived_at + %s <= now() order by file_id",
            (timedelta(days=settings.archive_days),),
        )
        due = cursor.fetchall()
        for file_id, sha256 in due:
            vault.remove(settings, sha256)
            cursor.execute("update vault.original set removed_at = now() where file_id = %s", (file_id,))
            reason = f"срок хранения {settings.archive_days} дн."
            journal.note(cursor, "expire", "ravenstvo", reason, file_id, sha256)
        cursor.execute("select sha256 from vault.original where removed_at is null")
        kept = {sha256 for (sha256,) in cursor.fetchall()}
    vault.sweep(settings, kept, _ABANDONED_AFTER)
    return len(due)
