"""A copy of the project whose rules a region changes, as an analyst would: rows of the seeds, no line of code."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from ravenstvo.layouts import load_layouts
from ravenstvo.settings import PROJECT_ROOT
from running import RUN_SECONDS


def copy_project(root: Path) -> Path:
    """Copy what a run needs."""
    for folder in ("dags", "dbt_project", "expectations", "include", "plugins"):
        shutil.copytree(
            PROJECT_ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    return root


def run_of(project: Path, home: Path, inbox: Path, year: int) -> subprocess.CompletedProcess[str]:
    """`ravenstvo run` of the copy."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAVENSTVO_")}
    environment |= {"RAVENSTVO_HOME": str(home), "PYTHONPATH": str(project / "include")}
    program = "from ravenstvo.cli import main; main()"
    command = [sys.executable, "-c", program, "run", "--inbox", str(inbox), "--year", str(year)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False, cwd=home.parent
    )


def seed_rows(project: Path, name: str) -> tuple[Path, list[dict[str, str]]]:
    path = project / "dbt_project" / "seeds" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return path, list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def add_row(project: Path, seed: str, like: dict[str, str], **values: Any) -> None:
    """A copy of another row with some cells changed."""
    path, rows = seed_rows(project, seed)
    row = next(row for row in rows if like.items() <= row.items())
    changed = {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
        for name, value in values.items()
    }
    assert changed.keys() <= row.keys()
    write_rows(path, [*rows, row | changed])


def add_method(project: Path, code: str, change: dict[str, Any]) -> None:
    """The 30 % rule with some parameters changed."""
    like = {"method_code": "rosobr_30"}
    _, rows = seed_rows(project, "method")
    parameters = json.loads(next(row for row in rows if like.items() <= row.items())["parameters"])
    own = {"method_code": code, "is_proposal": "true", "source": "Решение региона"}
    add_row(project, "method", like, **own, parameters=parameters | change)


def write_template(path: Path, layout: str, records: list[dict[str, Any]]) -> None:
    """A sheet of the centre's template with some of its columns filled."""
    columns = load_layouts()[layout].columns
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([column.header[0] for column in columns.values()])
    for record in records:
        assert record.keys() <= columns.keys()
        sheet.append([record.get(name) for name in columns])
    book.save(path)
