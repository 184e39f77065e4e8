"""Fingerprints by year: what a calculation did not touch is not read again, and the fingerprint is the same for it."""

from __future__ import annotations

import pytest
from approval_region import do
from ravenstvo.calculation import mart_hashes
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

_MARTS = """
create table core.fact (year int, school_id text, n int);
create table marts.kept (year int, school_id text, n int, calculation_id text);
create table marts.timeless (code text);
create view marts.seen as select year, school_id, n from core.fact;
insert into marts.timeless values ('x');
"""


@pytest.fixture
def built(warehouse: Settings) -> Settings:
    do(warehouse, _MARTS)
    for table in ("core.fact", "marts.kept"):
        do(warehouse, f"insert into {table} (year, school_id, n) values (2021, 'а', 1), (2022, 'а', 2), (null, 'б', 3)")
    return warehouse


def _hash(settings: Settings, name: str, first: int, last: int) -> dict[str, tuple[int, str]]:
    do(settings, "insert into ops.calculation (calculation_id, year, years, status) values (%s, %s, %s, 'done')",
       name, last, [first, last])  # fmt: skip
    with connect(settings) as connection, connection.cursor() as cursor:
        mart_hashes.expect_changes(cursor, first, last)
        mart_hashes.write(cursor, name, first, last)
    rows = do(settings, "select mart, n_rows, hash from ops.mart_hash where calculation_id = %s", name)
    return {mart: (n_rows, found) for mart, n_rows, found in rows}


def _afresh(settings: Settings, name: str) -> dict[str, tuple[int, str]]:
    """As hashed by a warehouse that has kept nothing."""
    do(settings, "delete from ops.mart_year_hash")
    return _hash(settings, name, 2021, 2022)


def test_a_year_that_was_computed_changes_the_fingerprint_as_if_all_were_read(built: Settings) -> None:
    before = _hash(built, "first", 2021, 2022)
    assert before["kept"][0] == 3
    for table in ("core.fact", "marts.kept"):
        do(built, f"update {table} set n = 5 where year = 2022 or year is null")
        do(built, f"insert into {table} (year, school_id, n) values (2023, 'а', 7)")
    after = _hash(built, "second", 2022, 2023)
    assert after["kept"] != before["kept"] and after["timeless"] == before["timeless"]
    assert after == _afresh(built, "third")


def test_other_years_are_not_read(built: Settings) -> None:
    before = _hash(built, "first", 2021, 2022)
    do(built, "update marts.kept set n = 9 where year = 2021")
    assert _hash(built, "second", 2022, 2022) == before, "a year that no calculation has computed was read"
    assert _hash(built, "third", 2021, 2021)["kept"] != before["kept"]


def test_years_of_a_calculation_that_died_are_read_by_the_next(built: Settings) -> None:
    before = _hash(built, "first", 2021, 2022)
    with connect(built) as connection, connection.cursor() as cursor:
        mart_hashes.expect_changes(cursor, 2021, 2021)
    do(built, "update marts.kept set n = 9 where year = 2021")
    after = _hash(built, "second", 2022, 2022)
    assert after["kept"] != before["kept"]
    assert after == _afresh(built, "third")


def test_a_mart_that_was_built_anew_is_read_whole(built: Settings) -> None:
    before = _hash(built, "first", 2021, 2022)
    do(built, "alter table marts.kept rename to gone; create table marts.kept as select * from marts.gone;"
              "drop table marts.gone; update marts.kept set n = 9 where year = 2021")  # fmt: skip
    # A view of the same text over the same tables is the same mart.
    do(built, "drop view marts.seen; create view marts.seen as select year, school_id, n from core.fact;"
              "update core.fact set n = 9 where year = 2021")  # fmt: skip
    after = _hash(built, "second", 2022, 2022)
    assert after["kept"] != before["kept"]
    assert after["seen"] == before["seen"]
