"""How the true shares of one school hang together: their correlation, and a one-factor Gaussian copula with it.

A school that does badly in one procedure tends to do badly in others. Each true share keeps the Beta prior of its own
procedure, and all shares of a school lean on one unseen factor ``u`` of the school, standard normal:
``p_k = F_k⁻¹(Φ(√r·u + √(1−r)·e_k))``. Given ``u`` the procedures are independent, so a rule over several of them is
worked out at each node of ``u`` and averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from ravenstvo.estimates.beta_binomial import Floats, Ints, Prior, probability_low

# Nodes of the school's factor. Evenly spaced ones: fifteen procedures of a large school fix its factor to about 0.2,
# which is narrower than the gaps of a Gauss–Hermite rule with so many nodes.
NODES: Floats = np.linspace(-6, 6, 49)
LOG_WEIGHTS: Floats = -0.5 * NODES**2

LARGEST_CORRELATION = 0.95

# Terms of the expansion that finds r: smooth functions need few.
_TERMS = 20

# Edges of the cells of a share: even steps of the prior's normal score, for where the prior lies, and of the share
# itself, for schools far out in its tail.
_SCORES: Floats = np.linspace(-6, 6, 97)
_SHARES: Floats = np.linspace(0, 1, 41)


@dataclass(frozen=True)
class Correlation:
    """Correlation ``rho`` of true shares of different procedures of a school, from ``n_pairs`` pairs.

    ``loading`` is the r of the copula that has this correlation. It is larger: shares are skewed, scores are not.
    """

    n_pairs: int
    rho: float
    loading: float


def correlation(x: Ints, n: Ints, priors: Sequence[Prior | None]) -> Correlation:
    """Moment estimate of the correlation, pooled over all pairs of different procedures of a school.

    ``x`` and ``n`` are schools × procedures, ``n`` is 0 where a school has none; ``priors`` one for each procedure.
    With z = (p − μ)/τ the mean of z_k·z_l is the correlation itself, because chance works separately in each
    procedure; a pair weighs by the reliabilities n/(n + M) of its two shares, the inverses of the variances of z.
    Procedures whose schools cannot be told apart have no part in it. Clipped to [0, 0.95]; 0 without pairs.
    """
    known = [prior is not None and prior.m is not None for prior in priors]
    x, n = x[:, known], n[:, known]
    spread = [prior for prior in priors if prior is not None and prior.m is not None]
    counted = (n > 0).sum(axis=1)
    n_pairs = int((counted * (counted - 1) // 2).sum())
    if n_pairs == 0:
        return Correlation(0, 0.0, 0.0)
    mu, tau2, m = (np.array([getattr(prior, name) for prior in spread]) for name in ("mu", "tau2", "m"))
    weight = n / (n + m)
    scored = weight * (x / np.maximum(n, 1) - mu) / np.sqrt(tau2)
    products, pair_weight = (np.einsum("sk,sl->kl", each, each) for each in (scored, weight))
    for matrix in (products, pair_weight):
        np.fill_diagonal(matrix, 0)
    rho = float(np.clip(products.sum() / pair_weight.sum(), 0, LARGEST_CORRELATION))
    return Correlation(n_pairs, rho, _loading(rho, spread, pair_weight / pair_weight.sum()))


def _loading(rho: float, priors: Sequence[Prior], pair_weight: Floats) -> float:
    """The r at which the shares of different procedures have the mean correlation ``rho``.

    A share as a function of its normal score is expanded in Hermite polynomials (``a_kj``, their squares summing to 1);
    two shares whose scores have the correlation r have the correlation Σ_j a_kj·a_lj·r^j (Mehler).
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_TERMS)
    share = np.stack([special.betaincinv(prior.alpha, prior.beta, special.ndtr(nodes)) for prior in priors])
    degrees = np.arange(1, _TERMS)
    basis = np.polynomial.hermite_e.hermevander(nodes, _TERMS - 1)[:, 1:] / np.sqrt(special.factorial(degrees))
    terms = share @ (basis * (weights / weights.sum())[:, None])
    terms /= np.sqrt((terms**2).sum(axis=1, keepdims=True))
    by_degree = np.einsum("kj,kl,lj->j", terms, pair_weight, terms)
    candidates = np.linspace(0, LARGEST_CORRELATION, 96)
    implied = (candidates[:, None] ** degrees) @ by_degree
    return float(np.interp(rho, np.maximum.accumulate(implied), candidates))


