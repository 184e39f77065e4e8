"""The beta-binomial model: its formulas beside plain arithmetic, and what must hold for any counts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ravenstvo.estimates.beta_binomial import LEAST_M, Prior, fit_prior, probability_low, shrunk_share
from scipy import integrate

school = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
region = st.lists(school, min_size=1, max_size=30)
threshold = st.tuples(st.integers(1, 9), st.just(10))


def arrays(schools: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    x, n = zip(*schools, strict=True)
    return np.array(x, dtype=np.int64), np.array(n, dtype=np.int64)


def by_fractions(schools: list[tuple[int, int]]) -> tuple[Fraction, Fraction]:
    """μ and τ² in exact fractions, straight from the formula."""
    total = sum(n for _, n in schools)
    mu = Fraction(sum(x for x, _ in schools), total)
    others = len(schools) - 1
    spread = sum(n * (Fraction(x, n) - mu) ** 2 for x, n in schools)
    room = total - Fraction(sum(n * n for _, n in schools), total) - others
    return mu, max(Fraction(0), (spread - others * mu * (1 - mu)) / room) if room else Fraction(0)


@given(region)
def test_moments_are_those_of_the_formula(schools: list[tuple[int, int]]) -> None:
    prior = fit_prior(*arrays(schools))
    mu, tau2 = by_fractions(schools)
    assert prior.mu == pytest.approx(float(mu), abs=1e-15)
    assert prior.tau2 == pytest.approx(float(tau2), rel=1e-9, abs=1e-12)
    if tau2 > mu * (1 - mu) / 10**7:
        assert prior.m == pytest.approx(max(float(mu * (1 - mu) / tau2 - 1), LEAST_M), rel=1e-6)
        assert prior.alpha == pytest.approx(prior.mu * prior.m)
        assert prior.alpha + prior.beta == pytest.approx(prior.m)
    if tau2 == 0:
        assert (prior.tau2, prior.m, prior.alpha, prior.beta) == (0, None, None, None)


def test_the_variance_of_a_made_up_region_comes_back() -> None:
    """400 schools of 1 to 45 pupils whose true shares have the variance 0.0066, as in a region; 200 regions."""
    generator = np.random.default_rng(20)
    alpha, beta = 2.0, 12.0
    true = alpha * beta / (alpha + beta) ** 2 / (alpha + beta + 1)
    found = []
    for _ in range(200):
        n = generator.integers(1, 46, size=400)
        found.append(fit_prior(generator.binomial(n, generator.beta(alpha, beta, size=400)), n).tau2)
    # Three standard errors of the mean of 200 estimates.
    assert np.mean(found) == pytest.approx(true, abs=3 * np.std(found) / np.sqrt(200))


@given(region, st.randoms())
def test_the_order_of_schools_changes_nothing(schools: list[tuple[int, int]], chance: object) -> None:
    mixed = list(schools)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert fit_prior(*arrays(mixed)) == fit_prior(*arrays(schools))


@given(region, threshold)
def test_a_shrunk_share_lies_between_the_school_and_the_region(
    schools: list[tuple[int, int]], least: tuple[int, int]
) -> None:
    x, n = arrays(schools)
    prior = fit_prior(x, n)
    share, probability = shrunk_share(x, n, prior), probability_low(x, n, prior, *least)
    assert ((share >= np.minimum(x / n, prior.mu) - 1e-12) & (share <= np.maximum(x / n, prior.mu) + 1e-12)).all()
    assert ((probability >= 0) & (probability <= 1)).all()


@given(st.integers(1, 60), st.floats(0.01, 0.99), st.floats(0.2, 500), threshold)
def test_more_pupils_below_the_minimum_make_a_low_share_likelier(
    n: int, mu: float, m: float, least: tuple[int, int]
) -> None:
    x = np.arange(n + 1)
    prior = Prior(10, 100, 10, mu, mu * (1 - mu) / (m + 1), m)
    assert (np.diff(shrunk_share(x, np.full(n + 1, n), prior)) > 0).all()
    assert (np.diff(probability_low(x, np.full(n + 1, n), prior, *least)) >= -1e-12).all()


@given(st.integers(0, 30), st.integers(0, 30), st.floats(1.5, 6), st.floats(1.5, 20), threshold)
def test_the_probability_is_the_area_above_the_threshold(
    below: int, passed: int, alpha: float, beta: float, least: tuple[int, int]
) -> None:
    """Beside numerical integration of likelihood × prior, without any special function."""
    prior = Prior(10, 100, 10, alpha / (alpha + beta), 0.01, alpha + beta)
    at = least[0] / least[1]
    peak = (alpha + below - 1) / (alpha + beta + below + passed - 2)

    def density(p: float) -> float:
        return float((p / peak) ** (alpha + below - 1) * ((1 - p) / (1 - peak)) ** (beta + passed - 1))

    above, _ = integrate.quad(density, at, 1, points=[max(at, peak)], limit=200)
    under, _ = integrate.quad(density, 0, at, points=[min(at, peak)], limit=200)
    found = probability_low(np.array([below]), np.array([below + passed]), prior, *least)
    assert found[0] == pytest.approx(above / (above + under), abs=1e-6)


@pytest.mark.parametrize(
    ("schools", "share", "probability"),
    [
        # The same share everywhere; exactly the threshold counts as low, one pupil fewer does not.
        ([(3, 10), (3, 10)], 0.3, 1.0),
        ([(30, 100), (29, 100)], 0.295, 0.0),
        # Nobody below, everybody below, one school alone, one participant in each: no variance to be seen.
        ([(0, 5), (0, 40)], 0.0, 0.0),
        ([(5, 5), (7, 7)], 1.0, 1.0),
        ([(2, 5)], 0.4, 1.0),
        ([(1, 1), (0, 1), (0, 1), (0, 1)], 0.25, 0.0),
    ],
)
def test_schools_that_cannot_be_told_apart_share_the_mean_of_the_region(
    schools: list[tuple[int, int]], share: float, probability: float
) -> None:
    x, n = arrays(schools)
    prior = fit_prior(x, n)
    assert prior.m is None and prior.tau2 == 0
    assert shrunk_share(x, n, prior).tolist() == [share] * len(n)
    assert probability_low(x, n, prior, 3, 10).tolist() == [probability] * len(n)


def test_shares_further_apart_than_any_beta_keep_a_small_weight() -> None:
    x, n = arrays([(20, 20), (0, 20), (20, 20), (0, 20)])
    prior = fit_prior(x, n)
    assert prior.m == LEAST_M
    assert shrunk_share(x, n, prior) == pytest.approx([20.05 / 20.1, 0.05 / 20.1] * 2)


def test_a_region_without_schools_is_refused() -> None:
    with pytest.raises(ValueError, match="participants"):
        fit_prior(np.array([], dtype=np.int64), np.array([], dtype=np.int64))
