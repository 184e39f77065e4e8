"""Years in a row by Airflow's backfill, from the last to the first, give what the same years give one by one."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg2 import sql
from ravenstvo.calculation import record
from ravenstvo.runtime import services
from ravenstvo.runtime.backfill import backfill
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.sample import generate
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade
from test_list_approval import Airflow

pytestmark = [
    pytest.mark.slow(seconds=240),
    pytest.mark.skipif("REAL" not in os.environ, reason="шесть расчётов — минуты работы: make test REAL=1"),
]

YEARS = (2021, 2022, 2023)
DAG = "annual_recalculation"


def _marts(settings: Settings) -> dict[tuple[str, int], tuple[int, str]]:
    """Rows and fingerprint of each mart and year: as a calculation records them, year by year."""
    found = {}
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(record._COLUMNS)
        for mart, columns in cursor.fetchall():
            compared = [name for name in columns if name not in record.SERVICE_COLUMNS]
            if mart in record.SERVICE_MARTS or "year" not in compared:
                continue
            for year in YEARS:
                query = sql.SQL(record._HASH).format(
                    columns=sql.SQL(", ").join(map(sql.Identifier, compared)),
                    mart=sql.Identifier(mart),
                    rows=sql.SQL("{} and year = {}").format(
                        sql.SQL(record.SERVICE_ROWS.get(mart, "true")), sql.Literal(year)
                    ),
                )
                cursor.execute(query, (",".join(compared),))
                found[mart, year] = cursor.fetchone()
    return found


def _one_by_one(home: Path, inbox: Path) -> Settings:
    settings = Settings(home=home, warehouse_url=None, airflow_url=None)
    program = str(Path(sys.executable).with_name("ravenstvo"))
    for year in YEARS:
        command = [program, "run", "--inbox", str(inbox), "--year", str(year)]
        done = subprocess.run(command, env=os.environ | {"RAVENSTVO_HOME": str(home)}, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()[-3000:]
    return settings


def test_years_in_a_row_backwards_give_what_they_give_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in [name for name in os.environ if name.startswith(("RAVENSTVO_", "AIRFLOW"))]:
        monkeypatch.delenv(name)
    inbox = tmp_path / "входящие"
    generate(inbox, 3, 6, list(YEARS))
    shutil.rmtree(inbox / "Программы")
    expected = _one_by_one(tmp_path / "по одному", inbox)
    try:
        wanted = _marts(expected)
    finally:
        server.stop(expected)

    monkeypatch.setenv("RAVENSTVO_INBOX", str(inbox))
    monkeypatch.setenv("RAVENSTVO_API_PORT", str(port))
    settings = Settings(home=tmp_path / "подряд", warehouse_url=None, airflow_url=None)
    settings.make_home()
    said: list[str] = []
    try:
        upgrade(settings)
        services.up(settings, Terminal(io.StringIO()))
        airflow = Airflow(settings)
        airflow.wait(f"/api/v2/dags/{DAG}", lambda dag: dag["is_paused"] is False)
        # Its looks would only make the files come earlier.
        airflow.call("PATCH", "/api/v2/dags/source_intake", {"is_paused": True})
        backfill(settings, YEARS[0], YEARS[-1], reverse=True)
        runs = f"/api/v2/dags/{DAG}/dagRuns?run_type=backfill"
        done = airflow.wait(
            runs, lambda found: {run["state"] for run in found["dag_runs"]} <= {"success", "failed"}, seconds=1800
        )
        assert {run["partition_key"]: run["state"] for run in done["dag_runs"]} == {
            str(year): "success" for year in YEARS
        }
        assert _marts(settings) == wanted
        assert sum(n_rows for n_rows, _ in wanted.values()) > 1000
    finally:
        services.down(settings, said.append)
