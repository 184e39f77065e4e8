"""What a reader of one municipality is shown by the database itself, over every mart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.dictionary import Mart
from ravenstvo.runtime.readers import Reader
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect, parameters

_NAMED = ("municipality_code", "municipality_name")


@contextmanager
def as_login(settings: Settings, login: str, password: str) -> Iterator[Cursor]:
    connection = psycopg2.connect(**parameters(settings) | {"user": login, "password": password})
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def marts(home: Path) -> list[Mart]:
    known = dictionary.load(Settings(home=home, warehouse_url=None).dbt_target_dir)
    return [mart for mart in known.values() if mart.schema == "marts"]


def rows(cursor: Cursor, mart: str) -> list[tuple[Any, ...]] | None:
    """All its rows as they are shown; None where it may not be read."""
    try:
        cursor.execute(f"select * from marts.{mart}")
    except psycopg2.errors.InsufficientPrivilege:
        return None
    return cursor.fetchall()


def foreign(cursor: Cursor, mart: Mart, reader: Reader) -> int:
    """Rows that name another municipality, or a school of another, by this reader's own look."""
    conditions = [f"{column} <> %({column})s" if column in mart.titles else "false" for column in _NAMED]
    cursor.execute(
        f"select count(*) from marts.{mart.name} where {' or '.join(conditions)}",
        {"municipality_code": reader.municipality_code, "municipality_name": reader.municipality_name},
    )
    return cursor.fetchone()[0]


def own(settings: Settings, mart: Mart, reader: Reader) -> int:
    """Rows that name the municipality, by the owner's look."""
    column, value = (
        ("municipality_code", reader.municipality_code)
        if "municipality_code" in mart.titles
        else ("municipality_name", reader.municipality_name)
    )
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*) from marts.{mart.name} where {column} = %s", (value,))
        return cursor.fetchone()[0]
