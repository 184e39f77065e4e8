"""What the made-up region is made of: names, works, protocol headers and the years they came in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def names() -> dict[str, Any]:
    """Invented places, people and textbooks."""
    return _read("names.yml")


@cache
def works() -> dict[str, Any]:
    """Works, exams, protocol headers and the plan of each year's files."""
    return _read("works.yml")


@cache
def support() -> dict[str, Any]:
    """The five programmes of support: who takes part, what was planned and what was done."""
    return _read("programmes.yml")


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((files(__package__) / name).read_text(encoding="utf-8"))
    return loaded


def vpr_items(procedure: str) -> list[tuple[str, int]]:
    """Labels and highest scores of the items of a work such as `math_5`."""
    pairs = (item.rsplit(":", 1) for item in works()["vpr"][procedure]["items"].split())
    return [(label, int(score)) for label, score in pairs]


def template(name: str, **values: object) -> list[str]:
    """Headers of a template or form."""
    return [str(header).format(**values) for header in works()["templates"][name].split(";")]


def vpr_layout(year: int) -> str:
    """The kind of file in which ВПР came in this year."""
    return next(row["layout"] for row in works()["vpr_layouts"] if row["first"] <= year <= row["last"])


def years_known() -> range:
    """Campaign years that the files of the region are known for."""
    rows = works()["vpr_layouts"]
    return range(min(row["first"] for row in rows), max(row["last"] for row in rows) + 1)


def exam_plan(year: int) -> list[dict[str, Any]]:
    """Protocols of the year; a plan holds until the next one is named, the first one also before."""
    plans: dict[int, list[dict[str, Any]]] = works()["exam_plans"]
    return plans[max((first for first in plans if first <= year), default=min(plans))]
