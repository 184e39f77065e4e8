"""Statistics that SQL cannot do well: they read the star and write ``core.estimate_*``, which the marts read.

Heavy libraries (numpy, pandas, scipy) are imported by the modules that compute, not here.
"""

from __future__ import annotations

from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import TRANSFORMER

__all__ = ["estimate"]


def estimate(settings: Settings, years: list[int]) -> dict[str, int]:
    """Replace the estimates of every year from the first to the last of ``years``, all in one transaction.

    A year between them rests on the years before it, as the marts do. Markers come first: a method may leave out
    results that a marker flags. Returns the number of rows by table.
    """
    from ravenstvo.estimates import context, objectivity, shrinkage

    n_rows: dict[str, int] = {}
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        for year in range(min(years), max(years) + 1):
            for part in (objectivity, shrinkage, context):
                for table, number in part.estimate(cursor, year).items():
                    n_rows[table] = n_rows.get(table, 0) + number
    return n_rows
