"""Charts: from a document of ``include/bi/charts`` to Superset's own form, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ravenstvo.errors import ToldError
from ravenstvo.publishing.bi.datasets import FORMATS, metrics
from ravenstvo.publishing.bi.datasets import columns as dataset_columns
from ravenstvo.publishing.bi.identity import VERSION, asset_uuid
from ravenstvo.publishing.bi.links import Link
from ravenstvo.publishing.dictionary import Mart

Document = dict[str, Any]

KEYS = (
    *("slice_name", "description", "viz_type", "dataset", "params"),
    *("cache_timeout", "certified_by", "certification_details", "uuid"),
)
_REQUIRED = ("slice_name", "viz_type", "dataset")
# What Superset adds to the parameters by itself.
_ADDED = ("datasource", "viz_type", "slice_id", "dashboards", "url_params", "dashboardId", "slice_name")
# Parameters that name columns and saved figures of the dataset (or define their own on the spot); the last name either.
_COLUMN_LISTS = ("groupby", "groupby_b", "columns", "all_columns", "groupbyColumns", "groupbyRows")
_METRIC_LISTS = ("metrics", "metrics_b", "percent_metrics")
_EITHER = ("x_axis", "series", "entity", "x", "y", "size", "metric", "secondary_metric", "timeseries_limit_metric")


class DocumentError(ToldError):
    """A document is wrong; the message (Russian) names the file and the key."""


@dataclass(frozen=True)
class Chart:
    """A chart as its file says: ``name`` is the file's, without the extension."""

    name: str
    document: Document

    @property
    def uuid(self) -> str:
        """Made from the file's name, unless the chart was born in the interface and brought its own."""
        return str(self.document.get("uuid") or asset_uuid("chart", self.name))

    @property
    def file(self) -> str:
        """Path from ``include/bi``, for messages."""
        return f"charts/{self.name}.yaml"


def check(chart: Chart, marts: dict[str, Mart], links: tuple[Link, ...]) -> None:
    """Raise DocumentError unless keys, dataset, columns and saved metrics exist."""
    check_keys(chart.file, chart.document, KEYS, _REQUIRED)
    mart = marts.get(chart.document["dataset"])
    if mart is None:
        raise DocumentError(f"{chart.file}: ключ dataset: нет такой витрины: {chart.document['dataset']}")
    if not isinstance(chart.document.get("params", {}), dict):
        raise DocumentError(f"{chart.file}: ключ params: нужны пары «ключ: значение»")
    columns = {column.name for column in dataset_columns(mart, links)}
    figures = {metric.name for metric in metrics(mart)}
    params = chart.document.get("params") or {}
    for key, name in _named(params):
        known = columns if key in _COLUMN_LISTS else figures if key in _METRIC_LISTS else columns | figures
        if name not in known:
            what = "показателя" if key in _METRIC_LISTS else "столбца"
            raise DocumentError(f"{chart.file}: ключ params.{key}: у витрины {mart.name} нет {what} {name}")
    for key, name in _inside(params):
        if name not in columns | figures:
            raise DocumentError(f"{chart.file}: ключ params.{key}: у витрины {mart.name} нет столбца {name}")


def check_keys(file: str, document: Document, known: tuple[str, ...], required: tuple[str, ...]) -> None:
    """Raise DocumentError for a key that is not known or a required one that is absent."""
    for key in required:
        if not document.get(key):
            raise DocumentError(f"{file}: нет ключа {key}")
    for key in document:
        if key not in known:
            raise DocumentError(f"{file}: неизвестный ключ {key}; известны: {', '.join(known)}")


def compiled(chart: Chart, mart: Mart) -> Document:
    """The chart in Superset's form."""
    document = chart.document
    params = dict(document.get("params") or {})
    if config := _with_formats(params, mart, document["viz_type"]):
        params["column_config"] = config
    return {
        "slice_name": document["slice_name"],
        "description": document.get("description"),
        "certified_by": document.get("certified_by"),
        "certification_details": document.get("certification_details"),
        "viz_type": document["viz_type"],
        "params": params | {"viz_type": document["viz_type"]},
        "query_context": None,
        "cache_timeout": document.get("cache_timeout"),
        "uuid": chart.uuid,
        "is_managed_externally": False,
        "version": VERSION,
        "dataset_uuid": asset_uuid("dataset", mart.name),
    }


def decompiled(name: str, asset: Document, mart: Mart) -> Document:
    """The document of a chart that Superset exported."""
    params = {key: value for key, value in (asset.get("params") or {}).items() if key not in _ADDED}
    if not params.get("annotation_layers"):
        params.pop("annotation_layers", None)
    config = _without_formats(params, mart, asset["viz_type"])
    if config:
        params["column_config"] = config
    else:
        params.pop("column_config", None)
    document = {key: asset.get(key) for key in KEYS} | {"dataset": mart.name, "params": params}
    if asset["uuid"] == asset_uuid("chart", name):
        document["uuid"] = None
    return {key: value for key, value in document.items() if value not in (None, "", {})}


def _named(params: Document) -> Iterator[tuple[str, str]]:
    """Pairs of key and name: where the parameters name something saved."""
    for key in (*_COLUMN_LISTS, *_METRIC_LISTS, *_EITHER):
        value = params.get(key) or []
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str):
                yield key, name


def _inside(params: Document) -> Iterator[tuple[str, str]]:
    """Pairs of key and column: where a figure, a filter or an order made on the spot stands on a column."""
    for key, value in params.items():
        for one in value if isinstance(value, list) else [value]:
            if key == "order_by_cols":
                yield key, json.loads(one)[0]
            elif isinstance(one, dict) and one.get("expressionType") == "SIMPLE":
                yield key, one.get("subject") or one["column"]["column_name"]


def _formats(params: Document, mart: Mart, viz_type: str) -> dict[str, Document]:
    """How a table writes its columns by their unit: Superset itself keeps formats of metrics only."""
    if viz_type != "table":
        return {}
    shown = [*(params.get("all_columns") or []), *(params.get("groupby") or [])]
    units = {column.name: column.unit for column in mart.columns if column.unit}
    return {
        name: {"d3NumberFormat": FORMATS[units[name]]}
        for name in shown
        if isinstance(name, str) and units.get(name) in FORMATS
    }


def _with_formats(params: Document, mart: Mart, viz_type: str) -> Document:
    own = params.get("column_config") or {}
    formats = _formats(params, mart, viz_type)
    return {name: formats.get(name, {}) | own.get(name, {}) for name in sorted({*own, *formats})}


def _without_formats(params: Document, mart: Mart, viz_type: str) -> Document:
    formats = _formats(params, mart, viz_type)
    config = {}
    for name, own in (params.get("column_config") or {}).items():
        given = formats.get(name, {})
        left = {key: value for key, value in own.items() if given.get(key) != value}
        if left:
            config[name] = left
    return config
