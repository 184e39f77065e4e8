"""The yearly recalculation: an inbox of files goes in, the list of schools with low results comes out of `marts`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import CronPartitionTimetable, Param, PokeReturnValue, dag, get_current_context, task
from ravenstvo.runtime.notifying.watched import watched


def work() -> Any:
    """What the tasks do: imported where they run, not where this file is parsed."""
    from ravenstvo.runtime import tasks

    return tasks


@dag(
    # The partition key is the campaign year. Once a year, after the last exams; otherwise by hand.
    schedule=CronPartitionTimetable("0 3 1 10 *", timezone="Europe/Moscow", key_format="%Y"),
    catchup=False,
    max_active_runs=1,
    params={
        "year": Param(None, type=["null", "integer"], title="Год кампании", description="Пусто — последний в папке"),
        "inbox": Param(None, type=["null", "string"], title="Папка или хранилище", description="Пусто — из настроек"),
        "landed_only": Param(False, type="boolean", title="Не смотреть в папку", description="Только загруженное"),
        "at_once": Param(False, type="boolean", title="Не ждать другого расчёта", description="Он остановится"),
    },
    doc_md=__doc__,
    tags=["ravenstvo"],
    **watched(late_after_hours=6),  # begun at three in the night, it is to be done when people come at nine
)
def annual_recalculation() -> None:
    """Files of the inbox → landing → checks → dbt stages, with the estimates before the marts."""

    @task
    def read_inbox() -> list[list[dict[str, Any]]]:
        """Read every file of the inbox into the spool; lots of files to land, and the campaign year beside them."""
        context = get_current_context()
        run = context["dag_run"]
        plan = work().read_inbox(context["params"], run.partition_key, run.run_type)
        context["ti"].xcom_push(key="year", value=plan["year"])
        return work().batches(plan["files"])

    @task(map_index_template="{{ files }}")
    def land(spooled: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Load a lot of files, each in one transaction. A refused file is a result, not a failure."""
        return work().land_all(spooled, get_current_context())

    @task.sensor(trigger_rule="none_failed", mode="reschedule", poke_interval=30, timeout=timedelta(days=1))
    def prepare(year: int) -> PokeReturnValue:
        """Decide which years to recalculate, once it has its turn; when nothing changed what follows is skipped."""
        return work().prepare_in_turn(year, get_current_context())

    @task
    def stage(name: str, calculation: dict[str, Any]) -> dict[str, Any]:
        return work().run_stage(name, calculation)

    @task
    def step(name: str, given: Any) -> Any:
        """Check the rows, estimate, close, publish: whatever is not dbt's."""
        return work().STEPS[name](given)

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
