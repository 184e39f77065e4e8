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

    ``unit`` is ``share`` (a fraction 0..1, written as a percentage), ``count`` or ``number``.
    """

    name: str
    title: str
    description: str
    expression: str
    unit: str


@dataclass(frozen=True)
class Mart:
    """A table or view that people read; ``description`` is markdown under the four headings of the house.

    ``audience`` says what those see who may see one municipality only: ``open`` all rows, ``school`` the rows of its
    schools by school_id, ``closed`` nothing; empty: the rows that name the municipality, nothing where none does.
    """

    name: str
    schema: str
    title: str
    description: str
    columns: tuple[Column, ...]
    metrics: tuple[Metric, ...] = ()
    audience: str = ""

    @cached_property
    def titles(self) -> dict[str, str]:
        """Title of each column by its name."""
        return {column.name: column.title for column in self.columns}

    def section(self, heading: str) -> str:
        """Text under one of the headings: ``Overview``, ``Primary key``, ``Business rules``, ``Example``."""
        found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.description, re.MULTILINE | re.DOTALL)
        return found[1].strip() if found else ""


def load(target: Path) -> dict[str, Mart]:
    """Marts by their names in the database, from dbt's folder of results (``settings.dbt_target_dir``).

    Raises FileNotFoundError when dbt has not parsed the project yet.
    """
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    marts = (_mart(node) for node in manifest["nodes"].values() if _is_read(node))
    return {mart.name: mart for mart in sorted(marts, key=lambda mart: mart.name)}


def _is_read(node: dict[str, Any]) -> bool:
    return node["resource_type"] == "model" and node["schema"] in MARTS_SCHEMAS


def _mart(node: dict[str, Any]) -> Mart:
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
        audience=_meta(node).get("audience") or "",
    )


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return (node.get("config") or {}).get("meta") or node.get("meta") or {}


def _first_clause(description: str) -> str:
    """A title for a column that has none of its own: the description up to its first stop."""
    return re.split(r"[.;:(]| — ", " ".join(description.split()), maxsplit=1)[0].strip()
