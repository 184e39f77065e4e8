"""How the cost of a recalculation grows: with the years of history, and with the rows of a year.

    python bench/growth.py history [--scale 1] [--years 10] [--repeat 3] [--quick]
    python bench/growth.py rows    [--scale 1] [--times 10] [--pupils 25] [--quick]

history: two regions of one size, one with a single year and one with many. A correction of one file of the last year
lands in both, and the last year is recalculated, in turn; the target is that the second costs at most 1.1 of the first.
rows: two regions of one year, the second with ``--times`` the schools, both checked and calculated from nothing; the
target is at most 10.5 times for 10 times the rows.

``--scale`` is in 300 schools (119,400 rows of results a year with 25 pupils in a grade): 1, 10, 100. ``--quick`` is a
tenth of that, three years, one repetition. Fifty million rows: ``rows --scale 10 --times 10 --pupils 105``.
Costs are processor seconds of the program and of PostgreSQL, with the pages that PostgreSQL asked for; on a machine
that does other work too, seconds say little. ``noise`` is how far the repetitions lie apart.

Needed: about 1.2 GB of disk and a minute and a half of one core for each million rows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from measure import Cost, Peak, disk_mb, machine
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import parameters
from region import make

HERE = Path(__file__).parent
SCHOOLS, LAST = 300, 2023
_TARGETS = {"history": 1.1, "rows": 1.05}


def main() -> int:
    """Measure and print. Returns 1 when the target is missed."""
    asked = _arguments()
    if asked.quick:
        asked.scale, asked.years, asked.repeat = asked.scale / 10, min(asked.years, 3), 1
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        # Root's server runs under an account of its own, which must pass.
        Path(folder).chmod(0o711)
        return _history(Path(folder), asked) if asked.question == "history" else _rows(Path(folder), asked)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=["history", "rows"])
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--pupils", type=int, default=25, help="of a grade of a school")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


def _history(folder: Path, asked: argparse.Namespace) -> int:
    n_schools = round(SCHOOLS * asked.scale)
    with _home(folder / "one") as one, _home(folder / "many") as many, Peak([one, many]) as peak:
        rows = {}
        for home, n_years in ((one, 1), (many, asked.years)):
            rows[home.home] = make(home, n_schools, list(range(LAST - n_years + 1, LAST + 1)), asked.pupils)
            _calculate(home)
        runs: dict[Path, list[dict[str, Cost]]] = {one.home: [], many.home: []}
        for _ in range(asked.repeat):
            for home in (one, many):
                _call(home, "correct.py", str(LAST))
                # What a server does between two runs must not be counted as a part of either.
                _settle(home)
                runs[home.home].append(_calculate(home))
        sizes = [disk_mb(home) for home in (one, many)]
    return _told(
        f"one year recalculated, of 1 and of {asked.years} ({rows[one.home]:,} and {rows[many.home]:,} rows)",
        *(runs[home.home] for home in (one, many)), peak, sizes, _TARGETS["history"], 1,
    )  # fmt: skip


def _rows(folder: Path, asked: argparse.Namespace) -> int:
    n_schools = round(SCHOOLS * asked.scale)
    with _home(folder / "less") as less, _home(folder / "more") as more, Peak([less, more]) as peak:
        rows, runs = [], []
        for home, times in ((less, 1), (more, asked.times)):
            rows.append(make(home, n_schools * times, [LAST], asked.pupils, checked=False))
            runs.append([_calculate(home)])
        sizes = [disk_mb(home) for home in (less, more)]
    return _told(
        f"all of a year checked and calculated ({rows[0]:,} and {rows[1]:,} rows)",
        *runs, peak, sizes, _TARGETS["rows"] * asked.times, asked.times,
    )  # fmt: skip


@contextmanager
def _home(folder: Path) -> Iterator[Settings]:
    os.environ.pop("RAVENSTVO_WAREHOUSE_URL", None)
    settings = Settings(home=folder, warehouse_url=None, airflow_url=None)
    try:
        yield settings
    finally:
        server.stop(settings)
        shutil.rmtree(folder, ignore_errors=True)


def _call(settings: Settings, script: str, *arguments: str) -> str:
    environment = os.environ | {"RAVENSTVO_HOME": str(settings.home)}
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{script}: {done.stderr[-4000:]}")
    return done.stdout


def _calculate(settings: Settings) -> dict[str, Cost]:
    told = [json.loads(line) for line in _call(settings, "calculate.py", str(LAST)).splitlines() if line[:1] == "{"]
    return {one.pop("stage"): Cost(**one) for one in told}


def _settle(settings: Settings) -> None:
    connection = psycopg2.connect(**parameters(settings))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
        cursor.execute("checkpoint")
    connection.close()


def _told(
    what: str,
    first: list[dict[str, Cost]],
    second: list[dict[str, Cost]],
    peak: Peak,
    sizes: list[dict[str, float]],
    target: float,
    times: int,
) -> int:
    print(f"{machine()}\n{what}; {len(first)} repetitions\n")
    print(f"{'stage':<10}{'cpu, s':>18}{'ratio':>8}{'of it PostgreSQL':>20}{'pages, thousand':>22}{'seconds':>16}")
    for stage in first[0]:
        _line(stage, [run[stage] for run in first], [run[stage] for run in second])
    totals = [[sum(run.values(), Cost()) for run in runs] for runs in (first, second)]
    _line("together", *totals)
    ratio = statistics.median(one.cpu for one in totals[1]) / statistics.median(one.cpu for one in totals[0])
    noise = max((max(run.cpu for run in runs) / min(run.cpu for run in runs) - 1) for runs in totals)
    print(f"\nratio {ratio:.2f}, target {target:.2f}, noise {noise:.0%}")
    if times > 1:
        rows = statistics.median(one.cpu for one in totals[1]) - statistics.median(one.cpu for one in totals[0])
        fixed = statistics.median(one.cpu for one in totals[0]) - rows / (times - 1)
        print(f"of the first, {fixed:.0f} s would be there without a row")
    print(f"largest process {peak.megabytes:.0f} MB ({peak.name})")
    for place, size in zip(("first", "second"), sizes, strict=True):
        print(f"disk, MB, {place}: " + ", ".join(f"{name} {size[name]:.0f}" for name in size))
    return int(ratio > target)


def _line(stage: str, first: list[Cost], second: list[Cost]) -> None:
    def pair(name: str, form: str) -> str:
        return " ".join(format(statistics.median(getattr(one, name) for one in runs), form) for runs in (first, second))

    cpu = [statistics.median(one.cpu for one in runs) for runs in (first, second)]
    ratio = cpu[1] / cpu[0] if cpu[0] >= 0.5 else float("nan")
    pages = " ".join(f"{statistics.median(one.pages for one in runs) / 1000:.0f}" for runs in (first, second))
    print(
        f"{stage:<10}{pair('cpu', '.1f'):>18}{ratio:>8.2f}{pair('server_cpu', '.1f'):>20}{pages:>22}"
        f"{pair('seconds', '.1f'):>16}"
    )


if __name__ == "__main__":
    sys.exit(main())
