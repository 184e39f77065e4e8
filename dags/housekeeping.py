"""Once a week: a backup, old calculations, files and logs, the dictionary, the database's own housekeeping."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task
from ravenstvo.runtime.notifying.watched import watched

# As in `ravenstvo.runtime.housekeeping`, which a parse does not import.
STEPS = ("backup", "retention", "files", "archive", "docs", "vacuum", "airflow")


@dag(
    schedule=CronTriggerTimetable("0 4 * * 0", timezone="Europe/Moscow"),
    catchup=False,
    max_active_runs=1,
    # One after another, and none waits for another's success: whichever fails, the run has failed, the rest is done.
    max_active_tasks=1,
    doc_md=__doc__,
    tags=["ravenstvo"],
    # A calculation may be at work: an hour later it is not.
    **watched(retries=2, retry_delay=timedelta(hours=1)),
)
def housekeeping() -> None:
    """Steps beside each other; the earlier ones are preferred."""

    @task
    def step(name: str) -> str:
        """Take a step; what came of it is the task's result."""
        from ravenstvo.runtime import tasks

        return tasks.keep_house(name)

    for place, name in enumerate(STEPS):
        step.override(task_id=name, priority_weight=len(STEPS) - place)(name)


housekeeping()
