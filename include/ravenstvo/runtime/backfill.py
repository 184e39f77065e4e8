"""Years calculated one after another by Airflow's own backfill."""

from __future__ import annotations

import subprocess

from ravenstvo.errors import ToldError
from ravenstvo.runtime import airflow_home, services
from ravenstvo.runtime.recalculation import DAG_ID
from ravenstvo.settings import Settings


class BackfillError(ToldError):
    """Airflow did not take the order; the message (Russian) says why."""


def backfill(settings: Settings, first: int, last: int, *, reverse: bool = False, again: bool = False) -> None:
    """Order the years from ``first`` to ``last``, one run at a time: two would take the warehouse from each other.

    Args:
        settings: whose Airflow it is; its services must run.
        first: earliest campaign year.
        last: latest campaign year.
        reverse: begin with the latest.
        again: also years that a run has done before; else only those that failed or were never run.

    Raises BackfillError.
    """
    if first > last:
        raise BackfillError(f"Первый год ({first}) больше последнего ({last}).")
    environment = airflow_home.prepare(settings)
    if "scheduler" in services.unhealthy(settings):
        raise BackfillError("Планировщик Airflow не работает: запустите его (make up) и повторите.")
    # A key is the year of a tick of the DAG's timetable: every year has one.
    arguments = ["--from-date", f"{first}-01-01", "--to-date", f"{last}-12-31", "--max-active-runs", "1"]
    arguments += ["--reprocess-behavior", "completed" if again else "failed"]
    if reverse:
        arguments.append("--run-backwards")
    command = airflow_home.command("backfill", "create", "--dag-id", DAG_ID, *arguments)
    done = subprocess.run(command, env=environment, cwd=settings.home, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise BackfillError(
            f"Airflow не принял пересчёт лет {first}–{last}: {said[-1] if said else 'причина не названа'}"
        )
