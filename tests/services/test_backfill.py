"""Years in a row by Airflow's backfill, from the last to the first, give what the same years give one by one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow_client import Airflow
from ravenstvo.calculation import mart_hashes
from ravenstvo.runtime.backfill import backfill
from ravenstvo.sample import generate
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect

pytestmark = [
    pytest.mark.slow(seconds=240),
    pytest.mark.skipif("REAL" not in os.environ, reason="шесть расчётов — минуты работы: make test REAL=1"),
]

YEARS = (2021, 2022, 2023)
DAG = "annual_recalculation"


def _marts(settings: Settings) -> dict[tuple[str, int | None], tuple[Any, ...]]:
    """Rows of each mart and year as they are now, and the sums that their fingerprint is made of."""
    found: dict[tuple[str, int | None], tuple[Any, ...]] = {}
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(mart_hashes._MARTS)
        for mart in [mart_hashes._mart(*row) for row in cursor.fetchall()]:
            if mart.has_year and mart.name not in mart_hashes.SERVICE_MARTS:
                sums = mart_hashes._read(cursor, mart, "hashed_row.year", "true")
                found |= {(mart.name, year): tuple(told) for year, *told in sums if year in YEARS}
    return found


def _one_by_one(home: Path, inbox: Path) -> Settings:
    settings = Settings(home=home, warehouse_url=None, airflow_url=None)
    program = str(Path(sys.executable).with_name("ravenstvo"))
    for year in YEARS:
        command = [program, "run", "--inbox", str(inbox), "--year", str(year)]
        done = subprocess.run(command, env=os.environ | {"RAVENSTVO_HOME": str(home)}, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()[-3000:]
    return settings


def test_years_in_a_row_backwards_give_what_they_give_one_by_one(tmp_path: Path, up: Callable[..., Settings]) -> None:
    inbox = tmp_path / "входящие"
    generate(inbox, 3, 6, list(YEARS))
    shutil.rmtree(inbox / "Программы")
    expected = _one_by_one(tmp_path / "по одному", inbox)
    try:
        wanted = _marts(expected)
    finally:
        server.stop(expected)

    settings = up(inbox=inbox)
    airflow = Airflow.of(settings)
    airflow.wait(f"/api/v2/dags/{DAG}", lambda dag: dag["is_paused"] is False)
    # Its looks would only make the files come earlier.
    airflow.call("PATCH", "/api/v2/dags/source_intake", {"is_paused": True})
    backfill(settings, YEARS[0], YEARS[-1], reverse=True)
    runs = f"/api/v2/dags/{DAG}/dagRuns?run_type=backfill"
    done = airflow.wait(
        runs, lambda found: {run["state"] for run in found["dag_runs"]} <= {"success", "failed"}, seconds=1800
    )
    assert {run["partition_key"]: run["state"] for run in done["dag_runs"]} == {str(year): "success" for year in YEARS}
    assert _marts(settings) == wanted
    assert sum(n_rows for n_rows, *_ in wanted.values()) > 1000
