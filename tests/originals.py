"""An original in the archive, with its entry in the books."""

from __future__ import annotations

from pathlib import Path

from approval_region import do
from ravenstvo.settings import Settings
from ravenstvo.warehouse import vault

TEXT = b"text"
SHA256 = "982d9e3eb996f559e633f4d194def376" + "1d909f5a3b647d1a851fead67c32c9d1"


def seal_one(settings: Settings, folder: Path) -> None:
    """Seal ``TEXT`` as the original of the one file that the warehouse knows."""
    original = folder / "file"
    original.write_bytes(TEXT)
    public = vault.public_key(settings)
    vault.seal(original, vault.place(settings, SHA256), SHA256, public)
    do(
        settings,
        "insert into vault.original (file_id, sha256, size_bytes, stored_bytes, key_fingerprint) "
        "select file_id, %s, 4, 4, %s from ops.source_file",
        *(SHA256, vault.fingerprint(public)),
    )
