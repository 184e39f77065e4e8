"""Sheets of a workbook that a person reads: headings that stay, filters, widths, and cells that cannot run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import xlsxwriter

from ravenstvo.row_height import row_height

CELL_LENGTH = 32_000  # .xlsx holds 32,767 characters in a cell
_PROPERTY_LENGTH = 250
# What XML and spreadsheet programs cannot hold or show.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# What a sender's text holds is written as text, never as a formula, a link or a number.
# Rows are written one after another, so none need be kept in memory.
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}

_NEED_COLOURS = {"required": "#F8CBAD", "one_of": "#FFE699", "optional": "#DDEBF7"}
_GRID: dict[str, Any] = {"border": 1, "border_color": "#D0D0D0"}
# The button of a filter covers so many characters of a heading.
_BUTTON = 3
WHOLE, SHARE, NUMBER, DAY = "0", "0.0%", "0.00", "dd.mm.yyyy"
"""Number formats: a count, a fraction as a percentage, any other number, a day."""
# Tints of the Okabe-Ito colours, which the colour-blind can tell apart; the word in the cell says the same.
LOOKS: dict[str, dict[str, Any]] = {
    "good": {"bg_color": "#CFE5F3", "font_color": "#003E63"},
    "warn": {"bg_color": "#FBE7BF", "font_color": "#5F4300"},
    "bad": {"bg_color": "#F6CBB0", "font_color": "#6B2A00", "bold": True},
    "unknown": {"bg_color": "#ECECEC", "font_color": "#595959", "italic": True},
}


@dataclass(frozen=True)
class Column:
    """Heading and width of a column, in characters; ``looks`` says which of its words are in which of ``LOOKS``."""

    title: str
    width: int
    looks: Mapping[str, str] = field(default_factory=dict)
    has_bar: bool = False


@dataclass(frozen=True)
class Amount:
    """A number with the number format that it is shown in."""

    value: float
    number_format: str


@dataclass(frozen=True)
class Link:
    """A text that leads to a cell of the same workbook."""

    text: str
    sheet: str
    row: int


@dataclass(frozen=True)
class Page:
    """What stands at the top and the bottom of every printed page of a sheet."""

    header: str = ""
    footer: str = ""


def inert(text: str) -> str:
    """A text that a cell can hold: without control characters, not longer than a cell."""
    return _CONTROL.sub("", text)[:CELL_LENGTH]


@contextmanager
def workbook(target: Path, title: str, created: datetime | None = None, **properties: str) -> Iterator[Book]:
    """A workbook that is put in its place whole, when all of it is written.

    ``created`` is the time it says it was made, without which no two workbooks have the same bytes; ``properties`` are
    more of the document's properties, as xlsxwriter names them.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    book = xlsxwriter.Workbook(str(unfinished), _OPTIONS)
    told = {name: inert(text)[:_PROPERTY_LENGTH] for name, text in {"title": title, **properties}.items()}
    book.set_properties({**told, **({"created": created} if created else {})})
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
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = self.format(bold=True, bg_color="#D9E2EF", border=1)
        self.text = self.format(num_format="@", **_GRID)
        self.cell = self.format(num_format="@", border=1)
        self.middle = self.format(num_format=WHOLE, align="center", **_GRID)
        self.input = self.format(num_format="@", bg_color="#FFF8DC", border=1)
        # The same format is made once, so that a workbook of many rows has few of them.
        self.number_of = cache(
            lambda number_format: book.add_format({"num_format": number_format, "valign": "top", **_GRID})
        )
        self.look_of = cache(lambda look: book.add_format(LOOKS[look]))
        self.link = self.format(num_format="@", font_color="#0B5394", underline=1, **_GRID)

    def format(self, **look: Any) -> Any:
        """A format of wrapped text at the top of its cell, with ``look``."""
        return self.book.add_format({"text_wrap": True, "valign": "top", **look})

    def head_of(self, need: str) -> Any:
        """Heading of a column to fill in, coloured by how far it must be: required, one_of, optional."""
        look = {"bold": True, "text_wrap": True, "border": 1, "valign": "vcenter", "bg_color": _NEED_COLOURS[need]}
        return self.book.add_format(look)

    def example_of(self, number_format: str) -> Any:
        """Cell of a row that only shows what others should look like."""
        look = {"italic": True, "font_color": "#7F7F7F", "text_wrap": True, "align": "left", "valign": "top"}
        return self.book.add_format({**look, "num_format": number_format})

    def table(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]],
        inputs: frozenset[str] = frozenset(),
        *,
        n_frozen: int = 2,
        n_printed: int | None = None,
        page: Page | None = None,
        empty: str = "",
    ) -> tuple[Any, int]:
        """A sheet with a filter, whose heading row and first columns stay in sight.

        Returns the sheet and the number of rows.
        Numbers and days are numbers, everything else is text; ``inputs`` are columns to be filled in; ``empty`` is what
        a sheet without rows says instead of them. The first ``n_frozen`` columns stay in sight, the first ``n_printed``
        are printed.
        """
        sheet = self.book.add_worksheet(name)
        widths = [column.width for column in columns]
        # Heights come before the cells of a row, which are not kept in memory.
        sheet.set_row(0, row_height([column.title for column in columns], [width - _BUTTON for width in widths]))
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, inert(column.title), self.head)
        n_rows = 0
        for n_rows, row in enumerate(rows, start=1):
            sheet.set_row(n_rows, row_height([_shown(cell) for cell in row], widths))
            for place, value in enumerate(row):
                self.write(sheet, n_rows, place, value, self.input if columns[place].title in inputs else None)
        if not n_rows and empty:
            sheet.write_string(1, 0, inert(empty), self.book.add_format({"italic": True}))
        self._colour(sheet, columns, n_rows)
        sheet.freeze_panes(1, n_frozen)
        sheet.autofilter(0, 0, max(n_rows, 1), len(columns) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        if n_printed:
            sheet.print_area(0, 0, max(n_rows, 1), n_printed - 1)
        print_pages(sheet, page)
        return sheet, n_rows

    def lines(self, name: str, title: str, lines: Iterable[tuple[str, str]], widths: tuple[int, int]) -> Any:
        """A sheet of names and texts under a title."""
        sheet = self.book.add_worksheet(name)
        sheet.set_column(0, 0, widths[0])
        sheet.set_column(1, 1, widths[1])
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, inert(title), self.title)
        for row, (left, right) in enumerate(lines, start=2):
            sheet.set_row(row, row_height((left, right), widths))
            sheet.write_string(row, 0, inert(left), self.head if left and not right else self.text)
            sheet.write_string(row, 1, inert(right), self.text)
        return sheet

    def write(self, sheet: Any, row: int, place: int, value: Any, look: Any = None) -> None:
        """Write a value into a cell: numbers and days as such, a link as a link, everything else as text."""
        if isinstance(value, float | Decimal):
            value = Amount(float(value), SHARE)
        elif isinstance(value, int) and not isinstance(value, bool):
            value = Amount(value, WHOLE)
        if isinstance(value, Amount):
            sheet.write_number(row, place, value.value, look or self.number_of(value.number_format))
        elif isinstance(value, date):
            day = datetime(value.year, value.month, value.day)
            sheet.write_datetime(row, place, day, look or self.number_of(DAY))
        elif isinstance(value, Link):
            sheet.write_url(
                *(row, place, f"internal:'{value.sheet}'!A{value.row + 1}", look or self.link, inert(value.text))
            )
        else:
            sheet.write_string(row, place, "" if value is None else inert(str(value)), look or self.text)

    def _colour(self, sheet: Any, columns: Sequence[Column], n_rows: int) -> None:
        last = max(n_rows, 1)
        for place, column in enumerate(columns):
            for word, look in column.looks.items():
                rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": self.look_of(look)}
                sheet.conditional_format(1, place, last, place, rule)
            if column.has_bar:
                bar = {
                    "type": "data_bar",
                    "bar_solid": True,
                    "bar_color": "#A9CCE3",
                    "min_type": "num",
                    "max_type": "num",
                }
                sheet.conditional_format(1, place, last, place, {**bar, "min_value": 0, "max_value": 1})


def print_pages(sheet: Any, page: Page | None) -> None:
    """Set up the pages of a sheet for A4, with a header and a footer that hold no commands."""
    if page is None:
        return
    sheet.set_paper(9)
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.7)
    sheet.set_header(f"&L{_printed(page.header)}")
    sheet.set_footer(f"&L&8{_printed(page.footer)}&R&8&P из &N")


def _printed(text: str, length: int = 200) -> str:
    """A text of a header: & begins a command there, and the whole has at most 255 characters."""
    return inert(text).replace("&", " и ")[:length]


def _shown(cell: Any) -> Any:
    return cell.text if isinstance(cell, Link) else cell
