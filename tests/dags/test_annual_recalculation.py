from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from parsing import parsed
from ravenstvo.settings import PROJECT_ROOT

PARSE = """
import json, runpy, sys
names = runpy.run_path(sys.argv[1] + "/annual_recalculation.py")
from airflow.sdk import DAG
dag = names["annual_recalculation"]() if callable(names["annual_recalculation"]) else None
heavy = sorted({"great_expectations", "dbt", "pandas", "ravenstvo.settings"} & set(sys.modules))
print(json.dumps({
    "heavy": heavy,
    "dag_id": dag.dag_id,
    "partitioned": type(dag.timetable).__name__,
    "max_active_runs": dag.max_active_runs,
    "params": sorted(dag.params),
    "order": {task_id: sorted(task.downstream_task_ids) for task_id, task in dag.task_dict.items()},
    "publish_rule": str(dag.get_task("publish").trigger_rule.value),
    "mapped": [task_id for task_id, task in dag.task_dict.items() if task.is_mapped],
}))
"""


def test_parses_lightly_and_strings_the_stages_in_order(tmp_path: Path) -> None:
    # No setting may be needed to parse: a wrong one must not break it.
    dag = parsed(PARSE, tmp_path, RAVENSTVO_YEAR="не число")
    assert dag["heavy"] == []
    assert dag["dag_id"] == "annual_recalculation"
    assert dag["partitioned"] == "CronPartitionTimetable"
    assert dag["max_active_runs"] == 1
    assert dag["params"] == ["at_once", "inbox", "landed_only", "year"]
    assert dag["mapped"] == ["land"]
    chain = ["build_seeds", "validate", "build_staging", "build_core", "estimate", "build_marts", "finish", "publish"]
    for first, second in pairwise(chain):
        assert second in dag["order"][first]
    assert "prepare" in dag["order"]["land"]
    # When nothing changed, what people read is looked at all the same: it hangs on no task that is skipped then.
    assert "publish" not in dag["order"]["prepare"]
    assert dag["publish_rule"] == "none_failed"
    assert "land" in dag["order"]["read_inbox"]


def test_every_dag_file_is_short() -> None:
    for path in (PROJECT_ROOT / "dags").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 80, path.name
