"""A warehouse for the tests of validation: migrated, with the project's reference data, shared by a module."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2 import sql
from quality_warehouse import load_seeds
from ravenstvo.settings import Settings
from ravenstvo.warehouse.migrate import upgrade
from ravenstvo.warehouse.server import database_url


@pytest.fixture(scope="module")
def settings(embedded: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One database for all tests of a module: each lands parts of its own."""
    name = "quality"
    _on_server(embedded, "create database {}", name)
    url = database_url(embedded).set(database=name).render_as_string(hide_password=False)
    settings = Settings(home=tmp_path_factory.mktemp("quality"), warehouse_url=url, airflow_url=None)
    settings.make_home()
    upgrade(settings)
    load_seeds(settings)
    yield settings
    _on_server(embedded, "drop database {} with (force)", name)


def _on_server(embedded: Settings, statement: str, name: str) -> None:
    url = database_url(embedded, "postgres")
    connection = psycopg2.connect(**url.translate_connect_args(username="user", database="dbname"), **url.query)
    connection.autocommit = True
    connection.cursor().execute(sql.SQL(statement).format(sql.Identifier(name)))
    connection.close()
