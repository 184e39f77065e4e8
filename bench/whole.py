"""A whole run on files, against the least work possible on the same files and against what others do of it.

    python bench/whole.py [--rows 1000000] [--repeat 1] [--quick] [--with naive,earthmover,duckdb] [--inbox FOLDER]

An inbox of about ``--rows`` rows of results is written (``bench/files.py``), and a home is warmed up with a tiny one:
the reference data are in, and nothing is done for the first time. Then, in turn and as often as ``--repeat`` says:

* the least work (``bench/least_work.py``): parse in two processes, COPY, hand-written SQL for the same counts;
* ``ravenstvo run`` with everything it does: forms recognised, names taken out, rows checked, marts, report, dictionary.

Their counts must agree. The least work makes the counts of schools and nothing else. What all the marts cost at least
is told beside it: its parsing, and what PostgreSQL itself needs for the run's SQL, without any program that sends it.

With ``--with`` the others follow, in the environment of ``bench/requirements.lock``: a naive pandas/openpyxl/``to_sql``
pipeline, earthmover for reading and reshaping, DuckDB for the SQL. The naive one and earthmover are slow: they get at
most 100,000 rows, and are compared by the row.

``--quick`` is 20,000 rows. A million rows take about ten minutes and 5 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg2
from files import YEAR, make, schools_for
from measure import Cost, Peak, disk_mb, machine, measured
from ravenstvo.sample import generate
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect, parameters, warehouse_url
from sqlalchemy.engine import URL

HERE = Path(__file__).parent
_AT_MOST = 100_000
_TARGET = 2.0
_COUNTS = """
select count(*), sum(n_participants), sum(n_below_min),
    md5(string_agg(concat_ws('|', school_id, procedure_code, n_participants, n_below_min), ',' order by school_id,
        procedure_code))
