"""The yearly recalculation: an inbox of files goes in, the list of schools with low results comes out of `marts`."""

from __future__ import annotations

from typing import Any

from airflow.sdk import CronPartitionTimetable, Param, dag, get_current_context, task


@dag(
    # The partition key is the campaign year. Once a year, after the last exams; otherwise by hand.
    schedule=CronPartitionTimetable("0 3 1 10 *", timezone="Europe/Moscow", key_format="%Y"),
    catchup=False,
    max_active_runs=1,
    params={
        "year": Param(None, type=["null", "integer"], title="Год кампании", description="Пусто — последний в папке"),
        "inbox": Param(None, type=["null", "string"], title="Папка с файлами", description="Пусто — из настроек"),
    },
    doc_md=__doc__,
    tags=["ravenstvo"],
)
def annual_recalculation() -> None:
    """Files of the inbox → landing → checks → dbt stages, with the estimates before the marts."""

    @task
    def read_inbox() -> list[list[dict[str, Any]]]:
        """Read every file of the inbox into the spool; lots of files to land, and the campaign year beside them."""
        from ravenstvo.runtime import tasks

        context = get_current_context()
        plan = tasks.read_inbox(context["params"], context["dag_run"].partition_key)
        context["ti"].xcom_push(key="year", value=plan["year"])
        return tasks.batches(plan["files"])

    @task(map_index_template="{{ files }}")
    def land(spooled: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Load a lot of files, each in one transaction. A refused file is a result, not a failure."""
        from ravenstvo.runtime import tasks

        get_current_context()["files"] = f"{spooled[0]['path']} … {len(spooled)}"
        return tasks.land_all(spooled)

    @task.short_circuit(trigger_rule="none_failed", ignore_downstream_trigger_rules=False)
    def prepare(year: int) -> dict[str, Any] | None:
        """Decide which years to recalculate; when nothing changed all is skipped but what people read."""
        from ravenstvo.runtime import tasks

        return tasks.prepare(year)

    @task
    def stage(name: str, calculation: dict[str, Any]) -> dict[str, Any]:
        from ravenstvo.runtime import tasks

        return tasks.run_stage(name, calculation)

    @task
    def step(name: str, given: Any) -> Any:
        """Check the rows, estimate, close, publish: whatever is not dbt's."""
        from ravenstvo.runtime import tasks

        return tasks.STEPS[name](given)

    files = read_inbox()
    calculation = prepare(files["year"])
    land.expand(spooled=files) >> calculation
    seeds, staging, core, marts = (
        stage.override(task_id=f"build_{name}")(name, calculation) for name in ("seeds", "staging", "core", "marts")
    )
    validate, estimate, finish = (
        step.override(task_id=name)(name, calculation) for name in ("validate", "estimate", "finish")
    )
    # A report that is missing is written even when nothing changed; one that fails leaves the calculation as it is.
    publish = step.override(task_id="publish", trigger_rule="none_failed")("publish", files["year"])
    seeds >> validate >> staging >> core >> estimate >> marts >> finish >> publish


annual_recalculation()
