"""What a region brings to the shared warehouse: the tables of its marts and facts, as their documents promise them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

REGION = "region_code"
_KEY = re.compile(r"^## Primary key\n([a-z0-9_]+(?:,\s+[a-z0-9_]+)*)(?: \(|\.?\n)", re.M)


@dataclass(frozen=True)
class Column:
    """A column: its name, PostgreSQL's type as the catalogue writes it, and the Russian description."""

    name: str
    data_type: str
    description: str


@dataclass(frozen=True)
class Relation:
    """A table or view of a region's warehouse without its personal columns.

    ``key`` tells rows apart within a region; empty where the document names no plain list of columns. ``has_region``:
    the region's code is among its own columns; else the collector adds it.
    """

    schema: str
    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    has_region: bool


def relations(nodes: Iterable[Mapping[str, Any]]) -> list[Relation]:
    """Relations that are shared, by name, from the nodes of dbt's manifest.

    Those are all of ``marts``, and of ``core`` the facts that the marts have no copy of. Columns that the documents
    call ``personal`` stay at home.
    """
    nodes = list(nodes)
    models = [node for node in nodes if node["resource_type"] == "model"]
    tested = _tested_keys(nodes)
    marts = {node["alias"]: node for node in models if node["schema"] == "marts"}
    facts = {node["alias"]: node for node in models if node["schema"] == "core" and node["alias"].startswith("fct_")}
    return [_relation(node, tested.get(node["unique_id"], ())) for _, node in sorted((facts | marts).items())]


def _relation(node: Mapping[str, Any], tested: tuple[str, ...]) -> Relation:
    shared = {name: column for name, column in node["columns"].items() if not _meta(column).get("personal")}
    key = _told_key(node["description"]) or tested
    return Relation(
        schema=node["schema"],
        name=node["alias"],
        description=node["description"],
        columns=tuple(
            Column(name, column["data_type"].replace(", ", ","), column["description"])
            for name, column in shared.items()
            if name != REGION
        ),
        key=key if set(key) <= shared.keys() else (),
        has_region=REGION in shared,
    )


def _meta(column: Mapping[str, Any]) -> Mapping[str, Any]:
    meta: Mapping[str, Any] = (column.get("config") or {}).get("meta") or column.get("meta") or {}
    return meta


def _told_key(description: str) -> tuple[str, ...]:
    """Columns under the heading ``Primary key``: all that stands there, or what a remark in brackets follows."""
    found = _KEY.search(description)
    return tuple(re.split(r",\s+", found[1])) if found else ()


def _tested_keys(nodes: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Columns of the data test ``unique_key``, by model."""
    keys = {}
    for node in nodes:
        test = node.get("test_metadata") or {}
        if node["resource_type"] == "test" and test.get("name") == "unique_key":
            keys[node["attached_node"]] = tuple(test["kwargs"]["columns"])
    return keys
