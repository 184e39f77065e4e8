"""What results to expect of a school in its conditions: weighted regression, each school predicted by the others.

The model follows methodology parts 1.3c and 5.2.5. Pure functions: arrays in, arrays out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

POOLED_KIND = "прочие"
"""Kinds of school that are too rare for a term of their own."""
_NOTHING = 1e-9


@dataclass(frozen=True)
class Fit:
    """A fitted model of n schools and p terms.

    ``coefficients`` and ``standard_errors`` are (p,); ``expected`` (n,) is the prediction for each school made without
    it, ``studentised`` (n,) how far its own outcome is from that, in standard errors of that difference. Both are NaN
    for a school that a term of the model rests on alone: without it there is nothing to predict from.
    """

    coefficients: Floats
    standard_errors: Floats
    r_squared: float
    expected: Floats
    studentised: Floats


def pooled_kinds(kinds: Sequence[str], min_schools: int) -> tuple[list[str], str]:
    """Kinds with the rare ones pooled, and the kind that the others are compared with: the most frequent one.

    Kinds of fewer than ``min_schools`` schools become one; if even together they are fewer, they join the base.
    """
    counts = Counter(kinds)
    pooled = [kind if counts[kind] >= min_schools else POOLED_KIND for kind in kinds]
    counts = Counter(pooled)
    n_pooled = counts.pop(POOLED_KIND, 0)
    if not counts:
        return [POOLED_KIND] * len(pooled), POOLED_KIND
    base = min(counts, key=lambda kind: (-counts[kind], kind))
    if n_pooled < min_schools:
        pooled = [base if kind == POOLED_KIND else kind for kind in pooled]
    return pooled, base


def independent_columns(design: Floats) -> list[int]:
    """Columns that are not combinations of columns before them: what can be told apart by (n, p) rows."""
    kept: list[int] = []
    basis = np.zeros((len(design), 0))
    for position in range(design.shape[1]):
        column = design[:, position].astype(np.float64)
        length = np.linalg.norm(column)
        if not length > 0:
            continue
        rest = column / length
        # Twice: once leaves rounding errors of the size that is being looked for.
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        left = np.linalg.norm(rest)
        if left > _NOTHING:
            kept.append(position)
            basis = np.column_stack([basis, rest / left])
    return kept


def fit(design: Floats, outcome: Floats, weights: Floats) -> Fit:
    """Weighted least squares with a prediction of every school by the others, in closed form.

    Args:
        design: (n, p) terms, of full rank, n > p + 1.
        outcome: (n,).
        weights: (n,) participants; the error's variance is taken to be inverse to them.

    Returns:
        The fit. Prediction without the school: y − e / (1 − h), with its residual e and leverage h. Studentised: the
        difference from that prediction by its standard error, with the error variance estimated without the school.
        Standard errors of coefficients are robust, each school a cluster of its own (HC3: by the errors of the
        predictions without the school). R² is the weighted one.
    """
    n, p = design.shape
    root = np.sqrt(weights)
    q, r = np.linalg.qr(design * root[:, None])
    target = outcome * root
    coefficients = np.linalg.solve(r, q.T @ target)
    residual = target - q @ (q.T @ target)
    left = 1.0 - (q * q).sum(axis=1)
    usable = left > _NOTHING
    without = np.divide(residual, left, out=np.full(n, np.nan), where=usable)
    centre = np.average(outcome, weights=weights)
    total = float(weights @ (outcome - centre) ** 2)
    unexplained = float(residual @ residual)
    variance = np.where(usable, (unexplained - residual * without) / (n - p - 1), np.nan)
    # An exact fit leaves nothing to measure a difference by.
    variance[~(variance > 1e-15 * max(total, unexplained))] = np.nan
    studentised = without * np.sqrt(np.where(usable, left, np.nan) / variance)
    inverse = np.linalg.inv(r)
    influence = inverse @ (q * np.nan_to_num(without)[:, None]).T
    return Fit(
        coefficients=coefficients,
        standard_errors=np.sqrt((influence**2).sum(axis=1)),
        r_squared=1.0 - unexplained / total if total > 0 else float("nan"),
        expected=outcome - without / root,
        studentised=studentised,
    )
