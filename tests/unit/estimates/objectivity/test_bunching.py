"""The number of works moved over a border is found again in distributions where it is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_region import lift, scores_of, shipped_bunching
from ravenstvo.estimates.objectivity import bunching
from ravenstvo.estimates.objectivity.bunching import (
    Boundary,
    by_group,
    curves,
    fit_grouped,
    groups,
    measured,
    polynomials,
    windows,
)

Draw = Callable[[np.random.Generator, float, int, int], np.ndarray]
SCALES: dict[int, list[Boundary]] = {
    52: [(26, 3, True), (32, 4, False), (45, 5, False)],
    39: [(14, 3, True), (24, 4, False), (33, 5, False)],
    21: [(7, 3, True), (11, 4, False), (15, 5, False)],
    17: [(6, 3, True), (10, 4, False), (14, 5, False)],
}


def mixture(rng: np.random.Generator, level: float, n: int, n_scores: int) -> np.ndarray:
    """Two groups of pupils in every school."""
    ability = level + rng.normal(0, 0.8, n) + np.where(rng.random(n) < 0.3, -0.8, 0.3)
    return rng.binomial(n_scores - 1, 1 / (1 + np.exp(-ability)))


def skewed(rng: np.random.Generator, level: float, n: int, n_scores: int) -> np.ndarray:
    """Most pupils are good, a long tail is not."""
    ability = level + 1.0 - rng.gamma(1.5, 0.8, n)
    return rng.binomial(n_scores - 1, 1 / (1 + np.exp(-ability)))


def spiky(rng: np.random.Generator, level: float, n: int, n_scores: int) -> np.ndarray:
    """Items of two points: some odd scores are even instead."""
    score = rng.binomial(n_scores - 1, 1 / (1 + np.exp(-(level + rng.normal(0, 0.9, n)))))
    return np.where((score % 2 == 1) & (rng.random(n) < 0.15), score - 1, score)


def simulate(draw: Draw, n_scores: int, share: float, seed: int) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows at the minimum of a region where ``share`` of works 1–3 points below each border were moved onto it, and
    the true number moved onto the minimum, by school ("" is the region).
    """
    rng = np.random.default_rng(seed)
    boundaries = SCALES[n_scores]
    schools, moved = {}, {}
    for i in range(150):
        score = draw(rng, rng.normal(0, 0.35), int(rng.integers(20, 90)), n_scores)
        for border, _, is_minimum in reversed(boundaries):
            lifted = lift(rng, score, border, share)
            if is_minimum:
                moved[f"s{i:03d}"] = int((lifted != score).sum())
            score = lifted
        schools[f"s{i:03d}"] = score
    moved[""] = sum(moved.values())
    one = scores_of(schools, n_scores, minimum=boundaries[0][0])
    parameters = shipped_bunching()
    fitted = curves({"vpr_rus_8": one}, {"vpr_rus_8": boundaries}, parameters, seed)
    rows = measured(fitted, {"vpr_rus_8": one}, {}, parameters)
    return rows[rows.boundary == boundaries[0][0]], moved


@pytest.mark.slow(seconds=25)
@pytest.mark.parametrize("draw", [mixture, skewed, spiky])
@pytest.mark.parametrize("n_scores", SCALES)
def test_number_of_moved_works_lies_in_its_interval(draw: Draw, n_scores: int) -> None:
    """In at least nine of ten of 60 simulations, for the region and its schools.

    In turn nobody, a fifth and four fifths of the works below each border are moved.
    """
    covered, errors, schools, school_errors = [], [], [], []
    for seed in range(60):
        rows, moved = simulate(draw, n_scores, (0.0, 0.2, 0.8)[seed % 3], seed)
        truth = np.array([moved[area] for area in rows.area_id])
        n = rows.n.to_numpy()
        inside = (rows.ci_low * n <= truth + 1e-6) & (truth - 1e-6 <= rows.ci_high * n)
        error = (rows.excess_n - truth) / n
        is_region = (rows.area_kind == "region").to_numpy()
        covered.extend(inside[is_region])
        errors.extend(error[is_region])
        schools.extend(inside[~is_region])
        school_errors.extend(error[~is_region])
    assert np.mean(covered) >= 0.9
    assert np.mean(schools) >= 0.9
    # Nothing is seen where nothing is: smooth distributions give less than half a work in a hundred too much. A short
    # scale has few scores outside windows and may give one in a hundred too little; uneven scores err both ways.
    most = 0.01 if draw is spiky else 0.005
    least = -0.015 if draw is spiky or n_scores < 20 else -0.005
    assert least < np.mean(errors) < most
    assert least < np.mean(school_errors) < most


