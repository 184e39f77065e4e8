"""Failures and delays of every DAG are told: what Airflow is given to call, and what comes of calling it."""

from __future__ import annotations

from pathlib import Path

from parsing import parsed
from ravenstvo.runtime.notifying import outbox
from ravenstvo.settings import PROJECT_ROOT, Settings

# Called by Airflow's own hand, as an executor does.
PARSE = """
import json, runpy, sys
import structlog
from pathlib import Path

def name(callback):
    return getattr(callback, "__name__", "?")


def told(task):
    given = task.partial_kwargs.get("on_failure_callback") if task.is_mapped else task.on_failure_callback
    return given if isinstance(given, (list, tuple)) else [given]


found = {}
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    dag = runpy.run_path(str(path))[path.stem]()
    found[dag.dag_id] = {
        "run": getattr(dag.on_failure_callback, "__name__", None),
        "tasks": sorted({name(one) for task in dag.task_dict.values() for one in told(task)}),
    }
    if dag.dag_id == "annual_recalculation":
        (deadline,) = dag.deadline
found["heavy"] = sorted({"great_expectations", "dbt", "pandas", "psycopg2", "ravenstvo.settings"} & set(sys.modules))
found["reference"] = [deadline.reference.reference_name, deadline.interval.total_seconds()]
from airflow.sdk.execution_time.callback_supervisor import execute_callback
context = {"dag_run": {"dag_id": "annual_recalculation", "dag_run_id": "night"}, "deadline": {"id": "1"}}
called = execute_callback(
    deadline.callback.path, deadline.callback.kwargs | {"context": context}, "", None, structlog.get_logger()
)
found["called"] = list(called)
print(json.dumps(found))
"""
LATE = "Равенство: слишком долго идёт расчёт года: больше 6 ч"


def test_every_dag_tells_of_its_failures_and_the_recalculation_of_its_delay(tmp_path: Path) -> None:
    # No connection is set up: the message waits.
    given = {"RAVENSTVO_HOME": str(tmp_path / "home"), "RAVENSTVO_NOTIFY_EMAIL": "centre@example.org"}
    found = parsed(PARSE, tmp_path, **given)
    assert found["heavy"] == []
    dags = {path.stem for path in (PROJECT_ROOT / "dags").glob("*.py")}
    assert dags <= found.keys()
    for dag in sorted(dags):
        assert found[dag] == {"run": "run_failed", "tasks": ["task_failed"]}, dag
    assert found["reference"] == ["DagRunQueuedAtDeadline", 6 * 3600]
    assert found["called"] == [True, None]
    (late,) = outbox.waiting(Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None))
    assert late.subject == LATE
    assert late.n_tries == 1
