"""Events of what the tasks did, from the product's own books and from dbt's results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    dataset_version_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    tags_run,
)
from openlineage.client.uuid import generate_new_uuid

from ravenstvo import __version__
from ravenstvo.runtime.lineage.place import place
from ravenstvo.runtime.observability import SERVICE
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import TRANSFORMER

PRODUCER = f"urn:ravenstvo:{__version__}"

_FILE = """
select file.sha256, file.status, part.source, sum(part.n_records)
from ops.source_file as file
left join ops.source_part as part
    on file.file_id = part.file_id and part.status = 'landed' and part.source is not null
where file.file_id = (select max(file_id) from ops.source_file where path = %s)
group by file.sha256, file.status, part.source
order by part.source
"""
_ASSERTIONS = """
select source, suite, expectation_id, severity, success, n_checked, n_failed
from ops.expectation_result
where (source, validated_at) in (
    select source, max(validated_at) from ops.expectation_result where source = any(%s) group by source
)
order by source, expectation_id
"""


@dataclass(frozen=True)
class Parent:
    """A task's run, and the run of the DAG above it."""

    run_id: str
    job: str
    root_run_id: str
    root_job: str

    @property
    def facet(self) -> parent_run.ParentRunFacet:
        """The facet by which a run names this as its parent."""
        return parent_run.ParentRunFacet(
            run=parent_run.Run(self.run_id),
            job=parent_run.Job(SERVICE, self.job),
            root=parent_run.Root(parent_run.RootRun(self.root_run_id), parent_run.RootJob(SERVICE, self.root_job)),
        )


def current_parent() -> Parent | None:
    """The task of Airflow that this process works on; None outside of one."""
    from airflow.providers.openlineage.plugins import macros
    from airflow.sdk import get_current_context

    try:
        task = get_current_context()["ti"]
    except RuntimeError:
        return None
    return Parent(
        macros.lineage_run_id(task),
        macros.lineage_job_name(task),
        macros.lineage_root_run_id(task),
        macros.lineage_root_job_name(task),
    )


def events_of(
    settings: Settings, task: str, given: dict[str, Any], result: Any, started: datetime
) -> Iterator[RunEvent]:
    """The events of a task; none of a task that touches no data. Arguments as of ``lineage.task_ended``."""
    if task == "land" and result is not None:
        yield from _landed(settings, given["spooled"]["path"])
    elif task == "validate" and result is not None:
        yield from _validated(settings, given["calculation"], list(result["sources"]))
    elif task == "estimate" and result is not None:
        yield _estimated(settings, given["calculation"], result)
    elif task.startswith("build_"):
        from ravenstvo.runtime.lineage.dbt_events import dbt_events

        yield from dbt_events(settings, PRODUCER, current_parent(), started)


def _landed(settings: Settings, path: str) -> Iterator[RunEvent]:
    where = place(settings)
    found = _rows(settings, _FILE, path)
    if not found:
        return
    sha256, status = found[0][:2]
    version = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=sha256)
    source = InputDataset("file", path, facets={"version": version})
    outputs = [
        OutputDataset(where.namespace, where.table("landing", name), outputFacets={"outputStatistics": _count(n_rows)})
        for *_, name, n_rows in found
        if name
    ]
    yield _event("land", RunState.FAIL if status == "refused" else RunState.COMPLETE, [source], outputs, {})


def _validated(settings: Settings, calculation: dict[str, Any], sources: list[str]) -> Iterator[RunEvent]:
    where = place(settings)
    assertions: dict[str, list[data_quality_assertions_dataset.Assertion]] = {}
    for source, suite, expectation, severity, success, n_checked, n_failed in _rows(settings, _ASSERTIONS, sources):
        assertions.setdefault(source, []).append(
            data_quality_assertions_dataset.Assertion(
                assertion=expectation,
                name=f"{suite}.{expectation}",
                success=success,
                severity="error" if severity == "critical" else "warn",
                expected="0",
                actual=str(n_failed or 0),
                description=f"проверено записей: {n_checked or 0}",
            )
        )
    for source, made in assertions.items():
        facet = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(assertions=made)
        checked = InputDataset(
            where.namespace, where.table("landing", source), inputFacets={"dataQualityAssertions": facet}
        )
        findings = OutputDataset(where.namespace, where.table("ops", "row_finding"))
        parts = OutputDataset(where.namespace, where.table("ops", "source_part"))
        yield _event(f"validate.{source}", RunState.COMPLETE, [checked], [findings, parts], calculation)


def _estimated(settings: Settings, calculation: dict[str, Any], n_rows: dict[str, int]) -> RunEvent:
    from ravenstvo.runtime.lineage.statements import tables_read

    where = place(settings)
    inputs = [InputDataset(where.namespace, where.table(*name.split("."))) for name in tables_read()]
    outputs = [
        OutputDataset(where.namespace, where.table("core", table), outputFacets={"outputStatistics": _count(number)})
        for table, number in sorted(n_rows.items())
    ]
    return _event("estimate", RunState.COMPLETE, inputs, outputs, calculation)


def _rows(settings: Settings, statement: str, value: Any) -> list[tuple[Any, ...]]:
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute(statement, (value,))
        return cursor.fetchall()


def _count(n_rows: int) -> output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet:
    return output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=int(n_rows))


def _event(
    job: str,
    state: RunState,
    inputs: list[InputDataset],
    outputs: list[OutputDataset],
    calculation: dict[str, Any],
) -> RunEvent:
    """One event tells of a whole run: it has ended when it is told."""
    parent = current_parent()
    facets: dict[str, Any] = {} if parent is None else {"parent": parent.facet}
    if calculation:
        facets["tags"] = tags_run.TagsRunFacet(
            tags=[tags_run.TagsRunFacetFields("calculation_id", calculation["calculation_id"], "ravenstvo")]
        )
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="RAVENSTVO", jobType="TASK")
    return RunEvent(
        eventTime=datetime.now(UTC).isoformat(),
        producer=PRODUCER,
        run=Run(str(generate_new_uuid()), facets),
        job=Job(SERVICE, f"ravenstvo.{job}", {"jobType": kind}),
        eventType=state,
        inputs=inputs,
        outputs=outputs,
    )
