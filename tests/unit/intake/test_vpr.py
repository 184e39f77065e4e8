"""The four layouts of ВПР, and what they say of absence, of items and of the grade."""

from __future__ import annotations

HEADER_2021 = [
    "логин школы", "регион", "номер обучающегося", "код обучающегося", "отметка за предыдущую четверть/триместр",
    "пол", "класс", "вариант", "всего баллов", "балл за 1", "балл за 2", "Учебник", "Др.уч. автор", "Др.уч. название",
]  # fmt: skip


def row_2021(code, variant, total, *items):
    return ["sch220001", "город", "1", code, "4", "м", "а", variant, total, *items, "Автор", "", ""]


def test_layout_2020_autumn(read, workbook):
    items = [f"a-{n}-grade" for n in range(1, 4)]
    header = ["groups", "user", "id", "code", "otc", "gender", "klass", "var-1", "var-2", "sum", *items, "Учебник"]
    rows = [
        [
            "22,reg22_vpr_m004,x",
            "sch220001",
            1,
            50001,
            "4",
            "м",
            "а",
            "1",
            "отсутствовал",
            7,
            "3",
            "\xa04\xa0",
            "X",
            "А",
        ],
        ["22,reg22_vpr_m004,x", "sch220001", 1, 50002, "", "", "", "отсутствовал", "", "", "", "", "", ""],
        ["22,reg22_vpr_m004,x", "sch220001", 1, 50003, "нет отметки", "ж", "б", "1", "2", 9, "4", "5", "Х", "А"],
    ]
    path = workbook("vpr/2020/4/Русский язык.xlsx", Sheet1=[[*header, "a-5-grade"], *([*row, "б"] for row in rows)])
    answer, records = read("vpr/2020/4/Русский язык.xlsx", path)
    assert answer["parts"][0]["content_key"] == "vpr_result|2020|4|rus"
    assert [record["attendance"] for record in records[0]] == ["partial", "absent", "present"]
    first = records[0][0]
    wanted = {"municipality": "m004", "grade": "4", "grade_enrolled": "5", "pupil_code": "50001", "items_total": "7"}
    assert wanted.items() <= first.items()
    # What stands right of the textbook is spilled text, not an item.
    assert first["item_scores"] == '{"1":"3","2":"4","3":"X"}'
    assert "journal_mark" not in records[0][2]
    assert "item_scores" not in records[0][1]


def test_layout_2021(read, workbook):
    path = workbook(
        "Проведение работы по русскому языку, 5 класс. ВПР 2021.xlsx",
        Sheet=[[*HEADER_2021, "", ""], [*row_2021("50001", "1", "7", "3", "4"), "хвост", "0"]],
    )
    answer, records = read(f"2021/5/{path.name}", path)
    assert answer["parts"][0]["content_key"] == "vpr_result|2021|5|rus"
    assert records[0][0]["grade_enrolled"] == "5"


def test_layout_2022_leaves_the_sheet_of_classes(read, workbook):
    classes = ["Пользователь", "Код региона", "Регион", "Муниципалитет", "Школа", "Дата загрузки",
               'Буква (цифра) класса. Введите "нет" - если отсутствует', "Основной учебник по предмету"]  # fmt: skip
    protocol = ["Пользователь", "Код региона", "Регион", "Муниципалитет", "Школа", "Дата загрузки", "Код", "Вариант",
                "1 (1б)", "5(1) (1б)", "Наименование класса", "Пол",
                "Отметка за предыдущий триместр/ четверть/полугодие", "Итого баллов"]  # fmt: skip
    start = ["edu220001", 22, "reg220000 | Край", "reg22_m019 | Район", 'edu220001 | МКОУ "СОШ"', "17.03.2022 05:33:20"]
    path = workbook(
        "Математика.xlsx",
        Классы=[classes, [*start, "А", "учебник"]],
        Протокол=[
            protocol,
            [*start, 40001, "отсутствовал", "", "", "", "", "", 0],
            [*start, 40002, "1", "1", "не пройд.", "4А", "ж", "4", 1],
        ],
    )
    answer, records = read("vpr/2022/4/Математика.xlsx", path)
    assert [part["dropped"].get("not_data") for part in answer["parts"]] == [2, None]
    absent, present = records[1]
    assert absent["attendance"] == "absent"
    wanted = {"school_name": 'МКОУ "СОШ"', "municipality": "Район", "primary_score": "1", "items_total": "1"}
    assert wanted.items() <= present.items()
    assert present["item_scores"] == '{"1":"1","5(1)":"не пройд."}'


def test_layout_f1(read, workbook):
    rows = [
        ["ВПР 2023 Русский язык 5 класс"],
        ["Предмет", "Русский язык"],
        ["Максимальный первичный балл", 45],
        ["Школа (edu220001) | Кол-во участников: 2"],
        ["", "", "", "", "", "", "Б", "П"],
        ["ОО", "Муниципалитет", "Название ОО", "Код участника", "Класс", "Вариант", "1К1 (4б)", "2 (3б)",
         "Первичный балл", "Отметка", "Отметка по журналу"],
        ["edu220001", "Район", "СОШ", 50001, "5А", "1", "4", "Х", 30, 4, "4"],
        ["edu220001", "Район", "СОШ", 50002, "5А", "2", "—", "-", "—", "НЕТ ОТМЕТКИ", "НЕТ ОТМЕТКИ"],
        ["edu220001", "Район", "СОШ", 50003, "5А", "отсутствовал", "", "", "", "", ""],
    ]  # fmt: skip
    answer, records = read("f1.xlsx", workbook("f1.xlsx", **{"Индивидуальные результаты": rows}))
    part = answer["parts"][0]
    assert part["content_key"] == "vpr_result|2023|5|rus"
    assert part["dropped"] == {"header": 1, "title": 5}
    assert [(t["stated"], t["computed"], t["agrees"]) for t in part["totals"]] == [("2", "2", True)]
    first, blank, absent = records[0]
    assert (first["mark"], first["primary_score"], first["journal_mark"]) == ("4", "30", "4")
    assert not {"mark", "primary_score", "journal_mark"} & set(blank)
    assert absent["attendance"] == "absent"


def test_empty_collection_form_is_refused(read, workbook):
    answer, _ = read("2021/5/Математика.xlsx", workbook("Математика.xlsx", Sheet=[HEADER_2021]))
    assert answer["refused"]
    assert [problem["code"] for problem in answer["problems"]] == ["no_data"]
