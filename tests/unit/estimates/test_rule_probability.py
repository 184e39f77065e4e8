"""A rule over several procedures: beside the list of all outcomes, and the copula beside brute integration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ravenstvo.estimates.beta_binomial import Prior, fit_prior, probability_low
from ravenstvo.estimates.copula import LARGEST_CORRELATION, correlation
from ravenstvo.estimates.rule_probability import (
    BOTH,
    EITHER,
    REPEATED,
    TWO_PROCEDURES,
    Counts,
    Evidence,
    Rule,
    rule_probability,
)
from scipy import special, stats

CONDITIONS = (TWO_PROCEDURES, REPEATED, BOTH, EITHER)
chance = st.floats(0, 1)
procedures = st.lists(st.tuples(chance, chance), min_size=1, max_size=5)
rule = st.tuples(st.sampled_from(CONDITIONS), st.integers(1, 3), st.integers(1, 2))


def by_listing(chances: list[tuple[float, float]], condition: str, min_procedures: int, min_repeated: int) -> float:
    """Probability of the rule, adding up every outcome of every procedure of both years."""
    total = 0.0
    for outcome in itertools.product([False, True], repeat=2 * len(chances)):
        now, before = outcome[: len(chances)], outcome[len(chances) :]
        weight = 1.0
        for (p, q), low, low_before in zip(chances, now, before, strict=True):
            weight *= (p if low else 1 - p) * (q if low_before else 1 - q)
        two = sum(now) >= min_procedures
        repeated = sum(a and b for a, b in zip(now, before, strict=True)) >= min_repeated
        holds = {TWO_PROCEDURES: two, REPEATED: repeated, BOTH: two and repeated, EITHER: two or repeated}
        total += weight * holds[condition]
    return total


def of(chances: list[tuple[float, float]], *parameters: object) -> float:
    now, before = np.array(chances).T
    return float(rule_probability(now, now * before, *parameters))  # type: ignore[arg-type]


@settings(max_examples=60)
@given(procedures, rule)
def test_every_condition_is_the_sum_over_all_outcomes(
    chances: list[tuple[float, float]], parameters: tuple[str, int, int]
) -> None:
    assert of(chances, *parameters) == pytest.approx(by_listing(chances, *parameters), abs=1e-12)


@given(procedures, rule, st.randoms())
def test_the_order_of_procedures_changes_nothing(
    chances: list[tuple[float, float]], parameters: tuple[str, int, int], mix: object
) -> None:
    mixed = list(chances)
    mix.shuffle(mixed)  # type: ignore[attr-defined]
    assert of(mixed, *parameters) == pytest.approx(of(chances, *parameters), abs=1e-12)


@given(procedures, rule, chance)
def test_a_likelier_low_procedure_makes_the_rule_no_less_likely(
    chances: list[tuple[float, float]], parameters: tuple[str, int, int], more: float
) -> None:
    worse = [(max(chances[0][0], more), chances[0][1]), *chances[1:]]
    assert of(worse, *parameters) >= of(chances, *parameters) - 1e-12


def test_an_unknown_condition_is_refused() -> None:
    with pytest.raises(ValueError, match="thrice"):
        of([(0.5, 0.5)], "thrice", 2, 1)


def prior(mu: float, m: float) -> Prior:
    return Prior(100, 1000, round(1000 * mu), mu, mu * (1 - mu) / (m + 1), m)


def counts(pairs: list[tuple[int, int]], priors: list[Prior]) -> Counts:
    """One school."""
    x, n = np.array(pairs, dtype=np.int64).T
    return Counts(x[None, :], n[None, :], priors)


def judged(now: Counts, before: Counts, wanted: Rule, loading: float) -> tuple[float, float]:
    together, alone = Evidence((now, before), loading).probability(
        wanted, (now.n > 0, before.n > 0), range(now.n.shape[1])
    )
    return float(together[0]), float(alone[0])


PRIORS = [prior(0.08, 16), prior(0.2, 6), prior(0.33, 3.4), prior(0.03, 22)]
pair = st.integers(1, 120).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=40)
@given(st.lists(pair, min_size=4, max_size=4), st.lists(pair, min_size=4, max_size=4), rule)
def test_without_correlation_the_procedures_are_independent(
    now: list[tuple[int, int]], before: list[tuple[int, int]], parameters: tuple[str, int, int]
) -> None:
    together, alone = judged(counts(now, PRIORS), counts(before, PRIORS), Rule(3, 10, *parameters), 0.0)
    lows = [
        [
            float(probability_low(np.array([x]), np.array([n]), one, 3, 10)[0])
            for (x, n), one in zip(year, PRIORS, strict=True)
        ]
        for year in (now, before)
    ]
    assert alone == pytest.approx(by_listing(list(zip(*lows, strict=True)), *parameters), abs=1e-9)
    assert together == pytest.approx(alone, abs=1e-9)


def by_integration(pairs: list[tuple[int, int]], priors: list[Prior], loading: float) -> float:
    """Probability that both of two procedures are low: likelihoods under the bivariate normal of their scores."""
    step = 0.02
    shares, scores = [], []
    for one in priors:
        # Cells that end exactly at the threshold, and the upper tail from its own end.
        at_threshold = -special.ndtri(special.betaincc(one.alpha, one.beta, 0.3))
        score = at_threshold + step * (np.arange(-500, 500) + 0.5)
        scores.append(score[np.abs(score) < 8])
        quantile = special.betaincinv(one.alpha, one.beta, special.ndtr(scores[-1]))
        far = special.betainccinv(one.alpha, one.beta, special.ndtr(-scores[-1]))
        shares.append(np.where(scores[-1] < 0, quantile, far))
    density = stats.multivariate_normal([0, 0], [[1, loading], [loading, 1]]).pdf(
        np.dstack(np.meshgrid(*scores, indexing="ij"))
    )
    weights = [stats.binom.pmf(x, n, share) for (x, n), share in zip(pairs, shares, strict=True)]
    joint = density * weights[0][:, None] * weights[1][None, :]
    low = [share >= 0.3 for share in shares]
    return float(joint[np.ix_(*low)].sum() / joint.sum())


@pytest.mark.parametrize(
    "pairs",
    [
        [(1, 3), (1, 3)],
        [(3, 10), (5, 12)],
        [(0, 8), (4, 9)],
        [(30, 100), (22, 80)],
        # A large school far out in the tail of one prior.
        [(60, 150), (45, 150)],
        [(2, 2), (0, 200)],
    ],
)
@pytest.mark.parametrize("loading", [0.3, 0.7, 0.9])
def test_the_copula_is_the_integral_over_correlated_scores(pairs: list[tuple[int, int]], loading: float) -> None:
    for priors in (PRIORS[:2], PRIORS[1:3], PRIORS[2:]):
        nothing = counts([(0, 0), (0, 0)], priors)
        together, _ = judged(counts(pairs, priors), nothing, Rule(3, 10, TWO_PROCEDURES, 2, 1), loading)
        assert together == pytest.approx(by_integration(pairs, priors, loading), abs=2e-3)


def test_the_year_before_tells_of_the_school_too() -> None:
    """Three weak procedures last year make the one seen this year more likely to be low in both."""
    now = counts([(3, 9), (0, 0), (0, 0), (0, 0)], [prior(0.15, 8)] * 4)
    weak = counts([(4, 10), (20, 40), (20, 40), (20, 40)], [prior(0.15, 8)] * 4)
    alone_weak = counts([(4, 10), (0, 0), (0, 0), (0, 0)], [prior(0.15, 8)] * 4)
    wanted = Rule(3, 10, REPEATED, 2, 1)
    assert judged(now, weak, wanted, 0.7)[0] > judged(now, alone_weak, wanted, 0.7)[0] + 0.1
    assert judged(now, weak, wanted, 0.7)[1] == pytest.approx(judged(now, alone_weak, wanted, 0.7)[1])


def test_a_procedure_whose_schools_cannot_be_told_apart_is_low_for_all_or_for_none() -> None:
    everywhere = Prior(5, 100, 30, 0.3, 0.0, None)
    nowhere = Prior(5, 100, 29, 0.29, 0.0, None)
    now = counts([(0, 4), (9, 9)], [everywhere, nowhere])
    nothing = counts([(0, 0), (0, 0)], [everywhere, nowhere])
    assert judged(now, nothing, Rule(3, 10, TWO_PROCEDURES, 1, 1), 0.5) == (1, 1)
    assert judged(now, nothing, Rule(3, 10, TWO_PROCEDURES, 2, 1), 0.5) == (0, 0)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(pair, min_size=2, max_size=2),
    st.lists(st.tuples(st.floats(0.001, 0.999), st.floats(0.1, 1e6)), min_size=2, max_size=2),
    st.floats(0, LARGEST_CORRELATION),
)
def test_any_prior_gives_a_probability(
    pairs: list[tuple[int, int]], parameters: list[tuple[float, float]], loading: float
) -> None:
    now = counts(pairs, [prior(*one) for one in parameters])
    for found in judged(now, now, Rule(3, 10, EITHER, 2, 1), loading):
        assert 0 <= found <= 1


def region(generator: np.random.Generator, n_schools: int, loading: float) -> Counts:
    factor = generator.normal(size=(n_schools, 1))
    scores = np.sqrt(loading) * factor + np.sqrt(1 - loading) * generator.normal(size=(n_schools, 6))
    n = generator.integers(1, 60, size=scores.shape)
    n[generator.random(n.shape) < 0.2] = 0
    return Counts.of_region(generator.binomial(n, special.betaincinv(1.2, 7, special.ndtr(scores))), n)


def test_the_correlation_is_the_weighted_mean_over_pairs() -> None:
    made = region(np.random.default_rng(3), 30, 0.5)
    above = below = pairs = 0.0
    for x, n in zip(made.x, made.n, strict=True):
        for k, other_k in itertools.combinations(range(6), 2):
            if n[k] and n[other_k]:
                one, other = made.priors[k], made.priors[other_k]
                weight = n[k] / (n[k] + one.m) * n[other_k] / (n[other_k] + other.m)
                product = (x[k] / n[k] - one.mu) * (x[other_k] / n[other_k] - other.mu)
                above += weight * product / np.sqrt(one.tau2 * other.tau2)
                below, pairs = below + weight, pairs + 1
    found = correlation(made.x, made.n, made.priors)
    assert (found.n_pairs, found.rho) == (pairs, pytest.approx(np.clip(above / below, 0, 0.95)))


@pytest.mark.parametrize("loading", [0.0, 0.4, 0.8])
def test_the_correlation_of_a_made_up_region_comes_back(loading: float) -> None:
    made = [region(np.random.default_rng(seed), 400, loading) for seed in range(12)]
    found = [correlation(one.x, one.n, one.priors).loading for one in made]
    assert np.mean(found) == pytest.approx(loading, abs=0.03)


def test_without_pairs_there_is_no_correlation() -> None:
    n = np.array([[5, 0], [0, 6], [9, 0], [0, 8]])
    x = np.array([[5, 0], [0, 6], [0, 0], [0, 1]])
    made = Counts.of_region(x, n)
    found = correlation(made.x, made.n, made.priors)
    assert (found.n_pairs, found.rho, found.loading) == (0, 0, 0)
    alike = np.full((4, 2), 10), [fit_prior(np.full(4, 3), np.full(4, 10))] * 2
    assert correlation(np.full((4, 2), 3), *alike).n_pairs == 0
