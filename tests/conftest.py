"""What many tests need: a real PostgreSQL (one embedded server, a database for each test), the parsed dbt project.

Tests may run in several processes at once (`make test`): each process has an embedded server of its own.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg2
import pytest
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse import migrate, server


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where workers share the suite, the longest modules come first: none is left over for the end.

    The length is what the mark `slow` says of a module: its seconds on a quiet machine.
    """
    if hasattr(config, "workerinput"):
        seconds: dict[Path, int] = {}
        for item in items:
            for mark in item.iter_markers("slow"):
                seconds[item.path] = max(seconds.get(item.path, 0), mark.kwargs.get("seconds", 0))
        items.sort(key=lambda item: -seconds.get(item.path, 0))


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
    with _new_database(embedded, tmp_path_factory.mktemp("home")) as settings:
        yield settings


@pytest.fixture(scope="session")
def template(embedded: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database that holds a migrated warehouse and nothing else: copies of it cost a tenth of migrating."""
    with _new_database(embedded, tmp_path_factory.mktemp("home")) as settings:
        migrate.upgrade(settings)
        yield settings.warehouse_url.rsplit("/", 1)[-1].partition("?")[0]


@pytest.fixture
def migrated(embedded: Settings, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a migrated warehouse without data."""
    with _new_database(embedded, tmp_path_factory.mktemp("home"), template) as settings:
        migrate.upgrade(settings)
        yield settings


@pytest.fixture(scope="module")
def module_warehouse(embedded: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The same, shared by the tests of a module."""
    with _new_database(embedded, tmp_path_factory.mktemp("home")) as settings:
        yield settings


@pytest.fixture(scope="module")
def new_warehouse(embedded: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Settings]]:
    """Makes empty warehouses, as many as a module asks for."""
    with ExitStack() as made:
        yield lambda: made.enter_context(_new_database(embedded, tmp_path_factory.mktemp("home")))


@contextmanager
def _new_database(embedded: Settings, home: Path, template: str = "template1") -> Iterator[Settings]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    _on_server(embedded, f'create database "{name}" template "{template}"')
    url = server.database_url(embedded).set(database=name).render_as_string(hide_password=False)
    settings = Settings(home=home, warehouse_url=url, airflow_url=None)
    settings.make_home()
    yield settings
    _on_server(embedded, f'drop database "{name}" with (force)')


def _on_server(embedded: Settings, statement: str) -> None:
    url = server.database_url(embedded, "postgres")
    connection = psycopg2.connect(**url.translate_connect_args(username="user", database="dbname"), **url.query)
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Folder of what dbt tells of the project when it parses it: ``manifest.json`` and what it printed, ``parse.txt``.

    No warehouse is needed for it. Processes that share the tests share the folder: who comes first parses.
    """
    base = tmp_path_factory.getbasetemp()
    target = (base if worker_id == "master" else base.parent) / "parsed"
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "parse.txt").exists():
            project = str(PROJECT_ROOT / "dbt_project")
            command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "parse", "--project-dir", project]
            command += ["--profiles-dir", project, "--target-path", str(target), "--log-path", str(target)]
            parsed = subprocess.run(command, capture_output=True, text=True, check=False)
            assert parsed.returncode == 0, parsed.stdout[-4000:]
            (target / "parse.txt").write_text(parsed.stdout, encoding="utf-8")
    return target


@pytest.fixture(scope="session")
def bi_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Superset's own environment; made by the Makefile's recipe where it is not there, by who comes first."""
    environment = Settings().bi_environment
    with (tmp_path_factory.getbasetemp().parent / "bi-environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "made-from").exists():
            subprocess.run(["make", "setup-bi"], cwd=PROJECT_ROOT, check=True)
    return environment
