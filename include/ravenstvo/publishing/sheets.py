"""Sheets of a workbook that a person reads: headings that stay, filters, widths, and cells that cannot run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from ravenstvo.row_height import row_height

CELL_LENGTH = 32_000  # .xlsx holds 32,767 characters in a cell
# What a sender's text holds is written as text, never as a formula, a link or a number.
# Rows are written one after another, so none need be kept in memory.
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}

_NEED_COLOURS = {"required": "#F8CBAD", "one_of": "#FFE699", "optional": "#DDEBF7"}


@dataclass(frozen=True)
class Column:
    """Heading and width of a column, in characters."""

    title: str
    width: int


@contextmanager
def workbook(target: Path, title: str, created: datetime | None = None) -> Iterator[Book]:
    """A workbook that is put in its place whole, when all of it is written.

    ``created`` is the time it says it was made, without which no two workbooks have the same bytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    book = xlsxwriter.Workbook(str(unfinished), _OPTIONS)
    book.set_properties({"title": title, **({"created": created} if created else {})})
    try:
        yield Book(book)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    book.close()
    unfinished.replace(target)


class Book:
    """Sheets in one look."""

    def __init__(self, book: Any) -> None:
        self.book = book
        top = {"valign": "top"}
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#D9E2EF", "border": 1, **top})
        self.text = book.add_format({"text_wrap": True, "num_format": "@", **top})
        self.number = book.add_format({"num_format": "0", **top})
        self.share = book.add_format({"num_format": "0.0%", **top})
        self.cell = book.add_format({"text_wrap": True, "num_format": "@", "border": 1, **top})
        self.input = book.add_format({"text_wrap": True, "num_format": "@", "bg_color": "#FFF8DC", "border": 1, **top})

    def head_of(self, need: str) -> Any:
        """Heading of a column to fill in, coloured by how far it must be: required, one_of, optional."""
        look = {"bold": True, "text_wrap": True, "border": 1, "valign": "vcenter", "bg_color": _NEED_COLOURS[need]}
        return self.book.add_format(look)

    def example_of(self, number_format: str) -> Any:
        """Cell of a row that only shows what others should look like."""
        look = {"italic": True, "font_color": "#7F7F7F", "text_wrap": True, "align": "left", "valign": "top"}
        return self.book.add_format({**look, "num_format": number_format})

    def table(
        self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]], inputs: frozenset[str] = frozenset()
    ) -> tuple[Any, int]:
        """A sheet with a filter, whose heading row and first two columns stay in sight.

        Returns the sheet and the number of rows.
        Whole numbers and shares (float) are numbers, everything else is text; ``inputs`` are columns to be filled in.
        """
        sheet = self.book.add_worksheet(name)
        widths = [column.width for column in columns]
        # Heights come before the cells of a row, which are not kept in memory.
        sheet.set_row(0, row_height([column.title for column in columns], widths))
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, column.title, self.head)
        n_rows = 0
        for n_rows, row in enumerate(rows, start=1):
            sheet.set_row(n_rows, row_height(row, widths))
            for place, value in enumerate(row):
                self._write(sheet, n_rows, place, value, columns[place].title in inputs)
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, max(n_rows, 1), len(columns) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        return sheet, n_rows

    def lines(self, name: str, title: str, lines: Iterable[tuple[str, str]], widths: tuple[int, int]) -> Any:
        """A sheet of names and texts under a title."""
        sheet = self.book.add_worksheet(name)
        sheet.set_column(0, 0, widths[0])
        sheet.set_column(1, 1, widths[1])
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, title, self.title)
        for row, (left, right) in enumerate(lines, start=2):
            sheet.set_row(row, row_height((left, right), widths))
            sheet.write_string(row, 0, left[:CELL_LENGTH], self.head if left and not right else self.text)
            sheet.write_string(row, 1, right[:CELL_LENGTH], self.text)
        return sheet

    def _write(self, sheet: Any, row: int, place: int, value: Any, is_input: bool) -> None:
        if isinstance(value, float):
            sheet.write_number(row, place, value, self.share)
        elif isinstance(value, int) and not isinstance(value, bool):
            sheet.write_number(row, place, value, self.number)
        else:
            text = "" if value is None else str(value)
            sheet.write_string(row, place, text[:CELL_LENGTH], self.input if is_input else self.text)
