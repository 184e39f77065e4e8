"""How indicators are told: codes as people write them, numbers in their units, rows as ranges."""

from __future__ import annotations

import csv
import datetime
import json
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ravenstvo.asking import indicator_rows
from ravenstvo.asking.indicator_lines import is_about, why_tracked
from ravenstvo.asking.indicator_rows import period_dates
from ravenstvo.asking.indicator_words import (
    folded_code,
    nearest,
    plain,
    row_numbers,
    sets_text,
    shortened,
    shown_period,
    sources_text,
    status_text,
    target_text,
    value_text,
)
from ravenstvo.reference import SEEDS
from ravenstvo.settings import PROJECT_ROOT
from ravenstvo.sources import load_sources

with (SEEDS / "indicator.csv").open(encoding="utf-8", newline="") as seed:
    INDICATORS = list(csv.DictReader(seed))
CODES = sorted({row["indicator_code"] for row in INDICATORS})


@pytest.mark.parametrize(
    ("written", "code"),
    [("t16", "T16"), ("Т16", "T16"), ("о7", "O7"), ("Р1.8а", "P1.8a"), ("П1.8б.", "P1.8b"), (" м06 ", "M06")],
)
def test_codes_are_known_however_they_are_written(written: str, code: str) -> None:
    assert folded_code(written) == folded_code(code)


def test_no_two_indicators_fold_to_one_code() -> None:
    assert len({folded_code(code) for code in CODES}) == len(CODES)


def test_nearest_codes_are_real_and_begin_with_the_best() -> None:
    assert nearest("T161", CODES)[0] == "T16"
    assert set(nearest("Р1,8", CODES)) <= set(CODES)
    assert nearest("§", CODES) == []


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.125, "доля", "12,5 %"),
        (20.0, "количество", "20"),
        (1.0, "да/нет", "да"),
        (0.0, "да/нет", "нет"),
        (-0.032, "разность долей", "-3,2 п. п."),
        (-0.224, "ст. откл.", "-0,22 ст. откл."),
        (None, "доля", "—"),
    ],
)
def test_values_are_told_in_their_unit(value: float | None, unit: str, told: str) -> None:
    assert value_text(value, unit) == told


@given(st.integers(min_value=0, max_value=10**6))
def test_whole_numbers_keep_their_zeros(count: int) -> None:
    assert plain(Decimal(count)) == plain(float(count)) == str(count)


def test_targets_are_told_in_words() -> None:
    assert target_text(Decimal("0.49"), ">=", "доля") == "не меньше 49 %"
    assert target_text(Decimal("0.10"), ">=", "доля") == "не меньше 10 %"
    assert target_text(Decimal(1), "=", "доля") == "ровно 100 %"
    assert target_text(Decimal(40), "=", "количество") == "ровно 40"
    assert target_text(Decimal(1), ">=", "да/нет") == "да"
    assert target_text(None, None, "доля") == "в тексте нет"


def test_every_comparator_unit_and_status_has_words() -> None:
    for row in INDICATORS:
        if row["target"]:
            told = target_text(Decimal(row["target"]), row["comparator"], row["unit"])
            assert row["comparator"] not in told
    assert status_text("tracked", "цели в тексте нет").endswith(": цели в тексте нет")
    assert status_text("met", "цели в тексте нет") == status_text("met")
    for status in ("met", "not_met", "no_data", "not_applicable", "ambiguous", "tracked"):
        assert not re.search("[a-z_]", status_text(status))


def test_sources_are_told_by_their_titles() -> None:
    assert sources_text(["membership"]) == f"«{load_sources()['membership'].title}»"
    assert " или " in sources_text(["oge_result|ege_result"])
    assert "«certification»" in sources_text(["certification"])
    assert sources_text(None) == ""


def test_every_set_of_the_seed_has_words() -> None:
    for row in INDICATORS:
        if row["measure"].startswith("set_"):
            parameters = json.loads(row["parameters"])
            for name in ("set", "numerator", "denominator"):
                assert not re.search("[a-z_]", sets_text(parameters.get(name, [])))


def test_every_measure_has_a_way_down_to_its_rows() -> None:
    """Deeds that it counts, registers that it rests on, or a place that is named."""
    deeds = {
        row["measure"]
        for row in INDICATORS
        if any(isinstance(one, dict) for one in json.loads(row["parameters"]).get("numerator", []))
    }
    known = deeds | indicator_rows._REGISTERS.keys() | indicator_rows._ELSEWHERE.keys() | {"group", "quality"}
    assert {row["measure"] for row in INDICATORS} <= known


@given(st.sets(st.integers(min_value=1, max_value=200), min_size=1))
def test_row_numbers_lose_no_row_and_invent_none(rows: set[int]) -> None:
    told = row_numbers(rows, 10**9)
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:–(\d+))?", told):
        found.update(range(int(first), int(last or first) + 1))
    assert found == rows
    assert told.startswith("строка ") == (len(rows) == 1)


