"""The same header with another meaning: told beside the year before, without rejecting a row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ravenstvo.intake.drift import Profile, compare, find_drift
from ravenstvo.reference import drift_rules

HEADER = ["ОО", "Муниципалитет", "Код участника", "Класс", "Вариант", "1 (1б)", "Первичный балл", "Отметка", "Пол"]


def rows(n: int = 60, **changed: Any) -> list[list[Any]]:
    """Rows of a protocol; a changed column is a value or a function of the row's number."""
    names = ["school", "municipality", "code", "class_label", "variant", "item", "score", "mark", "sex"]
    usual: dict[str, Any] = {
        "school": lambda i: f"sch22000{i % 3}",
        "municipality": lambda i: ("Район", "Город")[i % 2],
        "code": lambda i: 50_000 + i,
        "class_label": "5А",
        "variant": lambda i: i % 2 + 1,
        "item": 1,
        "score": lambda i: i % 20 + 1,
        "mark": lambda i: i % 4 + 2,
        "sex": lambda i: "мж"[i % 2],
    }
    said = {**usual, **changed}
    return [[said[name](i) if callable(said[name]) else said[name] for name in names] for i in range(n)]


def path(year: int) -> str:
    return f"{year}/5/Математика 5.xlsx"


@pytest.mark.parametrize(
    ("changed", "n", "code", "words"),
    [
        ({"sex": lambda i: "м" if i % 2 else ""}, 60, "drift_blank_share", ("Пол", "50 %", "0 %", "2022")),
        ({"variant": "первый"}, 60, "drift_numeric_share", ("Вариант", "0 %", "100 %")),
        ({"score": lambda i: (i % 20 + 1) * 50}, 60, "drift_scale", ("Первичный балл", "1000", "20")),
        ({"sex": lambda i: "муж" if i % 2 else "жен"}, 60, "drift_new_values", ("Пол", "«жен»", "100 %")),
        ({}, 20, "drift_fewer_rows", ("20", "60")),
    ],
)
def test_each_difference_is_told_with_its_numbers(intake, changed, n, code, words):
    intake.write(path(2022), [HEADER, *rows()])
    intake.write(path(2023), [HEADER, *rows(n, **changed)])
    intake.take(2023)
    assert find_drift(intake.settings) == 1
    [(found, severity, message, advice, told_of)] = intake.ask(
        "select p.code, p.severity, p.message, p.advice, f.path"
        " from ops.file_problem as p join ops.source_file as f using (file_id)"
    )
    assert (found, severity, told_of) == (code, "warning", path(2023))
    assert [word for word in words if word not in message] == []
    assert advice
    assert intake.ask("select count(*) from landing.vpr_result") == [(60 + n,)]


def test_a_newer_version_that_is_much_shorter_is_told_once(intake):
    intake.write(path(2023), [HEADER, *rows(60)])
    intake.write("2023/5/Математика 5 v2.xlsx", [HEADER, *rows(50)])
    intake.take(2023)
    assert find_drift(intake.settings) == 0
    intake.write("2023/5/Математика 5 v3.xlsx", [HEADER, *rows(39)])
    intake.take(2023)
    assert [find_drift(intake.settings) for _ in range(2)] == [1, 0]
    [(code, message)] = intake.ask("select code, message from ops.file_problem")
    assert code == "drift_fewer_rows_than_before"
    # Beside the version that it replaced, not the first one.
    assert ("39" in message, "50" in message, "60" in message, "v2" in message) == (True, True, False, True)


def test_a_usual_year_is_not_remarked_upon_and_a_second_look_finds_nothing(intake):
    for year in (2021, 2022, 2023):
        intake.write(path(year), [HEADER, *rows(60 + year % 3)])
    intake.take(2023)
    assert find_drift(intake.settings) == 0
    assert find_drift(intake.settings) == 0
    profiled = intake.ask("select count(distinct part_id) from ops.part_profile")
    assert profiled == [(3,)]


def test_a_corrected_file_is_compared_anew(intake):
    intake.write(path(2022), [HEADER, *rows()])
    intake.write(path(2023), [HEADER, *rows(sex="")])
    intake.take(2023)
    assert find_drift(intake.settings) == 1
    intake.write("2023/5/Математика 5 v2.xlsx", [HEADER, *rows()])
    intake.take(2023)
    assert find_drift(intake.settings) == 0


COUNTS = st.integers(0, 10_000)


@given(n=COUNTS, blank=COUNTS, n_before=COUNTS, blank_before=COUNTS)
def test_shares_of_blanks_are_compared_exactly(n: int, blank: int, n_before: int, blank_before: int) -> None:
    blank, blank_before = min(blank, n), min(blank_before, n_before)
    rules = drift_rules()
    codes = {
        code
        for code, _values in compare(
            Profile(n_before, blank_before, 0, None, None), Profile(n, blank, 0, None, None), rules
        )
    }
    rule = rules["blank_share"]
    expected = (
        min(n, n_before) >= rule["min_rows"]
        and 100 * blank * n_before - 100 * blank_before * n >= rule["threshold"] * n * n_before
    )
    assert ("blank_share" in codes) == expected
