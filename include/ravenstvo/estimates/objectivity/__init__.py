"""Markers B1–B8 of ВПР results and bunching at the borders of marks.

A marker is a reason to look at results together with the school, not a conclusion about it.
"""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from ravenstvo.estimates.objectivity import bunching, inputs, markers
from ravenstvo.estimates.tables import replace_year

__all__ = ["estimate"]


def estimate(cursor: Cursor, year: int) -> dict[str, int]:
    """Replace the year's markers and bunching. Returns ``{table: number of rows}``."""
    data = inputs.read(cursor, year)
    curves = bunching.curves(data.scores, data.boundaries, data.bunching, year)
    found = markers.all_markers(data, curves)
    measured = bunching.measured(curves, data.scores, data.municipalities, data.bunching)
    return {
        "estimate_marker": replace_year(cursor, "estimate_marker", year, found),
        "estimate_bunching": replace_year(cursor, "estimate_bunching", year, measured),
    }