@given(st.lists(st.text("абв", min_size=1), max_size=20), st.integers(min_value=1, max_value=12))
def test_a_shortened_list_says_how_many_are_left(items: list[str], limit: int) -> None:
    told = shortened(items, limit)
    left = int(told.rsplit(" ", 1)[1]) if "и ещё" in told else 0
    assert left == max(0, len(items) - limit)


def test_periods_are_told_and_dated() -> None:
    about = {
        "year_from": 2020,
        "year_to": 2023,
        "date_from": datetime.date(2020, 2, 1),
        "date_to": datetime.date(2023, 5, 31),
        "stages": [{"no": 2, "from": "2020-10-01", "to": "2022-12-31"}],
    }
    day = datetime.date
    assert period_dates(about, "2021", "year", 2021) == (day(2021, 1, 1), day(2021, 12, 31))
    assert period_dates(about, "2020", "year", 2020) == (day(2020, 2, 1), day(2020, 12, 31))
    assert period_dates(about, "2023", "year", 2023) == (day(2023, 1, 1), day(2023, 5, 31))
    assert period_dates(about, "2024", "year", 2024) == (day(2024, 1, 1), day(2024, 12, 31))
    assert period_dates(about, "2021-Q1", "quarter", 2021) == (day(2021, 1, 1), day(2021, 3, 31))
    assert period_dates(about, "2020-Q1", "quarter", 2020) == (day(2020, 2, 1), day(2020, 3, 31))
    assert period_dates(about, "2023-Q2", "quarter", 2023) == (day(2023, 4, 1), day(2023, 5, 31))
    assert period_dates(about, "2021-Q4", "quarter", 2021) == (day(2021, 10, 1), day(2021, 12, 31))
    assert period_dates(about, "stage-2", "stage", 2022) == (day(2020, 10, 1), day(2022, 12, 31))
    assert period_dates(about, "programme", "programme", 2023) == (day(2020, 2, 1), day(2023, 5, 31))
    assert shown_period("2021-Q3", "quarter") == "3 квартал 2021 года"
    assert shown_period("stage-2", "stage") == "Этап 2"


@pytest.mark.parametrize(
    ("code", "section", "remark", "expected"),
    [
        ("P1.8a", "road_map", "Пункты различаются кодами 1.8a и 1.8b.", True),
        ("P1.8", "road_map", "Пункты различаются кодами 1.8a и 1.8b.", False),
        ("P2.6", "road_map", "Пункта 2.6 в плане нет: после 2.5 идёт 2.7.", True),
        ("P2.1", "road_map", "Паспорт говорит одно, раздел 2.1 — другое.", False),
        ("P1.2", "road_map", "Распоряжение датировано 20.01.2020.", False),
        ("T17", "indicator", "Считаются оба прочтения (T17).", True),
        ("T1", "indicator", "Считаются оба прочтения (T17).", False),
    ],
)
def test_remarks_find_their_indicator(code: str, section: str, remark: str, expected: bool) -> None:
    about = {"indicator_code": code, "section": section, "quote": "слова", "more_quotes": []}
    assert is_about({"remark": remark, "quote": None}, about) is expected


@pytest.mark.parametrize(
    ("year", "territory", "changed", "why"),
    [
        (2021, "region", {"target": None}, "цели в тексте нет"),
        (2024, "region", {}, "год вне срока"),
        (2021, "region", {"scored_to": 2020}, "по 2020 год"),
        (2020, "region", {}, "срок ещё не наступил"),
        (2021, "school", {}, "для региона"),
        (2021, "region", {}, ""),
    ],
)
def test_what_is_not_judged_is_told_why(year: int, territory: str, changed: dict[str, object], why: str) -> None:
    about = {
        "target": Decimal("0.5"),
        "year_from": 2020,
        "year_to": 2023,
        "scored_to": None,
        "due_to": datetime.date(2021, 5, 31),
        **changed,
    }
    told = why_tracked(about, {"year": year, "territory_kind": territory})
    assert why in told
    assert bool(told) == bool(why)


def test_the_guide_names_every_measure_and_parameter_of_the_seed() -> None:
    guide = (PROJECT_ROOT / "docs" / "programmes.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", guide, flags=re.DOTALL | re.MULTILINE)))
    used = {row["measure"] for row in INDICATORS}
    for row in INDICATORS:
        parameters = json.loads(row["parameters"])
        used |= parameters.keys()
        for role in ("numerator", "denominator", "among"):
            value = parameters.get(role)
            for one in value if isinstance(value, list) else []:
                used |= {*one, one["fact"], *one.get("tags", [])} if isinstance(one, dict) else {one}
    assert used - named == set()
