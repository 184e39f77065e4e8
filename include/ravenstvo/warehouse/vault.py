"""The archive of originals: every landed file, encrypted, outside the database, for as long as it may be kept.

A file is sealed for a public key, as «age» does it: whoever loads can put files in and cannot open them. The secret key
is needed to open one only, and may lie on another machine. The database holds the manifest (``vault.original``).

A sealed file: the magic, the public half of a key pair made for this file, then pieces of AES-256-GCM. A piece's nonce
is its number and whether it is the last, so that pieces can be neither swapped nor cut off; all of them vouch for the
head.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ravenstvo import private_files
from ravenstvo.errors import ToldError
from ravenstvo.settings import Settings

_MAGIC = b"ravenstvo sealed 1\n"
_KEY_BYTES, _TAG_BYTES, _PIECE = 32, 16, 1 << 20
_PURPOSE = b"ravenstvo archive"
_SUFFIX = ".sealed"
_FINGERPRINT_DIGITS = 16


class VaultError(ToldError):
    """A file cannot be put in or opened; the message (Russian) says what to do."""


class ChangedError(VaultError):
    """The file is gone, or is no longer the one that was read."""


def place(settings: Settings, sha256: str) -> Path:
    """Where the file of this fingerprint lies sealed."""
    return settings.archive_dir / sha256[:2] / f"{sha256}{_SUFFIX}"


def fingerprint(public: X25519PublicKey) -> str:
    """What tells the archive's keys apart."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:_FINGERPRINT_DIGITS]


def public_key(settings: Settings) -> X25519PublicKey:
    """The key that files are sealed for; the first call makes the pair. Raises VaultError for a damaged one."""
    path = settings.archive_public_key_file
    if not path.exists():
        secret = read_key(settings.archive_key_file) if settings.archive_key_file.exists() else _make(settings)
        private_files.write(path, X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw().hex())
    return X25519PublicKey.from_public_bytes(read_key(path))


def seal(source: Path, target: Path, sha256: str, public: X25519PublicKey) -> int:
    """Seal a file under its fingerprint; returns the bytes written.

    Raises ChangedError when the file is gone or has another fingerprint; nothing is left then.
    """
    for folder in (target.parent.parent, target.parent):
        folder.mkdir(exist_ok=True, mode=0o700)
    draft = target.with_name(f"{target.name}.{os.getpid()}.new")
    own = X25519PrivateKey.generate()
    head = _MAGIC + own.public_key().public_bytes_raw()
    cipher = _cipher(own.exchange(public), head, public)
    digest = hashlib.sha256()
    try:
        with source.open("rb") as plain, draft.open("xb") as sealed:
            draft.chmod(0o600)
            sealed.write(head)
            for number, piece, is_last in _pieces(plain, _PIECE):
                digest.update(piece)
                sealed.write(cipher.encrypt(_nonce(number, is_last), piece, head))
            sealed.flush()
            os.fsync(sealed.fileno())
        if digest.hexdigest() != sha256:
            raise ChangedError("Файл изменился после чтения")
        draft.replace(target)
    except FileNotFoundError as error:
        raise ChangedError("Файла уже нет в папке") from error
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def unseal(sealed: Path, target: Path, sha256: str, settings: Settings) -> None:
    """Open a sealed file into a new one, for its owner only. Raises VaultError; nothing is left then."""
    if not settings.archive_key_file.exists():
        raise VaultError(
            f"Секретного ключа архива {settings.archive_key_file} нет. Назовите, где он: RAVENSTVO_ARCHIVE_KEY_FILE"
        )
    secret = X25519PrivateKey.from_private_bytes(read_key(settings.archive_key_file))
    draft = target.with_name(f"{target.name}.{os.getpid()}.new")
    digest = hashlib.sha256()
    try:
        draft.touch(mode=0o600, exist_ok=False)
        with sealed.open("rb") as source, draft.open("wb") as plain:
            for piece in _opened(source, secret):
                digest.update(piece)
                plain.write(piece)
        if digest.hexdigest() != sha256:
            raise VaultError(f"Файл архива {sealed} повреждён или подменён: отпечаток содержимого другой.")
        os.link(draft, target)  # never over another file
    except FileNotFoundError as error:
        raise VaultError(f"Файла {sealed} в архиве нет.") from error
    finally:
        draft.unlink(missing_ok=True)


def remove(settings: Settings, sha256: str) -> None:
    """Take a file out of the archive; one that is gone already is no error."""
    path = place(settings, sha256)
    path.unlink(missing_ok=True)
    with suppress(OSError):  # others lie there
        path.parent.rmdir()


def sweep(settings: Settings, kept: set[str], seconds: float) -> None:
    """Remove what landings that were broken off have left: files nobody kept, and drafts, older than ``seconds``."""
    for path in settings.archive_dir.glob("*/*"):
        is_kept = path.suffix == _SUFFIX and path.stem in kept
        if not is_kept and time.time() - path.stat().st_mtime > seconds:
            path.unlink(missing_ok=True)


def _opened(source: BinaryIO, secret: X25519PrivateKey) -> Iterator[bytes]:
    head = source.read(len(_MAGIC) + _KEY_BYTES)
    if len(head) != len(_MAGIC) + _KEY_BYTES or not head.startswith(_MAGIC):
        raise VaultError("Это не файл архива или он повреждён.")
    other = X25519PublicKey.from_public_bytes(head[len(_MAGIC) :])
    cipher = _cipher(secret.exchange(other), head, secret.public_key())
    for number, piece, is_last in _pieces(source, _PIECE + _TAG_BYTES):
        try:
            yield cipher.decrypt(_nonce(number, is_last), piece, head)
        except InvalidTag as error:
            raise VaultError(
                "Файл архива не открывается: он повреждён или закрыт для другого ключа "
                f"(отпечаток этого: {fingerprint(secret.public_key())})."
            ) from error


def _pieces(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Pieces with their numbers, and whether one is the last; an empty file has one that is empty."""
    number, piece = 0, file.read(size)
    while following := file.read(size):
        yield number, piece, False
        number, piece = number + 1, following
    yield number, piece, True


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _cipher(shared: bytes, head: bytes, public: X25519PublicKey) -> AESGCM:
    salt = head + public.public_bytes_raw()
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=_PURPOSE).derive(shared))


def _make(settings: Settings) -> bytes:
    """A secret key (mode 0600). Two processes may start at once: the first to link its key wins."""
    path = settings.archive_key_file
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(X25519PrivateKey.generate().private_bytes_raw().hex(), encoding="ascii")
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return read_key(path)


def read_key(path: Path) -> bytes:
    """A key, either half, as its file has it. Raises VaultError for a damaged one."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise VaultError(f"Ключ архива {path} не читается. Верните файл из копии.") from error
    if len(key) != _KEY_BYTES:
        raise VaultError(f"Ключ архива {path} повреждён: в нём не {_KEY_BYTES} байт. Верните файл из копии.")
    return key
