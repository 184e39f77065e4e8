"""Reading the warehouse for a person: rows by name, numbers in words."""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import DictCursor


def fetch(connection: Connection, statement: str, **values: Any) -> list[Any]:
    """Rows of a statement, their columns by name."""
    with connection.cursor(cursor_factory=DictCursor) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def percent(share: float | None) -> str:
    """Share as percent, with a decimal comma."""
    return "—" if share is None else number(100 * share, 1) + " %"


def number(value: float | None, digits: int = 2) -> str:
    """Number with a decimal comma."""
    return "—" if value is None else f"{value:.{digits}f}".replace(".", ",")
