"""Rules are rows of seeds, no line of code is touched: variants of a method, a sixth programme, another target.

One region and one run for all of them; a second run meets misspelt rows, stops and names them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest
from changed_rules import add_method, add_row, copy_project, run_of, seed_rows, write_rows, write_template
from independent_methods import check_methods, results_of, verdicts_of_method
from ravenstvo.sample import generate
from running import ASK_SECONDS, Warehouse, call

#: Nothing came of the year between.
YEARS = [2021, 2023]
EXAMS = ["ege_rus", "ege_math_base", "ege_math_prof", "oge_rus", "oge_math"]

#: The sixth programme lasts for one year.
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

pytestmark = pytest.mark.slow(seconds=100)


class Stopped(NamedTuple):
    """What the run with misspelt rows said, and how many verdicts and values there were before it."""

    ran: subprocess.CompletedProcess[str]
    before: dict[str, str]


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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project") / "ravenstvo")


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("region") / "inbox"
    generate(out, seed=5, n_schools=14, years=YEARS)
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
    add_method(project, "region_25", {"threshold_numerator": 1, "threshold_denominator": 4, "procedures": EXAMS})
    add_method(project, "region_n8", {"min_participants": 8, "condition": "both"})
    add_programme(project)
    change_target(project)
    home = tmp_path_factory.mktemp("home")
    yield Warehouse(home, run_of(project, home, inbox, max(YEARS)))
    call(home, ASK_SECONDS, "down")


@pytest.fixture(scope="module")
def stopped(project: Path, warehouse: Warehouse, inbox: Path) -> Stopped:
    """The same region once more, after an analyst misspelt a method and two indicators."""
    before = counts(warehouse)
    add_method(project, "region_wrong", {"treshold": 1, "condition": "any"})
    wrong = {"numerator": [{"fact": "transitoin", "wen": "by"}], "every_kindd": 2}
    like = {"indicator_code": "N1"}
    add_row(project, "indicator", like, indicator_code="N3", parameters=wrong)
    add_row(project, "indicator", like, indicator_code="N4", measure="membership_share", comparator="", parameters={})
    return Stopped(run_of(project, warehouse.home, inbox, max(YEARS)), before)


def counts(warehouse: Warehouse) -> dict[str, str]:
    tables = ("mart_identification", "fct_indicator_value")
    return {name: warehouse.ask(f"select count(*) as n from marts.{name}")[0]["n"] for name in tables}


def test_a_variant_gives_its_own_verdicts(warehouse: Warehouse) -> None:
    assert warehouse.ran.returncode == 0, warehouse.ran.stdout + warehouse.ran.stderr
    results = results_of(warehouse)
    for year in YEARS:
        low: dict[str, bool | None] = {school: None for y, school, _ in results if y == year}
        for school in low:
            shares = [
                Fraction(result.below, result.n)
                for procedure in EXAMS
                if (result := results.get((year, school, procedure))) and result.n > 0 and result.below is not None
            ]
            low[school] = sum(share >= Fraction(1, 4) for share in shares) >= 2 if shares else None
        assert verdicts_of_method(warehouse, "region_25", year) == low
        assert {True, False} <= set(low.values())


def test_too_few_participants_are_never_low(warehouse: Warehouse) -> None:
    rows = warehouse.ask("""
        select count(*) filter (where n_participants < 8) as small,
          count(*) filter (where n_participants < 8 and is_low) as small_low, count(*) filter (where is_low) as low
        from marts.mart_identification_evidence where method_code = 'region_n8'
    """)
    assert int(rows[0]["small"]) > 0 and int(rows[0]["low"]) > 0
    assert rows[0]["small_low"] == "0"


def test_what_rests_on_a_missing_year_is_unknown(warehouse: Warehouse) -> None:
    """Nothing came of the year between: the same procedure twice in a row cannot be known, nor three years in a row."""
    last = max(YEARS)
    assert set(verdicts_of_method(warehouse, "rosobr_30_repeated", last).values()) == {None}
    assert None in set(verdicts_of_method(warehouse, "stable_low_3y", last).values())
    assert True not in set(verdicts_of_method(warehouse, "stable_low_3y", last).values())
    assert check_methods(warehouse, last)["regional_rank"] > 0
    years = warehouse.ask(f"""
        select max(years_identified) as most from marts.mart_identification
        where year = {last} and method_code = 'rosobr_30'
    """)
    assert years[0]["most"] == "1"
    changes = warehouse.ask(
        f"select count(*) as n from mart_identification_change where year = {last} and comparison = 'year'"
    )
    assert changes[0]["n"] == "0"


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


def test_a_misspelt_parameter_stops_the_run_and_is_named(warehouse: Warehouse, stopped: Stopped) -> None:
    assert stopped.ran.returncode == 1
    said = stopped.ran.stdout + stopped.ran.stderr
    assert "region_wrong" in said
    assert "неизвестный параметр treshold" in said
    assert "недопустимое значение condition: any" in said
    assert counts(warehouse) == stopped.before
    problems = warehouse.ask_inside("""
        select count(*) as n from seeds.method where method_code = 'region_wrong'
    """)
    assert problems[0]["n"] == "1"


def test_a_misspelt_indicator_stops_the_run_and_is_named(warehouse: Warehouse, stopped: Stopped) -> None:
    assert stopped.ran.returncode == 1
    said = stopped.ran.stdout + stopped.ran.stderr
    for problem in (
        f"{CODE} N3 неизвестный параметр every_kindd",
        f"{CODE} N3 неизвестный параметр wen",
        f"{CODE} N3 недопустимое значение fact: transitoin",
        f"{CODE} N4 неизвестное измерение membership_share",
        f"{CODE} N4 цель и сравнение не согласованы",
    ):
        assert problem in said
    assert counts(warehouse) == stopped.before
