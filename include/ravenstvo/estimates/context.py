"""Not written yet."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor


def estimate(cursor: Cursor, year: int) -> dict[str, int]:
    """Nothing yet."""
    return {}
