"""Workbooks of a year beside SQL: the same numbers, and nothing of the schools of another municipality."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl
from running import Warehouse

# Heading of the sheet → what SQL says of a school; independent of the code that writes workbooks.
LIST_SQL = """
    select m.school_code as "Код школы", m.school_name as "Школа",
        case m.is_low_results when true then 'низкие' when false then 'не низкие' else 'нет вывода' end
            as "Низкие результаты",
        m.evidence_grade as "Разряд надёжности", m.probability_low as "Вероятность низких результатов",
        m.n_participants_total as "Участников всего", m.years_identified as "Лет подряд в перечне",
        m.n_low_procedures as "Низких процедур", a.n_methods_low as "Методов, называющих низкой",
        a.n_methods as "Методов с выводом"
    from mart_identification as m
    join mart_identification_methods as a using (year, school_id)
    where m.year = {year} and m.method_code = 'rosobr_30'
"""
EVIDENCE_SQL = """
    select s.school_code as "Код школы", p.title_ru as "Процедура",
        e.n_participants as "Участников", e.n_below_min as "Ниже минимума", e.share_below_min as "Доля ниже минимума",
        case when e.is_low then 'да' else 'нет' end as "Низкая процедура",
        case when e.one_pupil_flips then 'да' else 'нет' end as "Меняется от одного участника",
        e.ci_low as "Нижняя граница 95 %", e.ci_high as "Верхняя граница 95 %",
        e.regional_share as "Доля ниже минимума по региону"
    from mart_identification_evidence as e
    join dim_procedure as p using (procedure_code)
    join mart_school_card as s using (year, school_id)
    where e.year = {year} and e.method_code = 'rosobr_30'
"""
INDICATOR_SQL = """
    select programme_title as "Программа", indicator_code as "Код показателя", version as "Прочтение",
        case period_kind when 'year' then period || ' год' when 'programme' then 'вся программа'
            when 'stage' then 'этап ' || substr(period, 7)
            else right(period, 1) || ' квартал ' || left(period, 4) || ' года'
        end as "Период",
        territory_name as "Территория", numerator as "Числитель", denominator as "Знаменатель",
        case when unit <> 'да/нет' then value::text when value >= 1 then 'да' when value < 1 then 'нет' end
            as "Значение",
        case when unit <> 'да/нет' then target::text when target >= 1 then 'да' when target < 1 then 'нет' end as "Цель"
    from mart_programme_indicator
    where year = {year} and (territory_kind = 'region' or territory_kind = 'municipality' and {municipality})
"""
SCHOOLS_SQL = """
    select s.school_code, s.login, s.name, s.short_name, coalesce(c.municipality_code, s.municipality_code) as home
    from dim_school as s left join mart_school_card as c on s.school_id = c.school_id and c.year = {year}
"""

LIST_CODES = "select school_code from mart_school_card where year = {year}"


def check_numbers(warehouse: Warehouse, books: Path, year: int) -> None:
    """Every row of three sheets of the region's workbook, and of one municipality's, is a row of SQL and no other."""
    region = _book(books / f"{year} — Регион.xlsx")
    _same(_rows(region, "Перечень школ"), warehouse.ask(LIST_SQL.format(year=year)))
    _same(_rows(region, "Основания"), warehouse.ask(EVIDENCE_SQL.format(year=year)))
    _same(_rows(region, "Показатели"), warehouse.ask(INDICATOR_SQL.format(year=year, municipality="true")))
    for home in warehouse.ask(
        "select distinct municipality_code as code, municipality_name as name from dim_municipality"
    ):
        book = _book(books / f"{year} — {home['name']}.xlsx")
        own = f"territory_code = '{home['code']}'"
        _same(_rows(book, "Показатели"), warehouse.ask(INDICATOR_SQL.format(year=year, municipality=own)))
        _same(
            _rows(book, "Перечень школ"),
            warehouse.ask(LIST_SQL.format(year=year) + f" and m.municipality_name = '{home['name']}'"),
        )


def check_own_schools(warehouse: Warehouse, books: Path, year: int) -> None:
    """No cell of a municipality's workbook holds a name, code or login of a school elsewhere; the region's has all."""
    schools = warehouse.ask(SCHOOLS_SQL.format(year=year))
    homes = warehouse.ask("select municipality_code as code, municipality_name as name from dim_municipality")
    everywhere = _text(_book(books / f"{year} — Регион.xlsx"))
    assert all(_is_told(everywhere, row["school_code"]) for row in warehouse.ask(LIST_CODES.format(year=year)))
    for home in homes:
        text = _text(_book(books / f"{year} — {home['name']}.xlsx"))
        own, foreign = (
            _known(row for row in schools if (row["home"] == home["code"]) is is_own) for is_own in (True, False)
        )
        assert own
        known = foreign - own  # schools in different places may have the same name
        assert len(known) > len(schools)
        assert not [one for one in known if _is_told(text, one)], home["name"]


def _known(schools: Iterable[dict[str, str]]) -> set[str]:
    """All that schools are known by."""
    return {row[name] for row in schools for name in ("school_code", "login", "name", "short_name") if row[name]}


def _book(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl reads no bars in cells
        return openpyxl.load_workbook(path)


def _rows(book: Any, sheet: str) -> list[dict[str, Any]]:
    heading, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def _same(found: list[dict[str, Any]], expected: list[dict[str, str]]) -> None:
    assert expected
    names = list(expected[0])
    assert sorted([[_plain(row[name]) for name in names] for row in found]) == sorted(
        [[_plain(row[name]) for name in names] for row in expected]
    )


def _plain(value: Any) -> str:
    """A number as it is to twelve digits, however it is written; nothing as an empty text."""
    if value is None:
        return ""
    try:
        return f"{float(value):.12g}"
    except ValueError:
        return str(value)


def _text(book: Any) -> str:
    cells = (cell for page in book for row in page.iter_rows(values_only=True) for cell in row)
    return "\n".join(str(cell) for cell in cells if isinstance(cell, str))


def _is_told(text: str, name: str) -> bool:
    return name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None
