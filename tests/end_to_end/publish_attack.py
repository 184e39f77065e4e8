"""An attacker who holds the published tables and a solver: what can be said of the cells that are hidden.

Every published figure is a constraint (a rounded count is an interval, a band of shares is a pair of inequalities, the
municipalities add up to the region); each hidden count is then minimised and maximised. The policy's own rule is known
to the attacker only in so far as it is public; nothing else of the project is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

Row = dict[str, Any]
RESULTS = """
    select year, procedure_code as subject, area_kind, coalesce(municipality_code, '') as area, is_hidden,
      n_participants_rounded as n, null::int as x, percent_from, percent_to
    from publish.publish_municipality_results order by 1, 2, 3, 4
"""
SCHOOLS = """
    select year, method_code as subject, area_kind, coalesce(municipality_code, '') as area, is_hidden,
      n_schools_rounded as n, n_low_rounded as x, percent_from, percent_to
    from publish.publish_identification order by 1, 2, 3, 4
"""


@dataclass(frozen=True)
class Found:
    """What the attacker knows of a hidden cell: bounds of its size and of the part that counts.

    ``published`` is how exactly that part of the whole region is published: nothing of a cell may be known better.
    """

    year: int
    subject: str
    area: str
    size: tuple[float, float]
    part: tuple[float, float]
    published: float


def attack(ask: Callable[[str], list[dict[str, str]]], table: str, base: int) -> Iterator[Found]:
    """Bounds of every hidden cell of a published table whose total is shown; counts are rounded to ``base``."""
    totals: dict[tuple[int, str], Row] = {}
    cells: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in map(_typed, ask(table)):
        key = row["year"], row["subject"]
        if row["area_kind"] == "region":
            totals[key] = row
        else:
            cells[key].append(row)
    for (year, subject), found in cells.items():
        total = totals[year, subject]
        if total["is_hidden"]:
            continue
        for index, row in enumerate(found):
            if row["is_hidden"]:
                size, part = (_bounds(found, total, base, index + shift) for shift in (0, len(found) + 1))
                width = (total["percent_to"] - total["percent_from"]) / 100 * _rounded(total["n"], base)[0]
                if total["x"] is not None:
                    least, most = _rounded(total["x"], base)
                    width = min(width, most - least)
                yield Found(year, subject, row["area"], size, part, width)


def _typed(row: dict[str, str]) -> Row:
    """Numbers for the texts of a query."""
    numbers = ("year", "n", "x", "percent_from", "percent_to")
    typed: Row = {**row, "is_hidden": row["is_hidden"].lower() in ("t", "true")}
    return typed | {name: int(row[name]) if row[name] else None for name in numbers}


def _bounds(cells: list[Row], total: Row, base: int, at: int) -> tuple[float, float]:
    """The least and the greatest value of one unknown.

    Unknowns: sizes of the cells, then of what belongs to no municipality; then the parts of each, in that order. That
    rest is nothing unless the published figures are at odds without it: the attacker supposes what says most.
    """
    n = len(cells) + 1
    equalities, inequalities, bounds = _constraints(cells, total, base, n)
    for rest in (0.0, None):
        said = [*bounds]
        said[n - 1], said[2 * n - 1] = (0.0, rest), (0.0, rest)
        ends = []
        for sign in (1, -1):
            objective = np.zeros(2 * n)
            objective[at] = sign
            solved = linprog(
                objective,
                A_ub=np.array([row for row, _limit in (*inequalities, *equalities)]),
                b_ub=np.array([limit for _row, limit in (*inequalities, *equalities)]),
                bounds=said,
                method="highs",
            )
            if solved.status == 0:
                ends.append(sign * solved.fun)
        if len(ends) == 2:
            return ends[0], ends[1]
    raise AssertionError(f"the published figures contradict each other: {total}")


def _constraints(cells: list[Row], total: Row, base: int, n: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Sums to the region's intervals, shares in their bands, sizes in their roundings."""
    sums: list[tuple[np.ndarray, float]] = []
    bands: list[tuple[np.ndarray, float]] = []
    all_sizes, all_parts = np.zeros(2 * n), np.zeros(2 * n)
    all_sizes[:n], all_parts[n:] = 1, 1
    low, high = _rounded(total["n"], base)
    sums += [(all_sizes, high), (-all_sizes, -low)]
    if total["x"] is not None:
        low, high = _rounded(total["x"], base)
        sums += [(all_parts, high), (-all_parts, -low)]
    bands += _band(total, all_sizes, all_parts)
    bounds: list[tuple[float, float | None]] = [(0.0, None)] * (2 * n)
    for index, row in enumerate(cells):
        size, part = np.zeros(2 * n), np.zeros(2 * n)
        size[index], part[n + index] = 1, 1
        # A part is no larger than its whole.
        bands.append((part - size, 0.0))
        if not row["is_hidden"]:
            bounds[index] = _rounded(row["n"], base)
            bands += _band(row, size, part)
    bands.append((_unit(2 * n, 2 * n - 1) - _unit(2 * n, n - 1), 0.0))
    return sums, bands, bounds


def _band(row: Row, size: np.ndarray, part: np.ndarray) -> list[tuple[np.ndarray, float]]:
    return [
        (row["percent_from"] / 100 * size - part, 0.0),
        (part - row["percent_to"] / 100 * size, 0.0),
    ]


def _rounded(value: int, base: int) -> tuple[float, float]:
    """Whole numbers that are rounded to a value, halves up."""
    return float(max(0, -(-(2 * value - base) // 2))), float(-(-(2 * value + base) // 2) - 1)


def _unit(n: int, at: int) -> np.ndarray:
    made = np.zeros(n)
    made[at] = 1
    return made
