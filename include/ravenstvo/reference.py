"""Reference data that reading a file needs; it is kept in the dbt seeds, and read from there."""

from __future__ import annotations

import csv
import re
from functools import cache
from typing import Any

from ravenstvo.layouts import normalise_header
from ravenstvo.settings import PROJECT_ROOT

# Methods compare a year with the two before it.
YEARS_BACK = 2
# Shorter spellings («мат», «ист») are parts of too many other words and abbreviations.
_SHORTEST = 5
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


def _rows(seed: str) -> list[dict[str, str]]:
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def drift_rules() -> dict[str, dict[str, Any]]:
    """Rules by which a column is said to have changed its meaning; limits are whole numbers."""
    return {
        row["rule_code"]: {**row, "min_rows": int(row["min_rows"]), "threshold": int(row["threshold"])}
        for row in _rows("drift_rule")
    }


@cache
def _aliases() -> dict[str, dict[str, str]]:
    """Exam → spelled subject, normalised → subject of the procedure."""
    aliases: dict[str, dict[str, str]] = {}
    for row in _rows("subject_alias"):
        aliases.setdefault(row["exam"], {})[normalise_header(row["spelling"])] = row["procedure_subject"]
    return aliases


def subject_of(text: str, exam: str | None = None) -> str | None:
    """Subject of the procedure that a spelling means in an exam (or in any); None when no dictionary knows it."""
    spelling = normalise_header(text)
    exams = [exam] if exam in _aliases() else list(_aliases())
    return next((_aliases()[one][spelling] for one in exams if spelling in _aliases()[one]), None)


@cache
def _subject_titles() -> dict[str, str]:
    return {row["short_code"]: row["title_ru"] for row in _rows("subject")}


def subject_title(code: str) -> str:
    """What a subject is called; its code where the seed does not know it."""
    return _subject_titles().get(code, code)


@cache
def _any_spelling() -> re.Pattern[str]:
    spellings = {spelling for known in _aliases().values() for spelling in known if len(spelling) >= _SHORTEST}
    longest_first = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b")


def subject_within(text: str) -> str | None:
    """The longest subject that is named in whole words somewhere in a text; None when there is none."""
    found = _any_spelling().search(normalise_header(text))
    return found.group() if found else None


@cache
def _by_code() -> dict[tuple[str, int], str]:
    return {
        (row["exam"], int(row["subject_code"])): row["procedure_subject"]
        for row in _rows("subject_code")
        if row["is_oral_part"] == "false"
    }


def subject_by_code(exam: str, code: str) -> str | None:
    """A spelling of the subject that has this РИС code in this exam; None when the code is unknown."""
    subject = _by_code().get((exam, int(code))) if code.isdigit() else None
    spellings = [spelling for spelling, known in _aliases().get(exam, {}).items() if known == subject]
    return max(spellings, key=len, default=None)


@cache
def _programmes() -> dict[str, str]:
    """Code, title or short title of a programme, normalised → its code."""
    names = ("programme_code", "title", "short_title")
    return {normalise_header(row[name]): row["programme_code"] for row in _rows("programme") for name in names}


def programme_of(text: str) -> str | None:
    """Code of the programme that is written as its code, title or short title; None when it is not known."""
    return _programmes().get(normalise_header(text))


@cache
def first_programme_year() -> int:
    """The first year of any support programme."""
    return min(int(row["year_from"]) for row in _rows("programme"))


@cache
def school_match() -> dict[str, int]:
    """Parameters by which schools are found that resemble a key; scores are of 100."""
    return {row["parameter"]: int(row["value"]) for row in _rows("school_match")}


@cache
def school_name_words() -> dict[str, str]:
    """Words of names of schools as they may be written → the one word; empty for words that tell no school apart."""
    return {row["spelling"]: row["meaning"] for row in _rows("school_name_word")}
