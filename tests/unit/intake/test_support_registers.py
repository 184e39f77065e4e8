"""The registers of the support programmes: each is known by its header, and its contents are told apart."""

from __future__ import annotations

import json

import pytest
from ravenstvo.layouts import load_layouts
from ravenstvo.sources import load_sources
from support_forms import SNILS, TEMPLATES, filled

FRDO = [
    "Вид документа",
    "Статус документа",
    "Подтверждение утраты",
    "Подтверждение обмена",
    "Подтверждение уничтожения",
    "Серия документа",
    "Номер документа",
    "Дата выдачи документа",
    "Регистрационный номер",
    "Дополнительная профессиональная программа (повышение квалификации/ профессиональная переподготовка)",
    "Наименование дополнительной профессиональной программы",
    "Наименование области профессиональной деятельности",
    "Укрупненные группы специальностей",
    "Наименование квалификации, профессии, специальности",
    "Уровень образования ВО/СПО",
    "Фамилия указанная в дипломе о ВО или СПО",
    "Серия документа о ВО/СПО",
    "Номер документа о ВО/СПО",
    "Год начала обучения (для документа о квалификации)",
    "Год окончания обучения (для документа о квалификации)",
    "Срок обучения, часов (для документа о квалификации)",
    "Фамилия получателя",
    "Имя получателя",
    "Отчество получателя",
    "Дата рождения получателя",
    "Пол получателя",
    "СНИЛС",
    "Форма обучения",
    "Источник финансирования обучения",
    "Форма получения образования на момент прекращения образовательных отношений",
    "Гражданство получателя (код страны по ОКСМ)",
    "Наименование документа об образовании (оригинала)",
    "Серия (оригинала)",
    "Номер (оригинала)",
    "Регистрационный N (оригинала)",
    "Дата выдачи (оригинала)",
    "Фамилия получателя (оригинала)",
    "Имя получателя (оригинала)",
    "Отчество получателя (оригинала)",
    "Номер документа для изменения",
]
MERGED = [*FRDO[:2], "Подтверждение утраты / обмена / уничтожения", *FRDO[5:]]
GRADUATE = {
    "Вид документа": "Удостоверение о повышении квалификации",
    "Статус документа": "Оригинал",
    "Серия документа": "ПК",
    "Номер документа": "000777",
    "Дата выдачи документа": "25.03.2021",
    "Регистрационный номер": "123-21",
    "Наименование дополнительной профессиональной программы": "Управление качеством образования",
    "Срок обучения, часов (для документа о квалификации)": 36,
    "Фамилия получателя": "Ёлкина",
    "Имя получателя": "Аглая",
    "Отчество получателя": "Ивановна",
    "Дата рождения получателя": "03.02.1980",
    "СНИЛС": SNILS,
    "Фамилия получателя (оригинала)": "Берёзкина",
}


def headers(name: str, *, all_columns: bool) -> list[str]:
    return [mapped.header[0] for mapped in load_layouts()[name].columns.values() if all_columns or mapped.required]


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("all_columns", [True, False])
def test_header_is_known_by_its_own_layout_alone(read, workbook, name: str, all_columns: bool) -> None:
    header = headers(name, all_columns=all_columns)
    example = filled(name, {"person.snils": SNILS})
    rows = [
        [load_sources()[name].title],
        header,
        ["Пример: 1", *[example[title] for title in header[1:]]],
        ["Пример:", *[example[title] for title in header[1:]]],
        [example[title] or "тест" for title in header],
    ]
    answer, records = read(f"2020/{name}.xlsx", workbook(f"{name}.xlsx", Лист1=rows))
    assert answer["problems"] == []
    (part,) = answer["parts"]
    assert (part["layout"], part["n_rows_landed"], part["dropped"]) == (name, 1, {"title": 1, "header": 1, "footer": 2})
    assert len(records[0]) == 1


