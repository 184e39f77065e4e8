"""The inbox is looked into; what lies complete in it is landed, and who waits for a source and a year is told.

On a schedule, not by a trigger: a look is one listing, the same for a folder, S3 and SFTP; nothing has to stay
connected, and a file is complete when two looks find it the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Param, dag, get_current_context, task
from ravenstvo.runtime.landed_assets import LANDED
from ravenstvo.runtime.notifying.watched import watched


@dag(
    schedule="*/10 * * * *",
    catchup=False,
    max_active_runs=1,
    # A connection that drops, to the storage or to the database, is tried again; nothing is left half done.
    **watched(retries=3, retry_delay=timedelta(seconds=30)),
    params={
        "inbox": Param(None, type=["null", "string"], title="Папка или хранилище", description="Пусто — из настроек"),
    },
    doc_md=__doc__,
    tags=["ravenstvo"],
)
def source_intake() -> None:
    """A look → each complete file lands by itself → one event for each source and year, however many files."""

    @task
    def look() -> list[dict[str, Any]]:
        """List the inbox, leave what still changes, read the rest into the spool."""
        from ravenstvo.runtime import tasks

        return tasks.look(get_current_context()["params"])

    @task(map_index_template="{{ file_name }}")
    def land(spooled: dict[str, Any]) -> dict[str, Any]:
        """Load one file in one transaction. A refused file is a result, not a failure."""
        from ravenstvo.runtime import tasks

        get_current_context()["file_name"] = spooled["path"]
        return tasks.land(spooled)

    # One file that does not land keeps nobody from hearing of the others.
    @task(outlets=[*LANDED.values()], trigger_rule="all_done_min_one_success")
    def tell(landed: list[dict[str, Any]]) -> dict[str, list[str]]:
        """Emit the assets of what has landed, a partition for each year."""
        from ravenstvo.runtime import tasks

        context = get_current_context()
        arrived = tasks.arrived(landed)
        # Airflow emits every outlet that a task ends with, also without a partition.
        context["task"].outlets = [LANDED[source] for source in arrived]
        for source, years in arrived.items():
            context["outlet_events"][LANDED[source]].add_partitions(years)
        return arrived

    landed = land.expand(spooled=look())
    tell(landed)
    # A run fails when its last tasks do: this one with any file that does not land.
    landed >> EmptyOperator(task_id="all_landed")


source_intake()
