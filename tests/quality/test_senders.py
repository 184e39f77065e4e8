"""Who is told what: a workbook and a letter for each sender, all of them of one validation."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from quality_cases import KEYS, SOURCES
from quality_warehouse import land, query
from ravenstvo.layouts.returned import PART_KEY_SQL, row_key
from ravenstvo.publishing.senders import letters, told, write_reports
from ravenstvo.publishing.senders.book import write_book
from ravenstvo.quality import validate
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

pytestmark = pytest.mark.slow(seconds=20)

YEAR = 2021
FIRST, SECOND, EXAMS, CENTRE = "Первый район", "Второй район", "РЦОИ", "Региональный центр"
LONG = "очень длинное имя файла " * 12


def works(count: int, **changes: object) -> list[dict[str, object]]:
    clean = SOURCES["vpr_result"].clean
    return [{**clean, "pupil_code": str(number), **changes} for number in range(count)]


@pytest.fixture(scope="module")
def told_all(settings: Settings) -> Settings:
    """Files of several senders, validated and told of once."""
    town, school = SOURCES["municipality"].clean, SOURCES["school"].clean
    second = {"municipality_code": "102", "municipality": SECOND}
    land(settings, "municipality", [{**town, "coordinator": "Отдел образования, Edu@example.org"}, {**town, **second}])
    other = {**school, **second, "school_code": "102001", "school_login": "sch220002", "short_name": "Вторая школа"}
    land(settings, "school", [school, other])
    land(settings, "vpr_result", [*works(3, primary_score="99"), *works(2)], path="2021/5/Математика.xlsx")
    land(settings, "vpr_result", works(300, sex="?", school_login="sch220002"), path="2021/6/много.xlsx")
    land(settings, "vpr_result", works(2), path="2021/чистый.xlsx")
    land(
        settings,
        "ege_result",
        [{**SOURCES["ege_result"].clean, "year": "2021", "test_score": "500"}],
        path="2021/ЕГЭ.xlsx",
    )
    staff = SOURCES["staff"].clean
    days = {**SOURCES["satisfaction"].clean, "surveyed_on": "2202-05-01"}
    land(settings, "satisfaction", [days], path="ВТОРОЙ  РАЙОН/НОК.xlsx")
    land(settings, "staff", [{**staff, "position": "=cmd|' /C calc'!A0", "subject": "+1+1"}], path="=1+1.xlsx")
    land(
        settings, "staff", [{**staff, "snils_state": "wrong_check", "person_key": None}], path=f"{LONG}\u202extslx.xlsx"
    )
    alone = land(
        settings, "staffing", [{**SOURCES["staffing"].clean, "school_code": "102001", "position": "?"}], "шк.xlsx"
    )
    total = land(settings, "vpr_result", works(1, school_login="sch220002"), path="с итогом.xlsx")
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "update ops.source_part set scope_kind = 'school', scope_key = '102001' where part_id = %s", (alone,)
        )
        cursor.execute(
            "insert into ops.control_total (part_id, total_name, stated, computed, agrees, row_no) "
            "values (%s, 'Всего участников', '3', '2', false, 9)",
            (total,),
        )
        cursor.execute(
            "insert into ops.file_problem (path, sheet, row_no, column_name, code, severity, message, advice) values "
            "('Первый район/непонятный.xlsx', 'Лист1', 3, 'Баллл', 'unknown_column', 'error', 'Неизвестный столбец', "
            "'Переименуйте')"
        )
    validate(settings)
    write_reports(settings)
    return settings


def book(settings: Settings, sender: str) -> openpyxl.Workbook:
    return openpyxl.load_workbook(settings.reports_dir / str(YEAR) / "errors" / f"{sender} — замечания.xlsx")


def lines(sheet: Any, first: int = 2) -> list[dict[str, Any]]:
    """Rows of a sheet by their headers."""
    head, *rows = sheet.iter_rows(min_row=first - 1, values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_each_is_told_of_what_came_from_them(told_all: Settings) -> None:
    senders = {one.sender: one for one in told(told_all, YEAR)}
    assert senders.keys() == {FIRST, SECOND, EXAMS, CENTRE, "Вторая школа"}
    assert {name: one.n_rejected for name, one in senders.items()} == {
        FIRST: 5,
        SECOND: 1,
        EXAMS: 1,
        CENTRE: 0,
        "Вторая школа": 1,
    }
    files = {name: {line["Файл"] for line in lines(book(told_all, name)["Что исправить"])} for name in senders}
    assert "2021/5/Математика.xlsx" in files[FIRST] and "Первый район/непонятный.xlsx" in files[FIRST]
    assert files[SECOND] >= {"2021/6/много.xlsx", "ВТОРОЙ  РАЙОН/НОК.xlsx"}
    assert files["Вторая школа"] == {"шк.xlsx"}
    assert files[CENTRE] == {"с итогом.xlsx"}
    assert not any("чистый" in path for paths in files.values() for path in paths)


def test_workbook_says_what_where_why_and_what_to_do_and_cannot_run_anything(told_all: Settings) -> None:
    first = book(told_all, FIRST)
    assert first.sheetnames == ["Сводка", "Что исправить", "Педагогический состав", "Результаты ВПР", "Списки"]
    cells = [cell for sheet in first for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    kinds = [line["Вид замечания"] for line in lines(first["Что исправить"])]
    assert kinds == sorted(kinds, key=["Файл не загружен", "Строка отклонена", "Предупреждение"].index)
    refused, *_ = lines(first["Что исправить"])
    assert (refused["Лист"], refused["Строка"], refused["Столбец"]) == ("Лист1", 3, "Баллл")
    wrong = next(line for line in lines(first["Что исправить"]) if line["Значение"] == "99")
    assert wrong["Файл"] == "2021/5/Математика.xlsx"
    assert wrong["Исправить на листе"] == "Результаты ВПР"
    assert "больше максимального" in wrong["Почему"] and wrong["Что сделать"].startswith("Исправьте балл")
    summary = [row for row in first["Сводка"].iter_rows(values_only=True) if isinstance(row[0], int)]
    assert next(row for row in summary if "больше максимального" in str(row[2]))[1:4:2] == ("Строка отклонена", 3)
    for sheet in first:
        assert sheet.sheet_state == "hidden" or sheet.print_options or sheet.page_setup.orientation == "landscape"
    for name in first.sheetnames[1:4]:
        assert first[name].freeze_panes and first[name].auto_filter.ref


def test_rejected_rows_are_in_the_form_they_load_in_and_name_nobody(told_all: Settings) -> None:
    first = book(told_all, FIRST)
    staff = lines(first["Педагогический состав"], 3)
    (formula,) = [line for line in staff if line["Исходный файл"] == "=1+1.xlsx"]
    assert (formula["Должность"], formula["Предмет"]) == ("=cmd|' /C calc'!A0", "+1+1")
    assert "\u202e" not in "".join(str(line["Исходный файл"]) for line in staff)
    (number,) = [line for line in staff if line is not formula]
    assert "СНИЛС" in number["Что исправить"]
    assert (number["СНИЛС"], number["ФИО"], number["Дата рождения"]) == ("", "", "")
    everything = "".join(str(cell.value) for sheet in first for row in sheet.iter_rows() for cell in row)
    assert not any(key in everything for key in KEYS)
    keys = query(
        told_all,
        f"select {PART_KEY_SQL} from ops.source_part as part join ops.source_file as file using (file_id) "
        "where file.path = '2021/5/Математика.xlsx'",
    )
    works_back = lines(first["Результаты ВПР"], 3)
    assert [line["Ключ строки · vpr_result_2020"] for line in works_back] == [row_key(keys[0][0], n) for n in (2, 3, 4)]
    marked = [cell.fill.fgColor.rgb for cell in first["Результаты ВПР"][3]]
    (at,) = [place for place, colour in enumerate(marked) if colour == "FFF6CBB0"]
    assert first["Результаты ВПР"].cell(3, at + 1).value == "99"
    (survey,) = lines(book(told_all, SECOND)["НОК"], 3)
    assert survey["Дата"].date() == date(2202, 5, 1)


def test_many_warnings_of_one_kind_share_a_line_and_totals_are_told(told_all: Settings) -> None:
    of_many = [line for line in lines(book(told_all, SECOND)["Что исправить"]) if "много" in line["Файл"]]
    assert len(of_many) == 200 + 1
    assert of_many[-1]["Почему"].endswith("строкам: 100")
    assert of_many[-1]["Строка"].startswith("202, 203") and of_many[-1]["Строка"].endswith("301")
    (total,) = lines(book(told_all, CENTRE)["Что исправить"])
    assert total["Почему"] == "Итог «Всего участников» не сходится: в файле 3, по строкам 2."


def test_letter_is_ready_to_send(told_all: Settings) -> None:
    settings = told_all.model_copy(
        update={
            "reports_contact": "центр, каб. 7",
            "corrections_until": date(2021, 6, 1),
            "warehouse_url": told_all.warehouse_url,
        }
    )
    assert len(write_reports(settings)) == 5, "a letter that would say something else is written anew"
    by_sender = {letter.attachment.name.partition(" — ")[0]: letter for letter in letters(settings, YEAR)}
    first = by_sender[FIRST]
    assert (first.to, first.subject) == ("edu@example.org", f"Исправьте сведения за 2021 год: {FIRST}")
    assert first.attachment.exists()
    for words in ("отклонено: 5 строк", "пришлите нам эту же книгу", "до 01.06.2021", "центр, каб. 7"):
        assert words in first.body, words
    assert "\n1. " in first.body and len(first.body) < 3_000
    assert by_sender[SECOND].to == "" and "Отдел" not in first.body
    write_reports(told_all)


def test_what_is_right_again_is_told_no_more(told_all: Settings) -> None:
    assert write_reports(told_all) == []
    folder = told_all.reports_dir / str(YEAR) / "errors"
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert all(name in index for name in (FIRST, SECOND, EXAMS))
    with connect(told_all) as connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.row_finding where source = 'ege_result'")
    write_reports(told_all)
    assert not list(folder.glob(f"{EXAMS}*"))
    assert EXAMS not in (folder / "index.html").read_text(encoding="utf-8")
    assert book(told_all, FIRST)


def test_workbook_that_breaks_off_leaves_the_old_one(told_all: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    target = told_all.reports_dir / "старая.xlsx"
    target.write_text("старая")
    monkeypatch.setattr("ravenstvo.publishing.senders.book._write_findings", lambda *_: 1 / 0)
    from ravenstvo.publishing.senders.collect import collect

    with connect(told_all) as connection, connection.cursor() as cursor:
        report, *_ = collect(cursor, YEAR)
    with pytest.raises(ZeroDivisionError):
        write_book(target, report, Path("dbt_project/seeds"), datetime(2021, 5, 1))
    assert target.read_text() == "старая"
