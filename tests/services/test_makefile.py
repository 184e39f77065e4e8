"""`make run` hands its inbox and year to the program, wherever it is called and whatever is in the path."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ravenstvo.settings import PROJECT_ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose environment is up to date, and whose program prints what it was given."""
    project = tmp_path / "проект с пробелами  двумя"
    (project / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(PROJECT_ROOT / name, project)
    program = project / ".venv" / "bin" / "ravenstvo"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    stamp = subprocess.run(
        ["sh", "-c", "cat requirements.lock pyproject.toml | cksum; pwd"], cwd=project, capture_output=True, check=True
    )
    (project / ".venv" / "made-from").write_bytes(stamp.stdout)
    return project


def _make(cwd: Path, *arguments: str, pwd: Path | None = None) -> list[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("INBOX", "YEAR", "MAKEFLAGS")}
    done = subprocess.run(
        ["make", *arguments], cwd=cwd, env=clean | {"PWD": str(pwd or cwd)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("make")]


def test_without_an_inbox_the_program_takes_its_own(project: Path) -> None:
    assert _make(project, "run") == ["run"]
    assert _make(project) == ["run"]


def test_an_inbox_is_relative_to_the_caller(project: Path) -> None:
    inbox = project.parent / "входящие файлы"
    inbox.mkdir()
    expected = ["run", "--inbox", str(inbox), "--year", "2021"]
    options = ("INBOX=../входящие файлы", "YEAR=2021")
    called = _make(project, "run", *options)
    assert [str(Path(os.path.normpath(part))) for part in called] == expected
    # The caller's PWD may be stale: only `make -C` needs it.
    called = _make(project, "run", *options, pwd=Path("/"))
    assert [str(Path(os.path.normpath(part))) for part in called] == expected
    options = ("INBOX=входящие файлы", "YEAR=2021")
    assert _make(project.parent, "-C", str(project), "run", *options) == expected
    assert _make(project.parent, "-f", f"{project}/Makefile", "run", *options) == expected
    assert _make(project, "run", f"INBOX={inbox}", "YEAR=2021") == expected


def test_the_address_of_a_storage_stays_as_it_is(project: Path) -> None:
    address = "sftp://files@/приём/2021 год"
    assert _make(project, "run", f"INBOX={address}") == ["run", "--inbox", address]


def test_quotes_in_a_name_survive(project: Path) -> None:
    inbox = project.parent / "школа 'Лицей' \"№ 1\""
    assert _make(project, "run", f"INBOX={inbox}") == ["run", "--inbox", str(inbox)]
