"""Time of a run against the least work possible on the same files, in one session on one machine.

    make bench [INBOX=folder] [YEAR=2021]

Without INBOX a made-up region of 600 schools is generated. Read the ratios, not the seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import psycopg2
from ravenstvo.sample import generate
from ravenstvo.settings import get_settings
from ravenstvo.warehouse import server

N_SCHOOLS = 600
YEARS = [2020, 2021]


class Peak:
    """Largest resident memory of any one process of the run, in MB."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self.name = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(1):
            for process in psutil.process_iter(["cmdline"]):
                try:
                    command = " ".join(process.info["cmdline"] or [])
                    if "ravenstvo" not in command and "airflow" not in command and "postgres" not in command:
                        continue
                    # Shared buffers would be counted in every server process: what is shared is left out.
                    memory = process.memory_info()
                    own = (memory.rss - memory.shared) / 2**20
                except psutil.Error:
                    continue
                if own > self.megabytes:
                    self.megabytes, self.name = own, command[:60]


def timed(*command: str, environment: dict[str, str]) -> tuple[float, str]:
    """Seconds and output of a command; a failure is the end."""
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - started, done.stdout


def stages() -> list[tuple[str, float, int]]:
    """Seconds of each task of the last run, from Airflow's own records."""
    url = server.database_url(get_settings(), server.AIRFLOW_DB)
    query = """
        select task_id, sum(duration), count(*)
        from task_instance
        where run_id = (select run_id from dag_run order by start_date desc limit 1) and duration is not null
        group by task_id
        order by min(start_date)
    """
    with psycopg2.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchall()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="ravenstvo-bench-") as scratch:
        home = Path(scratch) / "home"
        os.environ["RAVENSTVO_HOME"] = str(home)
        os.environ.pop("RAVENSTVO_WAREHOUSE_URL", None)
        environment = dict(os.environ)
        inbox = Path(os.environ["INBOX"]).resolve() if os.environ.get("INBOX") else Path(scratch) / "inbox"
        year = os.environ.get("YEAR", str(YEARS[-1]))
        if not inbox.exists():
            generate(inbox, seed=1, n_schools=N_SCHOOLS, years=YEARS)
        command = str(Path(sys.executable).with_name("ravenstvo"))
        warm_up = Path(scratch) / "warm-up"
        generate(warm_up, seed=1, n_schools=3, years=[YEARS[0]])
        try:
            cold, _ = timed(command, "run", "--inbox", str(warm_up), "--year", str(YEARS[0]), environment=environment)
            _, least_text = timed(sys.executable, str(Path(__file__).with_name("least_work.py")), str(inbox),
                                  environment=environment)  # fmt: skip
            n_rows, least = int(least_text.split()[0]), float(least_text.split()[1])
            with Peak() as peak:
                full, _ = timed(command, "run", "--inbox", str(inbox), "--year", year, environment=environment)
            tasks = stages()
            again, _ = timed(command, "run", "--inbox", str(inbox), "--year", year, environment=environment)
        finally:
            subprocess.run([command, "down"], env=environment, check=False, capture_output=True)
    print(f"rows {n_rows}")
    print(f"least work          {least:7.1f} s   1.0")
    print(f"run, warm           {full:7.1f} s   {full / least:.1f} × least work")
    print(f"run, nothing new    {again:7.1f} s   {again / least:.1f} × least work")
    print(f"first run of a home {cold:7.1f} s   (3 schools)")
    print(f"largest process     {peak.megabytes:7.0f} MB  {peak.name}")
    print("stages of the warm run:")
    known = 0.0
    for task, seconds, number in tasks:
        known += seconds
        print(f"  {task:<16} {seconds:6.1f} s  {100 * seconds / full:4.0f} %  ({number} tasks)")
    print(f"  {'start and between':<16} {full - known:5.1f} s  {100 * (full - known) / full:4.0f} %")


if __name__ == "__main__":
    main()
