"""Looks every morning who has not delivered what was due, and tells the centre when that has changed."""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task
from ravenstvo.runtime.notifying.watched import watched


@dag(
    # When people come to work. Whether a campaign is on is told by the due dates, not by the calendar.
    schedule=CronTriggerTimetable("0 8 * * *", timezone="Europe/Moscow"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["ravenstvo"],
    **watched(),
)
def delivery_watch() -> None:
    """One letter with everything that is overdue or due soon, and what other letters still wait to be sent."""

    @task
    def tell() -> bool:
        """Whether there was something new to tell."""
        from ravenstvo.runtime import tasks

        return tasks.watch_deliveries()

    tell()


delivery_watch()
