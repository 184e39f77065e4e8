"""What a calculation leaves: inputs, base, verdicts, and fingerprints that depend on the rows alone."""

from __future__ import annotations

import pytest
from approval_region import CALCULATION, YEAR, calculate, do, fill
from ravenstvo.calculation.approval import approve
from ravenstvo.calculation.record import record_begin, record_end
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

YEARS = [YEAR - 1, YEAR]


@pytest.fixture
def empty(warehouse: Settings) -> Settings:
    upgrade(warehouse)
    return warehouse


def _calculation(settings: Settings, calculation_id: str, years: list[int] = YEARS, status: str = "done") -> str:
    do(
        settings,
        "insert into ops.calculation (calculation_id, year, years, status, finished_at) "
        "values (%s, %s, %s, %s, clock_timestamp())",
        *(calculation_id, max(years), years, status),
    )
    return calculation_id


def _end(settings: Settings, calculation_id: str, years: list[int] = YEARS, kept: int = 5) -> None:
    with connect(settings) as connection, connection.cursor() as cursor:
        record_end(cursor, calculation_id, years, kept)


def _begin(settings: Settings, calculation_id: str, years: list[int] = YEARS) -> dict[int, tuple[str, bool]]:
    with connect(settings) as connection, connection.cursor() as cursor:
        record_begin(cursor, calculation_id, years)
    rows = do(
        settings,
        "select year, base_calculation_id, is_published from ops.calculation_base where calculation_id = %s",
        calculation_id,
    )
    return {year: (base, published) for year, base, published in rows}


def _hashes(settings: Settings, calculation_id: str) -> dict[str, str]:
    return dict(do(settings, "select mart, hash from ops.mart_hash where calculation_id = %s", calculation_id))


VALUES = """
create table marts.values (
  a int, b text, c double precision, d timestamptz, e date, f boolean, g text[], h numeric, i interval,
  calculation_id text
)
"""
ROWS = [
    "(1, 'ё', 0.1, '2022-01-01 00:00+03', '2022-01-01', true, '{а,б}', 1.50, '1 day 2 hours', 'x')",
    "(2, null, 1e-300, null, null, null, '{}', null, null, 'x')",
    "(2, null, 1e-300, null, null, null, '{}', null, null, 'x')",
    "(null, '', 'nan', '2022-01-01', 'infinity', false, null, -0.00, '1 mon', 'x')",
]


def test_a_fingerprint_does_not_depend_on_order_settings_or_the_run(empty: Settings) -> None:
    do(empty, VALUES)
    found = []
    for number, (rows, setting) in enumerate(
        [
            (ROWS, "set timezone = 'UTC'"),
            (ROWS[::-1], "set timezone = 'Asia/Tokyo'"),
            ([row.replace("'x'", "'y'") for row in ROWS], "set datestyle = 'German'"),
            (ROWS, "set extra_float_digits = -15"),
            (ROWS, "set intervalstyle = 'sql_standard'"),
        ]
    ):
        calculation_id = _calculation(empty, f"run {number}")
        do(empty, "truncate marts.values")
        # The rows are written in one time zone and fingerprinted by sessions with another.
        do(empty, "set timezone = 'Europe/Moscow'; insert into marts.values values " + ", ".join(rows))
        with connect(empty) as connection, connection.cursor() as cursor:
            cursor.execute(setting)
            record_end(cursor, calculation_id, YEARS, 5)
        found.append(_hashes(empty, calculation_id))
    assert [*found[0]] == ["values"]
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize(
    "change",
    [
        "update marts.values set b = 'е' where a = 1",
        "update marts.values set c = 0.1 + 1e-17 + 3e-17 where a = 1",
        "update marts.values set g = '{\"а,б\"}' where a = 1",
        "update marts.values set b = '' where a = 2",
        "delete from marts.values where ctid = (select max(ctid) from marts.values where a = 2)",
        "insert into marts.values (a) values (3)",
        "alter table marts.values rename column e to z",
        # Two rows exchange their values: what each holds together matters, not the columns one by one.
        "update marts.values set a = case a when 1 then 2 else 1 end",
    ],
)
def test_any_change_changes_the_fingerprint(empty: Settings, change: str) -> None:
    do(empty, VALUES)
    do(empty, "insert into marts.values values " + ", ".join(ROWS))
    _end(empty, _calculation(empty, "before"))
    do(empty, change)
    _end(empty, _calculation(empty, "after"))
    assert _hashes(empty, "before") != _hashes(empty, "after")


