"""What a piece of work costs: time, processor time of the program and of PostgreSQL, pages read, memory, disk.

On a shared machine the clock says little: processor time and pages are what can be compared from run to run.
"""

from __future__ import annotations

import datetime
import os
import platform
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

_PAGE = 8192
_COUNTERS = """
select
    coalesce(sum(blks_hit + blks_read), 0)::bigint, coalesce(sum(temp_bytes), 0)::bigint,
    (select wal_bytes::bigint from pg_stat_wal)
from pg_stat_database
"""


@dataclass
class Cost:
    """Of one piece of work. Seconds; pages of 8 KB that PostgreSQL asked for; megabytes."""

    seconds: float = 0.0
    program_cpu: float = 0.0
    server_cpu: float = 0.0
    pages: int = 0
    temp_mb: float = 0.0
    wal_mb: float = 0.0
    largest_mb: float = 0.0  # this process at its largest so far

    @property
    def cpu(self) -> float:
        """Processor seconds of both."""
        return self.program_cpu + self.server_cpu

    def __add__(self, other: Cost) -> Cost:
        sums = {name: value + getattr(other, name) for name, value in asdict(self).items()}
        return Cost(**sums | {"largest_mb": max(self.largest_mb, other.largest_mb)})


@contextmanager
def measured(settings: Settings) -> Iterator[Cost]:
    """Cost of the block, in this process with its children and in the embedded server of the home."""
    cost = Cost()
    before, program, server, started = _counters(settings), _program_cpu(), _server_cpu(settings), time.perf_counter()
    yield cost
    cost.seconds = time.perf_counter() - started
    # A session adds up what it did when it ends, a moment after its client has gone.
    time.sleep(0.2)
    after = _counters(settings)
    cost.program_cpu, cost.server_cpu = _program_cpu() - program, _server_cpu(settings) - server
    cost.pages = after[0] - before[0]
    cost.largest_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cost.temp_mb, cost.wal_mb = ((after[place] - before[place]) / 2**20 for place in (1, 2))


def _counters(settings: Settings) -> tuple[int, int, int]:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(_COUNTERS)
        pages, temp, wal = cursor.fetchone() or (0, 0, 0)
        return pages, temp, wal


def _program_cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _server_cpu(settings: Settings) -> float:
    """Of the server and of all its processes, those that have ended too."""
    postmaster = psutil.Process(_postmaster(settings))
    total = sum(postmaster.cpu_times()[:4])
    for child in postmaster.children():
        with suppress(psutil.Error):
            total += sum(child.cpu_times()[:2])
    return total


def _postmaster(settings: Settings) -> int:
    return int((settings.server_dir / "data" / "postmaster.pid").read_text().split("\n", 1)[0])


@dataclass
class Peak:
    """The largest process of the block: of this one's family or of the homes' servers, without what they share."""

    homes: list[Settings]
    megabytes: float = 0.0
    name: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Peak:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            for process in self._family():
                with suppress(psutil.Error):
                    memory = process.memory_info()
                    own = (memory.rss - memory.shared) / 2**20
                    if own > self.megabytes:
                        self.megabytes, self.name = own, " ".join(process.cmdline())[:70]

    def _family(self) -> list[psutil.Process]:
        found = []
        with suppress(psutil.Error):
            found += psutil.Process().children(recursive=True)
        for home in self.homes:
            with suppress(psutil.Error, OSError, ValueError):
                found += psutil.Process(_postmaster(home)).children()
        return found


def disk_mb(settings: Settings) -> dict[str, float]:
    """Megabytes of the warehouse by schema, and of everything in the home."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select relnamespace::regnamespace::text, sum(pg_total_relation_size(oid)) / 2^20 from pg_class "
            "where relkind = 'r' and relnamespace::regnamespace::text in ('landing', 'core', 'marts', 'ops', 'seeds') "
            "group by 1 order by 2 desc"
        )
        sizes: dict[str, float] = dict(cursor.fetchall())
    sizes["home"] = folder_mb(settings.home)
    return sizes


def folder_mb(folder: Path) -> float:
    """Megabytes of all files under a folder."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_blocks * 512
    return total / 2**20


def machine() -> str:
    """One line for the head of a table."""
    memory = psutil.virtual_memory().total / 2**30
    load = " ".join(f"{number:.1f}" for number in os.getloadavg())
    day = datetime.datetime.now(datetime.UTC).date()
    return f"{day}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}, load {load}"
