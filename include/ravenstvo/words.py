"""Russian numbers and nouns, as people read them."""

from __future__ import annotations

# Does not break at the end of a line, so a number stays whole.
_SPACE = "\N{NO-BREAK SPACE}"


def number(value: float, digits: int = 0) -> str:
    """A number with spaces between thousands and a comma before ``digits`` decimals: 12 345,6."""
    return f"{value:,.{digits}f}".replace(",", _SPACE).replace(".", ",")


def noun(count: int, one: str, few: str, many: str) -> str:
    """The form of a noun after a count: 1 школа, 2 школы, 5 школ."""
    tens, units = abs(count) // 10 % 10, abs(count) % 10
    if tens == 1 or units == 0 or units > 4:
        return many
    return one if units == 1 else few


def counted(count: int, one: str, few: str, many: str) -> str:
    """A count with its noun."""
    return f"{number(count)} {noun(count, one, few, many)}"


def duration(seconds: float) -> str:
    """How long something took: 12,3 с, or 2 мин 05 с from a minute on."""
    if seconds < 60:
        # 59,96 would be shown as 60,0.
        return f"{number(min(seconds, 59.9), 1)} с"
    minutes, rest = divmod(round(seconds), 60)
    return f"{number(minutes)} мин {rest:02d} с"
