"""What the marts hold, in the words of the dbt documents: the one source of titles for dashboards, workbooks, report.

The documents lie beside the models; dbt gathers them in ``manifest.json`` whenever it parses the project.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

MARTS_SCHEMAS = ("marts", "publish")

# MetricFlow's ways of aggregating, as PostgreSQL writes them; another one in a measure is a KeyError.
_AGGREGATES = {
    "sum": "sum({})",
    "sum_boolean": "sum(case when {} then 1 else 0 end)",
    "count": "count({})",
    "count_distinct": "count(distinct {})",
    "average": "avg({})",
    "min": "min({})",
    "max": "max({})",
    "median": "percentile_cont(0.5) within group (order by {})",
}

_RATIO = ("numerator", "denominator")


@dataclass(frozen=True)
class Column:
    """A column of a mart: its name in the database, a short Russian title, the description, PostgreSQL's type.

    ``unit`` says how a number is written: ``share`` (0..1, written as a percentage), ``percent`` (0..100), ``count``,
    ``score``, ``number``, ``year`` (digits without separators). None: no quantity, but a text, a key or a code.
    """

    name: str
    title: str
    description: str
    data_type: str
    unit: str | None = None


@dataclass(frozen=True)
class Metric:
    """A figure over the rows of one mart, defined once: an SQL aggregate and how it is written.

    ``expression`` stands on the mart's own columns, so it goes into a query of the mart with any grouping and filter.
    ``unit`` is one of a column's units.
    """

    name: str
    title: str
    description: str
    expression: str
    unit: str


@dataclass(frozen=True)
class Example:
    """A query that a mart's document shows, and what follows it; ``NO_ROWS`` begins a note on when it is empty."""

    NO_ROWS = "строк нет"

    query: str
    note: str


@dataclass(frozen=True)
class Mart:
    """A table or view that people read; ``description`` is markdown under the four headings of the house.

    ``audience`` says what those see who may see one municipality only (``ravenstvo.sight``).
    ``model`` is dbt's name of it, where that is another one.
    """

    name: str
    schema: str
    title: str
    description: str
    columns: tuple[Column, ...]
    metrics: tuple[Metric, ...] = ()
    audience: str = ""
    model: str = ""

    @cached_property
    def titles(self) -> dict[str, str]:
        """Title of each column by its name."""
        return {column.name: column.title for column in self.columns}

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        """Queries of the heading ``Example``, in the order of the document."""
        found = re.findall(r"`(select [^`]+)`([^`]*)", self.section("Example"))
        return tuple(Example(" ".join(query.split()), " ".join(note.split()).strip("—– ")) for query, note in found)

    def section(self, heading: str) -> str:
        """Text under one of the headings: ``Overview``, ``Primary key``, ``Business rules``, ``Example``."""
        found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.description, re.MULTILINE | re.DOTALL)
        return found[1].strip() if found else ""


def load(target: Path) -> dict[str, Mart]:
    """Marts by their names in the database, from dbt's folder of results (``settings.dbt_target_dir``).

    Raises FileNotFoundError when dbt has not parsed the project yet.
    """
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    metrics = _metrics(manifest)
    marts = (_mart(node, metrics.get(key, ())) for key, node in manifest["nodes"].items() if _is_read(node))
    return {mart.name: mart for mart in sorted(marts, key=lambda mart: mart.name)}


def _is_read(node: dict[str, Any]) -> bool:
    return node["resource_type"] == "model" and node["schema"] in MARTS_SCHEMAS


def _mart(node: dict[str, Any], metrics: tuple[Metric, ...]) -> Mart:
    name = node.get("alias") or node["name"]
    return Mart(
        name=name,
        schema=node["schema"],
        title=_meta(node).get("title") or name,
        description=node["description"],
        columns=tuple(
            Column(
                name=column["name"],
                title=_meta(column).get("title") or _first_clause(column["description"]),
                description=" ".join(column["description"].split()),
                data_type=column.get("data_type") or "",
                unit=_meta(column).get("unit"),
            )
            for column in node["columns"].values()
        ),
        metrics=metrics,
        audience=_meta(node).get("audience") or "",
        model=node["name"],
    )


def _metrics(manifest: dict[str, Any]) -> dict[str, tuple[Metric, ...]]:
    """Metrics by the model that they stand on (dbt's id of it), in the order of their names.

    Left out are metrics over several models, which have no expression of one query, and those whose ``meta`` says
    ``hidden``: parts of others, of no use by themselves.
    """
    places = {
        measure["name"]: (semantic["depends_on"]["nodes"][0], measure)
        for semantic in manifest["semantic_models"].values()
        for measure in semantic["measures"]
    }
    defined = {metric["name"]: metric for metric in manifest["metrics"].values()}
    found: dict[str, list[Metric]] = {}
    for name, metric in sorted(defined.items()):
        models = {places[measure["name"]][0] for measure in metric["type_params"]["input_measures"]}
        meta = _meta(metric)
        if len(models) == 1 and not meta.get("hidden"):
            title, unit = meta.get("title") or metric["label"], meta.get("unit") or "number"
            expression = _expression(metric, defined, {measure: place[1] for measure, place in places.items()})
            found.setdefault(models.pop(), []).append(Metric(name, title, metric["description"], expression, unit))
    return {model: tuple(metrics) for model, metrics in found.items()}


def _expression(metric: dict[str, Any], metrics: dict[str, Any], measures: dict[str, Any]) -> str:
    """SQL aggregate of a simple or ratio metric; ValueError for what MetricFlow has besides."""
    given = metric["type_params"]
    if metric["filter"] or any(one["filter"] for one in [*given["input_measures"], *(given["metrics"] or ())]):
        raise ValueError(f"metric {metric['name']}: write the condition into the measure, a filter is not read here")
    if metric["type"] == "simple":
        measure = measures[given["measure"]["name"]]
        return _AGGREGATES[measure["agg"]].format(measure["expr"] or measure["name"])
    if metric["type"] == "ratio":
        above, below = (_expression(metrics[given[end]["name"]], metrics, measures) for end in _RATIO)
        return f"cast({above} as double precision) / nullif({below}, 0)"
    raise ValueError(f"metric {metric['name']}: only simple and ratio metrics are read here, not {metric['type']}")


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return (node.get("config") or {}).get("meta") or node.get("meta") or {}


def _first_clause(description: str) -> str:
    """A title for a column that has none of its own: the description up to its first stop."""
    return re.split(r"[.;:(]| — ", " ".join(description.split()), maxsplit=1)[0].strip()
