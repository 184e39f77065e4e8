from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from ravenstvo.intake.pseudonym import Pseudonyms
from ravenstvo.intake.reader import read_file
from ravenstvo.sources import load_sources

Read = Callable[[str, Path], tuple[dict[str, Any], list[list[dict[str, str]]]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one file as the reading process does; gives its answer, and for each part its records without blanks."""

    def go(path: str, full_path: Path) -> tuple[dict[str, Any], list[list[dict[str, str]]]]:
        spool = tmp_path / "spool"
        spool.mkdir(exist_ok=True)
        answer = read_file(path, full_path, spool, Pseudonyms(b"k" * 32))
        records = []
        for part in answer["parts"]:
            lines = (spool / part["spool"]).read_text(encoding="utf-8").splitlines() if part["spool"] else []
            names = ("row_no", *load_sources()[part["source"]].column_names) if part["source"] else ()
            records.append(
                [{name: value for name, value in zip(names, line.split("\t"), strict=True) if value} for line in lines]
            )
        return answer, records

    return go


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """Write a workbook: sheet name → rows."""

    def write(name: str, **sheets: list[list[Any]]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        book = xlsxwriter.Workbook(path)
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for index, row in enumerate(rows):
                sheet.write_row(index, 0, row)
        book.close()
        return path

    return write


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a text file in an encoding."""

    def write(name: str, text: str, encoding: str = "utf-8-sig") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write
