"""A warehouse filled by the command line, as a user would, and asked by SQL."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection as Connection
from ravenstvo import asking
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.server import ensure_running

RAVENSTVO = Path(sys.executable).with_name("ravenstvo")
RUN_SECONDS, ASK_SECONDS = 900, 120


@dataclass(frozen=True)
class Warehouse:
    """State folder of one run and the answer of `ravenstvo run`."""

    home: Path
    ran: subprocess.CompletedProcess[str]

    def ask(self, sql: str) -> list[dict[str, str]]:
        """Rows of a query of the marts as `ravenstvo query` gives them, all text; null is an empty text."""
        answer = io.StringIO()
        with self._connection() as connection:
            asking.query(connection, sql, answer)
        answer.seek(0)
        return list(csv.DictReader(answer))

    def ask_inside(self, sql: str) -> list[dict[str, str]]:
        """The same as the warehouse's owner, who also sees what readers of the marts must not."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            names = [column.name for column in cursor.description or ()]
            return [
                {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
                for row in cursor.fetchall()
            ]

    def ask_with(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Rows of a query with values in the places of its ``%s``, as they are in the database."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        settings = Settings(home=self.home, warehouse_url=None)
        ensure_running(settings)
        with connect(settings) as connection:
            yield connection


def call(home: Path, seconds: int, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with its state in `home` and an embedded warehouse there; `more` are settings by name."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAVENSTVO_")}
    environment |= {f"RAVENSTVO_{name.upper()}": value for name, value in {"home": str(home), **more}.items()}
    return subprocess.run(
        [str(RAVENSTVO), *arguments], env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
