"""Files that harm: each is loaded or refused with a clear reason, in bounded memory, and the good ones are unharmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile_files import HEADER, LOADED, table, work, write_hostile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ravenstvo.intake.discover import list_inbox, read_inbox
from ravenstvo.intake.landing import land
from ravenstvo.intake.opening import open_sheets
from ravenstvo.intake.problems import RefusedError
from ravenstvo.intake.pseudonym import Pseudonyms
from ravenstvo.intake.reader import read_file
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

YEAR = 2023
KEYS = Pseudonyms(b"k" * 32)


@pytest.mark.slow(seconds=60)
def test_each_is_loaded_or_refused_for_its_reason(warehouse: Settings, tmp_path: Path) -> None:
    upgrade(warehouse)
    inbox = tmp_path / "входящие"
    expected = {one.path: one for one in write_hostile(inbox)}
    plan = read_inbox(inbox, YEAR, warehouse)
    landed = {file["path"]: land(file, warehouse) for file in plan["files"]}
    assert set(landed) == set(expected)
    for path, one in expected.items():
        problems = _problems(warehouse, path)
        codes = {code for code, _message, _advice in problems}
        if one.outcome == LOADED:
            assert (landed[path]["status"], landed[path]["rows"]) == ("landed", one.n_records), (path, problems)
        else:
            assert landed[path]["status"] == "refused", path
            assert codes == {one.outcome}, (path, problems)
            assert all(message and advice for _code, message, advice in problems)
    # No archive wrote beside itself.
    assert [path for path in tmp_path.rglob("*") if path.name == "наружу"] == []


def _problems(settings: Settings, path: str) -> list[tuple[str, str, str]]:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select code, message, advice from ops.file_problem where path = %s and severity = 'error'", (path,)
        )
        return cursor.fetchall()


def test_a_file_that_vanishes_is_told(tmp_path: Path) -> None:
    answer = read_file("x.csv", tmp_path / "x.csv", tmp_path, KEYS)
    assert answer["refused"]
    assert [problem["code"] for problem in answer["problems"]] == ["not_opened"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251", "cp866", "koi8-r"])
def test_russian_texts_are_read_in_any_encoding(encoding: str) -> None:
    rows = [work(50_000 + n, "Ёлкинский район") for n in range(3)]
    sheet = next(open_sheets(table(*rows, encoding=encoding), ".csv"))
    assert sheet.rows[0] == HEADER
    assert [row[1] for row in sheet.rows[1:]] == ["Ёлкинский район"] * 3


def test_a_quoted_text_of_several_lines_is_no_open_quote() -> None:
    data = table(work(50_000, '"Учебник; часть 1\nМосква; 2020"'), work(50_001))
    sheet = next(open_sheets(data, ".csv"))
    assert [row[2] for row in sheet.rows[1:]] == ["50000", "50001"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=2_000), suffix=st.sampled_from([".xlsx", ".xls", ".csv", ".zip", ".ods", ".xlsb"]))
def test_any_bytes_are_opened_or_refused(data: bytes, suffix: str) -> None:
    try:
        for sheet in open_sheets(data, suffix):
            assert isinstance(sheet.rows, list)
    except RefusedError as error:
        assert all(problem.message and problem.advice for problem in error.problems)


CELLS = st.one_of(st.text(max_size=12), st.integers(-5, 100_000).map(str), st.sampled_from([*HEADER, "", "итого"]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, max_size=10), max_size=8), has_header=st.booleans())
def test_every_row_of_any_table_is_counted(rows: list[list[str]], has_header: bool, tmp_path: Path) -> None:
    """Read and mapped, or refused with a reason; never lost, never an exception."""
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([HEADER, *rows] if has_header else rows)
    path = tmp_path / "Математика 5.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    spool = tmp_path / "spool"
    spool.mkdir(exist_ok=True)
    answer = read_file("2023/5/Математика 5.csv", path, spool, KEYS)
    if answer["refused"]:
        assert answer["problems"]
        return
    n_rows = len(next(open_sheets(path.read_bytes(), ".csv")).rows)
    assert sum(part["n_rows_read"] for part in answer["parts"]) == n_rows
    for part in answer["parts"]:
        assert part["n_rows_read"] == part["n_rows_landed"] + sum(part["dropped"].values())


def test_hidden_files_and_others_are_left(tmp_path: Path) -> None:
    for name in (".скрытый.csv", "~$открыт.xlsx", "заметка.txt", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    assert list_inbox(tmp_path) == []
