"""The model of expected results: against real refits without each school, normal equations, and odd designs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ravenstvo.estimates.context_model import POOLED_KIND, fit, independent_columns, pooled_kinds


def schools(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(n), rng.normal(size=(n, p - 2)), rng.random(n) < 0.4])
    weights = rng.integers(1, 500, n).astype(float)
    outcome = design @ rng.normal(size=p) + rng.normal(0, 1, n) / np.sqrt(weights)
    return design, outcome, weights


def solve(design: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Normal equations, as the textbook has them."""
    return np.linalg.solve(design.T @ (design * weights[:, None]), design.T @ (weights * outcome))


@pytest.mark.parametrize("seed", range(4))
def test_each_school_is_predicted_by_the_others(seed: int):
    design, outcome, weights = schools(25, 5, seed)
    found = fit(design, outcome, weights)
    for i in range(len(outcome)):
        rest = np.arange(len(outcome)) != i
        coefficients = solve(design[rest], outcome[rest], weights[rest])
        assert found.expected[i] == pytest.approx(design[i] @ coefficients, abs=1e-8)
        residual = outcome[rest] - design[rest] @ coefficients
        variance = float(weights[rest] @ residual**2) / (rest.sum() - design.shape[1])
        inverse = np.linalg.inv(design[rest].T @ (design[rest] * weights[rest][:, None]))
        error = math.sqrt(variance * (1 / weights[i] + design[i] @ inverse @ design[i]))
        assert found.studentised[i] == pytest.approx((outcome[i] - found.expected[i]) / error, abs=1e-7)


def test_coefficients_errors_and_fit():
    design, outcome, weights = schools(60, 4, 11)
    found = fit(design, outcome, weights)
    coefficients = solve(design, outcome, weights)
    np.testing.assert_allclose(found.coefficients, coefficients, atol=1e-10)
    residual = outcome - design @ coefficients
    inverse = np.linalg.inv(design.T @ (design * weights[:, None]))
    leverage = weights * np.einsum("ij,jk,ik->i", design, inverse, design)
    meat = sum(
        np.outer(x, x) * (w * e / (1 - h)) ** 2 for x, w, e, h in zip(design, weights, residual, leverage, strict=True)
    )
    np.testing.assert_allclose(found.standard_errors, np.sqrt(np.diag(inverse @ meat @ inverse)), atol=1e-10)
    centre = (weights @ outcome) / weights.sum()
    total = weights @ (outcome - centre) ** 2
    assert found.r_squared == pytest.approx(1 - (weights @ residual**2) / total)


def test_studentised_residuals_have_unit_spread_when_the_model_is_right():
    rng = np.random.default_rng(2)
    design, _, weights = schools(4000, 4, 1)
    outcome = design @ np.ones(4) + rng.normal(size=4000) * 3 / np.sqrt(weights)
    spread = fit(design, outcome, weights).studentised
    assert spread.std() == pytest.approx(1, abs=0.05)
    assert abs(spread.mean()) < 0.05


def test_school_that_a_term_rests_on_alone_has_no_prediction():
    design, outcome, weights = schools(20, 3, 7)
    only = np.zeros(20)
    only[4] = 1
    found = fit(np.column_stack([design, only]), outcome, weights)
    assert np.isnan(found.expected[4])
    assert np.isnan(found.studentised[4])
    others = np.arange(20) != 4
    assert np.isfinite(found.expected[others]).all()
    np.testing.assert_allclose(found.expected[others], fit(design[others], outcome[others], weights[others]).expected)
    assert np.isfinite(found.standard_errors).all()


def test_exact_fit_has_nothing_to_measure_by():
    design, _, weights = schools(20, 3, 9)
    found = fit(design, design @ np.array([1.0, 2.0, 3.0]), weights)
    assert np.isnan(found.studentised).all()
    assert found.r_squared == pytest.approx(1)
    same = fit(design, np.zeros(20), weights)
    assert np.isnan(same.r_squared)


@given(st.integers(0, 2**32 - 1), st.integers(8, 40), st.floats(0.1, 50))
def test_scale_of_weights_and_order_of_schools_do_not_matter(seed: int, n: int, scale: float):
    design, outcome, weights = schools(n, 3, seed)
    kept = independent_columns(design)
    design = design[:, kept]
    found = fit(design, outcome, weights)
    order = np.random.default_rng(seed).permutation(n)
    again = fit(design[order], outcome[order], weights[order] * scale)
    np.testing.assert_allclose(again.expected, found.expected[order], atol=1e-6)
    np.testing.assert_allclose(again.coefficients, found.coefficients, atol=1e-6)


def test_columns_that_repeat_others_are_left_out():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 30))
    ones = np.ones(30)
    design = np.column_stack([ones, np.full(30, 7.0), a, b, a - 2 * b + 3, np.zeros(30), b * 1e6])
    assert independent_columns(design) == [0, 2, 3]
    assert independent_columns(np.zeros((5, 2))) == []


@given(st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=1, max_size=12))
def test_kept_columns_span_all_of_them(rows: list[list[int]]):
    design = np.array(rows, dtype=float)
    kept = independent_columns(design)
    assert len(kept) == np.linalg.matrix_rank(design)
    assert np.linalg.matrix_rank(design[:, kept]) == len(kept)


def test_rare_kinds_become_one():
    kinds = ["СОШ"] * 9 + ["ООШ"] * 5 + ["лицей"] * 3 + ["гимназия"] * 2 + ["НОШ"]
    pooled, base = pooled_kinds(kinds, 5)
    assert base == "СОШ"
    assert pooled == ["СОШ"] * 9 + ["ООШ"] * 5 + [POOLED_KIND] * 6


def test_rare_kinds_that_are_few_even_together_join_the_base():
    pooled, base = pooled_kinds(["ООШ"] * 6 + ["СОШ"] * 6 + ["лицей"] * 2 + ["НОШ"], 5)
    assert base == "ООШ"
    assert pooled == ["ООШ"] * 6 + ["СОШ"] * 6 + ["ООШ"] * 3


def test_all_kinds_rare():
    assert pooled_kinds(["лицей", "СОШ"], 5) == ([POOLED_KIND] * 2, POOLED_KIND)


@given(st.lists(st.sampled_from("абвгд"), min_size=1, max_size=40), st.integers(1, 8))
def test_no_kind_but_the_base_is_rare(kinds: list[str], min_schools: int):
    pooled, base = pooled_kinds(kinds, min_schools)
    assert len(pooled) == len(kinds)
    assert base in pooled
    assert all(pooled.count(kind) >= min_schools for kind in set(pooled) - {base})
