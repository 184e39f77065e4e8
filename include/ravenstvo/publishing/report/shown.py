"""Numbers, dates and names as a Russian reader expects them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ravenstvo import words
from ravenstvo.publishing.report.content import Cell, Raw, Text, Value

NOTHING = "—"
_NO_BREAK = "\u00a0"
# Calculations are told in the time of the schedule they are made by.
_ZONE = ZoneInfo("Europe/Moscow")


def count(number: int | None, **where: str) -> Value:
    """A whole number with its thousands apart."""
    return Value(NOTHING if number is None else words.number(number), number, **where)


def share(part: float | Decimal | None, digits: int = 1, /, **where: str) -> Value:
    """A fraction as a percentage."""
    raw = None if part is None else float(part)
    return Value(NOTHING if raw is None else f"{_decimal(100 * raw, digits)}{_NO_BREAK}%", raw, **where)


def number(value: float | Decimal | None, digits: int = 1, /, **where: str) -> Value:
    """A number with a decimal comma; a whole one has none."""
    raw = None if value is None else float(value)
    if raw is None:
        return Value(NOTHING, None, **where)
    return Value(_decimal(raw, 0 if raw == int(raw) else digits), raw, **where)


def _decimal(value: float, digits: int) -> str:
    text = words.number(value, digits)
    # What rounds to zero has no sign.
    return text.removeprefix("-") if not text.strip("-0,") else text.replace("-", "−")


def schools(number: int, name: str) -> Text:
    """«11 школ»."""
    return (count(number, name=name), _NO_BREAK + words.noun(number, "школа", "школы", "школ"))


def moment(when: datetime | None) -> str:
    """Date and time."""
    return NOTHING if when is None else f"{when.astimezone(_ZONE):%d.%m.%Y %H:%M}"


def day(when: date | datetime | None) -> str:
    """Date."""
    if isinstance(when, datetime):
        when = when.astimezone(_ZONE)
    return NOTHING if when is None else f"{when:%d.%m.%Y}"


def order(name: str | None) -> tuple[bool, str]:
    """Key of the Russian alphabetical order («ё» with «е»); what has no name comes last."""
    return (name is None, (name or "").casefold().replace("ё", "е"))


def cell(
    text: str | Value | Text, *remarks: str | Text | None, look: str | None = None, bar: float | None = None
) -> Cell:
    """A cell of one line, with remarks below it; a remark that is None is left out."""
    return Cell((_text(text),), tuple(_text(one) for one in remarks if one is not None), look, bar)


def _text(given: str | Value | Text) -> Text:
    return given if isinstance(given, tuple) else (given,)


def key(**parts: Any) -> str:
    """Key of a row as ``column=value;column=value``."""
    return ";".join(f"{name}={'' if value is None else value}" for name, value in parts.items())


def raw(value: Any) -> Raw:
    """A value of the database as an attribute of the page can hold it."""
    return float(value) if isinstance(value, Decimal) else value
