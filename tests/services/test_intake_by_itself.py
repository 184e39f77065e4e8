"""The DAGs source_intake and corrections on real services: what lands is told once, and recalculated once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from airflow_client import Airflow
from ravenstvo.calculation.lifecycle import begin, finish
from ravenstvo.runtime.backfill import backfill
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from test_list_approval import DONE

pytestmark = pytest.mark.slow(seconds=70)

VPR = ["логин школы", "регион", "код обучающегося", "вариант", "всего баллов", "балл за 1"]
RECALCULATION = "annual_recalculation"


@pytest.fixture
def settings(up: Callable[..., Settings], tmp_path: Path) -> Settings:
    """A home with running services that looks into an inbox of its own."""
    inbox = tmp_path / "входящие файлы"
    inbox.mkdir()
    return up(inbox=inbox, inbox_settle_seconds=1)


class Office:
    """Who puts files into the inbox and looks at what Airflow does."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._n_looks = settings, 0
        self.airflow = Airflow.of(settings)
        for dag in ("source_intake", "corrections", RECALCULATION):
            self.airflow.wait(f"/api/v2/dags/{dag}", lambda dag: dag["is_paused"] is False)
        # What a recalculation does is tested elsewhere: here it stands in the queue.
        self.airflow.call("PATCH", f"/api/v2/dags/{RECALCULATION}", {"is_paused": True})

    def put(self, year: int, grade: int, score: int) -> Path:
        path = Path(str(self._settings.inbox)) / str(year) / str(grade) / "Математика № 1.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        book = xlsxwriter.Workbook(path)
        sheet = book.add_worksheet("Лист1")
        sheet.write_row(0, 0, VPR)
        for row in (1, 2):
            # The same bytes under another name would be the same file.
            code = (year - 2000) * 1000 + grade * 10 + row
            sheet.write_row(row, 0, [f"sch22000{row}", "Город", code, "1", score, score])
        book.close()
        return path

    def look(self) -> None:
        """Let source_intake look twice; a look of its schedule may come between."""
        for _ in range(2):
            self._n_looks += 1
            run = f"/api/v2/dags/source_intake/dagRuns/look{self._n_looks}"
            body = {"dag_run_id": run.rpartition("/")[2], "logical_date": None}
            self.airflow.call("POST", run.rpartition("/")[0], body)
            assert self.airflow.wait(run, lambda run: run["state"] in DONE)["state"] == "success"

    def landed(self) -> list[str]:
        with connect(self._settings) as connection, connection.cursor() as cursor:
            cursor.execute("select path from ops.source_file order by path")
            return [path for (path,) in cursor.fetchall()]

    def runs(self, dag: str) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.airflow.call("GET", f"/api/v2/dags/{dag}/dagRuns")["dag_runs"]
        return runs

    def wait_for_recalculations(self, count: int) -> None:
        path = f"/api/v2/dags/{RECALCULATION}/dagRuns"
        self.airflow.wait(path, lambda found: found["total_entries"] == count)

    def calculate(self, year: int) -> None:
        """What the run in the queue would have done, as far as years go out of date by it."""
        calculation = begin(self._settings, year)
        assert calculation is not None
        with connect(self._settings) as connection, connection.cursor() as cursor:
            cursor.execute("update ops.source_part set validated_at = landed_at where validated_at is null")
        finish(self._settings, calculation)

    def end_recalculation(self) -> None:
        (run,) = [run for run in self.runs(RECALCULATION) if run["state"] == "queued"]
        path = f"/api/v2/dags/{RECALCULATION}/dagRuns/{run['dag_run_id']}"
        self.airflow.call("PATCH", path, {"state": "success"})


def test_files_land_and_years_are_recalculated_once_however_many_came(settings: Settings) -> None:
    office = Office(settings)
    office.put(2021, 5, 7), office.put(2021, 6, 7), office.put(2022, 5, 7)
    half = office.put(2022, 6, 7)
    half.write_bytes(half.read_bytes()[:-100])
    office.look()
    assert office.landed() == [f"{place}/Математика № 1.xlsx" for place in ("2021/5", "2021/6", "2022/5")]
    corrections = "/api/v2/dags/corrections/dagRuns"
    office.airflow.wait(corrections, lambda found: {run["state"] for run in found["dag_runs"]} == {"success"})
    # Airflow cannot list events while a run that they have made is still in the queue.
    events = office.airflow.call("GET", "/api/v2/assets/events")["asset_events"]
    assert sorted((event["name"], event["partition_key"]) for event in events) == [
        ("landing.vpr_result", "2021"),
        ("landing.vpr_result", "2022"),
    ]
    assert office.runs(RECALCULATION) == [], "no year has been calculated yet: this is no correction"

    office.calculate(2021)
    office.put(2021, 5, 8), office.put(2021, 6, 8)
    office.look()
    office.wait_for_recalculations(1)
    assert office.runs(RECALCULATION)[0]["conf"] == {"year": 2021, "landed_only": True}
    # The recalculation has begun with what there is; now more comes, look after look.
    office.calculate(2021)
    for grade in (4, 7):
        office.put(2021, grade, 9)
        office.look()
    assert len(office.runs(RECALCULATION)) == 1
    office.end_recalculation()
    office.wait_for_recalculations(2)
    office.calculate(2021)
    office.end_recalculation()
    done = office.airflow.wait(corrections, lambda found: {run["state"] for run in found["dag_runs"]} == {"success"})
    assert [run["partition_key"] for run in done["dag_runs"]].count("2021") == 4
    assert len(office.runs(RECALCULATION)) == 2

    backfill(settings, 2020, 2022, reverse=True)
    ordered = [run for run in office.runs(RECALCULATION) if run["run_type"] == "backfill"]
    assert sorted(run["partition_key"] for run in ordered) == ["2020", "2021", "2022"]
    assert not [path for path in office.landed() if path.startswith("2022/6/")], "the half of a file is waited for"
