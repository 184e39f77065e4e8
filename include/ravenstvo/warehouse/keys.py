"""Keys of the pseudonyms: kept in a file outside the database, which knows their fingerprints only.

A key is never replaced, only followed: a pseudonym of version 2 is made of the one of version 1 with the second key,
so what has been landed can be made over without the names (``renew``). The file therefore holds every key there was,
a line for each: its version and the key in hexadecimal. A file with the key alone is of version 1.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from ravenstvo import private_files
from ravenstvo.errors import ToldError, why
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

KEY_BYTES = 32
TOKEN_DIGITS = 32
_FINGERPRINT_DIGITS = 16
_ADVICE = "Верните файл ключа из копии: с другим ключом записи одного человека не свяжутся."

# Shared by whoever lands, held alone by who changes the key.
LANDS = "select pg_advisory_xact_lock_shared(hashtext('ravenstvo.pseudonym_key'))"
CHANGES = "select pg_advisory_xact_lock(hashtext('ravenstvo.pseudonym_key'))"


class PseudonymKeyError(ToldError):
    """The key of the pseudonyms is lost, damaged or another one; the message (Russian) says what to do."""


def digest(key: bytes, text: str) -> str:
    """A pseudonym: HMAC-SHA256, its first 128 bits in hexadecimal."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:TOKEN_DIGITS]


def renew(key: bytes, pseudonym: str) -> str:
    """The pseudonym of the next version of the key."""
    return digest(key, f"renew:{pseudonym}")


def fingerprint(key: bytes) -> str:
    """What tells keys apart and gives none of them away: a key is random, so it cannot be guessed from it."""
    return digest(key, "fingerprint")[:_FINGERPRINT_DIGITS]


def read(path: Path) -> list[bytes]:
    """Keys of the file, version 1 first; none where there is no file.

    Raises PseudonymKeyError for one that is damaged.
    """
    try:
        words = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise PseudonymKeyError(f"Файл ключа псевдонимов {path} не читается. {_ADVICE}") from error
    if len(words) == 1 and len(words[0]) == 1:
        words = [["1", *words[0]]]
    try:
        keys = [bytes.fromhex(key) for _version, key in words]
        versions = [int(version) for version, _key in words]
    except ValueError as error:
        raise PseudonymKeyError(f"Файл ключа псевдонимов {path} повреждён. {_ADVICE}") from error
    if not keys or versions != list(range(1, len(keys) + 1)):
        raise PseudonymKeyError(f"В файле ключа псевдонимов {path} не все версии по порядку. {_ADVICE}")
    if any(len(key) < KEY_BYTES for key in keys):
        raise PseudonymKeyError(f"Ключ псевдонимов {path} короче {KEY_BYTES} байт. {_ADVICE}")
    return keys


def make(path: Path) -> None:
    """Make the first key (mode 0600) where there is none.

    Two processes may start at once: the first to link its key into place wins, and both read that one.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(f"1 {secrets.token_hex(KEY_BYTES)}\n", encoding="ascii")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def follow(path: Path, version: int) -> bytes:
    """The key of this version, the next after those in force; added to the file where it is not there yet.

    One that is there was added by a change that did not come to its end.
    """
    keys = read(path)
    if len(keys) < version:
        keys.append(secrets.token_bytes(KEY_BYTES))
        lines = "".join(f"{number} {key.hex()}\n" for number, key in enumerate(keys, start=1))
        try:
            private_files.write(path, lines, lasting=True)
        except OSError as error:
            raise PseudonymKeyError(f"Новый ключ не записан в {path}: {why(error)}. Ничего не изменено.") from error
    return keys[version - 1]


def in_force(settings: Settings) -> list[bytes]:
    """Keys that the rows of this warehouse are made with; a new warehouse takes the file's, or has one made.

    Raises PseudonymKeyError when the file holds others, or none.
    """
    with connect(settings) as connection, connection.cursor() as cursor:
        known = _known(cursor)
        if not known:
            return _first(settings, cursor)
    keys = read(settings.key_file)
    if not keys:
        raise _lost(settings)
    for version, expected in enumerate(known, start=1):
        if len(keys) < version or fingerprint(keys[version - 1]) != expected:
            raise PseudonymKeyError(
                f"Ключ псевдонимов {settings.key_file} — не тот, под которым загружены записи (версия {version}, "
                f"отпечаток {expected}). {_ADVICE}"
            )
    return keys[: len(known)]


def version_in_force(cursor: Cursor) -> int:
    """The version that the rows of landing are made with; 0 before the first file."""
    cursor.execute("select coalesce(max(version), 0) from ops.pseudonym_key")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def enter(cursor: Cursor, version: int, key: bytes, by: str, reason: str) -> None:
    """Note that rows are made with this key from now on."""
    cursor.execute(
        "insert into ops.pseudonym_key (version, fingerprint, made_by, reason) values (%s, %s, %s, %s)",
        (version, fingerprint(key), by, reason),
    )


def _known(cursor: Cursor) -> list[str]:
    cursor.execute("select fingerprint from ops.pseudonym_key order by version")
    return [one for (one,) in cursor.fetchall()]


def _lost(settings: Settings) -> PseudonymKeyError:
    return PseudonymKeyError(f"Ключа псевдонимов {settings.key_file} нет, а в хранилище есть записи под ним. {_ADVICE}")


def _first(settings: Settings, cursor: Cursor) -> list[bytes]:
    """The keys of a warehouse without one. Rows that are there were landed before fingerprints were kept."""
    cursor.execute(CHANGES)
    if not read(settings.key_file):
        cursor.execute("select exists (select from ops.source_file where status = 'landed')")
        if cursor.fetchone() == (True,):
            raise _lost(settings)
        make(settings.key_file)
    found = read(settings.key_file)
    n_known = len(_known(cursor))
    for version, key in enumerate(found[n_known:], start=n_known + 1):
        enter(cursor, version, key, "ravenstvo", "первый запуск")
    return found
