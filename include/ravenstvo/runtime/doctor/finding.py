"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from ravenstvo.settings import Settings

_TOLD = 4


class Level(IntEnum):
    """How bad it is. ``UNKNOWN``: could not be looked at, because of something else that is told."""

    OK = 0
    UNKNOWN = 1
    WARNING = 2
    TROUBLE = 3


@dataclass(frozen=True)
class Finding:
    """A line: what was looked at, what was seen, and what to do (Russian)."""

    level: Level
    title: str
    seen: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """Something to look at. ``look`` may raise anything; ``asks_warehouse``: without the database it cannot."""

    title: str
    look: Callable[[Settings], Iterable[Finding]]
    asks_warehouse: bool = False


def ok(title: str, seen: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, title, seen)


def warning(title: str, seen: str, advice: str) -> Finding:
    """It works, but not for ever."""
    return Finding(Level.WARNING, title, seen, advice)


def trouble(title: str, seen: str, advice: str) -> Finding:
    """A run would fail, or something is lost or open to others."""
    return Finding(Level.TROUBLE, title, seen, advice)


def some(names: list[str]) -> str:
    """The first few of what was found, and how many there are besides."""
    rest = len(names) - _TOLD
    return ", ".join(names[:_TOLD]) + (f" и ещё {rest}" if rest > 0 else "")
