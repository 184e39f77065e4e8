from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from ravenstvo.intake.discover import read_inbox
from ravenstvo.intake.landing import land
from ravenstvo.intake.versions import settle
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade


class Intake:
    """An inbox and a warehouse; files are written, taken in, and asked about."""

    def __init__(self, settings: Settings, inbox: Path) -> None:
        self.settings, self.inbox = settings, inbox
        self._clock = 1_700_000_000

    def write(self, path: str, rows: list[list[Any]], sheet: str = "Лист1") -> Path:
        """Write a workbook; each is a second younger than the one before."""
        full = self.inbox / path
        full.parent.mkdir(parents=True, exist_ok=True)
        book = xlsxwriter.Workbook(full)
        for index, row in enumerate(rows):
            (book.get_worksheet_by_name(sheet) or book.add_worksheet(sheet)).write_row(index, 0, row)
        book.close()
        self._clock += 1
        os.utime(full, (self._clock, self._clock))
        return full

    def take(self, year: int | None = None) -> dict[str, str]:
        """Read and land what is new; gives path → status."""
        plan = read_inbox(self.inbox, year, self.settings)
        done = [land(file, self.settings) for file in plan["files"]]
        settle(self.settings)
        return {one["path"]: one["status"] for one in done}

    def age(self, days: float, file_id: int) -> None:
        """Let time go by for an original in the archive."""
        with connect(self.settings) as connection:
            connection.cursor().execute(
                "update vault.original set archived_at = archived_at - make_interval(secs => %s) where file_id = %s",
                (days * 86400, file_id),
            )

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.settings) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


@pytest.fixture
def warehouse(migrated: Settings) -> Settings:
    """The tests of this folder need the tables at once."""
    return migrated


@pytest.fixture
def intake(warehouse: Settings, tmp_path: Path) -> Intake:
    inbox = tmp_path / "входящие"
    inbox.mkdir()
    return Intake(warehouse, inbox)


@pytest.fixture
def emptied(module_warehouse: Settings, tmp_path: Path) -> Intake:
    """The same in one warehouse for all tests of a module, emptied before each."""
    upgrade(module_warehouse)
    with connect(module_warehouse) as connection, connection.cursor() as cursor:
        cursor.execute("truncate ops.source_file cascade")
        for source in load_sources():
            cursor.execute(f"delete from landing.{source}")
    inbox = tmp_path / "входящие"
    inbox.mkdir()
    return Intake(module_warehouse, inbox)


LOGINS = ["логин", "имя", "регион"]
VPR = ["логин школы", "регион", "код обучающегося", "вариант", "всего баллов", "балл за 1"]


@pytest.fixture
def vpr() -> Callable[..., list[list[Any]]]:
    """Rows of a ВПР file of 2021: pairs of login and total."""

    def rows(*pupils: tuple[str, int], place: str = "Город") -> list[list[Any]]:
        return [VPR, *([login, place, 50001 + n, "1", total, total] for n, (login, total) in enumerate(pupils))]

    return rows
