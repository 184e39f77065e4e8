"""Bad input gets a message that says what, where and what to do; the check is on codes and places, not on wording."""

from __future__ import annotations

import zipfile

import pytest
from test_vpr import HEADER_2021, row_2021

GOOD = row_2021("50001", "1", "7", "3", "4")


def problems(answer):
    return [(p["code"], p["sheet"], p["row"], p["column"]) for p in answer["problems"]]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("пусто.xlsx", b"", "empty"),
        ("текст.xlsx", "просто текст".encode(), "not_a_workbook"),
        ("обрезан.xlsx", b"PK\x03\x04" + b"\x00" * 200, "damaged"),
        ("двоичный.csv", b"\x00\x01\x02", "not_text"),
        ("обрезан.zip", b"PK\x03\x04", "damaged"),
    ],
)
def test_not_a_table(read, tmp_path, name, data, code):
    (tmp_path / name).write_bytes(data)
    answer, _ = read(name, tmp_path / name)
    assert answer["refused"]
    assert [problem["code"] for problem in answer["problems"]] == [code]
    assert all(problem["message"] and problem["advice"] for problem in answer["problems"])


def test_unknown_column(read, workbook):
    rows = [[*HEADER_2021, "новый столбец"], [*GOOD, "1"]]
    answer, _ = read("2021/5/Математика.xlsx", workbook("Математика.xlsx", Лист1=rows))
    assert problems(answer) == [("unknown_column", "Лист1", 1, "O: новый столбец")]


def test_renamed_column_names_the_nearest(read, workbook):
    header = ["Всего балов" if name == "всего баллов" else name for name in HEADER_2021]
    answer, _ = read("2021/5/Математика.xlsx", workbook("Математика.xlsx", Лист1=[header, GOOD]))
    assert [code for code, *_ in problems(answer)] == ["missing_column", "unknown_column"]
    assert "«всего баллов»" in answer["problems"][1]["message"]


def test_column_without_a_header(read, workbook):
    rows = [["логин", "имя", "регион", ""], ["sch220001", "СОШ", "Город", ""], ["sch220002", "ООШ", "Город", "?"]]
    answer, _ = read("логины.xlsx", workbook("логины.xlsx", Лист1=rows))
    assert problems(answer) == [("unnamed_column", "Лист1", 3, "D")]


def test_no_layout_names_the_place(read, workbook):
    answer, _ = read("что-то.xlsx", workbook("что-то.xlsx", Лист1=[[], ["а", "б"], [1, 2]]))
    assert problems(answer) == [("no_layout", "Лист1", 2, None)]


def test_facts_that_nothing_names(read, workbook):
    answer, _ = read("данные.xlsx", workbook("данные.xlsx", Sheet=[HEADER_2021, GOOD]))
    assert [code for code, *_ in problems(answer)] == ["missing_fact"]
    assert "год, класс, предмет" in answer["problems"][0]["message"]


def test_one_bad_sheet_refuses_the_file(read, workbook):
    path = workbook("логины.xlsx", А=[["логин", "имя", "регион"], ["sch220001", "СОШ", "Город"]], Б=[["а", "б"]])
    answer, records = read("логины.xlsx", path)
    assert answer["refused"]
    assert records == []


def test_archive_member_gives_its_own_path(read, workbook, tmp_path):
    path = workbook("Математика.xlsx", Sheet=[HEADER_2021, GOOD])
    with zipfile.ZipFile(tmp_path / "впр.zip", "w") as archive:
        archive.write(path, "2021/5/Математика.xlsx")
    answer, records = read("впр.zip", tmp_path / "впр.zip")
    assert answer["parts"][0]["content_key"] == "vpr_result|2021|5|math"
    assert len(records[0]) == 1
