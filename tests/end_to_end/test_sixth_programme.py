"""A sixth programme, its indicators and another target of an old one are rows of seeds: no line of code is touched."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from ravenstvo.layouts import load_layouts
from ravenstvo.sample import generate
from running import ASK_SECONDS, Warehouse, call
from test_method_variant import project, run_of

YEAR = 2021
CODE, TITLE, SHORT = "northern_2021", "Северная программа поддержки школ", "Север"
DEADLINE = date(YEAR, 5, 31)
#: School, when its transition programme was approved, whether it has posts of specialists.
TRANSITIONS = [
    ("042001", date(YEAR, 3, 1), "да"),
    ("043001", DEADLINE, "да"),
    ("045001", date(YEAR, 6, 1), "да"),
    ("046001", date(YEAR, 3, 1), "нет"),
]
#: A member until the end of autumn only: nobody's at the end of the year.
LEFT = "043002"
MEETINGS = [date(YEAR, 1, 20), date(YEAR, 2, 20), date(YEAR, 6, 30), date(YEAR, 12, 1)]
#: An old indicator whose target is «all»; the sample reaches seven of eight.
CHANGED, NEW_TARGET = "P1.7", Fraction(7, 8)

pytestmark = pytest.mark.slow
__all__ = ["project"]


def seed_rows(project: Path, name: str) -> tuple[Path, list[dict[str, str]]]:
    path = project / "dbt_project" / "seeds" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return path, list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def add_row(project: Path, seed: str, like: dict[str, str], **values: Any) -> None:
    """A row as an analyst would write it: a copy of another one with some cells changed."""
    path, rows = seed_rows(project, seed)
    row = next(row for row in rows if like.items() <= row.items())
    changed = {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
        for name, value in values.items()
    }
    assert changed.keys() <= row.keys()
    write_rows(path, [*rows, row | changed])


def add_programme(project: Path) -> None:
    days = {"year_from": YEAR, "year_to": YEAR, "date_from": date(YEAR, 1, 1), "date_to": date(YEAR, 12, 31)}
    like = {"programme_code": "orel_2019_2021"}
    add_row(project, "programme", like, programme_code=CODE, title=TITLE, short_title=SHORT, **days)
    item = {"programme_code": CODE, "item_code": "1", "item_no": "1", "section": "1", "indicator_code": "N2"}
    add_row(project, "programme_plan_item", {"item_code": "1.2"}, title="Совещания", **item)
    add_row(
        project,
        "indicator",
        {"indicator_code": "L09"},
        programme_code=CODE,
        indicator_code="N1",
        title="Школы с программой, где есть специалисты",
        target="0.5",
        comparator=">=",
        parameters={"numerator": [{"fact": "transition", "when": "by", "tags": ["specialists"]}]},
        due_to=DEADLINE,
    )
    add_row(
        project,
        "indicator",
        {"indicator_code": "P1.2"},
        programme_code=CODE,
        indicator_code="N2",
        title="Совещания каждого квартала",
        parameters={"item": "1", "required": 1, "each": "quarter"},
    )


def change_target(project: Path) -> None:
    path, rows = seed_rows(project, "indicator")
    row = next(row for row in rows if row["indicator_code"] == CHANGED)
    assert (row["target"], row["comparator"]) == ("1", ">=")
    row["target"] = str(float(NEW_TARGET))
    write_rows(path, rows)


def write_template(path: Path, layout: str, records: list[dict[str, Any]]) -> None:
    """A sheet of the centre's template with some of its columns filled."""
    columns = load_layouts()[layout].columns
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([column.header[0] for column in columns.values()])
    for record in records:
        assert record.keys() <= columns.keys()
        sheet.append([record.get(name) for name in columns])
    book.save(path)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("region") / "inbox"
    generate(out, seed=5, n_schools=14, years=[YEAR])
    shutil.rmtree(out / "ВПР")
    member = {"programme": TITLE, "role": "участник", "basis": "идентификация", "included_from": date(YEAR, 1, 11)}
    members = [member | {"school_code": school} for school, *_ in TRANSITIONS]
    members.append(member | {"school_code": LEFT, "excluded_from": date(YEAR, 12, 1)})
    write_template(out / "Участники - Север.xlsx", "membership", members)
    write_template(
        out / "Программы перехода - Север.xlsx",
        "transition_programme",
        [
            {"programme": CODE, "school_code": school, "approved_on": day, "has_specialists": specialists}
            for school, day, specialists in [*TRANSITIONS, (LEFT, date(YEAR, 3, 1), "да")]
        ],
    )
    write_template(
        out / "Дорожная карта - Север.xlsx",
        "plan_item",
        [{"programme": SHORT, "item_code": "1", "name": "Совещания", "done_on": day} for day in MEETINGS],
    )
    return out


