"""Control totals: what the footer of a block states, against what its rows give."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ravenstvo.intake.cells import clean
from ravenstvo.intake.facts import Facts
from ravenstvo.intake.mapping import Mapper
from ravenstvo.intake.recognise import Fit
from ravenstvo.sources import Source

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")
_NAMES = {
    "count": "Всего участников",
    "average": "Средние",
    "minimum": "Минимальная граница",
    "total": "Итого",
    "declared": "Заявлено участников",
}
Total = dict[str, Any]


class ControlTotals:
    """Adds up the numbers of the records of a block, and compares them with its footers."""

    def __init__(self, mapper: Mapper, source: Source) -> None:
        self._mapper = mapper
        self._names = source.column_names
        self._titles = {column.name: column.title for column in source.columns}
        self._n_rows = 0
        self._n_present = 0
        layout = mapper.fit.layout
        wide = layout.unpivot
        self._measures = (
            tuple(wide.children)
            if wide
            else tuple(name for name in ("primary_score", "mark", "test_score") if name in mapper.fit.columns)
        )
        self._record = self._names.index(wide.column) if wide else None
        self._active = bool(layout.footers)
        self._sums: dict[tuple[str, str], Decimal] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._positions = [(name, self._names.index(name)) for name in self._measures]
        self._attendance = self._names.index("attendance") if "attendance" in self._names else None

    def add(self, record: list[str]) -> None:
        """Count one record in."""
        self._n_rows += 1
        if self._attendance is None or record[self._attendance] == "present":
            self._n_present += 1
        if not self._active:
            return
        group = record[self._record] if self._record is not None else ""
        for name, position in self._positions:
            if _NUMBER.match(record[position]):
                key = (group, name)
                self._sums[key] = self._sums.get(key, Decimal(0)) + Decimal(record[position])
                self._counts[key] = self._counts.get(key, 0) + 1

    def compare(self, fit: Fit, facts: Facts) -> list[Total]:
        """Stated against computed, for every number of every footer; ``agrees`` is None where rows cannot tell."""
        totals: list[Total] = []
        for row_no, footer, row in self._mapper.tally.footers:
            if footer.kind == "count":
                stated = [text for cell in row if _NUMBER.match(text := clean(cell))]
                if stated:
                    totals.append(_total("count", "", stated[-1], str(self._n_rows), row_no))
            elif footer.kind in ("average", "minimum"):
                for name in self._measures:
                    stated_text = self._mapper._first_filled(row, fit.columns[name], self._mapper._cells)
                    if _NUMBER.match(stated_text):
                        computed = self._average(name, stated_text) if footer.kind == "average" else None
                        totals.append(_total(footer.kind, self._titles[name], stated_text, computed, row_no))
            elif footer.kind == "total":
                totals += self._wide_totals(fit, row, row_no)
        if "declared_participants" in facts:
            totals.append(_total("declared", "", facts["declared_participants"], str(self._n_present), None))
        return totals

    def _average(self, name: str, stated: str) -> str | None:
        count = self._counts.get(("", name), 0)
        if not count:
            return None
        digits = Decimal(1).scaleb(Decimal(stated).as_tuple().exponent)  # type: ignore[arg-type]
        return str((self._sums["", name] / count).quantize(digits, ROUND_HALF_UP))

    def _wide_totals(self, fit: Fit, row: Any, row_no: int) -> list[Total]:
        totals = []
        for subject, columns in fit.records.items():
            for name, position in columns.items():
                stated = clean(row[position]) if position < len(row) else ""
                # A mean of schools' means is not the region's mean: only counts can be added up.
                if _NUMBER.match(stated) and name.startswith("n_"):
                    computed = self._sums.get((subject, name), Decimal(0))
                    totals.append(_total("total", f"{subject}: {self._titles[name]}", stated, str(computed), row_no))
        return totals


def _total(kind: str, column: str, stated: str, computed: str | None, row_no: int | None) -> Total:
    agrees = None if computed is None else Decimal(stated) == Decimal(computed)
    return {
        "total_name": _NAMES[kind],
        "column_name": column,
        "stated": stated,
        "computed": computed,
        "agrees": agrees,
        "row_no": row_no,
    }
