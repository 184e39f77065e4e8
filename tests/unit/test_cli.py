"""What the command line says of errors: words for those that a person can mend, and no traceback."""

from __future__ import annotations

import ast
import builtins
import errno
import os
import socket
import string
import subprocess
import sys
from pathlib import Path

import pytest
import ravenstvo
from ravenstvo.errors import why

# Errors that do not reach the command line in their own words.
NOT_TOLD = {
    "ravenstvo.intake.problems.RefusedError": "holds problems of a file, which are entered with it",
    "ravenstvo.quality.gx.SuiteError": "a mistake of the project's own documents, for who wrote them",
    "ravenstvo.runtime.doctor.database.DownError": "holds a finding of the doctor",
    "ravenstvo.runtime.notifying.channels._RefusedError": "one message of many, told by log, status and doctor",
    "ravenstvo.runtime.storage.NotFetchedError": "one file of many, told among those that were left",
    "ravenstvo.warehouse.no_space.NoSpaceError": "a system's error, told as all of its kind are",
}
PACKAGE = Path(ravenstvo.__file__).parent


def _run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAVENSTVO_", "AIRFLOW"))}
    command = [str(Path(sys.executable).with_name("ravenstvo")), *words]
    return subprocess.run(command, env=kept | settings, capture_output=True, text=True, check=False)


def _defined() -> dict[str, list[str]]:
    """Classes of the package by their full name, each with what it inherits. Read, not imported: that takes seconds."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(one, ast.ClassDef):
                found[f"{module}.{one.name}"] = [ast.unparse(base).rpartition(".")[2] for base in one.bases]
    return found


def test_every_error_of_the_package_is_told_or_has_a_reason_not_to_be() -> None:
    defined = _defined()
    told, others = {"ToldError"}, {name for name, one in vars(builtins).items() if _is_exception(one)}
    errors: dict[str, bool] = {}
    while new := {
        name: not told.isdisjoint(bases)
        for name, bases in defined.items()
        if name not in errors and not (told | others).isdisjoint(bases)
    }:
        errors |= new
        for name, is_told in new.items():
            (told if is_told else others).add(name.rpartition(".")[2])
    # One that inherits another's.
    assert errors["ravenstvo.warehouse.vault.ChangedError"]
    assert {name for name, is_told in errors.items() if not is_told} == {*NOT_TOLD, "ravenstvo.errors.ToldError"}


def _is_exception(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, BaseException)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["layout", "check", "/etc/hosts"], "Файл hosts: читаются .xlsx"),
        (["layout", "propose", "/нет/такого.xlsx"], "Нет файла /нет/такого.xlsx"),
        (["sample", "--out", "/etc"], "Папка «/etc» не пуста"),
        (["templates", "--out", "/etc/hosts/шаблоны"], "/etc/hosts/шаблоны: часть пути — не папка"),
    ],
)
def test_what_a_person_can_mend_is_told_in_a_line(words: list[str], told: str, tmp_path: Path) -> None:
    done = _run(*words, RAVENSTVO_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Ошибка: {told}")
    assert done.stderr.count("\n") == 1


def test_reasons_of_the_system_are_told_in_russian() -> None:
    for number in (errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.EROFS, errno.ENOSPC, errno.ECONNREFUSED):
        error = OSError(number, os.strerror(number), "/путь")
        assert not set(why(error)) & set(string.ascii_letters)
    assert why(socket.gaierror(-2, "Name or service not known")) == "имя узла неизвестно"
    assert why(TimeoutError("timed out")) == "нет ответа"
    assert why(OSError(errno.EBADF, "Bad file descriptor")) == "Bad file descriptor", "better than nothing"


def test_a_setting_that_cannot_be_read_is_told_though_nothing_else_is_known(tmp_path: Path) -> None:
    done = _run("healthy", "scheduler", RAVENSTVO_HOME=str(tmp_path), RAVENSTVO_WAREHOUSE_URL_FILE="/нет/такого")
    said = "Ошибка: Настройка RAVENSTVO_WAREHOUSE_URL_FILE: файл /нет/такого не читается\n"
    assert (done.returncode, done.stderr) == (1, said)
