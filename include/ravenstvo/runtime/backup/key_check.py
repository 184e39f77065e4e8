"""Which keys a backup needs, and whether the ones that are here are those."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ravenstvo.runtime.backup.manifest import BackupError, Manifest
from ravenstvo.settings import Settings
from ravenstvo.warehouse import keys, vault


def check_keys(settings: Settings, manifest: Manifest) -> list[str]:
    """What to do about keys that are not here, in Russian; nothing where all fit.

    Raises BackupError for one that is here and is another; PseudonymKeyError for one that is damaged.
    """
    return [*_pseudonyms(settings, manifest), *_archive(settings, manifest)]


def _pseudonyms(settings: Settings, manifest: Manifest) -> list[str]:
    wanted = manifest.pseudonym_keys
    if not wanted:
        return []
    here = [keys.fingerprint(key) for key in keys.read(settings.key_file)]
    needed = f"нужен ключ псевдонимов версии {len(wanted)} с отпечатком {wanted[-1]}"
    if not here:
        return [f"Для этой копии {needed}: положите файл в {settings.key_file}. До этого расчёт не начнётся."]
    if here[: len(wanted)] != wanted:
        raise BackupError(
            f"Для этой копии {needed}, а в {settings.key_file} — версии {len(here)} с отпечатком {here[-1]}. Ничего не "
            "изменено. Верните тот файл ключа или назовите, где он: RAVENSTVO_KEY_FILE"
        )
    return []


def _archive(settings: Settings, manifest: Manifest) -> list[str]:
    wanted = manifest.archive_keys
    if not wanted:
        return []
    needed = f"Исходные файлы копии открывает секретный ключ архива с отпечатком {', '.join(wanted)}"
    if not settings.archive_key_file.exists():
        return [f"{needed}: он понадобится в {settings.archive_key_file}, чтобы открыть файл. Расчёту он не нужен."]
    secret = X25519PrivateKey.from_private_bytes(vault.read_key(settings.archive_key_file))
    here = vault.fingerprint(secret.public_key())
    if here not in wanted:
        raise BackupError(
            f"{needed}, а в {settings.archive_key_file} — с отпечатком {here}. Ничего не изменено. Верните тот файл "
            "ключа, назовите, где он (RAVENSTVO_ARCHIVE_KEY_FILE), или уберите этот."
        )
    return []
