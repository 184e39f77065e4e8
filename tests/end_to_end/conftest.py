"""A warehouse of its own for each inbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import ASK_SECONDS, RUN_SECONDS, Warehouse, call


@pytest.fixture(scope="session")
def recalculated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Warehouse]]:
    """Fill a new warehouse from an inbox for a year, with settings by name; all are stopped when the session ends."""
    homes: list[Path] = []

    def fill(inbox: Path, year: int, **more: str) -> Warehouse:
        home = tmp_path_factory.mktemp("home")
        homes.append(home)
        return Warehouse(home, call(home, RUN_SECONDS, "run", "--inbox", str(inbox), "--year", str(year), **more))

    yield fill
    for home in homes:
        call(home, ASK_SECONDS, "down")
