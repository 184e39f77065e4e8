"""Connections to the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2
import sqlalchemy
from sqlalchemy.engine import make_url

from ravenstvo.settings import Settings, get_settings
from ravenstvo.warehouse.server import WAREHOUSE_DB, database_url
from ravenstvo.warehouse.server import url_parameters as url_parameters

# PostgreSQL cuts names at 63 bytes; what follows the database's name must stay.
_NAME_BYTES = 40


def warehouse_url(settings: Settings | None = None, role: str | None = None) -> sqlalchemy.URL:
    """SQLAlchemy URL of the warehouse.

    With a role of the pipeline (``roles.LOADER``, ``roles.TRANSFORMER``) it is that of the role's own login; where
    there is none, because the owner of one's own server may not create logins, it is the owner's.
    """
    settings = settings or get_settings()
    owner = database_url(settings, WAREHOUSE_DB)
    if role is None:
        return owner
    own = getattr(settings, f"{role}_url")
    if own is not None:
        return make_url(own)
    login = pipeline_login(owner, role)
    password = known_passwords(settings).get(login)
    return owner if password is None else owner.set(username=login, password=password)


def pipeline_login(owner: sqlalchemy.URL, role: str) -> str:
    """Login of a role of the pipeline: each warehouse of a server has its own."""
    database = (owner.database or "").encode()[:_NAME_BYTES].decode(errors="ignore")
    return f"{database}_{role}"


def passwords_file(settings: Settings) -> Path:
    """Passwords of the pipeline's logins, by login."""
    return settings.home / "logins.json"


def known_passwords(settings: Settings) -> dict[str, str]:
    """Passwords of the pipeline's logins that this home has made."""
    try:
        known: dict[str, str] = json.loads(passwords_file(settings).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return known


def parameters(settings: Settings | None = None, role: str | None = None) -> dict[str, Any]:
    """Libpq's connection parameters of the warehouse: host, port, user, password, dbname and the URL's others."""
    return url_parameters(warehouse_url(settings, role))


@contextmanager
def connect(settings: Settings | None = None, role: str | None = None) -> Iterator[psycopg2.extensions.connection]:
    """A psycopg2 connection inside one transaction: committed at the end, rolled back on an error.

    Without a role it is the owner's: migrations, and what people ask and decide on the command line.
    """
    connection = psycopg2.connect(**parameters(settings, role), application_name="ravenstvo")
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def has_table(cursor: psycopg2.extensions.cursor, name: str) -> bool:
    """Whether there is a table or view of this name, with its schema: a warehouse that is new or older may lack it."""
    cursor.execute("select pg_catalog.to_regclass(%s) is not null", (name,))
    return cursor.fetchone() == (True,)


@contextmanager
def outside_transaction(settings: Settings | None = None) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor of the owner whose statements are each a transaction of its own, or none: databases, vacuum."""
    connection = psycopg2.connect(**parameters(settings), application_name="ravenstvo")
    try:
        connection.autocommit = True
        yield connection.cursor()
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
