"""Originals of landed files: sealed when they land, opened for a reason that is written down, gone when it is time."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from ravenstvo.intake.discover import read_inbox
from ravenstvo.intake.landing import land
from ravenstvo.runtime import archive
from ravenstvo.settings import Settings
from ravenstvo.warehouse import journal, vault

PATH = "2021/5/Математика.xlsx"
WHO = ("Иванова А. А.", "запрос отправителя от 01.06")
PIECE = 1 << 20


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None)


def _sealed(settings: Settings, content: bytes) -> tuple[Path, str]:
    plain = settings.home / "plain"
    plain.parent.mkdir(exist_ok=True)
    plain.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    target = vault.place(settings, sha256)
    assert vault.seal(plain, target, sha256, vault.public_key(settings)) == target.stat().st_size
    return target, sha256


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_is_sealed_is_opened_to_the_byte(home: Settings, size: int) -> None:
    content = os.urandom(size)
    sealed, sha256 = _sealed(home, content)
    assert content[:64] not in sealed.read_bytes() or size < 2
    opened = home.home / "opened"
    vault.unseal(sealed, opened, sha256, home)
    assert opened.read_bytes() == content
    for path in (sealed, opened, home.archive_key_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (sealed.parent, home.archive_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_changed_cut_or_swapped_file_is_not_opened(home: Settings) -> None:
    sealed, sha256 = _sealed(home, os.urandom(2 * PIECE + 5))
    right = sealed.read_bytes()
    head, piece = len(b"ravenstvo sealed 1\n") + 32, PIECE + 16
    swapped = (
        right[:head] + right[head + piece : head + 2 * piece] + right[head : head + piece] + right[head + 2 * piece :]
    )
    flipped = right[:-1] + bytes([right[-1] ^ 1])
    for wrong in (flipped, right[: head + 2 * piece], right[: head + piece], right[:head], right[:9], swapped, b""):
        sealed.write_bytes(wrong)
        with pytest.raises(vault.VaultError):
            vault.unseal(sealed, home.home / "opened", sha256, home)
        assert not list(home.home.glob("opened*"))
    other, _ = _sealed(home, b"another")
    with pytest.raises(vault.VaultError, match="другой"):
        vault.unseal(other, home.home / "opened", sha256, home)


def test_loading_needs_no_secret_and_opening_needs_the_right_one(home: Settings, tmp_path: Path) -> None:
    vault.public_key(home)
    away = home.archive_key_file.rename(tmp_path / "на флешке.key")
    sealed, sha256 = _sealed(home, b"content")
    with pytest.raises(vault.VaultError, match="RAVENSTVO_ARCHIVE_KEY_FILE"):
        vault.unseal(sealed, home.home / "opened", sha256, home)
    vault.unseal(sealed, home.home / "opened", sha256, home.model_copy(update={"archive_key_file": away}))
    home.archive_key_file.write_text(X25519PrivateKey.generate().private_bytes_raw().hex())
    with pytest.raises(vault.VaultError, match="для другого ключа"):
        vault.unseal(sealed, home.home / "again", sha256, home)


def test_a_landed_file_is_in_the_archive_and_comes_back_with_an_entry_in_the_journal(intake, vpr, tmp_path) -> None:
    full = intake.write(PATH, vpr(("sch220001", 7)))
    content = full.read_bytes()
    (intake.inbox / "текст.xlsx").write_text("не книга", encoding="utf-8")
    intake.take()
    full.unlink()

    ((file_id,),) = intake.ask("select file_id from ops.source_file where status = 'landed'")
    (one,) = archive.listed(intake.settings)
    assert (one.file_id, one.path, one.size_bytes, one.removed_at) == (file_id, PATH, len(content), None)
    assert one.keep_until - one.archived_at == timedelta(days=30)
    assert intake.ask("select key_version, n_records from vault.deid_run") == [(1, 1)]

    for nobody in (("", WHO[1]), (WHO[0], " ")):
        with pytest.raises(journal.JournalError):
            archive.restore(intake.settings, file_id, *nobody, tmp_path)
    restored = archive.restore(intake.settings, file_id, *WHO, tmp_path)
    assert (restored.name, restored.read_bytes()) == ("Математика.xlsx", content)
    with pytest.raises(vault.VaultError, match="уже есть"):
        archive.restore(intake.settings, file_id, *WHO, tmp_path)
    # One that does not open is in the journal too: it was asked for.
    vault.remove(intake.settings, hashlib.sha256(content).hexdigest())
    with pytest.raises(vault.VaultError, match="в архиве нет"):
        archive.restore(intake.settings, file_id, *WHO, tmp_path / "другой.xlsx")
    entry = ("restore", *WHO, file_id, hashlib.sha256(content).hexdigest())
    journalled = intake.ask("select action, person, reason, file_id, sha256 from ops.vault_access order by access_id")
    assert journalled == [entry, entry]


def test_originals_go_when_their_time_is_over_and_no_others(intake, vpr) -> None:
    intake.write(PATH, vpr(("sch220001", 7)))
    intake.write("2021/6/Математика.xlsx", vpr(("sch220001", 8)))
    intake.take()
    settings = intake.settings
    abandoned = vault.place(settings, "ab" * 32)
    abandoned.parent.mkdir(exist_ok=True)
    draft, young = abandoned.with_name(f"{abandoned.name}.7.new"), abandoned.with_name("cd" * 32 + ".sealed")
    for left in (abandoned, draft, young):
        left.write_bytes(b"left by a landing that was killed")
    for left in (abandoned, draft):
        os.utime(left, (0, 0))
    intake.age(29.9, 1)
    assert archive.expire(settings) == 0
    intake.age(0.2, 1)
    assert archive.expire(settings) == 1
    assert [one.removed_at is None for one in archive.listed(settings)] == [False, True]
    kept = [path for path in settings.archive_dir.glob("*/*") if path != young]
    assert len(kept) == 1 and young.exists()
    with pytest.raises(vault.VaultError, match="срок хранения истёк"):
        archive.restore(settings, 1, *WHO)
    assert intake.ask("select action, file_id, reason from ops.vault_access") == [("expire", 1, "срок хранения 30 дн.")]
    assert archive.expire(settings) == 0


def test_a_file_that_changed_after_it_was_read_lands_and_its_sender_is_told(intake, vpr) -> None:
    full = intake.write(PATH, vpr(("sch220001", 7)))
    (file,) = read_inbox(intake.inbox, None, intake.settings)["files"]
    full.write_bytes(b"other bytes")
    assert land(file, intake.settings)["status"] == "landed"
    assert archive.listed(intake.settings) == []
    assert not list(intake.settings.archive_dir.glob("*/*"))
    assert intake.ask("select code, severity from ops.file_problem") == [("not_archived", "warning")]


def test_without_days_there_is_no_archive(intake, vpr) -> None:
    intake.settings = intake.settings.model_copy(update={"archive_days": 0})
    intake.write(PATH, vpr(("sch220001", 7)))
    assert intake.take() == {PATH: "landed"}
    assert not intake.settings.archive_dir.exists()
    assert not intake.settings.archive_key_file.exists()


def test_a_home_that_lost_the_public_half_makes_it_again(home: Settings) -> None:
    before = vault.public_key(home).public_bytes_raw()
    home.archive_public_key_file.unlink()
    assert vault.public_key(home).public_bytes_raw() == before
    shutil.copy(home.archive_public_key_file, home.archive_key_file)
    home.archive_public_key_file.write_text("half a key")
    with pytest.raises(vault.VaultError, match="не читается"):
        vault.public_key(home)
