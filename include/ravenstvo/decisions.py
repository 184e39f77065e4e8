"""The decision workbook: what its sheet and columns are called and what may stand in them.

One stage writes the workbook for a person to fill, another reads it back.
"""

from __future__ import annotations

SHEET = "Решения"
KEY, NAME, DECISION, REASON, DOCUMENT = "Код ОО или логин", "Школа", "Решение", "Основание", "Документ"
REQUIRED = (KEY, DECISION, REASON, DOCUMENT)

INCLUDED, EXCLUDED, DEFERRED = "included", "excluded", "deferred"
# What a person writes → what the warehouse holds.
WORDS = {"включить": INCLUDED, "не включать": EXCLUDED, "отложить": DEFERRED}
TITLES = {INCLUDED: "включена", EXCLUDED: "не включена", DEFERRED: "отложена"}


def as_computed(is_low_results: bool | None) -> str:
    """The decision that repeats the verdict of the method; without a verdict a school is not on the list."""
    return INCLUDED if is_low_results else EXCLUDED
