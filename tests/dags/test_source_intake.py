from __future__ import annotations

from typing import Any

import pytest
from parsing import parsed
from ravenstvo.sources import load_sources

PARSE = """
import json, runpy, sys
told = {}
for name in ("source_intake", "corrections"):
    dag = runpy.run_path(f"{sys.argv[1]}/{name}.py")[name]()
    told[name] = {
        "schedule": type(dag.timetable).__name__,
        "max_active_runs": dag.max_active_runs,
        "order": {task_id: sorted(task.downstream_task_ids) for task_id, task in dag.task_dict.items()},
        "rules": {task_id: task.trigger_rule for task_id, task in dag.task_dict.items()},
        "retries": {task_id: task.retries for task_id, task in dag.task_dict.items()},
        "outlets": sorted(asset.name for task in dag.task_dict.values() for asset in task.outlets),
        "listens": sorted(asset.name for asset in dag.timetable.asset_condition.objects)
        if name == "corrections" else [],
    }
heavy = {"great_expectations", "dbt", "pandas", "psycopg2", "ravenstvo.settings", "s3fs"}
told["heavy"] = sorted(heavy & set(sys.modules))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    # No setting may be needed to parse: a wrong one must not break it.
    told: dict[str, Any] = parsed(PARSE, tmp_path_factory.mktemp("airflow"), RAVENSTVO_INBOX="неизвестно://где")
    return told


def test_intake_parses_lightly_and_tells_of_what_landed_though_one_file_did_not(dags: dict[str, Any]) -> None:
    intake = dags["source_intake"]
    assert dags["heavy"] == []
    assert intake["schedule"] == "CronTriggerTimetable"
    assert intake["max_active_runs"] == 1
    assert "land" in intake["order"]["look"]
    assert intake["order"]["land"] == ["all_landed", "tell"]
    assert intake["rules"]["tell"] == "all_done_min_one_success"
    # Both ends of the run: it has failed when one file has not landed.
    assert intake["order"]["tell"] == intake["order"]["all_landed"] == []
    assert intake["rules"]["all_landed"] == "all_success"
    assert min(intake["retries"][task] for task in ("look", "land", "tell")) >= 2


def test_every_source_has_an_asset_and_corrections_listen_to_all(dags: dict[str, Any]) -> None:
    assets = sorted(f"landing.{source}" for source in load_sources())
    assert dags["source_intake"]["outlets"] == assets
    assert dags["corrections"]["schedule"] == "PartitionedAssetTimetable"
    assert dags["corrections"]["listens"] == assets
    assert dags["corrections"]["max_active_runs"] == 1
    assert dags["corrections"]["order"] == {"year_to_correct": ["recalculate"], "recalculate": []}
