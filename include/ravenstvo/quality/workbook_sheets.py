"""How the error workbook looks: two sheets, every cell plain text, so that nothing in a sender's file can run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from ravenstvo.row_height import row_height

CELL_LENGTH = 32_000  # .xlsx holds 32,767 characters in a cell


@dataclass(frozen=True)
class PartCounts:
    """What a sheet holds of one kind, and where these rows went."""

    sheet: str
    title: str
    n_read: int
    n_accepted: int
    n_rejected: int
    n_dropped: int
    n_warnings: int


@dataclass(frozen=True)
class Remark:
    """One kind of thing wrong with the file. ``n_rows`` is null where it is not a matter of rows."""

    kind: str
    place: str
    column: str
    message: str
    n_rows: int | None
    advice: str | None


@dataclass(frozen=True)
class Row:
    """One finding about a row; ``cells`` are the row's own columns where it was rejected."""

    sheet: str
    row_no: str
    column: str
    value: str
    kind: str
    message: str
    advice: str
    cells: Sequence[str]


@dataclass(frozen=True)
class FileReport:
    """Everything that a sender is told of one file."""

    path: str
    parts: list[PartCounts]
    remarks: list[Remark]
    columns: list[str]
    rows: list[Row]
    hides_people: bool
    """Whether the file names people, of whom nothing is repeated here."""


_PARTS = (
    ("Лист", 28),
    ("Что это", 34),
    ("Прочитано строк", 16),
    ("Принято", 50),
    ("Отклонено", 12),
    ("Отброшено (заголовки, итоги, пустые)", 60),
    ("Принято с предупреждениями", 18),
)
_REMARKS = (("Тяжесть", 28), ("Где", 34), ("Колонка", 16), ("Что не так", 50), ("Строк", 12), ("Что делать", 60))
_ROWS = (
    ("Файл", 34),
    ("Лист", 18),
    ("Строка", 10),
    ("Колонка", 22),
    ("Значение", 18),
    ("Тяжесть", 16),
    ("Что не так", 56),
    ("Что делать", 56),
)
_ORIGINAL_WIDTH = 16
_CELL = {"text_wrap": True, "valign": "top", "num_format": "@", "bottom": 1, "bottom_color": "#C9C9C9"}


def write_workbook(target: Path, report: FileReport) -> None:
    """Write the workbook beside its place and put it there whole."""
    unfinished = target.with_name(f".{target.name}.part")
    book = xlsxwriter.Workbook(
        str(unfinished),
        {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "constant_memory": True},
    )
    formats = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#D9E2EF", "border": 1, "align": "left"}
        ),
        "text": book.add_format(_CELL),
        "rejected": book.add_format({**_CELL, "bg_color": "#FBE3E0"}),
    }
    _write_summary(book.add_worksheet("Сводка"), formats, report)
    if report.rows:
        _write_rows(book.add_worksheet("Строки"), formats, report)
    book.set_properties({"title": "Замечания к файлу", "comments": report.path})
    book.close()
    unfinished.replace(target)


def _write_summary(sheet: Any, formats: dict[str, Any], report: FileReport) -> None:
    widths = [width for _, width in _PARTS]
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, "Замечания к файлу", formats["title"])
    sheet.write_string(1, 0, report.path)
    line = 3
    if report.parts:
        _write_line(sheet, line, [title for title, _ in _PARTS], formats["head"], widths)
        for part in report.parts:
            line += 1
            counts = (part.n_read, part.n_accepted, part.n_rejected, part.n_dropped, part.n_warnings)
            _write_line(sheet, line, [part.sheet, part.title, *map(str, counts)], formats["text"], widths)
        line += 2
    _write_line(sheet, line, [title for title, _ in _REMARKS], formats["head"], widths)
    for remark in report.remarks:
        line += 1
        n_rows = "" if remark.n_rows is None else str(remark.n_rows)
        cells = [remark.kind, remark.place, remark.column, remark.message, n_rows, remark.advice or ""]
        cell_format = formats["text" if remark.kind == "Предупреждение" else "rejected"]
        _write_line(sheet, line, cells, cell_format, widths)
    sheet.write_string(
        line + 2,
        0,
        "Отклонённые строки в показатели не входят: исправьте их и пришлите файл снова целиком. Строки с "
        "предупреждениями приняты. Подробно — на листе «Строки».",
    )
    if report.hides_people:
        sheet.write_string(
            line + 3,
            0,
            "СНИЛС, имена и даты рождения сюда не переписываются: найдите строку в своём файле по её номеру.",
        )


def _write_rows(sheet: Any, formats: dict[str, Any], report: FileReport) -> None:
    head = [*_ROWS, *((title, _ORIGINAL_WIDTH) for title in report.columns)]
    widths = [width for _, width in head]
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 3)
    # On paper the sender's own cells are not needed, and with them a page is too wide to read.
    sheet.print_area(0, 0, len(report.rows), len(_ROWS) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, len(report.rows), len(head) - 1)
    _write_line(sheet, 0, [title for title, _ in head], formats["head"], widths)
    for line, row in enumerate(report.rows, start=1):
        cells = [report.path, row.sheet, row.row_no, row.column, row.value, row.kind, row.message, row.advice]
        cell_format = formats["rejected" if row.kind == "Отклонена" else "text"]
        _write_line(sheet, line, [*cells, *row.cells], cell_format, widths)


def _write_line(sheet: Any, line: int, cells: Sequence[str], cell_format: Any, widths: Sequence[int]) -> None:
    sheet.set_row(line, row_height(cells, widths))
    for place, text in enumerate(cells):
        sheet.write_string(line, place, text[:CELL_LENGTH], cell_format)
