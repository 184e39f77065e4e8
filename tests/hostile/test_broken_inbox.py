"""Bad files beside good ones: each gets a message that names its place, and the others load."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from ravenstvo.calculation.lifecycle import begin
from ravenstvo.calculation.stages import run_stage
from ravenstvo.intake.discover import read_inbox
from ravenstvo.intake.landing import land
from ravenstvo.intake.versions import settle
from ravenstvo.publishing.senders import write_reports
from ravenstvo.quality import validate
from ravenstvo.sample import Broken, generate_broken
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

pytestmark = pytest.mark.slow(seconds=10)
YEAR = 2021


def test_each_bad_file_is_told_and_the_others_load(warehouse: Settings, tmp_path: Path) -> None:
    upgrade(warehouse)
    inbox = tmp_path / "входящие"
    broken = {one.path.relative_to(inbox).as_posix(): one for one in generate_broken(inbox)}
    plan = read_inbox(inbox, YEAR, warehouse)
    statuses = {done["path"]: done["status"] for done in (land(file, warehouse) for file in plan["files"])}
    settle(warehouse)

    refused = {path for path, status in statuses.items() if status == "refused"}
    assert refused == {path for path, one in broken.items() if one.is_refused}
    assert all(status == "landed" for path, status in statuses.items() if path not in refused)
    for path in refused:
        _check_refusal(warehouse, path, broken[path])

    calculation = begin(warehouse, YEAR)
    assert calculation is not None
    run_stage(warehouse, calculation, "seeds")
    validate(warehouse)
    for path, one in broken.items():
        if not one.is_refused and one.words:
            messages = _row_messages(warehouse, path)
            assert any(all(word in message for word in one.words) for message in messages), (path, messages)
    write_reports(warehouse, YEAR)
    assert _told_as_refused(warehouse) == refused, "each refused file stands in the workbook of whoever sent it"


def _told_as_refused(settings: Settings) -> set[str]:
    """Files that the workbooks of the senders name as not loaded."""
    books = [openpyxl.load_workbook(path) for path in settings.reports_dir.rglob("*.xlsx")]
    rows = [row for book in books for row in book["Что исправить"].iter_rows(min_row=2, max_col=2, values_only=True)]
    return {path for kind, path in rows if kind == "Файл не загружен"}


def _ask(settings: Settings, query: str, *values: object) -> list[tuple]:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def _check_refusal(settings: Settings, path: str, one: Broken) -> None:
    problems = _ask(
        settings,
        "select code, sheet, row_no, column_name, message, advice from ops.file_problem where path = %s",
        path,
    )
    assert one.fault in {code for code, *_ in problems}
    text = " ".join(str(part) for problem in problems for part in problem)
    assert all(word in text for word in one.words)
    assert all(message and advice for *_, message, advice in problems)
    if one.fault in ("missing_column", "unknown_column", "no_layout"):
        assert all(sheet and row for _, sheet, row, *_ in problems)


def _row_messages(settings: Settings, path: str) -> list[str]:
    return [
        f"{row_no} {column} {value} {message} {advice}"
        for row_no, column, value, message, advice in _ask(
            settings,
            "select r.row_no, r.column_name, r.value, r.message, r.advice"
            " from ops.row_finding as r join ops.source_file as f using (file_id) where f.path = %s",
            path,
        )
    ]