@pytest.mark.parametrize("header", [FRDO, MERGED], ids=["40 столбцов", "со слитыми подтверждениями"])
def test_federal_register_of_documents(read, workbook, header: list[str]) -> None:
    rows = [header, [GRADUATE.get(title, "") for title in header]]
    answer, ((record,),) = read("реестр.xlsx", workbook("реестр.xlsx", Лист1=rows))
    assert answer["parts"][0]["layout"] == "pd_record_frdo"
    keys = {record.pop("person_key"), record.pop("name_key")}
    assert all(len(key) == 32 for key in keys)
    assert len(keys) == 2
    assert record == {
        "row_no": "2",
        "snils_state": "valid",
        "course": "Управление качеством образования",
        "hours": "36",
        "finished_on": "2021-03-25",
        "certificate_no": "123-21",
        "status": "Оригинал",
        "document_kind": "Удостоверение о повышении квалификации",
    }
    assert "Аглая" not in json.dumps(answer, ensure_ascii=False)


def test_federal_register_has_forty_columns() -> None:
    assert (len(FRDO), len(MERGED)) == (40, 38)


def test_federal_register_and_staff_name_the_same_person(read, workbook) -> None:
    staff = [
        ["Год", "Код ОО", "СНИЛС", "ФИО", "Дата рождения", "Должность"],
        [2021, 41001, "", "Елкина Аглая Ивановна", "1980-02-03", "учитель"],
    ]
    register = [MERGED, [GRADUATE.get(title, "") for title in MERGED]]
    _, ((worker,), (graduate,)) = read("книга.xlsx", workbook("книга.xlsx", Штат=staff, Реестр=register))
    assert worker["name_key"] == graduate["name_key"]
    assert "person_key" not in worker


COURSES = ["СНИЛС", "Программа ПК", "Часов", "Дата окончания", "Статус"]


def test_register_is_told_apart_by_the_year_of_its_dates_and_has_no_year_itself(read, workbook) -> None:
    dates = ["25.03.2021", "2022-05-01", "01.04.2021", "весной", "", "2021-02-30"]
    rows = [COURSES, *([SNILS, f"Курс {n}", 36, date, "оригинал"] for n, date in enumerate(dates))]
    answer, records = read("2019/курсы.xlsx", workbook("курсы.xlsx", Лист1=rows))
    assert [(part["content_key"], part["year"]) for part in answer["parts"]] == [
        ("pd_record|2021", None),
        ("pd_record|2022", None),
        ("pd_record|", None),
    ]
    assert [[record["row_no"] for record in part] for part in records] == [["2", "4"], ["3"], ["5", "6", "7"]]
    assert sum(part["n_rows_read"] for part in answer["parts"]) == len(rows)


def test_two_spellings_of_a_programme_are_one_content(read, workbook) -> None:
    header = headers("agreement", all_columns=True)
    names = ["tomsk_2018", "Томск, 2018", "показатели мероприятий 2.2  ФЦПРО", "своя  программа", "Своя программа", ""]
    rows = [header]
    for name in names:
        row = filled("agreement", {}) | {"Программа": name, "Дата подписания": "2018-04-15"}
        rows.append([row[title] for title in header])
    answer, records = read("договоры.xlsx", workbook("договоры.xlsx", Лист1=rows))
    assert [(part["content_key"], part["n_records"]) for part in answer["parts"]] == [
        ("agreement|tomsk_2018|2018", 3),
        ("agreement|своя программа|2018", 2),
        ("agreement||2018", 1),
    ]
    # What was written lands as it was written.
    assert [record["programme"] for record in records[0]] == names[:3]


def test_stages_are_contents_of_their_own_however_they_are_spelled(read, workbook) -> None:
    rows = [["СНИЛС", "Код ОО", "Этап", "Код дефицита", "Выявлен"]]
    rows += [[SNILS, 41001, stage, "Д-03", "да"] for stage in ("старт", "Старт ", "итог")]
    answer, _ = read("дефициты.xlsx", workbook("дефициты.xlsx", Лист1=rows))
    assert [part["content_key"] for part in answer["parts"]] == ["deficit|старт", "deficit|итог"]


def test_subject_in_a_title_is_not_the_subject_of_every_teacher(read, workbook) -> None:
    rows = [
        ["Предмет", "Русский язык"],
        ["Год", "Код ОО", "СНИЛС", "Должность", "Предмет"],
        ["2021", "041001", SNILS, "учитель", ""],
    ]
    _, ((record,),) = read("Математика.xlsx", workbook("Математика.xlsx", Лист1=rows))
    assert "subject" not in record
