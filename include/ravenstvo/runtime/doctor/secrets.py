"""Keys: there, their owner's alone, and those that the warehouse was made with."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ravenstvo.runtime.doctor.asking import asking_warehouse, value
from ravenstvo.runtime.doctor.finding import Finding, ok, trouble, warning
from ravenstvo.runtime.doctor.program import open_to_others
from ravenstvo.settings import Settings
from ravenstvo.warehouse import keys, vault
from ravenstvo.warehouse.connection import has_table

_RESTORE = "верните файл ключа из копии или назовите, где он"


def key_files(settings: Settings) -> Iterator[Finding]:
    """What can be told without the database."""
    title = "файлы ключей"
    paths = [path for path in (settings.key_file, settings.archive_key_file) if path.exists()]
    is_fine = True
    for path in paths:
        if mode := open_to_others(path):
            is_fine = False
            yield trouble(
                title, f"{path} доступен другим (права {mode})", f"chmod 600 '{path}'; сменить: ravenstvo key rotate"
            )
    if settings.archive_public_key_file.exists() and settings.archive_key_file.exists():
        secret = X25519PrivateKey.from_private_bytes(vault.read_key(settings.archive_key_file)).public_key()
        public = X25519PublicKey.from_public_bytes(vault.read_key(settings.archive_public_key_file))
        if vault.fingerprint(secret) != vault.fingerprint(public):
            is_fine = False
            yield trouble(
                title,
                f"половины ключа архива не подходят друг к другу: {settings.archive_key_file} — "
                f"{vault.fingerprint(secret)}, archive.pub — {vault.fingerprint(public)}",
                f"{_RESTORE}: RAVENSTVO_ARCHIVE_KEY_FILE",
            )
    if is_fine:
        away = (
            ""
            if settings.archive_key_file.exists()
            else "; секретной половины ключа архива здесь нет, так и рекомендуется"
        )
        yield ok(title, f"{', '.join(path.name for path in paths) or 'ещё не заведены'}{away}")


def pseudonyms(settings: Settings) -> Iterator[Finding]:
    """The key file is the one that the rows were landed with."""
    title = "ключ псевдонимов"
    with asking_warehouse(settings) as cursor:
        if not has_table(cursor, "ops.pseudonym_key"):
            return
        cursor.execute("select fingerprint from ops.pseudonym_key order by version")
        known = [fingerprint for (fingerprint,) in cursor.fetchall()]
    here = [keys.fingerprint(key) for key in keys.read(settings.key_file)]
    advice = f"{_RESTORE}: RAVENSTVO_KEY_FILE"
    if known and not here:
        seen = f"файла {settings.key_file} нет, нужна версия {len(known)} с отпечатком {known[-1]}"
        yield trouble(title, seen, advice)
    elif known and here[: len(known)] != known:
        seen = f"{settings.key_file} — не тот: нужна версия {len(known)} с отпечатком {known[-1]}, а в файле {here[-1]}"
        yield trouble(title, seen, advice)
    elif len(here) > len(known) > 0:
        yield warning(title, "смена ключа не доведена до конца", "ravenstvo key rotate")
    else:
        yield ok(title, f"версия {len(known)}, отпечаток {known[-1]}" if known else "ещё ничего не загружено")


def originals(settings: Settings) -> Iterator[Finding]:
    """Every original of the books lies in the archive, sealed for a key that is known."""
    title = "архив исходных файлов"
    with asking_warehouse(settings) as cursor:
        if not has_table(cursor, "vault.original"):
            return
        cursor.execute("select sha256, key_fingerprint from vault.original where removed_at is null")
        sealed = dict(cursor.fetchall())
        due = value(
            cursor,
            "select count(*) from vault.original "
            "where removed_at is null and archived_at + %s * interval '1 day' < now() - interval '2 days'",
            settings.archive_days,
        )
    gone = [sha256 for sha256 in sealed if not vault.place(settings, sha256).exists()]
    is_fine = True
    if gone:
        is_fine = False
        yield trouble(
            title,
            f"нет файлов, которые должны лежать в архиве: {len(gone)} из {len(sealed)}",
            "верните папку archive из копии",
        )
    if due:
        is_fine = False
        yield warning(title, f"срок хранения истёк, а файлы не удалены: {due}", "ravenstvo archive expire")
    if settings.archive_public_key_file.exists():
        public = X25519PublicKey.from_public_bytes(vault.read_key(settings.archive_public_key_file))
        if others := sorted(set(sealed.values()) - {vault.fingerprint(public)}):
            is_fine = False
            seen = f"часть файлов закрыта для другого ключа: {', '.join(others)}"
            yield warning(title, seen, "храните и прежний archive.key, пока не истечёт их срок")
    if is_fine:
        yield ok(title, f"файлов {len(sealed)}")
