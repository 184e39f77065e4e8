"""Connections to the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg2
import sqlalchemy

from ravenstvo.settings import Settings, get_settings
from ravenstvo.warehouse.server import WAREHOUSE_DB, database_url


def warehouse_url(settings: Settings | None = None) -> sqlalchemy.URL:
    """SQLAlchemy URL of the warehouse."""
    return database_url(settings or get_settings(), WAREHOUSE_DB)


def parameters(settings: Settings | None = None) -> dict[str, Any]:
    """Libpq's connection parameters of the warehouse: host, port, user, password, dbname and the URL's others."""
    return url_parameters(warehouse_url(settings))


def url_parameters(url: sqlalchemy.URL) -> dict[str, Any]:
    """Connection parameters of a URL in the names of libpq."""
    return url.translate_connect_args(username="user", database="dbname") | dict(url.query)


@contextmanager
def connect(settings: Settings | None = None) -> Iterator[psycopg2.extensions.connection]:
    """A psycopg2 connection inside one transaction: committed at the end, rolled back on an error."""
    connection = psycopg2.connect(**parameters(settings), application_name="ravenstvo")
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def moment(settings: Settings | None = None) -> datetime:
    """Now, but later than every moment noted in the warehouse: the clock may have been moved back."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute("select ops.moment()")
        now: datetime = cursor.fetchone()[0]  # type: ignore[index]
        return now


def engine(settings: Settings | None = None) -> sqlalchemy.Engine:
    """An SQLAlchemy engine without a pool: every use opens and closes its own connection."""
    return sqlalchemy.create_engine(warehouse_url(settings), poolclass=sqlalchemy.pool.NullPool)
