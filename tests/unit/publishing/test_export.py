"""Workbooks of a year: what is on their sheets, that nothing in them runs, that each tells only of its own schools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.dictionary import Mart
from ravenstvo.publishing.export import Export, _find, file_names
from ravenstvo.publishing.export_cover import COVER
from ravenstvo.publishing.export_data import MARTS_READ, REGION, ExportError, Territory, YearData, in_russian, load_year
from ravenstvo.publishing.export_sheets import CARDS, DICTIONARY, EVIDENCE, LIST, RULES, SHEETS, marts_of_workbooks
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

NORTH, SOUTH = Territory("Северный район", "041"), Territory("Южный район", "042")
FORMULA = '=HYPERLINK("http://example.org","открыть")'
LONG = ("<b>«Школа \"Роза\" & 'Ко'»</b> " * 12)[:300]
NAMES = {"n1": FORMULA, "n2": "+1", "n3": "@школа\x07\x1b с «ёлкой»", "s1": LONG, "s2": "-южная тайна"}
HOME = {"n1": NORTH, "n2": NORTH, "n3": NORTH, "s1": SOUTH, "s2": SOUTH}
LOW = {"n1": True, "n2": False, "n3": None, "s1": True, "s2": False}
DONE = datetime(2022, 10, 1, 12, 30, tzinfo=UTC)
# openpyxl reads no bars in cells.
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
ALL_SHEETS = [COVER, *(sheet.name for sheet in SHEETS), CARDS, DICTIONARY, RULES.name]


@pytest.fixture(scope="session")
def documents(parsed_project: Path) -> dict[str, Mart]:
    return dictionary.load(parsed_project)


def _row(documents: Mapping[str, Mart], mart: str, **values: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {column.name: None for column in documents[mart].columns}
    assert values.keys() <= blank.keys(), (mart, values.keys() - blank.keys())
    return blank | values


def _school(school: str) -> dict[str, Any]:
    home = HOME[school]
    names = {"school_name": NAMES[school], "municipality_name": home.name, "municipality_code": home.key}
    return {"year": 2022, "school_id": school, "school_code": f"{home.key}00{school[1]}", **names}


@pytest.fixture(scope="session")
def data(documents: dict[str, Mart]) -> YearData:
    marts: dict[str, list[dict[str, Any]]] = {mart: [] for mart in MARTS_READ}

    def add(mart: str, **values: Any) -> None:
        known = {column.name for column in documents[mart].columns}
        kept = {name: value for name, value in values.items() if name in known}
        marts[mart].append(_row(documents, mart, **kept))

    for school in NAMES:
        about = {
            **_school(school),
            "is_low_results": LOW[school],
            "evidence_grade": "B",
            "low_procedures": ["vpr_rus_5"],
        }
        add("mart_school_card", **about, list_method_code="two", calculation_id="2022-a")
        add("mart_identification", **about, method_code="two", is_fragile=True, probability_low=0.25)
        add("mart_identification_methods", **about, verdicts={"two": LOW[school], "other": True}, methods_low=["other"])
        add("mart_school_context", **about, context_index=12.5, low_income_share=0.125)
        add("dim_school", **about, name=NAMES[school], is_current=True)
        counts = {
            "n_participants": 10,
            "n_below_min": 3,
            "share_below_min": 0.3,
            "is_low": True,
            "one_pupil_flips": True,
        }
        add("mart_identification_evidence", **about, method_code="two", procedure_code="vpr_rus_5", **counts)
        add("mart_pd_completion", **about, programme_code="p", is_complete=False, hours=16)
    add("mart_identification_change", **_school("n1"), method_code="two", comparison="year", change="entered")
    partner = {"partner_keys": ["s2"], "partner_names": [NAMES["s2"]], "agreement_keys": ["7|2022-09-05"]}
    add("mart_partnership_school", **_school("n1"), programme_code="p", is_covered=True, **partner)
    add("dim_programme", programme_code="p", short_title="Программа", year_from=2020, year_to=2023)
    add("dim_procedure", procedure_code="vpr_rus_5", exam="vpr", grade=5, title_ru="ВПР, русский язык, 5 класс")
    for code, label in (("two", "Две процедуры"), ("other", "Иначе")):
        add("dim_method", method_code=code, method_version="1", kind="low_share", title_ru=label, label_ru=label)
    add("mart_calculation", calculation_id="2022-a", started_at=DONE, finished_at=DONE, n_files=7)
    add("mart_data_quality", source="vpr_result", year=2022, n_files=2, n_rows_accepted=50, n_rows_rejected=1)
    value = {"year": 2022, "programme_code": "p", "programme_title": "Программа", "period": "2022-Q3"}
    value |= {"period_kind": "quarter", "status": "not_met", "comparator": ">=", "version": "", "title": "=СУММ(1;2)"}
    for code, unit, amount in (("P1", "доля", 0.5), ("P2", "да/нет", 1.0), ("P3", "количество", 4.0)):
        for territory in (REGION, NORTH, SOUTH):
            where = {"territory_kind": "municipality" if territory.key else "region", "territory_name": territory.name}
            where["territory_code"] = territory.key or "region"
            add(
                "mart_programme_indicator",
                **value,
                **where,
                indicator_code=code,
                unit=unit,
                value=amount,
                target=amount,
            )
    for school, state in (("n1", "overdue"), ("s1", "done"), (None, "due")):
        item = {"programme_code": "p", "item_code": "1.1", "title": "Пункт", "state": state, "due_to": date(2022, 5, 1)}
        add("mart_programme_roadmap", **(_school(school) if school else {}), **item)
    return YearData(2022, marts, documents)


@pytest.fixture(scope="session")
def books(data: YearData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("книги")
    territories = [REGION, *data.territories]
    return dict(zip((one.name for one in territories), Export(data, territories).write(folder), strict=True))


def _read(book: Path, sheet: str) -> list[dict[str, Any]]:
    heading, *rows = openpyxl.load_workbook(book)[sheet].iter_rows(values_only=True)
    assert len(set(heading)) == len(heading), f"{sheet}: одинаковые заголовки"
    return [dict(zip(map(str, heading), row, strict=True)) for row in rows]


def _raw(book: Path) -> str:
    """All that the file holds, as text: cells, headers, properties, names."""
    with ZipFile(book) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def test_every_column_is_documented_and_every_mart_that_is_read_is_named(data: YearData) -> None:
    for sheet in (*SHEETS, RULES):
        titles = [column.title for column in sheet.columns(data)]
        assert len(set(titles)) == len(titles), sheet.name
        assert set(sheet.marts) <= set(MARTS_READ)
        assert all(max(map(len, title.split())) <= 24 for title in titles)
    assert set(marts_of_workbooks()) == set(MARTS_READ)


def test_a_region_has_a_workbook_and_so_has_each_municipality(books: dict[str, Path]) -> None:
    assert list(books) == ["Регион", "Северный район", "Южный район"]
    assert [path.name for path in books.values()] == [f"2022 — {name}.xlsx" for name in books]
    for path in books.values():
        assert openpyxl.load_workbook(path).sheetnames == ALL_SHEETS
    assert len(_read(books["Регион"], LIST)) == 5
    assert [row["Код школы"] for row in _read(books["Северный район"], LIST)] == ["041001", "041003", "041002"]


@pytest.mark.parametrize(("own", "foreign"), [("Северный район", "s"), ("Южный район", "n")])
def test_nothing_is_said_of_schools_elsewhere(books: dict[str, Path], own: str, foreign: str) -> None:
    whole = _raw(books[own])
    codes = [_school(school)["school_code"] for school in NAMES if school.startswith(foreign)]
    assert not [code for code in codes if code in whole]
    cells = [
        str(cell.value)
        for page in openpyxl.load_workbook(books[own])
        for row in page.iter_rows()
        for cell in row
        if cell.value is not None
    ]
    told = "\n".join(cells)
    names = [NAMES[school].replace("\x07\x1b", "") for school in NAMES if school.startswith(foreign)]
    assert not [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", told)]
    if own == "Северный район":
        assert [row["Партнёры"] for row in _read(books[own], "Партнёрство")] == [
            "школа другого муниципалитета (Южный район)"
        ]
        assert _read(books["Регион"], "Партнёрство")[0]["Партнёры"] == NAMES["s2"]
    assert {row["Территория"] for row in _read(books[own], "Показатели")} == {"Регион", own}
    states = {"Северный район": ["просрочено"], "Южный район": ["исполнено"]}[own]
    assert sorted(row["Состояние"] for row in _read(books[own], "Дорожная карта")) == sorted(
        ["срок не наступил", *states]
    )


def test_texts_cannot_run_and_lose_only_what_a_cell_cannot_hold(books: dict[str, Path]) -> None:
    for path in books.values():
        with ZipFile(path) as archive:
            parts = {name: archive.read(name).decode() for name in archive.namelist()}
        sheets = "".join(text for name, text in parts.items() if name.startswith("xl/worksheets/"))
        assert "<f>" not in sheets
        assert "r:id" not in "".join(re.findall("<hyperlink [^>]*>", sheets))
        assert not any("externalLink" in name or name.endswith("vbaProject.bin") for name in parts)
        assert not re.search(r"[\x00-\x08\x0b-\x1f]|_x00", sheets)
    names = {row["Школа"] for row in _read(books["Регион"], LIST)}
    assert names == {FORMULA, "+1", "@школа с «ёлкой»", LONG, "-южная тайна"}
    page = openpyxl.load_workbook(books["Регион"])[LIST]
    assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    assert max(page.row_dimensions[row].height for row in range(2, 7)) >= 7 * 15  # the long name is seen whole


def test_values_are_words_numbers_and_days(books: dict[str, Path]) -> None:
    first = _read(books["Регион"], LIST)[0]
    assert (first["Низкие результаты"], first["Решение"], first["Изменение"]) == ("низкие", "нет решения", "вошла")
    assert (first["Низкие процедуры"], first["Вероятность низких результатов"]) == ("ВПР, русский язык, 5 класс", 0.25)
    evidence = _read(books["Регион"], EVIDENCE)[0]
    assert (evidence["Участников"], evidence["Ниже минимума"], evidence["Доля ниже минимума"]) == (10, 3, 0.3)
    values = {row["Код показателя"]: row for row in _read(books["Южный район"], "Показатели")}
    assert [values[code]["Значение"] for code in ("P1", "P2", "P3")] == [0.5, "да", 4]
    assert (values["P1"]["Период"], values["P1"]["Статус"]) == ("3 квартал 2022 года", "не выполнено")
    page = openpyxl.load_workbook(books["Южный район"])["Показатели"]
    place = [cell.value for cell in page[1]].index("Значение") + 1
    assert [page.cell(row, place).number_format for row in (2, 6)] == ["0.0%", "0"]
    methods = _read(books["Регион"], "Методы")
    assert [row["Две процедуры"] for row in methods] == ["низкие", "низкие", "нет вывода", "не низкие", "не низкие"]
    assert {row["Иначе"] for row in methods} == {"низкие"}
    assert _read(books["Северный район"], "Партнёрство")[0]["Договоры"] == "№ 7 от 05.09.2022"
    roads = _read(books["Регион"], "Дорожная карта")
    assert {row["Срок по"] for row in roads} == {datetime(2022, 5, 1)}


def test_sheets_stay_in_sight_filter_print_and_colour(books: dict[str, Path]) -> None:
    book = openpyxl.load_workbook(books["Регион"])
    for sheet in (*SHEETS, RULES):
        page = book[sheet.name]
        assert page.freeze_panes == f"{'ABCDEF'[sheet.n_frozen]}2"
        assert page.auto_filter.ref.startswith("A1:")
        assert page.print_title_rows == "$1:$1"
        assert (page.page_setup.orientation, page.page_setup.fitToHeight) == ("landscape", 0)
        assert "расчёт 2022-a" in page.oddFooter.left.text
    told = {
        rule.formula[0]: rule.dxf.fill.bgColor.rgb
        for ranged in book[LIST].conditional_formatting
        for rule in ranged.rules
        if rule.type == "cellIs"
    }
    assert {'"низкие"', '"нет вывода"', '"вошла"', '"A"'} <= told.keys()
    assert len(set(told.values())) == 4
    assert any(rule.type == "dataBar" for ranged in book[LIST].conditional_formatting for rule in ranged.rules)
    assert len(book[CARDS].row_breaks.brk) == 1  # two schools are on the list
    links = {cell.value: cell.hyperlink.location for cell in book[LIST]["B"] if cell.hyperlink}
    for code, place in links.items():
        sheet, _, cell = place.rpartition("!")
        target = book[sheet.strip("'")]
        assert code in str(
            [
                value
                for row in target.iter_rows(min_row=int(cell[1:]), max_row=int(cell[1:]) + 1)
                for value in (one.value for one in row)
            ]
        )


def test_the_first_sheet_says_what_the_book_is(books: dict[str, Path], data: YearData) -> None:
    cells = list(openpyxl.load_workbook(books["Южный район"])[COVER].iter_rows(values_only=True))
    told = {str(row[0]): row[1:] for row in cells}
    assert "ПРЕДЛОЖЕНИЕ: перечень никем не утверждён" in told
    assert told["Расчёт"][0] == "2022-a, закончен 01.10.2022 12:30 (UTC); файлов в нём: 7"
    assert told["Школ с результатами"][:2] == (2, 5)
    assert told["Из них с выводом метода"][:2] == (2, 4)
    assert told["Доля от школ с выводом"][:2] == (0.5, 0.5)
    assert told["Результаты ВПР, 2022 год"] == (2, 50, 1)
    assert [told[sheet.name][0] for sheet in SHEETS] == [2, 2, 2, 2, 6, 2, 0, 2]
    approved = _row(
        data.documents,
        "mart_identification_published",
        **{
            "decided_by": "Иванова",
            "decided_at": DONE,
            "publication_document": "приказ № 1",
            "calculation_id": "2022-0",
        },
    )
    later = YearData(2022, {**data.marts, "mart_identification_published": [approved]}, data.documents)
    path = next(Export(later, [REGION]).write(books["Регион"].parent / "утверждён"))
    state = openpyxl.load_workbook(path)[COVER]["A3"].value
    assert state.startswith("УТВЕРЖДЁН: Иванова, 01.10.2022, документ: приказ № 1. Утверждён на расчёте 2022-0")


def test_the_dictionary_has_every_column_of_every_sheet(books: dict[str, Path], data: YearData) -> None:
    described = _read(books["Регион"], DICTIONARY)
    book = openpyxl.load_workbook(books["Регион"])
    for sheet in (*SHEETS, RULES):
        headings = [cell.value for cell in book[sheet.name][1]]
        assert [row["Столбец"] for row in described if row["Лист"] == sheet.name] == headings
    assert all(row["Что это"] and row["Единица"] for row in described)


def test_the_same_calculation_gives_the_same_bytes(data: YearData, tmp_path: Path) -> None:
    one, other = ([path.read_bytes() for path in Export(data, [REGION, NORTH]).write(tmp_path / n)] for n in "ab")
    assert one == other


def test_a_year_without_rows_is_said_in_words(documents: dict[str, Mart], tmp_path: Path) -> None:
    empty = YearData(2022, {mart: [] for mart in MARTS_READ}, documents)
    book = openpyxl.load_workbook(next(Export(empty, [REGION]).write(tmp_path)))
    assert book.sheetnames == ALL_SHEETS
    for sheet in (*SHEETS, RULES):
        assert book[sheet.name]["A2"].value == sheet.empty
    assert book[CARDS]["A1"].value == "Школ, о которых делаются карточки, нет."


def test_names_of_files_are_safe_and_differ() -> None:
    long = "район " * 60
    territories = [
        *(REGION, Territory("регион", "041"), Territory('a/b\\c:"*?<>|\n.', "042"), Territory("../..", "../x")),
        *(Territory(long, "043"), Territory(long, "044"), Territory("A B C", "042")),
    ]
    names = file_names(2022, territories)
    assert len({name.casefold() for name in names}) == len(names)
    assert names[:3] == ["2022 — Регион.xlsx", "2022 — регион (041).xlsx", "2022 — a b c.xlsx"]
    for name in names:
        assert len(name.encode()) < 255
        assert not set(name) & set('<>:"/\\|?*\n')


def test_a_municipality_is_found_by_code_name_or_part_of_it(data: YearData) -> None:
    assert [_find(data, asked) for asked in ("041", " северный РАЙОН", "северн")] == [NORTH] * 3
    with pytest.raises(ExportError, match=r"несколько.*041 Северный район; 042 Южный район"):
        _find(data, "район")
    for asked in ("999", "", " "):
        with pytest.raises(ExportError, match=r"нет\. Назовите код или название: 041 Северный район; 042 Южный район"):
            _find(data, asked)


def test_a_folder_that_is_a_file_is_refused(data: YearData, tmp_path: Path) -> None:
    (tmp_path / "файл").touch()
    with pytest.raises(ExportError, match="нужна папка"):
        list(Export(data, [REGION]).write(tmp_path / "файл"))


def test_names_stand_in_russian_order() -> None:
    names = ["Школа № 10", "яр", "Ёлкино", "Школа № 9", None, "Жуково", "Елово"]
    assert sorted(names, key=in_russian) == ["Елово", "Ёлкино", "Жуково", "Школа № 9", "Школа № 10", "яр", None]


def test_a_warehouse_without_marts_is_told_of(warehouse: Settings) -> None:
    upgrade(warehouse)
    with connect(warehouse) as connection, connection.cursor() as cursor:
        with pytest.raises(ExportError, match="Расчёта ещё нет"):
            load_year(cursor, 2022, {})
        cursor.execute("create table marts.mart_school_card (year int, list_method_code text)")
        with pytest.raises(ExportError, match="За 2022 год результатов нет; нет ни за один год"):
            load_year(cursor, 2022, {})
        cursor.execute("insert into marts.mart_school_card values (2021), (2020)")
        with pytest.raises(ExportError, match="есть за годы: 2020, 2021"):
            load_year(cursor, 2022, {})
