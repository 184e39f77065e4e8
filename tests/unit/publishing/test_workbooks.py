"""Workbooks for people: nothing in them can run, every row is in one sheet, what stays in sight stays."""

from __future__ import annotations

from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from ravenstvo import decisions
from ravenstvo.calculation.proposal import School
from ravenstvo.publishing.decisions_template import write_template
from ravenstvo.publishing.difference import Difference, difference_lines, write_difference

FORMULA = '=HYPERLINK("http://example.org","открыть")'
NOW = datetime(2022, 10, 1, 12, tzinfo=UTC)
PAIR = {
    **{"year": 2022, "calculation_id": "now", "finished_at": NOW, "seeds_hash": "a", "code_version": "c"},
    **{"base_id": "old", "base_finished_at": NOW, "base_seeds_hash": "b", "base_code_version": "c"},
    **{"approved_by": "Иванова", "approved_at": NOW, "document": FORMULA},
}
FILE = {"path": FORMULA, "sheet": FORMULA, "version": 2, "replaced_path": None}
ROW = {
    **{"municipality": "+1", "school": FORMULA, "code": "000001", "login": "@a", "method": "М", "method_code": "m"},
    **{"school_id": "a", "is_low_results_before": False, "is_low_results": True, "procedure": "ВПР"},
    **{"n_participants_before": 10, "n_participants": 10, "n_below_min_before": 2, "n_below_min": 3},
    **{"is_low_before": False, "is_low": True, "is_low_last_year_before": None, "is_low_last_year": False},
    **{"reason": FORMULA, "file_path": FORMULA, "file_version": 2, "replaced_path": "-x", "replaced_version": 1},
}


def _named(values: dict[str, Any]) -> Any:
    return namedtuple("Row", values)(**values)


def _difference(*rows: dict[str, Any], **pair: Any) -> Difference:
    return Difference(2022, _named(PAIR | pair), [_named(FILE)], [_named(ROW | row) for row in rows])


def _no_formula(path: Path) -> None:
    with ZipFile(path) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
        assert not any(b"<f>" in sheet or b"<hyperlink" in sheet for sheet in sheets)
    cells = [cell for page in openpyxl.load_workbook(path) for row in page.iter_rows() for cell in row]
    assert any(cell.value == FORMULA for cell in cells)
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}


def test_difference_has_every_school_in_the_sheet_of_its_change(tmp_path: Path) -> None:
    found = _difference(
        {"school_id": "entered"},
        {"school_id": "left", "is_low_results_before": True, "is_low_results": None},
        {"school_id": "same", "is_low_results_before": False, "is_low_results": None, "procedure": None},
    )
    path = write_difference(found, tmp_path / "отчёт" / "книга.xlsx")
    _no_formula(path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Сводка", "Вошли", "Вышли", "Вывод тот же"]
    for name, verdicts in (
        ("Вошли", ("не низкие", "низкие")),
        ("Вышли", ("низкие", "нет вывода")),
        ("Вывод тот же", ("не низкие", "нет вывода")),
    ):
        page = book[name]
        assert page.freeze_panes == "C2"
        assert page.auto_filter.ref == "A1:U2"
        heading, row = page.iter_rows(values_only=True)
        assert dict(zip(heading, row, strict=True))["Вывод был"] == verdicts[0]
        assert dict(zip(heading, row, strict=True))["Вывод стал"] == verdicts[1]
        told = dict(zip(heading, row, strict=True))
        assert (told["Доля была"], told["Доля стала"]) == (0.2, 0.3)
    assert [path.name for path in (tmp_path / "отчёт").iterdir()] == ["книга.xlsx"]


def test_difference_says_what_changed_and_what_did_not() -> None:
    text = "\n".join(difference_lines(_difference({}, {"school_id": "b", "is_low_results": False})))
    assert "Справочники и методы: изменились: было b, стало a" in text
    assert "Программа и модели: те же" in text
    assert "На нём утверждён перечень: да: Иванова, 01.10.2022" in text
    assert "М: школ: вошли — 1, вышли — 0, вывод тот же — 1" in text
    assert "На нём утверждён перечень: нет" in "\n".join(difference_lines(_difference(approved_by=None)))
    assert "Отличий нет" in "\n".join(difference_lines(_difference()))
    assert "Сравнивать не с чем" in "\n".join(difference_lines(Difference(2022, None, [], [])))


def test_a_workbook_that_breaks_leaves_nothing_half_written(tmp_path: Path) -> None:
    broken = _difference({})
    broken.changes.append(None)
    with pytest.raises(AttributeError):
        write_difference(broken, tmp_path / "книга.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_template_cannot_run_and_holds_every_school_once(tmp_path: Path) -> None:
    schools = [
        School("a", "000001", None, FORMULA, "Район", True, True, "B", 10, 1, (FORMULA,)),
        School("b", None, "sch2", "Лицей", None, None, False, None, 0, None, ()),
    ]
    path = write_template(tmp_path / "книга.xlsx", 2022, FORMULA, schools)
    _no_formula(path)
    book = openpyxl.load_workbook(path)
    assert [row[0].value for row in book[decisions.SHEET].iter_rows(min_row=2) if row[0].value] == ["000001"]
    assert [row[0].value for row in book["Все школы"].iter_rows(min_row=2)] == ["000001", "sch2"]