@pytest.fixture(scope="module")
def warehouse(project: Path, inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    add_programme(project)
    change_target(project)
    home = tmp_path_factory.mktemp("home")
    yield Warehouse(home, run_of(project, home, inbox, YEAR))
    call(home, ASK_SECONDS, "down")


def values(warehouse: Warehouse, indicator: str) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of an indicator by period and territory."""
    rows = warehouse.ask(f"""
        select programme_code, period, territory_code, numerator, denominator, target, status
        from marts.fct_indicator_value where indicator_code = '{indicator}' and year = {YEAR} and component = ''
    """)
    return {(row["period"], row["territory_code"]): row for row in rows}


def test_its_schools_are_counted_and_judged(warehouse: Warehouse) -> None:
    """Two of the four schools that are members at the end of the year: one was late, one has no specialists."""
    assert warehouse.ran.returncode == 0, warehouse.ran.stdout + warehouse.ran.stderr
    rows = values(warehouse, "N1")
    kept = {school for school, day, specialists in TRANSITIONS if day <= DEADLINE and specialists == "да"}
    assert 0 < len(kept) < len(TRANSITIONS)
    region = rows["2021", "region"]
    assert (region["programme_code"], region["numerator"], region["denominator"]) == (CODE, "2", "4")
    assert region["status"] == "met"
    schools = {code: row["numerator"] for (_, code), row in rows.items() if len(code) == 6 and code.isdigit()}
    assert schools == {school: str(int(school in kept)) for school, *_ in TRANSITIONS}


def test_its_meetings_are_counted_by_quarter(warehouse: Warehouse) -> None:
    """Two meetings of the first quarter do not stand in for the third."""
    quarters = [(day.month - 1) // 3 + 1 for day in MEETINGS]
    rows = {period: row for (period, _), row in values(warehouse, "N2").items()}
    for quarter in range(1, 5):
        row = rows[f"{YEAR}-Q{quarter}"]
        held = quarters.count(quarter)
        assert (row["numerator"], row["denominator"]) == (str(held), "1")
        assert row["status"] == ("met" if held else "not_met")
    year = rows[str(YEAR)]
    assert (year["numerator"], year["denominator"], year["status"]) == (str(len(set(quarters))), "4", "not_met")


def test_it_stands_beside_the_others_in_the_marts(warehouse: Warehouse) -> None:
    rows = warehouse.ask(f"select programme_title from mart_programme_indicator where programme_code = '{CODE}'")
    assert {row["programme_title"] for row in rows} == {SHORT}
    programmes = warehouse.ask("select distinct programme_code from marts.fct_indicator_value")
    assert len(programmes) == 6


def test_a_changed_target_changes_the_status(warehouse: Warehouse) -> None:
    """Less than all, which the document wants, and exactly as much as the region wants now."""
    row = values(warehouse, CHANGED)[str(YEAR), "region"]
    share = Fraction(int(row["numerator"]), int(row["denominator"]))
    assert NEW_TARGET <= share < 1
    assert (Fraction(row["target"]), row["status"]) == (NEW_TARGET, "met")


def test_a_misspelt_indicator_stops_the_run_and_is_named(project: Path, warehouse: Warehouse, inbox: Path) -> None:
    before = warehouse.ask("select count(*) as n from marts.fct_indicator_value")
    wrong = {"numerator": [{"fact": "transitoin", "wen": "by"}], "every_kindd": 2}
    like = {"indicator_code": "N1"}
    add_row(project, "indicator", like, indicator_code="N3", parameters=wrong)
    add_row(project, "indicator", like, indicator_code="N4", measure="membership_share", comparator="", parameters={})
    ran = run_of(project, warehouse.home, inbox, YEAR)
    assert ran.returncode == 1
    said = ran.stdout + ran.stderr
    for problem in (
        f"{CODE} N3 неизвестный параметр every_kindd",
        f"{CODE} N3 неизвестный параметр wen",
        f"{CODE} N3 недопустимое значение fact: transitoin",
        f"{CODE} N4 неизвестное измерение membership_share",
        f"{CODE} N4 цель и сравнение не согласованы",
    ):
        assert problem in said
    assert warehouse.ask("select count(*) as n from marts.fct_indicator_value") == before
