"""The federal context form: the same columns every year, other years in their headers."""

from __future__ import annotations

import pytest


def header(year: int) -> list[str]:
    return [
        "логин",
        "Название ОО",
        "Где расположена Ваша образовательная организация?",
        f"Укажите количество обучающихся в ОО в {year - 1}/{year} учебном году (в сумме по всем классам)",
        f'"Общее количество обучающихся {year - 16} года рождения"',
        "из них обучаются по адаптированным образовательным программам",
        f'"Общее количество обучающихся {year - 15} года рождения"',
        "В классах начальной школы",
        "В классах основной школы",
        "В классах средней школы ",
    ]


@pytest.mark.parametrize("year", [2021, 2022])
def test_both_birth_years_and_percents_are_read(read, workbook, year):
    rows = [header(year), ["sch220001", "Школа №1", "2. Город", 500, 41, 3, 37, 90, "", 100]]
    answer, records = read("форма.xlsx", workbook("форма.xlsx", Лист1=rows))
    assert not answer["problems"]
    assert records == [
        [
            {
                "row_no": "2",
                "year": str(year),
                "school_login": "sch220001",
                "school_name": "Школа №1",
                "settlement_type": "2. Город",
                "pupils": "500",
                "pupils_birth_year_older": "41",
                "adapted_programme_pupils": "3",
                "pupils_birth_year_younger": "37",
                "primary_classes_percent": "90",
                "secondary_classes_percent": "100",
            }
        ]
    ]


def test_a_third_birth_year_is_not_guessed_at(read, workbook):
    rows = [[*header(2021), "Общее количество обучающихся 2007 года рождения"], ["sch220001", *["1"] * 10]]
    answer, records = read("форма.xlsx", workbook("форма.xlsx", Лист1=rows))
    assert records in ([], [[]])
    assert [problem["code"] for problem in answer["problems"]] == ["unknown_column"]
