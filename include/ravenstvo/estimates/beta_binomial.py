"""Beta-binomial shrinkage of the share below the minimum: pure functions on arrays.

The true share of school ``i`` is drawn from Beta(α, β) of its procedure and year, and ``x_i`` of its ``n_i``
participants fall below the minimum by chance at that share. What the counts cannot tell apart is drawn towards the
region's mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Counts that differ more than any Beta allows (all or nobody in every school) would give M ≤ 0, which is no
# distribution. A tenth of a participant leaves such shares as they are in practice and keeps α and β positive.
LEAST_M = 0.1

# A variance that gives more is rounding of a variance of 0.
_LARGEST_M = 1e9


@dataclass(frozen=True)
class Prior:
    """Distribution of true shares over the schools of a region: mean, variance between schools, totals behind them.

    ``m`` is the weight of the prior in participants; None when the schools cannot be told apart, and then every
    school's share is taken to be ``mu``.
    """

    n_schools: int
    n_participants: int
    n_below_min: int
    mu: float
    tau2: float
    m: float | None

    @property
    def alpha(self) -> float | None:
        """First parameter of the Beta distribution."""
        return None if self.m is None else self.mu * self.m

    @property
    def beta(self) -> float | None:
        """Second parameter of the Beta distribution."""
        return None if self.m is None else (1 - self.mu) * self.m


def fit_prior(x: Ints, n: Ints) -> Prior:
    """Fit the prior by moments; ``x`` of ``n`` (> 0) participants of each school are below the minimum.

    τ² = max(0, (Σ n(p − μ)² − (K − 1) μ(1 − μ)) / (N − Σn²/N − (K − 1))), M = μ(1 − μ)/τ² − 1. The denominator is 0
    with one school, and with one participant in every school: nothing is known of the variance then, and it is taken
    as 0. Sums are exact, so the order of schools does not matter. Raises ValueError without schools.
    """
    if not len(n) or int(n.min()) < 1:
        raise ValueError("A prior needs schools with participants")
    n_schools, total, below = len(n), int(n.sum()), int(x.sum())
    mu = below / total
    spread = math.fsum(n * (x / n - mu) ** 2)
    # Times N: an integer, so that its zero is exactly zero.
    room = total * total - int((n * n).sum()) - (n_schools - 1) * total
    tau2 = max(0.0, (spread - (n_schools - 1) * mu * (1 - mu)) * total / room) if room > 0 else 0.0
    if tau2 <= mu * (1 - mu) / _LARGEST_M:
        return Prior(n_schools, total, below, mu, 0.0, None)
    return Prior(n_schools, total, below, mu, tau2, max(mu * (1 - mu) / tau2 - 1, LEAST_M))


def shrunk_share(x: Ints, n: Ints, prior: Prior) -> Floats:
    """Posterior mean of the true share, (x + α) / (n + M); the region's mean when nothing tells the schools apart."""
    if prior.m is None:
        return np.full(len(n), prior.mu)
    return np.asarray((x + prior.mu * prior.m) / (n + prior.m))


def probability_low(x: Ints, n: Ints, prior: Prior, numerator: int, denominator: int) -> Floats:
    """Posterior probability that the true share is not below the threshold ``numerator / denominator``.

    1 − I_threshold(α + x, β + n − x). Without a variance between schools it is 1 or 0, by comparing whole numbers.
    """
    if prior.alpha is None or prior.beta is None:
        is_low = prior.n_below_min * denominator >= numerator * prior.n_participants
        return np.full(len(n), float(is_low))
    above = (denominator - numerator) / denominator
    # The upper tail as the lower tail of the mirrored distribution: fifteen times quicker than betaincc, and as exact.
    return np.asarray(special.betainc(prior.beta + (n - x), prior.alpha + x, above))
