"""Scores of names that resemble each other: the number of a school decides before its words do."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ravenstvo.publishing.school_names import code_score, name_score, read_name
from ravenstvo.reference import school_match

WORDS = st.lists(
    st.sampled_from(["СОШ", "ООШ", "Гимназия", "с. Журавли", "имени героя", "Ольхоград", "вечерняя", "«Лесная»"]),
    min_size=1,
    max_size=4,
)
NUMBERS = st.integers(min_value=1, max_value=99)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "МБОУ «СОШ № 5»",
            "Муниципальное бюджетное общеобразовательное учреждение средняя общеобразовательная школа №5",
        ),
        ("МКОУ СОШ №05 с. Журавли", "сош 5 (с.Журавли)"),
        ("Школа-интернат «Ёлочка»", "ШКОЛА ИНТЕРНАТ елочка"),
        ("5-я гимназия", "Гимназия № 5"),
        ("CОШ N 3", "СОШ № 3"),  # a Latin letter C
    ],
)
def test_ways_to_write_one_name_are_one_name(one: str, other: str) -> None:
    assert read_name(one) == read_name(other)
    assert name_score(one, other) == 100


@given(WORDS, WORDS, NUMBERS, NUMBERS)
def test_another_number_is_never_above_the_same_number(
    words: list[str], others: list[str], number: int, another: int
) -> None:
    """Even where all words are the same, and the school with the same number has quite other words."""
    written = f"{' '.join(words)} № {number}"
    same = name_score(written, f"{' '.join(others)} № {number}")
    other = name_score(written, f"{' '.join(words)} № {another}")
    assert other < same if number != another else other == 100
    assert same >= school_match()["same_number"] > school_match()["other_number"] >= (0 if number == another else other)


@given(WORDS, NUMBERS, st.randoms(use_true_random=False))
def test_order_of_words_case_and_signs_do_not_matter(words: list[str], number: int, mixer: random.Random) -> None:
    parts = [*words, f"№ {number}"]
    written = " ".join(parts)
    mixer.shuffle(parts)
    assert name_score(written, f"МБОУ «{'  '.join(parts).upper()}».") == 100


@given(st.text(max_size=40), st.text(max_size=40))
def test_score_is_symmetric_and_within_bounds(one: str, other: str) -> None:
    score = name_score(one, other)
    assert 0 <= score <= 100
    assert score == name_score(other, one)
    assert name_score(one, other, is_other_municipality=True) <= score


def test_one_side_without_a_number_stays_below_the_same_number_with_the_same_words() -> None:
    limit = school_match()["no_number"]
    assert name_score("СОШ с. Журавли", "СОШ № 5 с. Журавли") == limit < name_score("СОШ № 5", "МОУ СОШ №5")


@pytest.mark.parametrize(("other", "is_near"), [("041020", True), ("041001", True), ("045999", False)])
def test_codes_resemble_when_one_sign_differs_or_two_are_swapped(other: str, is_near: bool) -> None:
    assert (code_score("041002", other) >= school_match()["least_code_score"]) is is_near
