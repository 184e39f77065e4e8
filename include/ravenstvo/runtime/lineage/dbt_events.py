"""Events of a dbt stage: what every model read and made, and how its tests ended, from dbt's own results."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from openlineage.client.event_v2 import Dataset, RunEvent
from openlineage.common.provider.dbt.facets import DbtRunRunFacet, ParentRunMetadata
from openlineage.common.provider.dbt.processor import DbtArtifactProcessor, ModelNode

from ravenstvo.runtime.lineage.place import place
from ravenstvo.runtime.observability import SERVICE
from ravenstvo.settings import Settings

if TYPE_CHECKING:
    from ravenstvo.runtime.lineage.events import Parent


class _Processor(DbtArtifactProcessor):
    """OpenLineage's own reader of dbt's results; the connection is the product's, no profile is read for it."""

    def __init__(self, settings: Settings, producer: str, results: dict[str, Any]) -> None:
        quiet = logging.getLogger(f"{__name__}.processor")
        quiet.setLevel(logging.ERROR)
        super().__init__(producer=producer, job_namespace=SERVICE, skip_errors=True, logger=quiet)
        self._settings = settings
        self._results = results

    def get_dbt_metadata(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], None]:
        manifest = json.loads((self._settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))
        return manifest, self._results, {"type": "postgres"}, None

    def extract_namespace(self, profile: dict[str, Any]) -> str:
        return place(self._settings).namespace

    def dbt_run_run_facet(self) -> dict[str, DbtRunRunFacet]:
        return {"dbt_run": DbtRunRunFacet(invocation_id=self.run_metadata["invocation_id"], project_name=SERVICE)}

    def node_to_dataset(self, node: ModelNode, has_facets: bool = False) -> Dataset:
        # What a table is like is told where it is made, not again wherever it is read.
        return super().node_to_dataset(node, has_facets=False)


def dbt_events(settings: Settings, producer: str, parent: Parent | None, started: datetime) -> Iterator[RunEvent]:
    """The events of the stage that began at ``started``; none when dbt did not get to write its results."""
    path = settings.dbt_target_dir / "run_results.json"
    if not path.exists():
        return
    results = json.loads(path.read_text(encoding="utf-8"))
    if datetime.fromisoformat(results["metadata"]["generated_at"]) < started:
        return  # of an earlier stage
    # What was not run has neither succeeded nor failed.
    results["results"] = [result for result in results["results"] if result["status"] != "skipped"]
    processor = _Processor(settings, producer, results)
    if parent is not None:
        processor.dbt_run_metadata = ParentRunMetadata(
            *(parent.run_id, parent.job, SERVICE, parent.root_job, SERVICE, parent.root_run_id)
        )
    yield from processor.parse().events()
