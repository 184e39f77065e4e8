from __future__ import annotations

from pathlib import Path

from parsing import parsed

PARSE = """
import json, runpy, sys
dag = runpy.run_path(sys.argv[1] + "/list_approval.py")["list_approval"]()
print(json.dumps({
    "heavy": sorted({"great_expectations", "dbt", "pandas", "psycopg2", "ravenstvo.settings"} & set(sys.modules)),
    "dag_id": dag.dag_id,
    "schedule": dag.schedule,
    "max_active_runs": dag.max_active_runs,
    "params": sorted(dag.params),
    "order": {task_id: sorted(task.downstream_task_ids) for task_id, task in dag.task_dict.items()},
    "asks": [type(dag.get_task("approve")).__name__, sorted(dag.get_task("approve").params)],
    "rules": {task_id: task.trigger_rule for task_id, task in dag.task_dict.items()},
}))
"""


def test_parses_lightly_and_asks_before_it_freezes(tmp_path: Path) -> None:
    # No setting may be needed to parse: a wrong one must not break it.
    dag = parsed(PARSE, tmp_path, RAVENSTVO_YEAR="не число")
    assert dag["heavy"] == []
    assert dag["dag_id"] == "list_approval"
    assert dag["schedule"] is None
    assert dag["max_active_runs"] == 1
    assert dag["params"] == ["method", "year"]
    assert dag["asks"] == ["ApprovalOperator", ["decisions", "document", "replace"]]
    assert dag["order"]["approve"] == ["freeze"], "what stands directly below is skipped when the answer is no"
    assert dag["order"]["freeze"] == ["tell"]
    assert "approve" in dag["order"]["propose"]
    assert (dag["rules"]["freeze"], dag["rules"]["tell"]) == ("all_success", "none_failed")
