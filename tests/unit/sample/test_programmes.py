"""The registers of the support programmes: filled as their documents ask, and their files say what is true."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from ravenstvo.layouts import load_layouts
from ravenstvo.sample import DEFAULT_YEARS, ProgrammeTruth, programme_truth
from ravenstvo.sample.programmes import FOLDER, Programmes, write_programmes
from ravenstvo.sample.region import build_schools
from ravenstvo.sample.spec import names
from ravenstvo.sources import Column, load_sources

SEED, N_SCHOOLS = 1, 60
Row = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("край")
    write_programmes(out, SEED, build_schools(SEED, N_SCHOOLS, list(DEFAULT_YEARS)), max(DEFAULT_YEARS))
    return out / FOLDER


@pytest.fixture(scope="module")
def true() -> ProgrammeTruth:
    return programme_truth(SEED, N_SCHOOLS, list(DEFAULT_YEARS))


def rows_of(folder: Path, title: str) -> list[Row]:
    """Rows of all files of a register, with codes padded and dates as dates, whichever way they were typed."""
    found: list[Row] = []
    for path in sorted(folder.rglob("*.xlsx")):
        if path.stem.startswith(title) and (path.stem == title or path.parent.name == title):
            book = CalamineWorkbook.from_path(str(path))
            header, *rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
            found += [{str(name): value(name, cell) for name, cell in zip(header, row, strict=True)} for row in rows]
    return found


def value(name: object, cell: object) -> object:
    if str(name) in ("Код ОО", "Код ОО партнёра") and cell != "":
        return f"{int(float(str(cell))):06d}"
    if isinstance(cell, datetime):
        return cell.date()
    text = str(cell)
    if len(text) == 10 and text[2] == text[5] == ".":
        return date(int(text[6:]), int(text[3:5]), int(text[:2]))
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def fault(column: Column, cell: object, codes: set[str], places: set[str]) -> bool:
    """Whether a value is not what its column's document asks for."""
    if cell in (None, ""):
        return column.required
    kinds: dict[str, bool] = {
        "date": isinstance(cell, date),
        "flag": isinstance(cell, bool),
        "whole": isinstance(cell, int),
        "year": isinstance(cell, int),
        "number": isinstance(cell, int | float),
        "school": cell in codes,
        "municipality": cell in places,
    }
    return not kinds.get(column.kind, True)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 99), n_schools=st.integers(1, 40), year=st.integers(2012, 2026))
def test_registers_of_any_region_are_what_their_documents_ask(seed: int, n_schools: int, year: int) -> None:
    schools = build_schools(seed, n_schools, [year, year + 1])
    codes, places = {school.code for school in schools}, {place["code"] for place in names()["municipalities"]}
    for name, rows in Programmes(seed, schools).registers().items():
        source = load_sources()[name]
        assert set().union(*rows) <= set(load_layouts()[name].columns)
        gates = {column.name for column in source.columns if column.kind in ("pseudonym", "gate")}
        bad = [
            (name, column.name, row.get(column.name))
            for row in rows
            for column in source.columns
            if column.name not in gates and fault(column, row.get(column.name), codes, places)
        ]
        assert bad == []
        assert [row for row in rows for a, b in source.periods if row.get(a) and row.get(b) and row[a] > row[b]] == []
        mine = [{**row, "person_key": row.get("person.snils")} for row in rows]
        assert all(any(row.get(column) for column in group) for row in mine for group in source.any_of)
        keys = Counter(tuple(row.get(column) for column in source.key) for row in mine)
        assert not source.key or [key for key, number in keys.items() if number > 1 and key[0]] == []


def test_every_register_comes(folder: Path) -> None:
    titles = {layout.title for layout in load_layouts().values()}
    for name in Programmes(SEED, build_schools(SEED, N_SCHOOLS, [2021])).registers():
        title = load_layouts()[name].title
        assert title in titles
        rows = rows_of(folder, title.removesuffix(" (шаблон центра)"))
        assert rows, title


def test_a_region_without_helpers_sends_no_agreements(tmp_path: Path) -> None:
    write_programmes(tmp_path, SEED, build_schools(SEED, 1, [2021]), 2021)
    made = {path.name for path in tmp_path.rglob("*.xlsx")}
    assert "Участники программ.xlsx" in made
    with_schools = [
        row for row in rows_of(tmp_path / FOLDER, "Партнёрские договоры") if row["Вид партнёра"] == "школа-лидер"
    ]
    assert with_schools == []