@dataclass(frozen=True)
class Conditional:
    """What a procedure says at each node of the school's factor; arrays are schools × nodes.

    ``log_likelihood`` of the school's counts (up to a constant of the school) and ``low``, the probability that the
    true share is not below the threshold given the counts and the factor.
    """

    log_likelihood: Floats
    low: Floats


@dataclass(frozen=True)
class Grid:
    """The prior of a procedure in cells of the share, one edge exactly at the threshold.

    ``share`` and ``mass`` of each cell, ``given_factor`` nodes × cells: the cell's probability at each node of the
    factor; cells from ``first_low`` on are not below the threshold.
    """

    prior: Prior
    numerator: int
    denominator: int
    share: Floats
    mass: Floats
    given_factor: Floats
    first_low: int


@lru_cache(maxsize=1024)
def make_grid(prior: Prior, numerator: int, denominator: int, loading: float) -> Grid | None:
    """Cells of the prior given the factor; ``loading`` is r of the copula. None when the prior is a point."""
    alpha, beta = prior.alpha, prior.beta
    if alpha is None or beta is None:
        return None
    threshold = numerator / denominator
    quantiles = np.where(
        _SCORES < 0,
        special.betaincinv(alpha, beta, special.ndtr(_SCORES)),
        special.betainccinv(alpha, beta, special.ndtr(-_SCORES)),
    )
    edges = np.unique(np.concatenate([quantiles[np.isfinite(quantiles)], _SHARES, [threshold]]))
    # Each tail from its own end: differences of probabilities near 1 would lose the far cells.
    below, above = special.betainc(alpha, beta, edges), special.betainc(beta, alpha, 1 - edges)
    scores = np.where(below < 0.5, special.ndtri(below), -special.ndtri(above))
    mass = _between(below, above)
    moment = _between(special.betainc(alpha + 1, beta, edges), special.betainc(beta, alpha + 1, 1 - edges))
    middle = (edges[:-1] + edges[1:]) / 2
    share = np.where(mass > 0, prior.mu * moment / np.where(mass > 0, mass, 1), middle)
    moved = (scores[None, :] - np.sqrt(loading) * NODES[:, None]) / np.sqrt(1 - loading)
    return Grid(
        prior,
        numerator,
        denominator,
        np.clip(share, edges[:-1], edges[1:]),
        mass,
        _between(special.ndtr(moved), special.ndtr(-moved)),
        int(np.searchsorted(edges, threshold)),
    )


def conditional(x: Ints, n: Ints, grid: Grid) -> Conditional:
    """Likelihood and probability of a low share at each node of the factor; ``x`` of ``n`` (> 0) for each school.

    The two sides of the threshold are scaled to the exact posterior without the factor, so that a factor without weight
    gives exactly that posterior.
    """
    share = np.clip(grid.share, 1e-300, 1 - 1e-16)
    log_likelihood = np.outer(x, np.log(share)) + np.outer(n - x, np.log1p(-share))
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    exact = probability_low(x, n, grid.prior, grid.numerator, grid.denominator)
    at = grid.first_low
    sides = []
    for side, wanted in ((slice(None, at), 1 - exact[:, None]), (slice(at, None), exact[:, None])):
        marginal = _sum_over_cells(likelihood[:, side], grid.mass[None, side])
        scale = np.where(marginal > 0, wanted / np.where(marginal > 0, marginal, 1), 0)
        sides.append(_sum_over_cells(likelihood[:, side], grid.given_factor[:, side]) * scale)
    total = sides[0] + sides[1]
    seen = total > 0
    return Conditional(
        np.log(np.where(seen, total, np.finfo(float).tiny)),
        np.where(seen, sides[1] / np.where(seen, total, 1), exact[:, None]),
    )


def _sum_over_cells(likelihood: Floats, mass: Floats) -> Floats:
    """Schools × cells by nodes × cells to schools × nodes.

    Not a matrix product of BLAS: its sums depend on how many threads share the rows, and threads that wait for a busy
    machine cost more than they save.
    """
    return np.einsum("sg,ug->su", likelihood, mass)


def _between(below: Floats, above: Floats) -> Floats:
    """Probabilities of cells (last axis) from those below and above their edges, taken in the nearer tail."""
    from_left, from_right = np.diff(below), -np.diff(above)
    return np.maximum(np.where(below[..., :-1] < 0.5, from_left, from_right), 0)
