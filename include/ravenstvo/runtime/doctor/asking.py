"""Connections of the doctor: none of them waits for long, none changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor
from sqlalchemy.engine import URL

from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import url_parameters, warehouse_url

CONNECT_SECONDS, STATEMENT_SECONDS, LOCK_SECONDS = 5, 10, 2


@contextmanager
def asking(url: URL) -> Iterator[Cursor]:
    """A cursor whose transaction is rolled back at the end."""
    limits = f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s"
    given = url_parameters(url) | {"connect_timeout": CONNECT_SECONDS, "options": limits}
    connection = psycopg2.connect(**given, application_name="ravenstvo doctor")
    try:
        with connection.cursor() as cursor:
            yield cursor
        connection.rollback()
    finally:
        connection.close()


@contextmanager
def asking_warehouse(settings: Settings) -> Iterator[Cursor]:
    """The same, in the warehouse as its owner."""
    with asking(warehouse_url(settings)) as cursor:
        yield cursor


def value(cursor: Cursor, query: str, *values: Any) -> Any:
    """The one value that a query gives."""
    cursor.execute(query, values or None)
    row = cursor.fetchone()
    return row[0] if row else None


def first_line(error: BaseException) -> str:
    """What an error says, in a line."""
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__
