"""An explanation is told in titles, not in codes."""

from __future__ import annotations

from ravenstvo.asking.numbers import method_numbers, status_word
from ravenstvo.asking.school import _titled


def test_counts_are_told_by_the_titles_of_procedures() -> None:
    titles = {"ege_rus": "ЕГЭ, русский язык"}
    said = _titled("ege_rus: 0 из 2 → 2 из 2; ege_new: нет → 1 из 1", titles)
    assert said == "ЕГЭ, русский язык: 0 из 2 → 2 из 2; ege_new: нет → 1 из 1"


def test_subjects_and_exams_are_told_by_their_names() -> None:
    details = {"n_sat": 2, "n_needed": 6, "n_failed": 1, "counts": {"math 2031": [1, 2]}}
    assert list(method_numbers({"kind": "stable_low", "details": details}))[1:] == [
        "    Математика, 2031: ниже минимума 1 из 2"
    ]
    details = {"place": 2, "n_schools": 9, "mean_rank": 0.1, "group_ranks": {"ege": 0.25, "own": 0.5}}
    (line,) = method_numbers({"kind": "regional_rank", "details": details})
    assert line.endswith("0,10: ЕГЭ 0,25, own 0,50")


def test_a_status_has_a_word() -> None:
    assert [status_word(one) for one in ("crisis", "met", None)] == ["кризис", "met", "—"]
