"""The wide ЕГЭ form: two header rows, fill-down, subtotals, a total row, blanks that mean nought."""

from __future__ import annotations

MEASURES = ["приняло участие", "не преодолен min порог", "высокобалльники (80-99 баллов)", "получили 100 баллов",
            "средний балл"]  # fmt: skip
TITLE = "Информация о результатах ЕГЭ выпускников школ в 2022 году"
GRADUATES = "Всего выпускников в 2023 году по программам среднего общего образования, принявших участие в ЕГЭ, чел."
HEAD = ["Муниципальное образование", "Образовательная организация (школа)", "Профиль (при наличии)", GRADUATES]


def form(*rows):
    subjects = ["Русский язык", "", "", "", "", "Химия", "", "", "", ""]
    return [[TITLE], [], [*HEAD, *subjects], ["", "", "", "", *MEASURES, *MEASURES], *rows]


def test_wide_form(read, workbook):
    rows = form(
        ["Город", "Школа №1", "X", 10, 10, "", 2, "", 60.5, 3, 1, "", 5, 40],
        ["", "Школа №2", "X", 4, 4, 1, "", "", 50, "", "", "", "", 0],
        ["Итого по городу", "", "", 14, 14, 1, 2, "", "", 3, 1],
        ["Район", "Школа №3", "X", 2, "", "", "", "", "", "", "", "", "", ""],
        ["Итого по Забытой области", "", "", 16, 15, 1, 2, 0, 55, 3, 1, 0, 5, 40],
    )
    answer, records = read("форма.xlsx", workbook("форма.xlsx", **{"2022": rows}))
    part = answer["parts"][0]
    assert part["content_key"] == "ege_school_summary|2022"
    assert part["dropped"] == {"title": 2, "header": 2, "subtotal": 1, "footer": 1}
    assert (part["n_rows_read"], part["n_rows_landed"], part["n_records"]) == (9, 3, 4)
    assert part["n_blanks_as_zero"] == 1
    found = [(r["municipality"], r["school_name"], r.get("subject"), r.get("n_participants"), r.get("n_below_min"))
             for r in records[0]]  # fmt: skip
    assert found == [
        ("Город", "Школа №1", "Русский язык", "10", "0"),
        ("Город", "Школа №1", "Химия", "3", "1"),
        ("Город", "Школа №2", "Русский язык", "4", "1"),
        ("Район", "Школа №3", None, None, None),
    ]
    totals = {t["column_name"]: (t["stated"], t["computed"], t["agrees"]) for t in part["totals"]}
    assert totals["Русский язык: Приняло участие"] == ("15", "14", False)
    assert totals["Химия: Получили 100 баллов"] == ("5", "5", True)
    assert [problem["code"] for problem in answer["problems"]] == ["year_differs"]


def test_applications_are_not_participants(read, workbook):
    rows = [
        ["", "Информация о поданных заявлениях выпускниками школ 2024 года"],
        ["", *HEAD[:3], GRADUATES.replace("2023", "2024"), "", ""],
        ["", "", "", "", "", "Русский язык", "Физика"],
        ["", "Город", "Школа №1", "X", 41, 41, 7],
    ]
    answer, records = read("форма.xlsx", workbook("форма.xlsx", **{"2024": rows}))
    assert answer["parts"][0]["layout"] == "ege_applications"
    assert [(r["subject"], r["n_applied"], r["graduates"]) for r in records[0]] == [
        ("Русский язык", "41", "41"),
        ("Физика", "7", "41"),
    ]
    assert all("n_participants" not in record for record in records[0])