from core.fct_school_procedure where year = %s
"""
_STAGES = """
select task_id, extract(epoch from max(end_date) - min(start_date))
from task_instance
where run_id = (select run_id from dag_run order by start_date desc limit 1) and start_date is not null
group by task_id order by min(start_date)
"""


def main() -> int:
    """Measure and print. Returns 1 when the target is missed or the counts differ."""
    asked = _arguments()
    if asked.quick:
        asked.rows = 20_000
    with tempfile.TemporaryDirectory(prefix="whole-") as folder:
        # Root's server runs under an account of its own, which must pass.
        Path(folder).chmod(0o711)
        return _measure(Path(folder), asked)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--with", dest="others", default="")
    parser.add_argument("--inbox", type=Path, help="an inbox that bench/files.py has written")
    return parser.parse_args()


def _measure(folder: Path, asked: argparse.Namespace) -> int:
    inbox = asked.inbox.resolve() if asked.inbox else folder / "inbox"
    if not asked.inbox:
        make(inbox, schools_for(asked.rows))
    warm_up = folder / "warm-up"
    # Of another year, so that its schools are not counted.
    generate(warm_up, seed=1, n_schools=3, years=[YEAR - 1])
    least: list[dict[str, Any]] = []
    whole: list[Cost] = []
    parsed = folder / "parsed"
    parsed.mkdir()
    for turn in range(asked.repeat):
        home = _home(folder / f"home{turn}")
        try:
            _run(home, warm_up)
            csv = ["--csv", str(parsed)] if "duckdb" in asked.others and not turn else []
            least.append(json.loads(_python(home, HERE / "least_work.py", str(inbox), *csv)))
            with Peak([home]) as peak, measured(home) as cost:
                _run(home, inbox)
            whole.append(cost)
            found, stages, disk = _found(home), _stages(home), disk_mb(home)
            if turn == asked.repeat - 1:
                others = {
                    who: _other(home, folder, who, inbox, parsed) for who in filter(None, asked.others.split(","))
                }
        finally:
            server.stop(home)
    return _told(least, whole, found, stages, peak, disk, others)


def _home(folder: Path) -> Settings:
    os.environ.pop("RAVENSTVO_WAREHOUSE_URL", None)
    return Settings(home=folder, warehouse_url=None, airflow_url=None)


def _environment(home: Settings) -> dict[str, str]:
    return os.environ | {"RAVENSTVO_HOME": str(home.home)}


def _run(home: Settings, inbox: Path) -> None:
    program = str(Path(sys.executable).with_name("ravenstvo"))
    _called([program, "run", "--inbox", str(inbox)], home, (0, 3))


def _python(home: Settings, script: Path, *arguments: str, python: Path = Path(sys.executable)) -> str:
    return _called([str(python), str(script), *arguments], home).splitlines()[-1]


def _called(command: list[str], home: Settings, good: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(command, env=_environment(home), capture_output=True, text=True, check=False)
    if done.returncode not in good:
        sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def _found(home: Settings) -> list[str]:
    with connect(home) as connection, connection.cursor() as cursor:
        cursor.execute(_COUNTS, (YEAR,))
        return [str(value) for value in cursor.fetchone() or ()]


def _stages(home: Settings) -> list[tuple[str, float]]:
    url = server.database_url(home, server.AIRFLOW_DB)
    connection = psycopg2.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    with connection, connection.cursor() as cursor:
        cursor.execute(_STAGES)
        return [(name, float(seconds)) for name, seconds in cursor.fetchall()]


def _other(home: Settings, folder: Path, who: str, inbox: Path, parsed: Path) -> dict[str, Any]:
    python = PROJECT_ROOT / ".venv-bench" / "bin" / "python"
    if not python.exists():
        sys.exit("make bench makes the environment .venv-bench that the others need")
    if who == "duckdb":
        scale = folder / "scale.csv"
        with connect(home) as connection, connection.cursor() as cursor, scale.open("w") as out:
            cursor.copy_expert("copy core.int_mark_scale to stdout csv header", out)
        arguments = [str(parsed), "--scale", str(scale), "--year", str(YEAR)]
    else:
        small = folder / "small"
        if not small.exists():
            make(small, min(schools_for(_AT_MOST), _schools(home)))
        # An address without a password: it would stand among the arguments.
        arguments = [str(small)]
        os.environ["PGPASSFILE"] = str(_password_file(home, folder))
        owner = warehouse_url(home)
        url = URL.create(
            "postgresql+psycopg2", owner.username, host=owner.host, database=owner.database, query=owner.query
        )
        arguments += ["--url", url.render_as_string()] if who == "naive" else []
    told: dict[str, Any] = json.loads(_python(home, HERE / "rivals.py", who, *arguments, python=python))
    return told


def _schools(home: Settings) -> int:
    with connect(home) as connection, connection.cursor() as cursor:
        cursor.execute("select count(distinct school_id) from core.fct_school_procedure where year = %s", (YEAR,))
        (number,) = cursor.fetchone() or (1,)
        return int(number)


def _password_file(home: Settings, folder: Path) -> Path:
    path = folder / "pgpass"
    path.touch(mode=0o600)
    path.write_text(f"*:*:*:*:{parameters(home)['password']}\n")
    return path


def _told(
    least: list[dict[str, Any]],
    whole: list[Cost],
    found: list[str],
    stages: list[tuple[str, float]],
    peak: Peak,
    disk: dict[str, float],
    others: dict[str, dict[str, Any]],
) -> int:
    rows = least[0]["rows"]
    yardstick = statistics.median(one["cpu"] for one in least), statistics.median(one["seconds"] for one in least)
    ours = statistics.median(one.cpu for one in whole), statistics.median(one.seconds for one in whole)
    noise = max(max(values) / min(values) - 1 for values in ([one["cpu"] for one in least], [one.cpu for one in whole]))
    print(f"{machine()}\n{rows:,} rows of results; {len(whole)} repetitions, noise {noise:.0%}\n")
    print(f"{'':<34}{'cpu, s':>10}{'seconds':>10}{'× least, cpu':>14}{'× least, time':>15}")

    def line(name: str, cpu: float, seconds: float, share: float = 1.0) -> None:
        ratios = cpu / yardstick[0] / share, seconds / yardstick[1] / share
        print(f"{name:<34}{cpu:>10.1f}{seconds:>10.1f}{ratios[0]:>14.2f}{ratios[1]:>15.2f}")

    line("least work", *yardstick)
    line("ravenstvo run", *ours)
    for who, one in others.items():
        share = one["rows"] / rows
        line(f"{who}, {one['rows']:,} rows", one["cpu"], one["seconds"], share)
    sheets = statistics.median(one["program_cpu"] for one in least)
    server = statistics.median(one.server_cpu for one in whole)
    print(
        f"\nall its marts at least: least parsing {sheets:.1f} and the run's SQL alone {server:.1f} s of processor; "
        f"ravenstvo run is {ours[0] / (sheets + server):.2f} × that"
    )
    print(f"least work by step: {', '.join(f'{name} {value:.1f} s' for name, value in least[-1]['steps'].items())}")
    print("ravenstvo run by step: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages))
    print(f"largest process {peak.megabytes:.0f} MB ({peak.name})")
    print("disk, MB: " + ", ".join(f"{name} {size:.0f}" for name, size in disk.items()))
    if least[-1]["counts"] != found:
        print(f"the counts differ: {least[-1]['counts']}, {found}")
        return 1
    print(f"the same {found[0]} rows of counts")
    return int(ours[1] / yardstick[1] > _TARGET)


if __name__ == "__main__":
    sys.exit(main())
