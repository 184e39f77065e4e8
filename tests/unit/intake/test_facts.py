"""What file names, folders and titles tell of a sheet."""

from __future__ import annotations

import pytest
from ravenstvo.intake.facts import gather


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("vpr/2020/4/Математика.xlsx", ("2020", "4", "Математика")),
        ("Проведение работы по русскому языку, 5 класс. ВПР 2021.xlsx", ("2021", "5", "русскому языку")),
        ("2022/6/Русскому языку.xlsx", ("2022", "6", "Русскому языку")),
        ("2023/Ф1_Математика_5.xlsx", ("2023", "5", "математика")),
        ("Mat5_2020.xlsx", ("2020", "5", "Mat")),
        ("2024/ru4.xlsx", ("2024", "4", "ru")),
        ("2021/5/Математика v2.xlsx", ("2021", "5", "математика")),
        ("ВПР 2024 Окружающий мир 4 класс.xlsx", ("2024", "4", "Окружающий мир")),
        ("2021/иностранному языку (английский язык), 7 класс.xlsx", ("2021", "7", "английский язык")),
    ],
)
def test_vpr_file_names(path, expected):
    facts = gather([], "Лист1", path)
    assert (facts["year"], facts["grade"], facts["subject"]) == expected


@pytest.mark.parametrize(
    ("title", "path", "expected"),
    [
        ("01 - Русский язык 2022.06.23", "ЕГЭ.csv", ("1", "Русский язык", "2022-06-23")),
        ("25 - Информатика и ИКТ (КЕГЭ) 2021.06.24", "а.csv", ("25", "Информатика и ИКТ (КЕГЭ)", "2021-06-24")),
        ("Английский язык п:2022.06.14; у:2022.06.16", "а.csv", (None, "Английский язык", "2022-06-14")),
        ("Английский язык п.: 2021.06.18, у.: 2021.06.21", "а.csv", (None, "Английский язык", "2021-06-18")),
        (None, "ОГЭ/02_2026.06.05.csv", ("2", None, "2026-06-05")),
        (None, "01_Русский язык_2022.06.23.xlsx", ("1", "Русский язык", "2022-06-23")),
    ],
)
def test_exam_titles(title, path, expected):
    facts = gather([title] if title else [], "CSV", path)
    assert (facts.get("subject_code"), facts.get("subject"), facts["exam_date"]) == expected
    assert facts["year"] == facts["exam_date"][:4]


def test_a_title_is_stronger_than_a_folder():
    facts = gather(["Информация о результатах ЕГЭ в 2022 году"], "2023", "2024/форма.xlsx")
    assert facts["year"] == "2022"


@pytest.mark.parametrize(("path", "wave"), [("ЕГЭ/резерв/а.csv", "резерв"), ("а (сентябрь).csv", "дополнительный")])
def test_wave(path, wave):
    assert gather([], "", path)["wave"] == wave
