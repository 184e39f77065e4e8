"""Homes whose services run."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ravenstvo.runtime import services
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse.migrate import upgrade


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Settings]]:
    """Starts a home with the settings that it is given; what it prepares is done between the warehouse and services."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in [name for name in os.environ if name.startswith(("RAVENSTVO_", "AIRFLOW"))]:
        monkeypatch.delenv(name)

    def start(prepare: Callable[[Settings], Any] = lambda made: None, **given: Any) -> Settings:
        for name, value in ({"api_port": port} | given).items():
            monkeypatch.setenv(f"RAVENSTVO_{name.upper()}", str(value))
        made = Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None)
        made.make_home()
        stopping.callback(services.down, made, lambda line: None)
        upgrade(made)
        prepare(made)
        services.up(made, Terminal(io.StringIO()))
        return made

    with ExitStack() as stopping:
        yield start
