"""The made-up region: what the marts say is what is true of its pupils."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from asked import comparable, counts_by_code, disagreements, told, verdicts_of
from independent import Counts, Key, verdicts
from ravenstvo.sample import generate, truth
from ravenstvo.sample.spec import names
from running import Warehouse

SEED, N_SCHOOLS, YEARS = 1, 60, [2021, 2022, 2023]
SURNAMES = "|".join(names()["surnames"])

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Blanks and Cyrillic: an inbox may lie anywhere.
    out = tmp_path_factory.mktemp("sample") / "входящие файлы"
    generate(out, SEED, N_SCHOOLS, YEARS)
    return out


@pytest.fixture(scope="module")
def warehouse(inbox: Path, recalculated: Callable[[Path, int], Warehouse]) -> Warehouse:
    return recalculated(inbox, max(YEARS))


@pytest.fixture(scope="module")
def expected() -> dict[Key, Counts]:
    return {
        Key(*key): Counts(value.n_listed, value.n_absent, 0, value.n_participants, value.n_below_min)
        for key, value in truth(SEED, N_SCHOOLS, YEARS).items()
    }


def test_no_file_is_refused(warehouse: Warehouse) -> None:
    assert warehouse.ran.returncode == 0, warehouse.ran.stdout + warehouse.ran.stderr


def test_vpr_counts_are_true(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    by_pupils = {key: value for key, value in expected.items() if key.procedure.startswith(("vpr_rus", "vpr_math"))}
    mart = {key: value for key, value in counts_by_code(warehouse).items() if key in by_pupils or is_pupil_work(key)}
    assert not disagreements(comparable(mart), comparable(by_pupils))


def is_pupil_work(key: Key) -> bool:
    return key.procedure.startswith(("vpr_rus", "vpr_math"))


def test_participants_and_fails_are_true_everywhere(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    """Exams too: first attempts, appeals, the summary form, the report of marks in percent."""
    mart = {
        key: (value.n_participants, value.n_below_min)
        for key, value in counts_by_code(warehouse).items()
        if key.procedure.startswith(("vpr_", "oge_", "ege_")) and value.n_participants > 0
    }
    mine = {key: (v.n_participants, v.n_below_min) for key, v in expected.items() if v.n_participants}
    assert not disagreements(mart, mine)


def test_verdicts_are_true(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    mine = told(verdicts(expected))
    assert {verdict.is_low_results for verdict in mine.values()} == {True, False}
    assert not disagreements(told(verdicts_of(warehouse, "school_code")), mine)


def test_every_input_row_ends_in_one_place(warehouse: Warehouse) -> None:
    rows = warehouse.ask_inside("""
        select part_id from ops.source_part
        where status = 'landed' and n_rows_read <> n_rows_dropped + n_rows_landed
    """)
    assert rows == []


def test_no_name_of_a_pupil_reaches_the_warehouse(warehouse: Warehouse) -> None:
    columns = warehouse.ask_inside("""
        select table_schema, table_name, column_name from information_schema.columns
        where table_schema in ('landing', 'staging', 'core', 'marts')
            and table_name ~ '(ege_result|oge_result|appeal|fct_result)' and data_type = 'text'
    """)
    assert columns
    for row in columns:
        table, column = f'{row["table_schema"]}."{row["table_name"]}"', f'"{row["column_name"]}"'
        found = warehouse.ask_inside(f"select 1 from {table} where {column} ~ '({SURNAMES})' limit 1")
        assert found == [], f"{table}.{column}"