def test_decisions_are_no_part_of_a_fingerprint(empty: Settings) -> None:
    fill(empty)
    _end_of_made_up(empty, CALCULATION)
    approve(empty, YEAR, "Иванова", "приказ")
    do(empty, "insert into ops.calculation select 'again', year, years, status from ops.calculation")
    with connect(empty) as connection, connection.cursor() as cursor:
        record_end(cursor, "again", [1900], 5)
    assert _hashes(empty, "again") == _hashes(empty, CALCULATION)
    assert set(_hashes(empty, "again")) == {"mart_identification", "mart_identification_evidence"}


def _end_of_made_up(settings: Settings, calculation_id: str) -> None:
    do(settings, "delete from core.history_identification where calculation_id = %s", calculation_id)
    _end(settings, calculation_id)


def test_verdicts_of_the_years_computed_are_kept(empty: Settings) -> None:
    fill(empty)
    do(empty, "delete from core.history_identification")
    _end(empty, CALCULATION, [YEAR])
    for history, mart in (
        ("core.history_identification", "marts.mart_identification"),
        ("core.history_evidence", "marts.mart_identification_evidence"),
    ):
        (columns,) = do(
            empty,
            "select string_agg(quote_ident(attname), ', ') from pg_attribute "
            "where attrelid = %s::regclass and attnum > 0",
            history,
        )
        kept, there = (
            do(empty, f"select {columns[0]} from {table} where year = {YEAR} order by school_id, method_code")
            for table in (history, mart)
        )
        assert kept == there != []
    assert do(empty, "select distinct year from core.history_evidence") == [(YEAR,)]


def test_parts_in_force_of_the_years_that_results_rest_on_are_noted(empty: Settings) -> None:
    parts = {}
    for name, year, in_force in (
        *(("register", None, True), ("too old", 2018, True), ("looked back on", 2019, True)),
        *(("this", 2022, True), ("replaced", 2022, False), ("later", 2023, True)),
    ):
        ((file_id,),) = do(
            empty,
            "insert into ops.source_file (sha256, name, path, size_bytes, status) values (%s, %s, %s, 1, 'landed') "
            "returning file_id",
            *(name, name, name),
        )
        ((parts[name],),) = do(
            empty,
            "insert into ops.source_part (file_id, sheet, block_no, year, status, n_rows_read, n_rows_dropped, "
            "n_rows_landed, n_records, in_force) values (%s, 'Лист1', 1, %s, 'landed', 1, 0, 1, 1, %s) "
            "returning part_id",
            *(file_id, year, in_force),
        )
    _begin(empty, _calculation(empty, "first", status="running"))
    rows = do(empty, "select part_id from ops.calculation_input")
    assert {part_id for (part_id,) in rows} == {parts["register"], parts["looked back on"], parts["this"]}


def test_a_calculation_is_compared_with_the_approved_one_else_with_the_last(empty: Settings) -> None:
    assert _begin(empty, _calculation(empty, "nothing before", status="running")) == {}
    fill(empty)
    calculate(empty, "second")
    calculate(empty, "third")
    _calculation(empty, "failed later", status="failed")
    assert _begin(empty, _calculation(empty, "a", status="running")) == {2021: ("third", False), 2022: ("third", False)}
    calculate(empty, "fourth")
    approve(empty, YEAR, "Иванова", "приказ")
    calculate(empty, "fifth")
    wanted = {2021: ("fifth", False), 2022: ("fourth", True)}
    assert _begin(empty, _calculation(empty, "b", status="running")) == wanted
    # A year between the first and the last is computed too.
    assert set(_begin(empty, _calculation(empty, "c", [2020, 2022], "running"), [2020, 2022])) == {2021, 2022}
    approve(empty, YEAR, "Иванова", "приказ № 2")
    assert _begin(empty, _calculation(empty, "d", status="running"))[2022] == ("fifth", True)


def test_old_verdicts_are_forgotten_but_never_approved_ones(empty: Settings) -> None:
    fill(empty)
    approve(empty, YEAR, "Иванова", "приказ")
    for name in ("2022-second", "2022-third"):
        calculate(empty, name)
    approve(empty, YEAR, "Иванова", "приказ № 2")
    for name in ("2022-fourth", "2022-fifth", "2022-sixth"):
        calculate(empty, name)
    # A calculation of other years leaves these as they are.
    _end(empty, _calculation(empty, "1900", [1900]), [1900], kept=1)
    _end(empty, _calculation(empty, "2022-seventh"), kept=3)
    kept = do(empty, "select year, calculation_id from core.history_identification group by 1, 2 order by 1, 2")
    latest = {"2022-fifth", "2022-sixth", "2022-seventh"}
    assert {one for year, one in kept if year == YEAR} == latest | {CALCULATION, "2022-third"}
    # Approved was the list of the other year only.
    assert {one for year, one in kept if year == YEAR - 1} == latest
