"""The gate for personal data: names and documents go in, keyed pseudonyms come out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ravenstvo.intake.cells import a_date
from ravenstvo.warehouse.keys import digest, renew

_NOT_LETTER = re.compile(r"[^a-zа-я]+")
_NOT_DIGIT = re.compile(r"\D+")
_SNILS = re.compile(r"[0-9]{11}\Z")
_SNILS_AS_NUMBER = re.compile(r"[0-9]{9,10}\Z")
_BETWEEN_DIGITS = re.compile(r"[\s.\-–—−]+")
_LAST_WITHOUT_CHECK = 1_001_998
_SAYS_SOMETHING = re.compile(r"[^\W_]")
_YEAR = re.compile(r"[12][0-9]{3}\Z")


def normalise_name(text: str) -> str:
    """Fold a name: case, «ё», hyphens and blanks do not make another person."""
    return _NOT_LETTER.sub("", text.lower().replace("ё", "е"))


def check_snils(text: str) -> tuple[str, str]:
    """Eleven digits of a СНИЛС and what to think of it: ``valid``, ``missing``, ``malformed``, ``wrong_check``.

    The digits are blank unless it is valid. A number that has passed through a spreadsheet has lost its leading zeros:
    nine or ten digits without separators are filled up. The check number is that of the pension fund's rules: the
    digits times 9…1, modulo 101, 100 counts as 0; numbers up to 001-001-998 have none. Zeros alone stand for nobody.
    """
    digits = _BETWEEN_DIGITS.sub("", text)
    if not digits.strip("0"):
        return "", "missing"
    if _SNILS_AS_NUMBER.match(text):
        digits = digits.zfill(11)
    if not _SNILS.match(digits):
        return "", "malformed"
    number, check = digits[:9], int(digits[9:])
    total = sum(int(digit) * (9 - place) for place, digit in enumerate(number))
    if int(number) > _LAST_WITHOUT_CHECK and total % 101 % 100 != check:
        return "", "wrong_check"
    return digits, "valid"


@dataclass(frozen=True)
class Worker:
    """What a register says of a teacher or of a contact; it never leaves the reading process.

    The name comes in one cell or in three; ``birth_date`` is ISO where it could be read.
    """

    snils: str = ""
    full_name: str = ""
    surname: str = ""
    given_name: str = ""
    patronymic: str = ""
    birth_date: str = ""
    contact: str = ""

    @property
    def name(self) -> str:
        """Normalised full name: the same whether it was written in one cell or in three."""
        return normalise_name(self.full_name or f"{self.surname} {self.given_name} {self.patronymic}")

    @property
    def birth_year(self) -> str:
        """Year of birth; blank when neither a date nor a year is given."""
        date = a_date(self.birth_date)
        return date[:4] if date else self.birth_date if _YEAR.match(self.birth_date) else ""


@dataclass(frozen=True)
class Person:
    """What a protocol says of a pupil; it never leaves the reading process.

    ``birth_date`` is ISO where it could be read.
    """

    surname: str = ""
    given_name: str = ""
    patronymic: str = ""
    document: str = ""
    birth_date: str = ""
    snils: str = ""

    @property
    def name(self) -> str:
        """Normalised full name, its parts kept apart."""
        parts = [normalise_name(part) for part in (self.surname, self.given_name, self.patronymic)]
        return "|".join(parts) if any(parts) else ""


class Pseudonyms:
    """Keyed pseudonyms of pupils and teachers: HMAC with the first key, made over with every key that followed it."""

    def __init__(self, *keys: bytes) -> None:
        self._first, *self._followed = keys

    def _token(self, kind: str, text: str) -> str:
        token = digest(self._first, f"{kind}:{text}")
        for key in self._followed:
            token = renew(key, token)
        return token

    def keys(self, person: Person, school: str, year: str, code: str) -> tuple[str, str, str]:
        """Pseudonym of the person, of the name within the school and year, and the level of the link.

        Level 1: a valid СНИЛС. Level 2: name and document, and the date of birth where the protocol has one; both are
        stable over the years. Level 3: name or participant code within the school and year only. A row that names
        nobody has no pseudonym.
        """
        name, (snils, _state), born = person.name, check_snils(person.snils), a_date(person.birth_date)
        document = _NOT_DIGIT.sub("", person.document)
        name_key = self._token("name", f"{name}|{school}|{year}") if name else ""
        if snils:
            return self._token("snils", snils), name_key, "1"
        if name and document:
            return self._token("person", "|".join([name, *([born] if born else []), document])), name_key, "2"
        if name:
            return name_key, name_key, "3"
        if code:
            return self._token("code", f"{code}|{school}|{year}"), "", "3"
        return "", "", ""

    def worker(self, worker: Worker) -> dict[str, str]:
        """What a register of teachers or services may keep of a person, by canonical column.

        ``person_key`` of a valid СНИЛС; ``name_key`` of full name and birth date, where both are known.
        """
        snils, state = check_snils(worker.snils)
        name, born = worker.name, a_date(worker.birth_date)
        return {
            "person_key": self._token("snils", snils) if snils else "",
            "snils_state": state,
            "name_key": self._token("worker", f"{name}|{born}") if name and born else "",
            "birth_year": worker.birth_year,
            "has_contact": "да" if _SAYS_SOMETHING.search(worker.contact) else "нет",
        }
