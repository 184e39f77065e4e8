"""The real yearly ЕГЭ form of 2022 and 2023 against the independent calculation."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from asked import disagreements
from independent import ZABAYKALYE, Counts, FormKey, count_form, fold
from running import Warehouse

YEARS, CAMPAIGN = (2022, 2023), 2023
ByName = dict[tuple[int, str, str], list[tuple[int, int]]]

pytestmark = [
    pytest.mark.slow(seconds=65),
    pytest.mark.skipif(not ZABAYKALYE.is_dir(), reason=f"нет настоящих файлов: {ZABAYKALYE}"),
    pytest.mark.skipif("REAL" not in os.environ, reason="настоящие файлы — минуты работы: make test REAL=1"),
]


@pytest.fixture(scope="module")
def warehouse(recalculated: Callable[[Path, int], Warehouse]) -> Warehouse:
    return recalculated(ZABAYKALYE, CAMPAIGN)


@pytest.fixture(scope="module")
def expected() -> dict[FormKey, Counts]:
    return count_form(next(ZABAYKALYE.glob("*.xlsx")), YEARS)


def test_every_school_has_the_same_counts(warehouse: Warehouse, expected: dict[FormKey, Counts]) -> None:
    """By school name: schools of one name in several municipalities are compared as a group."""
    mine: ByName = defaultdict(list)
    for key, value in expected.items():
        mine[key.year, key.school, key.procedure].append((value.n_participants, value.n_below_min))
    known = {(year, school) for year, school, _ in mine}

    names: dict[str, set[str]] = defaultdict(set)
    for row in warehouse.ask_inside("select school_id, school_key from core.int_school_key where key_kind = 'name'"):
        names[row["school_id"]].add(fold(row["school_key"]))
    mart: ByName = defaultdict(list)
    for row in warehouse.ask("""
        select year, school_id, procedure_code, n_participants, n_below_min
        from marts.fct_school_procedure where n_participants > 0
    """):
        year = int(row["year"])
        name = next((name for name in sorted(names[row["school_id"]]) if (year, name) in known), row["school_id"])
        mart[year, name, row["procedure_code"]].append((int(row["n_participants"]), int(row["n_below_min"])))

    assert len(expected) > 4_000
    assert not disagreements(_sorted(mart), _sorted(mine))


def _sorted(counts: ByName) -> ByName:
    return {key: sorted(values) for key, values in counts.items()}


def test_the_total_row_is_no_school(warehouse: Warehouse, expected: dict[FormKey, Counts]) -> None:
    totals = warehouse.ask("select name from marts.dim_school where name ~* '^(итого|всего)'")
    assert totals == []
    for year in YEARS:
        (row,) = warehouse.ask(f"""
            select sum(n_participants) as n from marts.fct_school_procedure
            where year = {year} and procedure_code = 'ege_rus'
        """)
        mine = sum(v.n_participants for key, v in expected.items() if key[0] == year and key.procedure == "ege_rus")
        assert int(row["n"]) == mine


def test_oddities_are_reported(warehouse: Warehouse) -> None:
    """The broken chemistry column of 2023 and schools with more participants than graduates of 2022."""
    rows = warehouse.ask_inside("""
        select p.year, f.severity, count(*) as n
        from ops.row_finding as f join ops.source_part as p using (part_id)
        where p.source = 'ege_school_summary' group by p.year, f.severity
    """)
    assert {row["year"] for row in rows if int(row["n"])} >= {str(year) for year in YEARS}
