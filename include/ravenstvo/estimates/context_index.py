"""Index of a school's conditions: inputs standardised within region and year, weighted, put on a scale of 0 to 100.

The steps follow methodology part 1.3b. Pure functions: arrays in, arrays out; every number of the rule is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ravenstvo.estimates.context_model import independent_columns

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class IndexRule:
    """One version of an index: a row of the seed ``context_index``.

    ``weights`` holds the expert weight of each input, in the order of the columns of the values; other kinds find their
    own and ignore the numbers. ``signs`` says of each input whether more of it is an advantage (1) or not (−1).
    """

    kind: str
    weights: tuple[float, ...]
    signs: tuple[int, ...]
    max_missing: tuple[int, int]
    """Largest share of missing inputs with which there still is an index: numerator, denominator."""
    percentiles: tuple[float, float]
    min_schools: int


@dataclass(frozen=True)
class Index:
    """What an index came to. ``raw`` and ``value`` (n,) are NaN where there is no index.

    ``weights`` (k,) are those of standardised inputs, their absolute values add up to 1; None where no index could be
    made at all. ``mean`` and ``sd`` (k,) are the region's, NaN for an input that nobody has; ``n_schools`` (k,) counts
    schools with a value; ``n_missing`` (n,) counts the inputs that a school lacks.
    """

    raw: Floats
    value: Floats
    n_missing: npt.NDArray[np.int64]
    weights: Floats | None
    mean: Floats
    sd: Floats
    n_schools: npt.NDArray[np.int64]


def compute(rule: IndexRule, values: Floats, outcome: Floats | None = None) -> Index:
    """Compute one version of an index for the schools of a region and year.

    Args:
        rule: the version.
        values: (n, k) inputs of n schools, NaN where missing.
        outcome: (n,) results of the schools, NaN where unknown; needed by the kind ``regression``.

    Returns:
        The index; without weights (and with nothing but missing values) where too few schools have enough inputs, where
        no input varies, or where all schools come out the same.
    """
    present = ~np.isnan(values)
    n_missing = (~present).sum(axis=1)
    mean, sd = moments(values)
    z = standardise(values, mean, sd, rule.signs)
    enough = has_enough(n_missing, len(rule.signs), rule.max_missing)
    nothing = np.full(len(values), np.nan)
    found = Index(nothing, nothing, n_missing, None, mean, sd, present.sum(axis=0))
    if enough.sum() < rule.min_schools:
        return found
    weights = _weights(rule, z[enough], sd, None if outcome is None else outcome[enough])
    if weights is None:
        return found
    raw = weighted(z, weights)
    raw[~enough] = np.nan
    value = to_hundred(raw, *rule.percentiles)
    if np.isnan(value).all():
        return found
    signed = weights * np.array(rule.signs, dtype=np.float64)
    return Index(raw, value, n_missing, signed, mean, sd, found.n_schools)


def has_enough(n_missing: npt.NDArray[np.int64], n_inputs: int, max_missing: tuple[int, int]) -> Flags:
    """Which schools have enough inputs: missing ones are at most the given share, in whole numbers."""
    numerator, denominator = max_missing
    enough: Flags = denominator * n_missing <= numerator * n_inputs
    return enough


def moments(values: Floats) -> tuple[Floats, Floats]:
    """Mean and sample standard deviation of each column over the schools that have it: (k,), (k,).

    NaN where nobody has it; the deviation of a column that does not vary is exactly 0.
    """
    mean, sd = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    for column in range(values.shape[1]):
        given = values[~np.isnan(values[:, column]), column]
        if given.size:
            varies = given.min() < given.max()
            mean[column] = given.mean() if varies else given[0]
            sd[column] = given.std(ddof=1) if varies else 0.0
    return mean, sd


def standardise(values: Floats, mean: Floats, sd: Floats, signs: Sequence[int]) -> Floats:
    """Standardised inputs, larger for an advantage: (n, k), NaN where missing, 0 where the input does not vary."""
    spread = np.where(sd > 0, sd, 1.0)
    z: Floats = np.array(signs, dtype=np.float64) * (values - mean) / spread
    return z


def weighted(z: Floats, weights: Floats) -> Floats:
    """Weighted mean of the standardised inputs that a school has: (n,), NaN where it has none that weighs anything.

    The weights of missing inputs are shared out among the others: an input that is not known neither helps nor harms.
    """
    present = ~np.isnan(z)
    total = present @ np.abs(weights)
    raw = np.where(present, z, 0.0) @ weights
    return np.divide(raw, total, out=np.full(len(z), np.nan), where=total > 0)


def to_hundred(raw: Floats, low: float, high: float) -> Floats:
    """Scale of 0 (percentile ``low`` of the schools) to 100 (percentile ``high``), cut at both ends: (n,).

    Percentiles are interpolated linearly. All NaN where the two percentiles are the same.
    """
    known = raw[~np.isnan(raw)]
    if not known.size:
        return np.full(len(raw), np.nan)
    bottom, top = np.percentile(known, [low, high])
    if not top - bottom > 1e-12 * max(1.0, abs(top), abs(bottom)):
        return np.full(len(raw), np.nan)
    return np.clip(100.0 * (raw - bottom) / (top - bottom), 0.0, 100.0)


def _weights(rule: IndexRule, z: Floats, sd: Floats, outcome: Floats | None) -> Floats | None:
    """Weights of the signed standardised inputs, absolute values adding up to 1; None where there are none."""
    varies = np.nan_to_num(sd) > 0
    # A missing input stands at the region's mean while weights are being found.
    filled = np.nan_to_num(z)[:, varies]
    if not varies.any():
        return None
    if rule.kind == "expert":
        found: Floats | None = np.array(rule.weights, dtype=np.float64)[varies]
    elif rule.kind == "pc1":
        found = first_component(filled)
    elif rule.kind == "regression":
        found = None if outcome is None else slopes(filled, outcome, rule.min_schools)
    else:
        raise ValueError(f"Неизвестный вид весов индекса условий: {rule.kind}")
    if found is None or not np.abs(found).sum() > 0:
        return None
    weights = np.zeros(len(varies))
    weights[varies] = found / np.abs(found).sum()
    return weights


def first_component(z: Floats) -> Floats:
    """Loadings of the first principal component of (n, k) standardised inputs: (k,).

    Turned so that their sum is positive (an advantage counts up); where it is 0, the first one that is not.
    """
    _, vectors = np.linalg.eigh(z.T @ z)
    loadings: Floats = vectors[:, -1]
    turn = loadings.sum()
    if abs(turn) < 1e-9:
        turn = loadings[np.abs(loadings) > 1e-9][0]
    return loadings * np.sign(turn)


def slopes(z: Floats, outcome: Floats, min_schools: int) -> Floats | None:
    """Coefficients of the ordinary regression of the outcome (n,) on (n, k) inputs: (k,); 0 for a repeated input.

    None where fewer than ``min_schools`` schools have an outcome.
    """
    known = ~np.isnan(outcome)
    if known.sum() < min_schools:
        return None
    design = np.column_stack([np.ones(known.sum()), z[known]])
    kept = independent_columns(design)
    if len(kept) >= len(design):
        return None
    coefficients = np.zeros(design.shape[1])
    coefficients[kept] = np.linalg.lstsq(design[:, kept], outcome[known], rcond=None)[0]
    return coefficients[1:]
