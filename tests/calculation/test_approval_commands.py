"""The commands of an approval, as a person calls them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from approval_region import YEAR, do, fill
from ravenstvo.settings import Settings
from ravenstvo.warehouse.migrate import upgrade

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(warehouse: Settings) -> Command:
    upgrade(warehouse)
    fill(warehouse)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAVENSTVO_")}
    environment |= {"RAVENSTVO_HOME": str(warehouse.home), "RAVENSTVO_WAREHOUSE_URL": str(warehouse.warehouse_url)}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = str(Path(sys.executable).with_name("ravenstvo"))
        return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)

    return call


def test_a_list_is_shown_decided_on_and_approved(command: Command, warehouse: Settings, tmp_path: Path) -> None:
    year = ("--year", str(YEAR))
    shown = command("approve", *year, "--show")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "В предлагаемом перечне: 2" in shown.stdout
    assert do(warehouse, "select count(*) from ops.publication") == [(0,)]

    compared = command("diff", *year)
    assert (compared.returncode, compared.stderr) == (0, "")
    assert "Сравнивать не с чем" in compared.stdout

    template = tmp_path / "решения.xlsx"
    written = command("decisions-template", *year, "--out", str(template))
    assert written.returncode == 0, written.stderr
    by = ("--by", "Иванова", "--document", "приказ № 7")
    approved = command("approve", *year, *by, "--decisions", str(template))
    assert approved.returncode == 0, approved.stderr
    assert "школ 2, решений, которые расходятся с выводом метода: 0" in approved.stdout
    assert do(warehouse, "select approved_by, document, n_listed from ops.publication") == [
        ("Иванова", "приказ № 7", 2)
    ]

    for arguments, message in (
        (by, "уже утверждён"),
        ((), "Укажите, кто утверждает"),
        ((*by, "--replace", "--decisions", str(tmp_path / "нет.xlsx")), "проверьте путь"),
        ((*by, "--method", "x"), "Метода x в 2022 году нет"),
    ):
        refused = command("approve", *year, *arguments)
        assert refused.returncode == 1
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr
    assert do(warehouse, "select count(*) from ops.publication") == [(1,)]
