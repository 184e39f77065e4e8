"""What lands for a year that was calculated already has the year calculated again: once, however many files came.

One run at a time, and it waits for the calculation that it starts. What lands meanwhile is one calculation more; the
runs that have queued up behind it find nothing left to do.
"""

from __future__ import annotations

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import AssetAny, PartitionedAssetTimetable, dag, task
from ravenstvo.runtime.landed_assets import LANDED
from ravenstvo.runtime.notifying.watched import watched


@dag(
    # One run for each year that a look into the inbox has brought something of.
    schedule=PartitionedAssetTimetable(assets=AssetAny(*LANDED.values())),
    catchup=False,
    max_active_runs=1,
    render_template_as_native_obj=True,
    doc_md=__doc__,
    tags=["ravenstvo"],
    **watched(),
)
def corrections() -> None:
    """Is a calculated year out of date? → annual_recalculation, and wait for it."""

    @task.short_circuit
    def year_to_correct() -> int | None:
        """The last of the years that are out of date: its calculation takes the earlier ones along."""
        from ravenstvo.runtime import tasks

        return tasks.year_to_correct()

    TriggerDagRunOperator(
        task_id="recalculate",
        trigger_dag_id="annual_recalculation",
        conf={"year": year_to_correct(), "landed_only": True},
        logical_date=None,
        wait_for_completion=True,
        deferrable=True,
        poke_interval=5,
        # That run tells of its failure itself; the next correction tries again.
        allowed_states=["success", "failed"],
        failed_states=[],
    )


corrections()
