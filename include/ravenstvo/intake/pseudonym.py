"""The gate for personal data: names and documents go in, keyed pseudonyms come out."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

_NOT_LETTER = re.compile(r"[^a-zа-я]+")
_NOT_DIGIT = re.compile(r"\D+")
KEY_BYTES = 32


def load_key(path: Path) -> bytes:
    """Read the secret key of the pseudonyms, or make one (mode 0600) where there is none.

    Two processes may start at once: the first to link its key into place wins, and both read that one.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    if len(key) < KEY_BYTES:
        raise ValueError(f"Ключ псевдонимов {path} короче {KEY_BYTES} байт")
    return key


def normalise_name(text: str) -> str:
    """Fold a name: case, «ё», hyphens and blanks do not make another person."""
    return _NOT_LETTER.sub("", text.lower().replace("ё", "е"))


@dataclass(frozen=True)
class Person:
    """What a protocol says of a pupil; it never leaves the reading process."""

    surname: str = ""
    given_name: str = ""
    patronymic: str = ""
    document: str = ""

    @property
    def name(self) -> str:
        """Normalised full name, its parts kept apart."""
        parts = [normalise_name(part) for part in (self.surname, self.given_name, self.patronymic)]
        return "|".join(parts) if any(parts) else ""


class Pseudonyms:
    """Keyed pseudonyms of pupils (HMAC-SHA256, first 128 bits, as hex)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _token(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()[:32]

    def keys(self, person: Person, school: str, year: str, code: str) -> tuple[str, str, str]:
        """Pseudonym of the person, of the name within the school and year, and the level of the link.

        Level 2: name and document, stable over the years. Level 3: name or participant code within the school and
        year only. A row that names nobody has no pseudonym.
        """
        name = person.name
        document = _NOT_DIGIT.sub("", person.document)
        name_key = self._token("name", f"{name}|{school}|{year}") if name else ""
        if name and document:
            return self._token("person", f"{name}|{document}"), name_key, "2"
        if name:
            return name_key, name_key, "3"
        if code:
            return self._token("code", f"{code}|{school}|{year}"), "", "3"
        return "", "", ""
