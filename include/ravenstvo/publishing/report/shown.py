"""Numbers, dates and names as a Russian reader expects them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ravenstvo.publishing.report.content import Cell, Raw, Text, Value

NOTHING = "—"
_NO_BREAK = "\u00a0"
# Calculations are told in the time of the schedule they are made by.
_ZONE = ZoneInfo("Europe/Moscow")


def count(number: int | None, **where: str) -> Value:
    """A whole number with its thousands apart."""
    return Value(NOTHING if number is None else f"{number:,}".replace(",", _NO_BREAK), number, **where)


def share(part: float | Decimal | None, digits: int = 1, **where: str) -> Value:
    """A fraction as a percentage."""
    raw = None if part is None else float(part)
    return Value(NOTHING if raw is None else f"{_decimal(100 * raw, digits)}{_NO_BREAK}%", raw, **where)


def number(value: float | Decimal | None, digits: int = 1, **where: str) -> Value:
    """A number with a decimal comma; a whole one has none."""
    raw = None if value is None else float(value)
    if raw is None:
        return Value(NOTHING, None, **where)
    return Value(_decimal(raw, 0 if raw == int(raw) else digits), raw, **where)


def _decimal(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    # What rounds to zero has no sign.
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace(",", _NO_BREAK).replace(".", ",").replace("-", "−")


def words(number: int, one: str, few: str, many: str) -> str:
    """The form of a word that a count asks for: 1 школа, 2 школы, 5 школ."""
    tens, ones = number % 100, number % 10
    if ones == 1 and tens != 11:
        return one
    return few if ones in (2, 3, 4) and tens not in (12, 13, 14) else many


def schools(number: int, name: str) -> Text:
    """«11 школ»."""
    return (count(number, name=name), _NO_BREAK + words(number, "школа", "школы", "школ"))


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


def cell(*parts: str | Value | Text | None, look: str | None = None, bar: float | None = None) -> Cell:
    """A cell of one line for each part; what is None is left out."""
    lines = tuple(part if isinstance(part, tuple) else (part,) for part in parts if part is not None)
    return Cell(lines or ((NOTHING,),), look, bar)


def key(**parts: Any) -> str:
    """Key of a row as ``column=value;column=value``."""
    return ";".join(f"{name}={'' if value is None else value}" for name, value in parts.items())


def raw(value: Any) -> Raw:
    """A value of the database as an attribute of the page can hold it."""
    return float(value) if isinstance(value, Decimal) else value
