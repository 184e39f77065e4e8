"""The real pupil files of 2020 and 2021, school by school, against the independent calculation."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from asked import comparable, counts_by_login, disagreements, told, verdicts_of
from independent import ALTAI, Counts, Key, count_vpr, registered_schools, resolved, verdicts
from independent_methods import (
    RUSSIAN_AND_MATHS,
    check_change,
    check_context,
    check_methods,
    check_municipalities,
    check_side_by_side,
    check_sureness,
    mean_probability_gap,
)
from running import Warehouse

YEARS, CAMPAIGN = (2020, 2021), 2021
WAITING = "select path from ops.source_file where status = 'waiting'"

pytestmark = [
    pytest.mark.slow(seconds=90),
    pytest.mark.skipif(not ALTAI.is_dir(), reason=f"нет настоящих файлов: {ALTAI}"),
    pytest.mark.skipif("REAL" not in os.environ, reason="настоящие файлы — минуты работы: make test REAL=1"),
]


@pytest.fixture(scope="module")
def warehouse(recalculated: Callable[[Path, int], Warehouse]) -> Warehouse:
    return recalculated(ALTAI, CAMPAIGN)


@pytest.fixture(scope="module")
def expected() -> dict[Key, Counts]:
    return resolved(count_vpr(ALTAI, YEARS), registered_schools(ALTAI))


def test_no_file_is_refused(warehouse: Warehouse) -> None:
    assert warehouse.ran.returncode == 0, warehouse.ran.stdout + warehouse.ran.stderr


def test_every_school_has_the_same_counts(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    mart = comparable(counts_by_login(warehouse))
    assert len(expected) > 12_000
    assert not disagreements(mart, comparable(expected))


def test_every_school_has_the_same_verdicts(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    mine = told(verdicts(expected))
    assert {verdict.is_low_results for verdict in mine.values()} == {True, False}
    assert not disagreements(told(verdicts_of(warehouse, "login")), mine)


def test_a_null_verdict_is_never_told(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    mine = {key for key, verdict in verdicts(expected).items() if verdict.is_low_results is None}
    mart = verdicts_of(warehouse, "login")
    assert mine
    assert all(mart[key].is_low_results is None for key in mine if key in mart)


def test_files_of_a_later_year_wait(warehouse: Warehouse) -> None:
    later = {path.relative_to(ALTAI).as_posix() for path in (ALTAI / "vpr" / str(CAMPAIGN + 1)).rglob("*.xlsx")}
    assert {row["path"] for row in warehouse.ask_inside(WAITING)} == later


def test_impossible_totals_are_rejected(warehouse: Warehouse, expected: dict[Key, Counts]) -> None:
    rejected = warehouse.ask_inside("""
        select p.year, count(*) as n
        from ops.rejected_row as r join ops.source_part as p using (part_id)
        where p.source = 'vpr_result' group by p.year
    """)
    mine = {str(year): sum(v.n_rejected for key, v in expected.items() if key.year == year) for year in YEARS}
    assert {row["year"]: int(row["n"]) for row in rejected} == mine


def test_every_other_method_has_the_same_verdicts(warehouse: Warehouse) -> None:
    """Only ВПР came: what rests on ЕГЭ has no verdict, what can rest on ВПР has."""
    n_low = check_methods(warehouse, CAMPAIGN)
    assert n_low["regional_rank"] > 0 and n_low["hse_context_all"] > 0
    assert not n_low["stable_low_3y"] and not n_low["ege_fails_60"] and not n_low["hse_context"]


def test_intervals_and_shrinkage_are_those_of_the_formulas(warehouse: Warehouse) -> None:
    for year in YEARS:
        assert check_sureness(warehouse, year) > 6_000
    assert mean_probability_gap(warehouse, CAMPAIGN, "rosobr_30") > 0.4


def test_methods_side_by_side_and_changes_agree(warehouse: Warehouse) -> None:
    check_side_by_side(warehouse, CAMPAIGN)
    assert set(check_change(warehouse, CAMPAIGN, "rosobr_30")) >= {"entered", "left", "stayed"}
    assert check_context(warehouse, CAMPAIGN) > 100


def test_municipalities_are_judged_over_pupils(warehouse: Warehouse) -> None:
    groups = {procedure: [procedure] for procedure in RUSSIAN_AND_MATHS}
    assert check_municipalities(warehouse, CAMPAIGN, "municipal_vpr", groups) > 0
