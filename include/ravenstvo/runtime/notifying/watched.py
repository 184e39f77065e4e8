"""What a DAG is given so that its failures and delays are told: ``@dag(..., **watched(late_after_hours=6))``."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from ravenstvo.runtime.notifying import callbacks


def watched(late_after_hours: float | None = None, **default_args: Any) -> dict[str, Any]:
    """Arguments of a DAG.

    A task that failed for good is noted; the run that failed tells all its notes in one letter, however many mapped
    tasks there were. With ``late_after_hours`` a run that has not ended so long after it was queued is told of too.
    ``default_args`` are those of the DAG's own.
    """
    arguments: dict[str, Any] = {
        "default_args": {"on_failure_callback": callbacks.task_failed, **default_args},
        "on_failure_callback": callbacks.run_failed,
    }
    if late_after_hours is not None and not _is_dags_test():
        arguments["deadline"] = DeadlineAlert(
            DeadlineReference.DAGRUN_QUEUED_AT,
            timedelta(hours=late_after_hours),
            SyncCallback(callbacks.run_late, kwargs={"hours": late_after_hours}),
            name="late",
        )
    return arguments


def _is_dags_test() -> bool:
    """Whether ``airflow dags test`` reads the DAG: it keeps no deadlines, and Airflow 3.3 stumbles over one at the end.

    The run is done and then counts as failed (apache/airflow#73428).
    """
    return sys.argv[1:3] == ["dags", "test"]
