"""A home whose recalculation is killed: asks the nurse for steps, and looks into the warehouse between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

NURSE = Path(__file__).with_name("nurse.py")
# The order of the DAG.
INTAKE = ("read_inbox", "land", "prepare")
CALCULATION = ("build_seeds", "validate", "build_staging", "build_core", "estimate", "build_marts", "finish")


@dataclass
class Patient:
    """One home, one inbox, one campaign year; ``plan`` and ``calculation`` are what the last steps handed on."""

    settings: Settings
    inbox: Path
    year: int
    nurse: subprocess.Popen[str]
    plan: dict[str, Any] | None = None
    calculation: dict[str, Any] | None = None

    def step(self, name: str, kill_after: float | None = None, *, may_fail: bool = False) -> dict[str, Any]:
        """Take one step; it dies ``kill_after`` seconds from its beginning if it has not come to its end by then."""
        assert self.nurse.stdin and self.nurse.stdout
        request = {"step": name, "given": self._given(name), "kill_after": kill_after}
        self.nurse.stdin.write(json.dumps(request) + "\n")
        self.nurse.stdin.flush()
        answer: dict[str, Any] = json.loads(self.nurse.stdout.readline())
        assert may_fail or answer["error"] is None, (name, answer["error"])
        if not answer["is_killed"] and answer["error"] is None:
            if name == "read_inbox":
                self.plan = answer["result"]
            elif name == "prepare":
                self.calculation = answer["result"]
        return answer

    def run(self) -> str | None:
        """The whole command. Returns the number of the calculation; None when nothing had changed."""
        for name in INTAKE:
            self.step(name)
        if self.calculation is None:
            return None
        for name in CALCULATION:
            self.step(name)
        return str(self.calculation["calculation_id"])

    def _given(self, name: str) -> Any:
        if name == "read_inbox":
            return {"inbox": str(self.inbox), "year": self.year}
        if name == "land":
            assert self.plan is not None
            return self.plan["files"]
        return self.year if name == "prepare" else self.calculation

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with connect(self.settings) as connection, connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return cursor.fetchall()

    def hashes(self, calculation_id: str) -> dict[str, tuple[int, str]]:
        """Mart → rows and fingerprint, as recorded with a calculation."""
        rows = self.ask("select mart, n_rows, hash from ops.mart_hash where calculation_id = %s", calculation_id)
        return {mart: (n_rows, found) for mart, n_rows, found in rows}


@contextmanager
def patient(settings: Settings, inbox: Path, year: int) -> Iterator[Patient]:
    """A home under treatment; its server must run."""
    environment = os.environ | {"RAVENSTVO_HOME": str(settings.home)}
    if settings.warehouse_url:
        environment["RAVENSTVO_WAREHOUSE_URL"] = settings.warehouse_url
    with (settings.home / "nurse.log").open("w") as log:
        nurse = subprocess.Popen(
            [sys.executable, str(NURSE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        )
    try:
        assert nurse.stdout and json.loads(nurse.stdout.readline()) == "ready"
        yield Patient(settings, inbox, year, nurse)
    finally:
        assert nurse.stdin
        nurse.stdin.close()
        nurse.wait(timeout=60)
