"""One normal text for a cell, whatever type the workbook gave it."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any

_CACHE_LIMIT = 200_000
_LONGEST = 10_000
_INTEGRAL = re.compile(r"-?\d+\.0+\Z")
_SHORT_NUMBER = re.compile(r"[0-9]{1,4}\Z")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+\Z")
_DATE = re.compile(r"(\d{4})[.\-/](\d{1,2})[.\-/](\d{1,2})|(\d{1,2})[.\-/](\d{1,2})[.\-/](\d{4})")
# Control characters, and marks that turn the direction of a text, have no place in a value.
_BLANKS = [*range(32), 127, 0xA0, 0x202F, 0x2007]
_INVISIBLE = [0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_UNWANTED = dict.fromkeys(_BLANKS, " ") | dict.fromkeys(_INVISIBLE, "")


def clean(value: Any) -> str:
    """Give the text of a raw cell: blanks trimmed, 12.0 as 12, decimal comma as a point, dates as ISO."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = value.translate(_UNWANTED).strip()
        if text and text[-1].isdigit():
            if _INTEGRAL.match(text):
                return text.partition(".")[0]
            if _DECIMAL_COMMA.match(text):
                return text.replace(",", ".")
        return text[:_LONGEST]
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def iso_date(text: str) -> str:
    """Give ``YYYY-MM-DD`` for a date written year first or day first; any other text stays as it is."""
    match = _DATE.match(text)
    if not match:
        return text
    year, month, day, day_first, month_second, year_last = match.groups()
    if year is None:
        year, month, day = year_last, month_second, day_first
    return f"{year}-{int(month):02}-{int(day):02}"


def whole(text: str | None) -> int | None:
    """Whole number that a text is, up to four digits; None for any other text."""
    return int(text) if text and _SHORT_NUMBER.match(text) else None


def a_date(text: str | None) -> str | None:
    """The text when it is a date in ISO form; None otherwise."""
    try:
        return date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        return None


class Cells(dict[Any, str]):
    """Texts of raw cells by value: most cells of a sheet repeat, so each distinct one is cleaned once."""

    def __missing__(self, value: Any) -> str:
        """Clean a value that is met for the first time."""
        text = self.read(value)
        if len(self) < _CACHE_LIMIT:
            self[value] = text
        return text

    def read(self, value: Any) -> str:
        """Text of one raw cell."""
        return clean(value)


class ColumnCells(Cells):
    """Texts of one column that needs more than cleaning: extraction, replacement, padding, dates."""

    def __init__(self, extract: str | None, replace: dict[str, str], pad: int | None, is_date: bool) -> None:
        super().__init__()
        self._extract = re.compile(extract) if extract else None
        self._replace = {key.lower(): new for key, new in replace.items()}
        self._pad = pad
        self._is_date = is_date
        self.restored: set[str] = set()
        """Codes as written that have got leading zeros back."""

    def read(self, value: Any) -> str:
        """Text of one raw cell, as the layout wants it."""
        text = clean(value)
        if self._extract:
            match = self._extract.search(text)
            text = match.group(1).strip() if match else ""
        if self._replace:
            text = self._replace.get(text.lower(), text)
        if self._pad and text.isdigit():
            if len(text) < self._pad:
                self.restored.add(text)
            text = text.zfill(self._pad)
        return iso_date(text) if self._is_date else text
