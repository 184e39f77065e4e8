"""A regional variant is a row of the seed; what rests on a year that did not come is unknown; a misspelt row stops."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from independent_methods import check_methods, results_of, verdicts_of_method
from ravenstvo.sample import generate
from ravenstvo.settings import PROJECT_ROOT
from running import ASK_SECONDS, RUN_SECONDS, Warehouse, call

YEARS = [2021, 2023]
EXAMS = ["ege_rus", "ege_math_base", "ege_math_prof", "oge_rus", "oge_math"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, whose seeds a region may change."""
    root = tmp_path_factory.mktemp("project") / "ravenstvo"
    for folder in ("dags", "dbt_project", "expectations", "include", "plugins"):
        shutil.copytree(
            PROJECT_ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    return root


def run_of(project: Path, home: Path, inbox: Path, year: int) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAVENSTVO_")}
    environment |= {"RAVENSTVO_HOME": str(home), "PYTHONPATH": str(project / "include")}
    program = "from ravenstvo.cli import main; main()"
    command = [sys.executable, "-c", program, "run", "--inbox", str(inbox), "--year", str(year)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False, cwd=home.parent
    )


def add_method(project: Path, code: str, change: dict[str, Any]) -> None:
    """A row as an analyst would write it: a copy of the 30 % rule with some parameters changed."""
    path = project / "dbt_project" / "seeds" / "method.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    row = dict(next(row for row in rows if row["method_code"] == "rosobr_30"))
    row |= {"method_code": code, "is_proposal": "true", "source": "Решение региона"}
    row["parameters"] = json.dumps(json.loads(row["parameters"]) | change, ensure_ascii=False)
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(row), lineterminator="\n").writerow(row)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("region") / "inbox"
    generate(out, seed=5, n_schools=14, years=YEARS)
    return out


@pytest.fixture(scope="module")
def warehouse(project: Path, inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    add_method(project, "region_25", {"threshold_numerator": 1, "threshold_denominator": 4, "procedures": EXAMS})
    add_method(project, "region_n8", {"min_participants": 8, "condition": "both"})
    home = tmp_path_factory.mktemp("home")
    yield Warehouse(home, run_of(project, home, inbox, max(YEARS)))
    call(home, ASK_SECONDS, "down")


def test_a_variant_gives_its_own_verdicts(warehouse: Warehouse) -> None:
    assert warehouse.ran.returncode == 0, warehouse.ran.stdout + warehouse.ran.stderr
    results = results_of(warehouse)
    for year in YEARS:
        low: dict[str, bool | None] = {school: None for y, school, _ in results if y == year}
        for school in low:
            shares = [
                Fraction(result.below, result.n)
                for procedure in EXAMS
                if (result := results.get((year, school, procedure))) and result.n > 0 and result.below is not None
            ]
            low[school] = sum(share >= Fraction(1, 4) for share in shares) >= 2 if shares else None
        assert verdicts_of_method(warehouse, "region_25", year) == low
        assert {True, False} <= set(low.values())


def test_too_few_participants_are_never_low(warehouse: Warehouse) -> None:
    rows = warehouse.ask("""
        select count(*) filter (where n_participants < 8) as small,
          count(*) filter (where n_participants < 8 and is_low) as small_low, count(*) filter (where is_low) as low
        from marts.mart_identification_evidence where method_code = 'region_n8'
    """)
    assert int(rows[0]["small"]) > 0 and int(rows[0]["low"]) > 0
    assert rows[0]["small_low"] == "0"


def test_what_rests_on_a_missing_year_is_unknown(warehouse: Warehouse) -> None:
    """Nothing came of the year between: the same procedure twice in a row cannot be known, nor three years in a row."""
    last = max(YEARS)
    assert set(verdicts_of_method(warehouse, "rosobr_30_repeated", last).values()) == {None}
    assert None in set(verdicts_of_method(warehouse, "stable_low_3y", last).values())
    assert True not in set(verdicts_of_method(warehouse, "stable_low_3y", last).values())
    assert check_methods(warehouse, last)["regional_rank"] > 0
    years = warehouse.ask(f"""
        select max(years_identified) as most from marts.mart_identification
        where year = {last} and method_code = 'rosobr_30'
    """)
    assert years[0]["most"] == "1"
    changes = warehouse.ask(
        f"select count(*) as n from mart_identification_change where year = {last} and comparison = 'year'"
    )
    assert changes[0]["n"] == "0"


def test_a_misspelt_parameter_stops_the_run_and_is_named(project: Path, warehouse: Warehouse, inbox: Path) -> None:
    before = warehouse.ask("select count(*) as n from marts.mart_identification")
    add_method(project, "region_wrong", {"treshold": 1, "condition": "any"})
    ran = run_of(project, warehouse.home, inbox, max(YEARS))
    assert ran.returncode == 1
    said = ran.stdout + ran.stderr
    assert "region_wrong" in said
    assert "неизвестный параметр treshold" in said
    assert "недопустимое значение condition: any" in said
    assert warehouse.ask("select count(*) as n from marts.mart_identification") == before
    problems = warehouse.ask_inside("""
        select count(*) as n from seeds.method where method_code = 'region_wrong'
    """)
    assert problems[0]["n"] == "1"
