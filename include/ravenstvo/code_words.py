"""What the codes of the marts are called for people: statuses, verdicts, kinds, in Russian.

The words lie in ``code_words.yml``. Programmes, methods and procedures need none here: their titles are in ``dim_*``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("code_words.yml")
LOOKS = ("good", "warn", "bad", "unknown")
"""How a word may look: good news, needs a look, bad news, not known. A word without a look is plain."""
_YES_NO = "yes_no"


@dataclass(frozen=True)
class Word:
    """A code in words; ``look`` is one of ``LOOKS`` or None."""

    word: str
    look: str | None = None


@cache
def _document() -> tuple[dict[str, dict[str, Word]], dict[str, str]]:
    read = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    lists = {
        name: {code: Word(told["word"], told.get("look")) for code, told in codes.items()}
        for name, codes in read["lists"].items()
    }
    return lists, read["columns"]


def word_list(name: str) -> Mapping[str, Word]:
    """Code → word of a list; the codes of a boolean are ``true``, ``false`` and ``null``. KeyError when unknown."""
    return _document()[0][name]


def words_of(mart: str, column: str) -> Mapping[str, Word] | None:
    """The words of a column's codes; None when the column holds none."""
    lists, columns = _document()
    name = columns.get(f"{mart}.{column}") or columns.get(column)
    return lists[name] if name else None


def told(mart: str, column: str, value: Any) -> Any:
    """A value of a column as people read it.

    Booleans and codes become words, a null is a word only where the column's list has one; a code that no list knows,
    and every other value, stays as it is. A code of two halves, «crisis/norm», is told half by half.
    """
    words = words_of(mart, column)
    if words is None and isinstance(value, bool):
        words = word_list(_YES_NO)
    code = _code(value)
    if words is None or code is None:
        return value
    if code not in words and "/" in code:
        return " / ".join(words[half].word if half in words else half for half in code.split("/"))
    return words[code].word if code in words else value


def told_period(period: str, kind: str) -> str:
    """A period of an indicator in words: ``2020-Q3``, ``stage-2``, ``programme`` or a year."""
    if kind == "quarter":
        year, _, quarter = period.partition("-Q")
        return f"{quarter} квартал {year} года"
    if kind == "stage":
        return f"этап {period.removeprefix('stage-')}"
    return word_list("period_kind")[kind].word if kind == "programme" else f"{period} год"


def _code(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return value if isinstance(value, str) else None
