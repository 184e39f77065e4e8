"""Turn the rows of a recognised block into canonical rows, and sort out those that are not data."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ravenstvo.intake.cells import Cells, ColumnCells, clean
from ravenstvo.intake.facts import Facts
from ravenstvo.intake.pseudonym import Person, Pseudonyms, Worker
from ravenstvo.intake.recognise import Fit
from ravenstvo.layouts import MADE_OF, PERSON, Footer, Layout, normalise_header
from ravenstvo.sources import Source

Row = Sequence[Any]
Record = list[str]
_LABEL_CELLS = 3
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")


def _is_blank(row: Row) -> bool:
    """Whether no cell of the row says anything; nearly always the first cell decides."""
    return not any(cell not in ("", None) and (not isinstance(cell, str) or not cell.isspace()) for cell in row)


@dataclass
class Tally:
    """What became of the rows of a block, and what its footers state."""

    dropped: Counter[str] = field(default_factory=Counter)
    n_blanks_as_zero: int = 0
    footers: list[tuple[int, Footer, Row]] = field(default_factory=list)


class _ItemJson(Cells):
    def read(self, value: Any) -> str:
        text = clean(value)
        return json.dumps(text, ensure_ascii=False) if text else "null"


class _ItemScore(dict[Any, float]):
    def __missing__(self, value: Any) -> float:
        text = clean(value)
        score = self[value] = float(text) if _NUMBER.match(text) else 0.0
        return score


def _is_told(made: str, said: dict[str, str]) -> bool:
    """Whether a row says all that a made column is made of, in one way or another."""
    return any(all(said.get(name) for name in way) for way in MADE_OF[made])


class Mapper:
    """Maps the data rows of one block; ``tally`` counts as it goes.

    A canonical record is a list of texts in the order of the source's columns; blank means not given.
    """

    def __init__(self, fit: Fit, source: Source, facts: Facts, pseudonyms: Pseudonyms) -> None:
        self.fit = fit
        self.source = source
        self.tally = Tally()
        self._layout: Layout = fit.layout
        self._pseudonyms = pseudonyms
        self._position = {name: index for index, name in enumerate(source.column_names)}
        self._cells = Cells()
        self._template = self._fixed_values(facts)
        self._readers = self._column_readers()
        self._previous: dict[int, str] = {}
        self._footers = [(re.compile(footer.pattern), footer) for footer in self._layout.footers]
        self._subtotal = re.compile(self._layout.subtotal) if self._layout.subtotal else None
        self._steps = self._row_steps()

    @property
    def restored_codes(self) -> list[str]:
        """Codes of schools as written, without the leading zeros that a spreadsheet has lost."""
        readers = [reader for _at, reader, _positions, _fixed in self._readers if isinstance(reader, ColumnCells)]
        return sorted(set().union(*(reader.restored for reader in readers)))

    # -- preparation -------------------------------------------------------------------------------------------------

    def _fixed_values(self, facts: Facts) -> Record:
        template = [""] * len(self._position)
        given = {name: value for name, value in facts.items() if name in self._position} | self._layout.constants
        for name, rule in self._layout.derived.items():
            fact, _, add = rule.partition("+")
            if fact in facts:
                given[name] = str(int(facts[fact]) + int(add)) if add else facts[fact]
        for name, value in given.items():
            template[self._position[name]] = value
        return template

    def _reader(self, name: str) -> Cells:
        mapped = self._layout.columns[name]
        if mapped.extract or mapped.replace or mapped.pad or mapped.date:
            return ColumnCells(mapped.extract, mapped.replace, mapped.pad, mapped.date)
        return self._cells

    def _column_readers(self) -> list[tuple[int, Cells, tuple[int, ...], bool]]:
        return [
            (self._position[name], self._reader(name), positions, name in self._template_columns)
            for name, positions in self.fit.columns.items()
            if name in self._position
        ]

    @property
    def _template_columns(self) -> set[str]:
        return {name for name, position in self._position.items() if self._template[position]}

    @property
    def given_columns(self) -> list[str]:
        """Canonical columns that the sheet itself fills, besides those made of a person's data."""
        given = {name for name in self.fit.columns if name in self._position}
        if self._layout.attendance and given.intersection(self._layout.attendance.parts):
            given.add("attendance")
        return sorted(given)

    def _row_steps(self) -> list[Callable[[Row, Record], None]]:
        steps: list[Callable[[Row, Record], None]] = []
        if fill := [self._position[name] for name, mapped in self._layout.columns.items() if mapped.fill_down]:
            steps.append(self._fill_down(fill))
        if "exam_date" in self.fit.columns and not self._template[self._position["year"]]:
            steps.append(self._year_of_date())
        if self._layout.attendance:
            steps.append(self._attendance())
        if self.fit.items:
            steps.append(self._items())
        if self._layout.person:
            steps.append(self._person() if "link_level" in self._position else self._worker())
        return steps

    def _fill_down(self, positions: list[int]) -> Callable[[Row, Record], None]:
        def step(_row: Row, record: Record) -> None:
            for position in positions:
                if record[position]:
                    self._previous[position] = record[position]
                else:
                    record[position] = self._previous.get(position, "")

        return step

    def _year_of_date(self) -> Callable[[Row, Record], None]:
        year, date = self._position["year"], self._position["exam_date"]

        def step(_row: Row, record: Record) -> None:
            record[year] = record[date][:4]

        return step

    def _attendance(self) -> Callable[[Row, Record], None]:
        rule = self._layout.attendance
        assert rule is not None
        absent = {value.lower() for value in rule.absent}
        parts = [self._position[name] for name in rule.parts if name in self.fit.columns]
        target = self._position["attendance"]

        def step(_row: Row, record: Record) -> None:
            marks = [record[part].lower() in absent for part in parts if record[part]]
            record[target] = "absent" if marks and all(marks) else "partial" if any(marks) else "present"

        return step

    def _items(self) -> Callable[[Row, Record], None]:
        scores_at, total_at = self._position["item_scores"], self._position["items_total"]
        positions = [position for _label, position in self.fit.items]
        labels = [json.dumps(label, ensure_ascii=False).replace("%", "%%") for label, _position in self.fit.items]
        template = "{" + ",".join(f"{label}:%s" for label in labels) + "}"
        texts, scores = _ItemJson(), _ItemScore()
        nothing = template % (("null",) * len(positions))

        def step(row: Row, record: Record) -> None:
            cells = [row[position] for position in positions]
            written = template % tuple([texts[cell] for cell in cells])
            if written != nothing:
                record[scores_at] = written
                total = sum([scores[cell] for cell in cells], 0.0)
                record[total_at] = str(int(total)) if total.is_integer() else repr(total)

        return step

    def _person(self) -> Callable[[Row, Record], None]:
        columns = {
            name.removeprefix(PERSON): (self.fit.columns[name], self._reader(name))
            for name in self._layout.person
            if name in self.fit.columns
        }
        school, year = self._position["school_code"], self._position["year"]
        code = self._position.get("participant_code")
        targets = [self._position[name] for name in ("person_key", "name_key", "link_level")]

        def step(row: Row, record: Record) -> None:
            said = {name: self._first_filled(row, *where) for name, where in columns.items()}
            series = said.pop("document_series", "") + said.pop("document_number", "")
            if self._layout.is_returned and not any((*said.values(), series)):
                return
            person = Person(**{**said, "document": said.get("document") or series})
            keys = self._pseudonyms.keys(person, record[school], record[year], record[code] if code is not None else "")
            for target, value in zip(targets, keys, strict=True):
                record[target] = value

        return step

    def _worker(self) -> Callable[[Row, Record], None]:
        columns = {
            name.removeprefix(PERSON): (self.fit.columns[name], self._reader(name))
            for name in self._layout.person
            if name in self.fit.columns
        }
        targets = {name: self._position[name] for name in self._layout.made & set(self._position)}

        def step(row: Row, record: Record) -> None:
            said = {name: self._first_filled(row, *where) for name, where in columns.items()}
            kept = self._pseudonyms.worker(Worker(**said))
            for name, position in targets.items():
                if not self._layout.is_returned or _is_told(name, said):
                    record[position] = kept[name]

        return step

    # -- rows --------------------------------------------------------------------------------------------------------

    @staticmethod
    def _first_filled(row: Row, positions: tuple[int, ...], cells: Cells) -> str:
        for position in positions:
            if position < len(row) and (text := cells[row[position]]):
                return text
        return ""

    def _not_data(self, row: Row) -> str | None:
        """Why a row is not data: blank, header, footer, subtotal; None for data."""
        if _is_blank(row):
            return "blank"
        if self._footer_of(row):
            return "footer"
        if self._subtotal:
            filled = [normalise_header(text) for cell in row if (text := clean(cell))][:_LABEL_CELLS]
            if any(self._subtotal.search(text) for text in filled):
                return "subtotal"
        return None

    def _footer_of(self, row: Row) -> Footer | None:
        """The kind of footer that a row is, by its first filled cell; None for any other row."""
        if not self._footers:
            return None
        label = normalise_header(next((text for cell in row if (text := self._cells[cell])), ""))
        return next((footer for pattern, footer in self._footers if pattern.search(label)), None)

    def map(self, rows: Iterable[tuple[int, Row]], header: Sequence[Row]) -> Iterator[tuple[int, Record]]:
        """Give (row number from 1, record) for every data row; other rows are counted in ``tally``."""
        width = max(map(len, header))
        for number, row in rows:
            reason = self._not_data(row)
            if reason is None and row in header:
                reason = "header"
            if reason:
                self.tally.dropped[reason] += 1
                if footer := self._footer_of(row) if reason == "footer" else None:
                    self.tally.footers.append((number, footer, row))
                continue
            if len(row) < width:
                row = [*row, *[""] * (width - len(row))]
            record = self._template.copy()
            for target, cells, positions, keep in self._readers:
                text = cells[row[positions[0]]] if len(positions) == 1 else self._first_filled(row, positions, cells)
                if text or not keep:
                    record[target] = text
            for step in self._steps:
                step(row, record)
            if self._layout.unpivot:
                yield from self._records(number, row, record)
            else:
                yield number, record

    def _records(self, number: int, row: Row, record: Record) -> Iterator[tuple[int, Record]]:
        """One record for each subject of a wide row that somebody sat; one without a subject where nobody did."""
        unpivot = self._layout.unpivot
        assert unpivot is not None
        target = self._position[unpivot.column]
        present = self._position[unpivot.present]
        found = False
        for subject, columns in self.fit.records.items():
            one = record.copy()
            one[target] = subject
            for name, position in columns.items():
                one[self._position[name]] = self._cells[row[position]]
            if one[present] in ("", "0"):
                continue
            for name in unpivot.zero_if_blank:
                if not one[self._position[name]]:
                    one[self._position[name]] = "0"
                    self.tally.n_blanks_as_zero += 1
            found = True
            yield number, one
        if not found:
            yield number, record
