"""The set-up of `docker-compose.yml` at work: its services calculate a region, are killed meanwhile, and end right.

One warehouse goes through all of it, in the order of the tests; the same files are calculated by `ravenstvo run`
beside it, undisturbed, to compare with.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from airflow_client import Airflow
from compose_here import Here
from ravenstvo.sample import generate
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect
from sqlalchemy.engine import make_url

pytestmark = pytest.mark.slow(seconds=230)

DAG, YEAR = "annual_recalculation", 2022
# The fewest files that pass through every step: a task for each of them takes seconds. The appeals come later.
FILES = ("Реестры/*.xlsx", f"{YEAR}/ОГЭ/*", f"ВПР/{YEAR}/5/Математика.xlsx")
LATE = Path(f"{YEAR}/ОГЭ/апелляции.xlsx")
SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")
_HASHES = (
    "select mart, n_rows, hash from ops.mart_hash where calculation_id = "
    "(select calculation_id from ops.calculation where status = 'done' order by finished_at desc limit 1)"
)


class Undisturbed:
    """A home of its own in which the command calculates the same files."""

    def __init__(self, home: Path, inbox: Path) -> None:
        self.settings = Settings(home=home, warehouse_url=None, airflow_url=None)
        self.inbox = inbox
        self._command: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        words = [str(Path(sys.executable).with_name("ravenstvo")), "run", "--inbox", str(self.inbox)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAVENSTVO_", "AIRFLOW"))}
        with (self.inbox.parent / "run.log").open("wb") as log:
            self._command = subprocess.Popen(
                [*words, "--year", str(YEAR)],
                env=kept | {"RAVENSTVO_HOME": str(self.settings.home)},
                stdout=log,
                stderr=log,
            )

    def hashes(self) -> dict[str, tuple[int, str]]:
        """Of the marts, when the command has ended."""
        assert self._command is not None
        said = (self.inbox.parent / "run.log").read_text
        assert self._command.wait(timeout=900) in (0, 3), said(encoding="utf-8")[-3000:]
        with connect(self.settings) as connection, connection.cursor() as cursor:
            cursor.execute(_HASHES)
            return {mart: (n_rows, found) for mart, n_rows, found in cursor.fetchall()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    base = tmp_path_factory.mktemp("undisturbed")
    generate(base / "регион", 3, 8, [YEAR])
    for file in (found for wanted in FILES for found in (base / "регион").glob(wanted)):
        target = base / "файлы" / file.relative_to(base / "регион")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)
    shutil.move(base / "файлы" / LATE, base / LATE.name)
    one = Undisturbed(base / "home", base / "файлы")
    one.begin()
    yield one
    server.stop(one.settings)


@pytest.fixture(scope="module")
def here(undisturbed: Undisturbed) -> Iterator[Here]:
    """The volumes and secrets of the file; its database runs, and its `migrate` has ended."""
    made = Here()
    # The dead are noticed earlier than an operator would want it, so that the test need not wait.
    made.dotenv["RAVENSTVO_TASK_SILENCE"] = "30"
    try:
        shutil.copytree(undisturbed.inbox, made.inbox, dirs_exist_ok=True)
        made.give(made.inbox)
        made.start("postgres")
        made.wait_healthy("postgres")
        migrated = made.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        yield made
    finally:
        made.remove()


@pytest.fixture
def airflow(here: Here) -> Airflow:
    return Airflow(here.url("api-server"), here.home / "airflow" / "passwords.json")


def _ask(here: Here, query: str) -> list[tuple[Any, ...]]:
    url = make_url(here.database_url("warehouse_url"))
    connection = psycopg2.connect(**url.translate_connect_args(username="user", database="dbname"))
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def _hashes(here: Here) -> dict[str, tuple[int, str]]:
    return {mart: (n_rows, found) for mart, n_rows, found in _ask(here, _HASHES)}


def _begin(airflow: Airflow, run_id: str) -> None:
    airflow.wait(f"/api/v2/dags/{DAG}", lambda dag: dag["is_paused"] is False)
    wanted = {"dag_run_id": run_id, "conf": {"year": YEAR}, "logical_date": None}
    airflow.call("POST", f"/api/v2/dags/{DAG}/dagRuns", wanted)


def _wait_running(airflow: Airflow, run_id: str, task: str) -> None:
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task}"
    airflow.wait(path, lambda found: found["state"] == "running", 600)


def _end(airflow: Airflow, run_id: str) -> dict[str, int]:
    """Wait for the end of a run; gives how often each task was tried."""
    run = airflow.wait(f"/api/v2/dags/{DAG}/dagRuns/{run_id}", lambda run: run["state"] in ("success", "failed"), 600)
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances?limit=200"
    tasks = airflow.call("GET", path)["task_instances"]
    assert run["state"] == "success", [(task["task_id"], task["state"]) for task in tasks]
    return {task["task_id"]: task["try_number"] for task in tasks}


def _check_nothing_shows_a_secret(here: Here) -> None:
    """No process of the services carries one in its environment or its arguments, where other programs can see it."""
    secrets = {str(make_url(value).password) for name, value in here.secrets.items() if name.endswith("_url")}
    secrets |= {here.secrets["postgres_password"]}
    secrets |= {*json.loads((here.home / "logins.json").read_text()).values()}
    secrets |= {*json.loads((here.home / "airflow" / "passwords.json").read_text()).values()}
    secrets |= {path.read_text() for path in (here.home / "airflow").glob("*.secret")}
    assert len(secrets) >= 8
    family = {process for one in here.running.values() for process in (one, *one.children(recursive=True))}
    assert len(family) >= len(here.running)
    for process in family:
        for place in ("environ", "cmdline"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                text = Path(f"/proc/{process.pid}/{place}").read_bytes().decode(errors="replace")
                assert not [secret for secret in secrets if secret in text], (process, place)


def test_services_become_healthy_as_an_ordinary_user(here: Here) -> None:
    # Nothing is healthy before it is started: the checks can fail.
    assert not here.is_healthy("scheduler")
    here.start(*SERVICES)
    here.wait_healthy(*SERVICES)
    _check_nothing_shows_a_secret(here)
    if here.is_contained:
        assert {here.running[name].uids().real for name in SERVICES} == {10001}
    # The databases of Airflow and of Superset are not the warehouse owner's.
    owners = dict(_ask(here, "select datname, pg_get_userbyid(datdba) from pg_database"))
    assert owners["airflow"] == "airflow"


def test_a_scheduler_that_dies_with_its_tasks_is_made_good(
    here: Here, airflow: Airflow, undisturbed: Undisturbed
) -> None:
    _begin(airflow, "local")
    _wait_running(airflow, "local", "build_staging")
    here.kill("scheduler")
    here.start("scheduler")
    tries = _end(airflow, "local")
    assert tries["build_staging"] == 2
    assert _hashes(here) == undisturbed.hashes()
    assert len(_hashes(here)) > 40


def test_a_worker_and_a_scheduler_that_die_are_made_good(
    here: Here, airflow: Airflow, undisturbed: Undisturbed
) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("нет Redis: установите пакет redis-server")
    late = undisturbed.inbox.parent / LATE.name
    shutil.copy(late, undisturbed.inbox / LATE)
    undisturbed.begin()
    # The one line of .env, and the profile's services.
    here.stop("scheduler")
    here.dotenv["RAVENSTVO_EXECUTOR"] = "CeleryExecutor"
    here.start("redis")
    here.wait_healthy("redis")
    here.start("worker", "scheduler")
    here.wait_healthy("worker")
    _check_nothing_shows_a_secret(here)
    before = _hashes(here)
    shutil.copy(late, here.inbox / LATE)
    here.give(here.inbox / LATE)

    _begin(airflow, "celery")
    _wait_running(airflow, "celery", "validate")
    here.kill("worker")
    here.start("worker")
    _wait_running(airflow, "celery", "build_core")
    here.kill("scheduler")
    here.start("scheduler")
    tries = _end(airflow, "celery")
    assert tries["validate"] == 2
    # Its worker lived: the next scheduler found it at work.
    assert tries["build_core"] == 1
    assert _hashes(here) == undisturbed.hashes()
    assert _hashes(here) != before
    here.wait_healthy("scheduler", "worker")


def test_dashboards_are_provisioned_and_see_their_own_folder_only(here: Here, bi_environment: Path) -> None:
    provisioned = here.run("bi-provision", seconds=400)
    assert provisioned.returncode == 0, provisioned.stderr
    here.start("superset")
    here.wait_healthy("superset")
    with urllib.request.urlopen(f"{here.url('superset')}/login/", timeout=30) as page:
        assert page.status == 200
    _check_nothing_shows_a_secret(here)
    assert dict(_ask(here, "select datname, pg_get_userbyid(datdba) from pg_database"))["superset"] == "superset"
    if here.is_contained:
        seen = here.run("superset", ["find", "/var/lib/ravenstvo", "/run/secrets", "/inbox", "-name", "*.key"])
        assert seen.stdout == ""