def test_nobody_moved_is_about_nothing_and_many_moved_are_found() -> None:
    nobody = [simulate(mixture, 52, 0.0, seed)[0] for seed in range(5)]
    region = pd.concat(rows[rows.area_kind == "region"] for rows in nobody)
    assert (region.ci_low <= 0).sum() >= 4
    assert region.excess_share.abs().max() < 0.01
    rows, moved = simulate(mixture, 52, 0.8, 1)
    row = rows[rows.area_kind == "region"].iloc[0]
    assert row.ci_low > 0
    assert row.excess_n == pytest.approx(moved[""], rel=0.15)
    # Corrected by what was moved, the share below the minimum is that of the honest works.
    assert row.share_below_min_corrected == pytest.approx(row.share_below_min + moved[""] / row.n, abs=0.01)


def test_corrected_share_stays_between_the_official_one_and_one() -> None:
    rows, _ = simulate(skewed, 21, 0.2, 3)
    for name in ("share_below_min_corrected", "corrected_ci_low", "corrected_ci_high"):
        assert (rows[name] >= rows.share_below_min).all()
        assert (rows[name] <= 1).all()
    assert (rows.corrected_ci_low <= rows.corrected_ci_high).all()


def test_same_works_give_the_same_rows() -> None:
    first, _ = simulate(mixture, 39, 0.2, 7)
    second, _ = simulate(mixture, 39, 0.2, 7)
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_units_that_are_taken_some_at_a_time_give_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = simulate(mixture, 39, 0.2, 7)
    monkeypatch.setattr(bunching, "_UNITS_AT_ONCE", 7)
    split, _ = simulate(mixture, 39, 0.2, 7)
    assert len(whole) > 50
    pd.testing.assert_frame_equal(whole, split)


def test_too_few_works_or_no_scale_give_nothing() -> None:
    one = scores_of({"a": np.full(100, 5)}, 21)
    parameters = shipped_bunching()
    assert curves({"p": one}, {"p": SCALES[21]}, parameters, 2031) == {}
    assert curves({"p": one}, {}, parameters, 2031) == {}
    assert curves({"p": one}, {"p": SCALES[21]}, None, 2031) == {}
    assert measured({}, {"p": one}, {}, parameters).empty


@given(st.integers(5, 80).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(1, n + 5), max_size=6))))
def test_windows_lie_apart_around_their_borders(drawn: tuple[int, set[int]]) -> None:
    n_scores, borders = drawn
    found = windows(
        [(border, mark, False) for mark, border in enumerate(sorted(borders))], n_scores, shipped_bunching()
    )
    parameters = shipped_bunching()
    for window in found:
        assert 0 <= window.low < window.boundary <= window.high < n_scores
        assert window.boundary - window.low <= parameters.window_below
        assert window.high - window.boundary <= parameters.window_above
    for left, right in pairwise(found):
        assert left.high < right.low
    first = groups(n_scores, found)
    sizes = np.diff(first, append=n_scores)
    assert sizes.sum() == n_scores
    assert sorted(sizes[sizes > 1]) == sorted(w.high - w.low + 1 for w in found)
    assert by_group(np.ones(n_scores), first).tolist() == sizes.tolist()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_fit_finds_the_curve_that_made_the_counts(seed: int) -> None:
    """Counts that are exactly a cubic on the log scale, windows summed, give that cubic back."""
    rng = np.random.default_rng(seed)
    basis = polynomials(40, 4)
    beta = np.array([5.0, rng.normal(0, 0.7), rng.normal(-1.5, 0.5), rng.normal(0, 0.3)])
    found = windows(SCALES[39], 40, shipped_bunching())
    first = groups(40, found)
    counts = by_group(np.exp(basis @ beta), first)
    start = np.array([5.0, 0.0, -1.0, 0.0])
    np.testing.assert_allclose(fit_grouped(counts[None, :], basis, first, start)[0], beta, atol=1e-5)
