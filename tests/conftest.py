"""A real PostgreSQL for the tests that need one: one embedded server, a new database for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg2
import pytest
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a running embedded server in a state folder of its own."""
    settings = Settings(home=tmp_path_factory.mktemp("server") / "home", warehouse_url=None, airflow_url=None)
    server.start(settings)
    yield settings
    server.stop(settings)


@pytest.fixture
def warehouse(embedded: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of an empty warehouse: a new database, given as a PostgreSQL of one's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _on_server(embedded, f'create database "{name}"')
    url = server.database_url(embedded).set(database=name).render_as_string(hide_password=False)
    settings = Settings(home=tmp_path_factory.mktemp("home"), warehouse_url=url, airflow_url=None)
    settings.make_home()
    yield settings
    _on_server(embedded, f'drop database "{name}" with (force)')


def _on_server(embedded: Settings, statement: str) -> None:
    url = server.database_url(embedded, "postgres")
    connection = psycopg2.connect(**url.translate_connect_args(username="user", database="dbname"), **url.query)
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()
