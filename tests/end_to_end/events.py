"""OpenLineage's events of a run, read as a server would: by the client's own classes, as runs and as a graph."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openlineage.client.event_v2 import Dataset, Job, Run, RunEvent, RunState

Name = tuple[str, str]


@dataclass(frozen=True)
class Lineage:
    """Events in the order of their coming."""

    events: list[dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Lineage:
        return cls([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])

    def faults(self) -> list[str]:
        """What is wrong with the form of the events, and runs that have begun and not ended."""
        faults = [fault for event in self.events for fault in _faults(event)]
        ended = {event["run"]["runId"] for event in self.events if event["eventType"] in ("COMPLETE", "FAIL")}
        begun = {event["run"]["runId"]: event["job"]["name"] for event in self.events}
        return faults + [f"{name}: no end" for run, name in begun.items() if run not in ended]

    def table(self, schema: str, name: str) -> Name:
        """The dataset of a table; there is one namespace and one database."""
        (namespace,) = {one["namespace"] for one in self._datasets()} - {"file"}
        (database,) = {one["name"].partition(".")[0] for one in self._datasets() if one["namespace"] == namespace}
        return namespace, f"{database}.{schema}.{name}"

    def way(self, start: Name, end: Name) -> list[Name]:
        """Datasets on a shortest way from one to another, not by the books of `ops`, through which all is joined.

        Empty when there is none.
        """
        came_from: dict[Name, Name | None] = {start: None}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for event in self.events:
                if here in map(_name, event["inputs"]):
                    for made in map(_name, event["outputs"]):
                        if made not in came_from and ".ops." not in made[1]:
                            came_from[made] = here
                            waiting.append(made)
        way: list[Name] = []
        at: Name | None = end if end in came_from else None
        while at is not None:
            way.insert(0, at)
            at = came_from[at]
        return way

    def runs_of(self, job: str) -> set[str]:
        """Runs of a job."""
        runs = {event["run"]["runId"] for event in self.events if event["job"]["name"] == job}
        assert runs, job
        return runs

    def parent_of(self, run: str) -> str:
        """The run above a run."""
        (parent,) = {
            event["run"]["facets"]["parent"]["run"]["runId"] for event in self.events if event["run"]["runId"] == run
        }
        return str(parent)

    def assertions(self) -> dict[tuple[str, str], tuple[bool, str]]:
        """Verdicts of the checks of landed rows, by source and expectation, with how many rows fail."""
        found = {}
        for event in self.events:
            if event["job"]["name"].startswith("ravenstvo.validate."):
                (checked,) = event["inputs"]
                for one in checked["inputFacets"]["dataQualityAssertions"]["assertions"]:
                    source = checked["name"].rpartition(".")[2]
                    found[source, one["assertion"]] = (one["success"], one["actual"])
        return found

    def _datasets(self) -> Iterator[dict[str, Any]]:
        return (dataset for event in self.events for dataset in (*event["inputs"], *event["outputs"]))


def _name(dataset: dict[str, Any]) -> Name:
    return dataset["namespace"], dataset["name"]


def _faults(event: dict[str, Any]) -> Iterator[str]:
    """Every field that the specification asks for, and every facet's producer and schema."""
    try:
        for one in (*event["inputs"], *event["outputs"]):
            Dataset(one["namespace"], one["name"])
        run, job = event["run"], event["job"]
        state = RunState[event["eventType"]]
        RunEvent(
            eventTime=event["eventTime"],
            producer=event["producer"],
            run=Run(run["runId"]),
            job=Job(job["namespace"], job["name"]),
            eventType=state,
        )
        uuid.UUID(run["runId"])
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None, "no time zone"
        assert event["schemaURL"].startswith("https://openlineage.io/spec/"), "no schema"
        for name, facet in _facets(event):
            assert facet.get("_producer"), f"{name}: no producer"
            assert facet.get("_schemaURL"), f"{name}: no schema"
    except (AssertionError, KeyError, ValueError) as fault:
        yield f"{event['job']['name']}: {fault!r}"


def _facets(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for one in value:
            yield from _facets(one)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("facets", "inputFacets", "outputFacets"):
                yield from inner.items()
            yield from _facets(inner)