def test_insurance_numbers_are_made_up_and_right(folder: Path) -> None:
    numbers = {
        str(row["СНИЛС"])
        for title in (
            "Педагогический состав",
            "Повышение квалификации",
            "Участники мероприятий",
            "Услуги и сопровождение",
        )
        for row in rows_of(folder, title)
        if row["СНИЛС"]
    }
    assert len(numbers) > 200
    for number in numbers:
        body, check = number.replace("-", "").split()
        total = sum(int(digit) * (9 - at) for at, digit in enumerate(body))
        while total > 101:
            total %= 101
        assert int(check) == (0 if total in (100, 101) else total)
        # No number of the real fund begins with 97 or 98.
        assert body[:2] in ("97", "98")


def test_people_trained_are_counted_from_the_files(folder: Path, true: ProgrammeTruth) -> None:
    school_of: dict[tuple[str, int], str] = {}
    counted: set[tuple[str, int]] = set()
    for row in rows_of(folder, "Педагогический состав"):
        school_of[row["СНИЛС"], row["Год"]] = row["Код ОО"]
        if row["Должность"] in ("директор", "заместитель директора", "учитель"):
            counted.add((row["СНИЛС"], row["Год"]))
    people: dict[str, set[str]] = defaultdict(set)
    for row in rows_of(folder, "Повышение квалификации"):
        ended = row["Дата окончания"]
        key = (row["СНИЛС"], ended.year)
        if ended.year == 2018 and row["Часов"] >= 16 and row["Статус"] in ("оригинал", "дубликат") and key in counted:
            assert row["Код ОО"] in ("", school_of[key])
            people[school_of[key]].add(row["СНИЛС"])
    expected = {code: number for (code, year), number in true.trained.items() if year == 2018}
    assert {code: len(found) for code, found in people.items()} == expected
    members = {r["Код ОО"] for r in rows_of(folder, "Участники программ") if r["Программа"] == "tomsk_2018"}
    # Enough in some schools, four of more in one, all four of a tiny one.
    assert {4, 6} <= {expected[code] for code in members}


def test_the_seminar_is_counted_from_the_files(folder: Path, true: ProgrammeTruth) -> None:
    seminars = {
        row["Код мероприятия"]
        for row in rows_of(folder, "Мероприятия")
        if (row["Уровень"], row["Вид"], row["Дата"].year) == ("межрегиональный", "семинар", 2018)
    }
    came = [row for row in rows_of(folder, "Участники мероприятий") if row["Код мероприятия"] in seminars]
    numbers = [row["СНИЛС"] for row in came if row["СНИЛС"]]
    assert true.seminar == (len(set(numbers)), len(came) - len(numbers), len({row["Регион"] for row in came}))
    assert len(numbers) == len(set(numbers)) + 1, "somebody is written down twice"
    assert true.seminar[0] >= 40
    assert true.seminar[2] >= 5


def test_coverage_is_counted_from_the_files(folder: Path, true: ProgrammeTruth) -> None:
    helpers = {
        s.code for s in build_schools(SEED, N_SCHOOLS, list(DEFAULT_YEARS)) if s.is_leader or s.is_innovation_site
    }
    members = {
        r["Код ОО"]
        for r in rows_of(folder, "Участники программ")
        if (r["Программа"], r["Роль"]) == ("tomsk_2018", "участник")
    }
    papers: dict[str, set[str]] = defaultdict(set)
    for row in rows_of(folder, "Партнёрские договоры"):
        is_other = row["Код ОО партнёра"] in helpers and row["Код ОО партнёра"] != row["Код ОО"]
        stopped = row["Дата расторжения"] or date(9999, 1, 1)
        is_in_force = row["Дата подписания"] != "" and row["Действует с"].year == 2018 and stopped > row["Действует с"]
        if row["Программа"] == "tomsk_2018" and row["Код ОО"] in members and is_other and is_in_force:
            papers[row["Номер договора"]].add(row["Код ОО"])
    assert true.agreements["tomsk_2018", 2018] == len(papers) == 5
    assert true.coverage["tomsk_2018", 2018].some == len(set().union(*papers.values())) == 6
    assert true.coverage["tomsk_2018", 2018].of == len(members) == 8
    assert max(len(schools) for schools in papers.values()) == 2, "a paper of three parties"


