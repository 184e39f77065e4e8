"""Writing workbooks and CSV files so that one seed always gives the same bytes."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import xlsxwriter

Row = Sequence[object]
#: A workbook carries the time it was made; a fixed one keeps the bytes equal from run to run.
CREATED = datetime(2021, 1, 1, tzinfo=UTC).replace(tzinfo=None)
ZIP_DATE = (2021, 1, 1, 0, 0, 0)


def write_workbook(path: Path, sheets: dict[str, Iterable[Row]]) -> None:
    """Write rows of text, numbers and dates, sheet by sheet; blanks (None or "") stay empty cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        book.set_properties({"created": CREATED})
        dated = book.add_format({"num_format": "dd.mm.yyyy"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row_no, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, int | float):
                        sheet.write_number(row_no, column, value)
                    elif isinstance(value, date):
                        sheet.write_datetime(row_no, column, datetime(value.year, value.month, value.day), dated)
                    elif value:
                        sheet.write_string(row_no, column, str(value))


def csv_bytes(rows: Iterable[Row], encoding: str) -> bytes:
    """Rows as `;`-separated text in the given encoding."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";", lineterminator="\r\n").writerows(
        ["" if value is None else value for value in row] for row in rows
    )
    return buffer.getvalue().encode(encoding)


def add_to_zip(path: Path, name: str, content: bytes) -> None:
    """Put one more file into an archive, which is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), content, zipfile.ZIP_DEFLATED)


def stamp(path: Path, year: int, month: int, day: int) -> None:
    """Set the time of a file: which of two versions is newer must not depend on when the sample was made."""
    moment = datetime(year, month, day, 12, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
