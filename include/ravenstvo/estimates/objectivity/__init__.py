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
    scores, municipalities, parameters = data.scores, data.municipalities, data.bunching
    n_markers = replace_year(cursor, "estimate_marker", year, markers.all_markers(data, curves))
    # The markers and what only they read are written and gone before the next rows, as many again, are made.
    del data
    measured = bunching.measured(curves, scores, municipalities, parameters)
    return {
        "estimate_marker": n_markers,
        "estimate_bunching": replace_year(cursor, "estimate_bunching", year, measured),
    }
