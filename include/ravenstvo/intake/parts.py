"""Parts of a file: the records of one content each, on their way to landing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ravenstvo.intake.cells import a_date, whole
from ravenstvo.intake.facts import Facts
from ravenstvo.intake.recognise import Fit
from ravenstvo.layouts import normalise_header
from ravenstvo.reference import programme_of, subject_of
from ravenstvo.sources import YEAR_OF, Column, Source, load_sources

SEPARATOR = "\t"
Fold = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


def _year(text: str) -> str:
    return text[:4] if a_date(text) else ""


def _programme(text: str) -> str:
    return programme_of(text) or normalise_header(text)


def _content_fold(fact: str, column: Column) -> Fold:
    """How the value of a content fact is told apart: two spellings of one programme are one content."""
    if fact.endswith(YEAR_OF):
        return _year
    folds: dict[str, Fold] = {"programme": _programme, "list": normalise_header}
    return folds.get(column.kind, _as_it_is)


@dataclass
class Part:
    """One content of one block on its way to landing: its facts, its spooled rows, its counts."""

    sheet: str
    block_no: int
    layout: str
    source: str | None = None
    facts: Facts = field(default_factory=dict)
    spool: str | None = None
    header_row: int | None = None
    n_rows_read: int = 0
    n_rows_landed: int = 0
    n_records: int = 0
    n_blanks_as_zero: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    totals: list[dict[str, Any]] = field(default_factory=list)
    item_labels: list[str] = field(default_factory=list)
    restored_codes: list[str] = field(default_factory=list)
    schools: set[str] = field(default_factory=set)
    municipalities: set[str] = field(default_factory=set)
    last_row: int = 0
    corrects_key: str = ""
    """Which part the rows were rejected from, when they came back corrected."""
    given_columns: list[str] = field(default_factory=list)

    @property
    def year(self) -> int | None:
        """Campaign year, when the facts name one that is a year."""
        return whole(self.facts.get("year"))

    def content_key(self) -> str:
        """What the part is about: the same key from another file is another version of it."""
        source = load_sources()[self.source] if self.source else None
        if source is None:
            return ""
        pieces = []
        for fact in source.content:
            value = self.facts.get(fact, "")
            pieces.append(subject_of(value, self.facts["exam"]) or value if fact == "subject" else value)
        return "|".join([source.name, *pieces])

    def scope(self) -> tuple[str, str]:
        """Which part of the region the rows cover: one school, one municipality, or the region."""
        for kind, keys in (("school", self.schools), ("municipality", self.municipalities)):
            if len(keys) == 1 and (key := next(iter(keys))):
                return kind, key.lower()
        return "region", ""

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary for JSON."""
        kind, key = self.scope()
        return {
            **{name: getattr(self, name) for name in ("sheet", "block_no", "layout", "source", "facts", "spool")},
            **{name: getattr(self, name) for name in ("header_row", "n_rows_read", "n_rows_landed", "n_records")},
            **{name: getattr(self, name) for name in ("n_blanks_as_zero", "totals", "item_labels", "restored_codes")},
            **{name: getattr(self, name) for name in ("corrects_key", "given_columns")},
            "year": self.year,
            "grade": whole(self.facts.get("grade")),
            "exam_date": a_date(self.facts.get("exam_date")),
            "dropped": dict(self.dropped),
            "content_key": self.content_key(),
            "scope_kind": kind,
            "scope_key": key,
        }


class Sorter:
    """Sorts records by content (rows may name the year, grade or subject themselves), and writes a file for each."""

    def __init__(self, sheet: str, number: int, fit: Fit, facts: Facts, source: Source) -> None:
        self._base = (sheet, number, fit.layout.name, source.name)
        self._facts = facts
        positions = {name: index for index, name in enumerate(source.column_names)}
        columns = {column.name: column for column in source.columns}
        told = {fact: fact.removesuffix(YEAR_OF) for fact in source.content}
        self._content = [
            (fact, positions[name], _content_fold(fact, columns[name]))
            for fact, name in told.items()
            if name in fit.columns
        ]
        self._school = [positions[name] for name in source.school]
        self._municipality = positions.get(source.municipality or "")
        self._parts: dict[tuple[str, ...], tuple[Part, list[str]]] = {}

    def _open(self, key: tuple[str, ...], corrects_key: str) -> tuple[Part, list[str]]:
        told = zip(self._content, key[1:], strict=True)
        facts = dict(self._facts) | {fact: value for (fact, _position, _fold), value in told if value}
        if "exam_date" in facts:
            facts.setdefault("year", facts["exam_date"][:4])
        opened = self._parts[key] = (Part(*self._base, facts=facts, corrects_key=corrects_key), [])
        return opened

    def write(self, row_no: int, record: list[str], corrects_key: str = "") -> None:
        """Take one record; a wide row gives several with the same row number.

        ``corrects_key`` names the part that a returned row corrects: rows of each make a part of their own, and have
        the numbers that they had there.
        """
        key = (corrects_key, *[fold(record[position]) for _fact, position, fold in self._content])
        part, lines = self._parts.get(key) or self._open(key, corrects_key)
        lines.append(f"{row_no}{SEPARATOR}{SEPARATOR.join(record)}\n")
        part.n_records += 1
        if part.last_row != row_no:
            part.n_rows_landed += 1
            part.last_row = row_no
        for position in self._school:
            if record[position]:
                part.schools.add(record[position])
                break
        if self._municipality is not None:
            part.municipalities.add(record[self._municipality])

    def close(self, spool_dir: Path, n_before: int) -> list[Part]:
        """Write the parts, numbered after those that the spool holds already."""
        for number, (part, lines) in enumerate(self._parts.values(), start=n_before + 1):
            part.spool = f"{number:04}.tsv"
            with (spool_dir / part.spool).open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines)
        return [part for part, _lines in self._parts.values()]