def test_meetings_and_deficits_are_counted_from_the_files(folder: Path, true: ProgrammeTruth) -> None:
    items = [row for row in rows_of(folder, "Дорожная карта") if row["Программа"] == "priozersk_2020_2023"]
    in_time = {
        f"{row['Срок с'].year}-Q{(row['Срок с'].month + 2) // 3}": row["Исполнено"] != ""
        and row["Исполнено"] <= row["Срок по"]
        for row in items
        if str(row["Код пункта"]) == "1.2"
    }
    assert in_time == true.meetings
    assert [quarter for quarter, held in in_time.items() if not held] == ["2021-Q3", "2022-Q1"]
    assert len({row["Наименование"] for row in items if row["Код пункта"] == "1.8"}) == 2, "the plan uses 1.8 twice"
    assert "2.6" not in {row["Код пункта"] for row in items}

    state: dict[str, dict[str, set[str]]] = {"старт": defaultdict(set), "итог": defaultdict(set)}
    for row in rows_of(folder, "Профессиональные дефициты"):
        state[row["Этап"]][row["СНИЛС"]] |= {row["Код дефицита"]} if row["Выявлен"] == "да" else set()
    deficient = {person for person, found in state["старт"].items() if found}
    asked = deficient & set(state["итог"])
    closed = {person for person in asked if not state["старт"][person] & state["итог"][person]}
    assert (true.deficits.some, true.deficits.of, true.leavers) == (len(closed), len(asked), len(deficient - asked))
    assert 10 * true.deficits.some >= 9 * true.deficits.of


def test_outcome_is_varied(true: ProgrammeTruth) -> None:
    assert [(true.infrastructure[year].some, true.infrastructure[year].of) for year in (2018, 2019, 2021)] == [
        (4, 6),
        (5, 6),
        (6, 6),
    ]
    assert (true.lone_municipalities, true.mentors) == (4, 8)
    assert true.literate[2022].some < true.literate[2022].of
    assert true.coverage["priozersk_2020_2023", 2020].some == 0


def test_a_gap_in_monitoring_is_not_filled_by_another_programme(folder: Path) -> None:
    rows = [
        (r["Код ОО"], r["Дата"].year, r["Компонент"], r["Завершён"]) for r in rows_of(folder, "Мониторинг качества")
    ]
    assert len({row[:3] for row in rows}) == len(rows)
    members = {r["Код ОО"] for r in rows_of(folder, "Участники программ") if r["Программа"] == "tomsk_2018"}
    done = Counter(
        component for code, year, component, is_done in rows if (year, is_done) == (2018, "да") and code in members
    )
    assert done == {"результаты": 8, "преподавание": 8, "управление": 8, "среда": 7}


def test_the_federal_register_has_its_forty_columns(folder: Path) -> None:
    text = (folder / "ФИС ФРДО 2020.csv").read_bytes().decode("cp1251")
    header, *rows = csv.reader(text.splitlines(), delimiter=";")
    assert len(header) == 40
    people = {
        (row["ФИО"], row["Дата рождения"]) for row in rows_of(folder, "Педагогический состав") if row["Год"] == 2020
    }
    at = {name: header.index(name) for name in ("Фамилия получателя", "Имя получателя", "Отчество получателя", "СНИЛС")}
    unnumbered = [row for row in rows if not row[at["СНИЛС"]]]
    assert unnumbered, "some rows are found by name and birth date only"
    born = header.index("Дата рождения получателя")
    for row in unnumbered:
        name = " ".join(row[at[f"{part} получателя"]] for part in ("Фамилия", "Имя", "Отчество"))
        assert (name, value("", row[born])) in people


def test_named_schools_are_found(folder: Path) -> None:
    code_of = {row["Вариант наименования"]: row["Код ОО"] for row in rows_of(folder, "Варианты наименований")}
    members = {r["Код ОО"] for r in rows_of(folder, "Участники программ") if r["Программа"] == "priozersk_2020_2023"}
    assert code_of["МОУ «Громовская СОШ»"] not in members
    assert {code for alias, code in code_of.items() if "Громовская" not in alias} == members
    assert len(members) == 8
