"""The index of conditions: computed again in plain Python, and properties that hold whatever the schools."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ravenstvo.estimates.context_index import IndexRule, compute, first_component, has_enough, to_hundred

SIGNS = (-1, 1, -1, -1, 1, -1)


def rule(kind: str = "expert", n_inputs: int = 6, **changes: object) -> IndexRule:
    values: dict = {
        "kind": kind,
        "weights": (2.0, 1.0, 1.0, 3.0, 1.0, 1.0)[:n_inputs],
        "signs": SIGNS[:n_inputs],
        "max_missing": (1, 3),
        "percentiles": (1, 99),
        "min_schools": 5,
    }
    return IndexRule(**{**values, **changes})


def region(n: int = 40, n_inputs: int = 6, seed: int = 3) -> np.ndarray:
    """Schools whose inputs hang together: one hardship behind them all, and noise."""
    rng = np.random.default_rng(seed)
    hardship = rng.uniform(0, 1, (n, 1))
    values = 0.5 - 0.4 * np.array(SIGNS[:n_inputs]) * (hardship - 0.5)
    values = np.clip(values + rng.normal(0, 0.05, (n, n_inputs)), 0, 1)
    values[rng.random((n, n_inputs)) < 0.1] = np.nan
    return values


def by_hand(one: IndexRule, values: np.ndarray) -> list[float | None]:
    """The same index with nothing but sums: school by school, input by input."""
    n_inputs = values.shape[1]
    columns = [[float(x) for x in values[:, j] if not math.isnan(x)] for j in range(n_inputs)]
    raw: list[float | None] = []
    for row in values:
        given_inputs = [j for j in range(n_inputs) if not math.isnan(row[j])]
        if 3 * (n_inputs - len(given_inputs)) > n_inputs:
            raw.append(None)
            continue
        total = weight = 0.0
        for j in given_inputs:
            sd = statistics.stdev(columns[j])
            total += one.weights[j] * one.signs[j] * (row[j] - statistics.fmean(columns[j])) / sd
            weight += one.weights[j]
        raw.append(total / weight)
    known = sorted(x for x in raw if x is not None)

    def percentile(share: float) -> float:
        place = (len(known) - 1) * share
        below = math.floor(place)
        above = min(below + 1, len(known) - 1)
        return known[below] + (known[above] - known[below]) * (place - below)

    low, high = percentile(0.01), percentile(0.99)
    return [None if x is None else min(100.0, max(0.0, 100 * (x - low) / (high - low))) for x in raw]


def test_expert_index_is_what_it_is_by_hand():
    one, values = rule(), region()
    values[0] = 0.5
    values[0, :3] = np.nan
    values[1] = np.nan
    values[1, :4] = 0.5
    found = compute(one, values)
    expected = by_hand(one, values)
    assert expected[0] is None
    assert expected[1] is not None
    assert [None if math.isnan(x) else pytest.approx(x, abs=1e-9) for x in found.value] == expected
    assert found.value[~np.isnan(found.value)].min() == 0
    assert found.value[~np.isnan(found.value)].max() == 100
    assert list(found.n_missing[:2]) == [3, 2]
    assert found.weights is not None
    assert np.abs(found.weights).sum() == pytest.approx(1)
    assert list(np.sign(found.weights)) == list(SIGNS)


@pytest.mark.parametrize(
    ("n_inputs", "n_missing", "enough"),
    [(3, 1, True), (3, 2, False), (4, 1, True), (4, 2, False), (9, 3, True), (9, 4, False), (10, 4, False)],
)
def test_a_third_may_be_missing(n_inputs: int, n_missing: int, enough: bool):
    assert bool(has_enough(np.array([n_missing]), n_inputs, (1, 3))[0]) is enough


def test_constant_input_weighs_nothing():
    values = region()
    values[:, 3] = 0.1
    found = compute(rule(), values)
    shorter = rule(n_inputs=5, weights=(2.0, 1.0, 1.0, 1.0, 1.0), signs=(-1, 1, -1, 1, -1))
    without = compute(shorter, np.delete(values, 3, 1))
    assert found.weights is not None
    assert found.weights[3] == 0
    assert found.sd[3] == 0
    both = ~np.isnan(found.value) & ~np.isnan(without.value)
    assert both.sum() > 30
    # The same weighted means; who has too few inputs differs, and with it the percentiles.
    np.testing.assert_allclose(found.raw[both], without.raw[both], atol=1e-12)


def test_input_that_nobody_has_counts_as_missing():
    values = region()
    values[:, 0] = np.nan
    found = compute(rule(), values)
    assert found.n_schools[0] == 0
    assert (found.n_missing >= 1).all()
    assert np.isfinite(found.value).any()
    values[:, 1:3] = np.nan
    assert np.isnan(compute(rule(), values).value).all()


@pytest.mark.parametrize("values", [np.full((8, 6), 0.5), np.full((8, 6), np.nan), np.zeros((0, 6)), region(4)])
@pytest.mark.parametrize("kind", ["expert", "pc1", "regression"])
def test_nothing_to_tell_schools_apart_by(values: np.ndarray, kind: str):
    found = compute(rule(kind), values, np.zeros(len(values)))
    assert found.weights is None
    assert np.isnan(found.value).all()
    assert found.value.shape == (len(values),)


def test_first_component_is_the_direction_of_most_variance():
    values = region(60)
    z = np.nan_to_num((values - np.nanmean(values, 0)) / np.nanstd(values, 0))
    # Power iteration, no library of linear algebra.
    vector = np.ones(6)
    for _ in range(2000):
        vector = z.T @ (z @ vector)
        vector /= math.sqrt(float(vector @ vector))
    found = first_component(z)
    np.testing.assert_allclose(abs(found @ vector), 1, atol=1e-9)
    assert found.sum() > 0
    np.testing.assert_allclose(first_component(z[:, ::-1]), found[::-1], atol=1e-9)


def test_first_component_is_turned_the_same_way_when_its_sum_is_nothing():
    z = np.array([[1.0, -1.0], [-1.0, 1.0], [2.0, -2.0]])
    np.testing.assert_allclose(first_component(z), [math.sqrt(0.5), -math.sqrt(0.5)])


@pytest.mark.parametrize("kind", ["pc1", "regression"])
def test_found_weights_order_schools_by_their_conditions(kind: str):
    values = region(80)
    hardship = np.nanmean((0.5 - values) * np.array(SIGNS), axis=1)
    found = compute(rule(kind), values, -hardship)
    known = ~np.isnan(found.value)
    assert np.corrcoef(found.value[known], -hardship[known])[0, 1] > 0.9


def test_regression_weights_are_the_slopes():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(50, 3))
    outcome = 2 * values[:, 0] - values[:, 1] + rng.normal(0, 0.1, 50)
    outcome[:5] = np.nan
    one = rule("regression", 3)
    found = compute(one, values, outcome)
    z = (values - values.mean(0)) / values.std(0, ddof=1) * np.array(one.signs)
    design = np.column_stack([np.ones(45), z[5:]])
    slopes = np.linalg.inv(design.T @ design) @ design.T @ outcome[5:]
    expected = slopes[1:] * np.array(one.signs)
    assert found.weights is not None
    np.testing.assert_allclose(found.weights, expected / np.abs(expected).sum(), atol=1e-9)
    # Schools without a result have an index too.
    assert np.isfinite(found.value[:5]).all()


def test_repeated_input_takes_no_slope_of_its_own():
    rng = np.random.default_rng(6)
    values = rng.normal(size=(30, 2))
    values = np.column_stack([values, values[:, 0] * 3 + 1])
    found = compute(rule("regression", 3, signs=(1, 1, 1)), values, values[:, 0] + values[:, 1])
    assert found.weights is not None
    assert found.weights[2] == 0
    assert (found.weights[:2] > 0).all()


def test_too_few_results_for_a_regression():
    values, outcome = region(), np.full(40, np.nan)
    outcome[:4] = [1, 2, 3, 4]
    assert compute(rule("regression"), values, outcome).weights is None
    assert compute(rule("regression"), values, None).weights is None


def test_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="вид весов"):
        compute(rule("magic"), region())


shares = st.one_of(st.just(np.nan), st.integers(0, 50).map(lambda x: x / 50))
tables = hnp.arrays(np.float64, st.tuples(st.integers(5, 25), st.just(6)), elements=shares)


@given(tables, st.sampled_from(["expert", "pc1"]))
def test_index_whatever_the_schools(values: np.ndarray, kind: str):
    found = compute(rule(kind), values)
    known = ~np.isnan(found.value)
    assert ((found.value[known] >= 0) & (found.value[known] <= 100)).all()
    too_little = 3 * np.isnan(values).sum(axis=1) > 6
    assert not (known & too_little).any()
    if found.weights is not None:
        assert known.any()
        assert np.abs(found.weights).sum() == pytest.approx(1)
    # Order of raw values is the order of the index.
    order = np.argsort(found.raw[known], kind="stable")
    assert (np.diff(found.value[known][order]) >= -1e-9).all()


@given(tables, st.integers(0, 5), st.floats(0.5, 20), st.floats(-5, 5))
def test_units_of_an_input_do_not_matter(values: np.ndarray, column: int, scale: float, shift: float):
    found = compute(rule(), values)
    other = values.copy()
    other[:, column] = other[:, column] * scale + shift
    again = compute(rule(), other)
    assume(found.weights is not None and again.weights is not None)
    np.testing.assert_allclose(again.raw, found.raw, atol=1e-6)


@given(tables)
def test_better_conditions_never_lower_the_raw_index(values: np.ndarray):
    """Two schools alike but for one input: the one with more of an advantage stands higher."""
    twin = np.vstack([values, np.full((5, 6), 0.5)])
    twin[-2, 1], twin[-1, 1] = 0.2, 0.9
    found = compute(rule(), twin)
    assert found.raw[-1] > found.raw[-2]


@given(hnp.arrays(np.float64, st.integers(1, 30), elements=st.one_of(st.just(np.nan), st.floats(-9, 9))))
def test_scale_is_cut_at_both_ends(raw: np.ndarray):
    value = to_hundred(raw, 10, 90)
    assert (np.isnan(raw) <= np.isnan(value)).all()
    known = value[~np.isnan(value)]
    assert not known.size or (known.min() == 0 and known.max() == pytest.approx(100))
