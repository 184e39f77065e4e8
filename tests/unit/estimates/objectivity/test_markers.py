"""Each marker fires where it was planted, stays silent on honest works, and compares exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_region import BOUNDARIES, answers, counts_of, difficulties, inputs, inputs_of, lift, region, scores_of
from ravenstvo.estimates.objectivity.bunching import curves
from ravenstvo.estimates.objectivity.inputs import Inputs, Items
from ravenstvo.estimates.objectivity.markers import all_markers, at_least, false_discovery, item_shares, spearman


def found(data: Inputs) -> pd.DataFrame:
    return all_markers(data, curves(data.scores, data.boundaries, data.bunching, data.year))


def flagged(rows: pd.DataFrame, marker: str) -> list[str]:
    if rows.empty:
        return []
    return rows[(rows.marker == marker) & rows.is_flagged].school_id.tolist()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.001, 0.5))
def test_false_discovery_flags_what_the_step_up_rule_flags(p_values: list[float], level: float) -> None:
    """Benjamini and Hochberg as published: the largest k with p(k) ≤ kα/m, and all up to it."""
    ordered = sorted(p_values)
    allowed = [p for k, p in enumerate(ordered, 1) if p <= k * level / len(ordered)]
    cut = max(allowed, default=-1.0)
    adjusted = false_discovery(np.array(p_values))
    for p, q in zip(p_values, adjusted, strict=True):
        if abs(q - level) > 1e-12:
            assert (q <= level) == (p <= cut)


@given(
    st.integers(3, 12).flatmap(
        lambda n: st.lists(
            st.tuples(st.integers(0, 4), st.one_of(st.integers(-3, 3), st.just(None))), min_size=n, max_size=n
        )
    )
)
def test_spearman_is_that_of_ranks_of_what_is_known(pairs: list[tuple[int, int | None]]) -> None:
    x = np.array([[float(a) for a, _ in pairs]])
    y = np.array([[np.nan if b is None else float(b) for _, b in pairs]])
    known = ~np.isnan(y[0])
    ranks = [pd.Series(values[0][known]).rank() for values in (x, y)]
    expected = ranks[0].corr(ranks[1]) if known.sum() > 1 and min(r.nunique() for r in ranks) > 1 else np.nan
    with np.errstate(all="ignore"):
        mine = spearman(x, y)[0]
    assert mine == pytest.approx(expected, nan_ok=True)


@given(st.integers(0, 500), st.integers(1, 500), st.integers(0, 20), st.integers(1, 20))
def test_shares_compare_as_fractions(part: int, whole: int, numerator: int, denominator: int) -> None:
    assert at_least(part, whole, numerator, denominator) == (Fraction(part, whole) >= Fraction(numerator, denominator))


def test_share_of_points_leaves_out_what_has_no_answers() -> None:
    school = np.array(["a", "b"], dtype=object)
    points, number = np.array([[4, 0, 3], [2, 0, 0]]), np.array([[4, 0, 3], [4, 0, 0]])
    items = Items("p", school, np.array([4, 4]), ["1", "2", "3"], points, number, np.array([2.0, 1.0, 1.0]))
    share, regional = item_shares(items)
    assert share[0].tolist() == pytest.approx([0.5, np.nan, 1.0], nan_ok=True)
    assert share[1].tolist() == pytest.approx([0.25, np.nan, np.nan], nan_ok=True)
    assert regional.tolist() == pytest.approx([6 / 16, np.nan, 1.0], nan_ok=True)


def test_planted_high_mean_is_found_and_confirmed_or_special_schools_are_not() -> None:
    rng = np.random.default_rng(1)
    works = region(rng, school_sd=0.0)
    for name in ("high", "confirmed", "lyceum"):
        works[name] = answers(rng, rng.normal(2.5, 0.7, 40), difficulties())
    works["small"] = answers(rng, rng.normal(2.5, 0.7, 9), difficulties())
    data = inputs_of(works)
    exam = pd.DataFrame(
        {
            "school_id": ["confirmed", "high", "x", "y", "z"],
            "procedure_code": "oge_rus",
            "exam": "oge",
            "subject": "rus",
            "grade": 9,
            "n": 20,
            "n_below": 0.0,
            "mean": [20.0, 19.0, 20.0, 25.0, 15.0],
        }
    )
    data = replace(data, counts=pd.concat([data.counts, exam]), kinds=data.kinds | {"lyceum": "лицей"})
    rows = found(data)
    # «confirmed» stands at the median of the five schools that sat the exam, «high» below it.
    assert flagged(rows, "B1") == ["high"]
    b1 = rows[rows.marker == "B1"].set_index("school_id")
    assert not {"lyceum", "small"} & set(b1.index)
    # By hand, from all works: kinds other than СОШ are few, so СОШ is compared with СОШ.
    alike = np.concatenate([works[name].sum(axis=1) for name in works if data.kinds[name] == "СОШ"])
    mean = works["high"].sum(axis=1).mean()
    z = (mean - alike.mean()) / (alike.std(ddof=1) / np.sqrt(40))
    assert b1.loc["high"].value == pytest.approx(z, abs=1e-8)


def test_planted_inverted_profile_is_found_and_a_strong_school_is_not() -> None:
    rng = np.random.default_rng(2)
    works = region(rng)
    works["inverted"] = answers(rng, rng.normal(0, 0.5, 60), 0.4 * difficulties()[::-1])
    works["strong"] = answers(rng, rng.normal(1.5, 0.5, 90), difficulties())
    works["weak"] = answers(rng, rng.normal(-1.5, 0.5, 90), difficulties())
    rows = found(inputs_of(works))
    assert flagged(rows, "B2") == ["inverted"]
    row = rows[(rows.marker == "B2") & (rows.school_id == "inverted")].iloc[0]
    details = json.loads(row.details)
    assert row.value <= -0.5
    assert details["easier_half"] < 0 < details["harder_half"]
    assert details["n_items"] == 30


def test_planted_bunching_of_a_school_is_found_at_its_border() -> None:
    rng = np.random.default_rng(3)
    works = region(rng)
    works["moved"] = answers(rng, rng.normal(-0.3, 1, 120), difficulties())
    scores = {name: given.sum(axis=1) for name, given in works.items()}
    scores["moved"] = lift(rng, scores["moved"], BOUNDARIES[0][0], 1.0)
    rows = found(inputs_of(works, scores_of(scores, 31)))
    assert flagged(rows, "B3") == ["moved"]
    row = rows[(rows.marker == "B3") & (rows.school_id == "moved")].iloc[0]
    assert json.loads(row.details)["boundary"] == BOUNDARIES[0][0]
    assert row.value == 1.0


def test_journal_mismatch_compares_both_shares_exactly() -> None:
    journal = pd.DataFrame(
        [("lowered", 10, 3, 0), ("not_quite", 100, 29, 9), ("apart", 20, 0, 2), ("few", 9, 9, 9)],
        columns=["school_id", "n", "n_lowered", "n_apart"],
    ).assign(procedure_code="vpr_rus_8")
    rows = found(inputs(journal=journal)).set_index("school_id")
    assert rows.is_flagged.to_dict() == {"lowered": True, "not_quite": False, "apart": True}
    assert rows.loc["apart", ["value", "threshold"]].tolist() == [0.1, 0.1]
    assert rows.loc["not_quite", ["value", "threshold"]].tolist() == [0.29, 0.3]
    assert rows.p_value.isna().all()
    assert rows.q_value.isna().all()


def test_fall_of_a_cohort_is_counted_in_percentiles() -> None:
    """Ten lower and ten higher works last year, the other way round this year: 75 → 25, and 25 → 75."""
    high, low = np.full(10, 8), np.full(10, 2)
    before = scores_of({"a": high, "b": low}, 9, "vpr_rus_4", 4)
    now = scores_of({"a": low, "b": high}, 9, "vpr_rus_5", 5)
    rows = found(inputs(scores={"vpr_rus_5": now}, scores_before={"vpr_rus_4": before}))
    rows = rows[rows.marker == "B5"].set_index("school_id")
    assert rows.value.to_dict() == {"a": 50.0, "b": -50.0}
    assert rows.is_flagged.to_dict() == {"a": True, "b": False}
    assert set(rows.procedure_code) == {"vpr_rus_5"}


@given(st.data())
def test_fall_compares_with_thirty_percentiles_exactly(data: st.DataObject) -> None:
    """By fractions over all pairs of works, whatever the scores are; thirty exactly is flagged."""
    last, now = (
        {school: np.array(data.draw(st.lists(st.integers(0, 4), min_size=10, max_size=12))) for school in "ab"}
        for _ in range(2)
    )

    def percentile(works: dict[str, np.ndarray], school: str) -> Fraction:
        everyone = np.concatenate(list(works.values()))
        twice = sum(2 * int((everyone < x).sum()) + int((everyone == x).sum()) for x in works[school])
        return Fraction(100 * twice, 2 * len(everyone) * len(works[school]))

    rows = found(
        inputs(
            scores={"vpr_rus_5": scores_of(now, 5, "vpr_rus_5", 5)},
            scores_before={"vpr_rus_4": scores_of(last, 5, "vpr_rus_4", 4)},
        )
    )
    rows = rows[rows.marker == "B5"].set_index("school_id")
    for school in "ab":
        fall = percentile(last, school) - percentile(now, school)
        assert rows.loc[school, "value"] == pytest.approx(float(fall), abs=1e-8)
        assert rows.loc[school, "is_flagged"] == (fall >= 30)


def test_fall_of_exactly_thirty_percentiles_is_flagged() -> None:
    """a stood wholly above b last year, 75; this year two of its works are the lowest and the rest level with b: 45."""
    last = {"a": np.full(10, 1), "b": np.zeros(10, dtype=int)}
    # (2·(2·0 + 2) + 8·(2·2 + 18)) / (2·20·10) = 180/400.
    now = {"a": np.array([0, 0] + [1] * 8), "b": np.full(10, 1)}
    rows = found(
        inputs(
            scores={"vpr_rus_5": scores_of(now, 2, "vpr_rus_5", 5)},
            scores_before={"vpr_rus_4": scores_of(last, 2, "vpr_rus_4", 4)},
        )
    )
    row = rows[(rows.marker == "B5") & (rows.school_id == "a")].iloc[0]
    assert (row.value, row.threshold, row.is_flagged) == (30.0, 30.0, True)


def test_failures_at_a_later_exam_after_none_before() -> None:
    def counts(code: str, exam: str, grade: int, rows: list[tuple[str, int, float]]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["school_id", "n", "n_below"])
        return frame.assign(procedure_code=code, exam=exam, subject="rus", grade=grade, mean=1.0)

    before = [("yes", 100, 1.0), ("not_none", 100, 2.0), ("unknown", 50, np.nan), ("few", 9, 0.0), ("passed", 50, 0.0)]
    later = [("yes", 10, 3.0), ("not_none", 10, 9.0), ("unknown", 10, 9.0), ("few", 10, 9.0), ("passed", 100, 29.0)]
    rows = found(
        inputs(
            counts_before=counts("vpr_rus_8", "vpr", 8, before),
            counts=counts("oge_rus", "oge", 9, later),
        )
    ).set_index("school_id")
    assert rows.is_flagged.to_dict() == {"yes": True, "not_none": False, "passed": False}
    assert set(rows.procedure_code) == {"vpr_rus_8"}
    assert json.loads(rows.loc["yes", "details"])["later"] == "oge_rus"


def test_no_failures_is_a_binomial_tail() -> None:
    counts = pd.DataFrame(
        [("none", 60, 0.0), ("few_works", 29, 0.0), ("some", 60, 1.0), ("rest", 351, 99.0)],
        columns=["school_id", "n", "n_below"],
    ).assign(procedure_code="vpr_rus_8", exam="vpr", subject="rus", grade=8, mean=1.0)
    rows = found(inputs(counts=counts)).set_index("school_id")
    assert rows.is_flagged.to_dict() == {"none": True, "some": False, "rest": False}
    assert rows.loc["none", "p_value"] == pytest.approx((1 - 100 / 500) ** 60)
    assert rows.loc["some", "q_value"] == 1.0
    rare = counts.assign(n_below=[0.0, 0.0, 1.0, 48.0])
    assert found(inputs(counts=rare)).empty


def test_identical_works_of_one_class_stand_out() -> None:
    """206 classes: the 99th percentile is that of the 204th, 3 of 20; only the class above it is flagged."""
    plain = [(f"s{i}", "а", 20, 2) for i in range(198)]
    some = [(f"s{i}", "б", 20, 3) for i in range(6)]
    classes = pd.DataFrame(
        [*plain, *some, ("alike", "а", 20, 9), ("alike", "б", 20, 1)],
        columns=["school_id", "class_label", "n", "n_identical"],
    ).assign(procedure_code="vpr_rus_8")
    rows = found(inputs(classes=classes)).set_index("school_id")
    assert rows[rows.is_flagged].index.tolist() == ["alike"]
    assert set(rows.threshold) == {0.15}
    assert rows.loc["alike", "value"] == 0.45
    # Two works alike are no group yet; the school's value is that of its class with the largest share.
    assert rows.loc["s100", "value"] == 0
    assert rows.loc["s1", "value"] == 0.15
    assert json.loads(rows.loc["alike", "details"]) == {"n_identical": 9, "n_classes": 2}


@pytest.mark.slow
def test_honest_regions_are_flagged_no_oftener_than_the_level() -> None:
    """Where every school is a random draw of the region's pupils, whatever is flagged by a test is false.

    The rate of false discoveries is then the share of regions with any flag at all: not above the level, as far as
    40 regions tell (9 of 40 would be a chance of 1 in 10 000 at 0.05).
    """
    n_regions, any_flag, rows_of = 40, 0, 0
    for seed in range(n_regions):
        rows = found(inputs_of(region(np.random.default_rng(seed), school_sd=0.0)))
        tested = rows[rows.q_value.notna()]
        rows_of += len(tested)
        any_flag += bool(tested.is_flagged.any())
    assert rows_of > n_regions * 500
    assert any_flag <= 6


def test_honest_schools_of_different_levels_do_not_look_bunched_or_inverted() -> None:
    """Schools differ; neither their level nor their spread is a marker of the profile or of the borders."""
    flags = 0
    for seed in range(8):
        rows = found(inputs_of(region(np.random.default_rng(100 + seed), school_sd=0.5)))
        flags += len(flagged(rows, "B2")) + len(flagged(rows, "B3"))
    assert flags <= 1


def test_a_marker_without_a_row_in_force_is_not_computed() -> None:
    data = inputs_of(region(np.random.default_rng(5), n_schools=30))
    rules = {code: rule for code, rule in data.markers.items() if code == "B7"}
    assert set(found(replace(data, markers=rules)).marker) == {"B7"}
    assert found(replace(data, markers={})).empty


def test_counts_of_the_helper_are_those_of_works() -> None:
    scores = scores_of({"a": np.array([3, 20]), "b": np.array([11, 12])}, 31)
    assert counts_of(scores).n_below.tolist() == [1.0, 1.0]
