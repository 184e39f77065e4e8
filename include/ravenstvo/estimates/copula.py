"""How the true shares of one school hang together: their correlations, and a Gaussian copula with them.

A school that does badly in one procedure tends to do badly in others. Each true share keeps the Beta prior of its own
procedure, and all shares of a school lean on one unseen factor ``u`` of the school, standard normal: ``p_k =
F_k⁻¹(Φ(√r·u + √(1−r)·e_k))``. Given ``u`` the procedures are independent, so a rule over several of them is worked
out at each node of ``u`` and averaged. The same procedure in two years may hang together more than that: then the two
lean on a factor ``w`` of the school's procedure, ``w = √(r/R)·u + √(1−r/R)·v_k``, with R in place of r.
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

# Below this part of R its excess over r is narrower than the gaps between nodes.
_LEAST_LASTING = 0.03

# Terms of the expansion that finds r: smooth functions need few.
_TERMS = 20

# Edges of the cells of a share: even steps of the prior's normal score, for where the prior lies, and of the share
# itself, for schools far out in its tail.
_SCORES: Floats = np.linspace(-6, 6, 97)
_SHARES: Floats = np.linspace(0, 1, 41)


@dataclass(frozen=True)
class Correlation:
    """Correlation ``rho`` of true shares of a school, from ``n_pairs`` pairs.

    ``loading`` is the correlation of scores in the copula that has this one. It is larger: shares are skewed, scores
    are not.
    """

    n_pairs: int
    rho: float
    loading: float


NO_CORRELATION = Correlation(0, 0.0, 0.0)


def correlation(x: Ints, n: Ints, priors: Sequence[Prior | None]) -> Correlation:
    """Moment estimate of the correlation, pooled over all pairs of different procedures of a school.

    ``x`` and ``n`` are schools × procedures, ``n`` is 0 where a school has none; ``priors`` one for each procedure.
    With z = (p − μ)/τ the mean of z_k·z_l is the correlation itself, because chance works separately in each
    procedure; a pair weighs by the reliabilities n/(n + M) of its two shares, the inverses of the variances of z.
    Procedures whose schools cannot be told apart have no part in it. Clipped to [0, 0.95]; 0 without pairs.
    """
    weight, scored = _scored(x, n, priors)
    counted = (weight > 0).sum(axis=1)
    pairs = [np.einsum("sk,sl->kl", each, each) for each in (scored, weight)]
    for matrix in pairs:
        np.fill_diagonal(matrix, 0)
    return _pooled(int((counted * (counted - 1) // 2).sum()), pairs[0], pairs[1], priors, priors)


def correlation_of_years(
    now: tuple[Ints, Ints, Sequence[Prior | None]], before: tuple[Ints, Ints, Sequence[Prior | None]]
) -> Correlation:
    """The same for pairs of one procedure in two years; each year has its ``x``, ``n`` and ``priors``."""
    (weight, scored), (weight_before, scored_before) = _scored(*now), _scored(*before)
    n_pairs = int(((weight > 0) & (weight_before > 0)).sum())
    products, weights = (scored * scored_before).sum(axis=0), (weight * weight_before).sum(axis=0)
    return _pooled(n_pairs, np.diag(products), np.diag(weights), now[2], before[2])


def _scored(x: Ints, n: Ints, priors: Sequence[Prior | None]) -> tuple[Floats, Floats]:
    """Reliability of each share and the share in units of τ from the mean, times it; 0 where nothing is known."""
    weight, scored = np.zeros((2, *n.shape))
    for k, prior in enumerate(priors):
        if prior is not None and prior.m is not None:
            weight[:, k] = n[:, k] / (n[:, k] + prior.m)
            scored[:, k] = weight[:, k] * (x[:, k] / np.maximum(n[:, k], 1) - prior.mu) / np.sqrt(prior.tau2)
    return weight, scored


def _pooled(
    n_pairs: int, products: Floats, weights: Floats, some: Sequence[Prior | None], others: Sequence[Prior | None]
) -> Correlation:
    """Correlation from sums of products and of weights of pairs, procedures × procedures.

    A share as a function of its score is expanded in Hermite polynomials (``a_kj``, their squares summing to 1); two
    shares whose scores have the correlation r have the correlation Σ_j a_kj·a_lj·r^j (Mehler). The loading is the r at
    which this, averaged over the pairs, is ``rho``.
    """
    if n_pairs == 0:
        return NO_CORRELATION
    rho = float(np.clip(products.sum() / weights.sum(), 0, LARGEST_CORRELATION))
    by_degree = np.einsum("kj,kl,lj->j", _expansion(some), weights / weights.sum(), _expansion(others))
    candidates = np.linspace(0, LARGEST_CORRELATION, 96)
    implied = (candidates[:, None] ** np.arange(1, _TERMS)) @ by_degree
    return Correlation(n_pairs, rho, float(np.interp(rho, np.maximum.accumulate(implied), candidates)))


def _expansion(priors: Sequence[Prior | None]) -> Floats:
    """Coefficients of each procedure's share, procedures × degrees from 1; 0 where it has no variance."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_TERMS)
    degrees = np.arange(1, _TERMS)
    basis = np.polynomial.hermite_e.hermevander(nodes, _TERMS - 1)[:, 1:] / np.sqrt(special.factorial(degrees))
    found = np.zeros((len(priors), len(degrees)))
    for k, prior in enumerate(priors):
        if prior is not None and prior.m is not None:
            terms = special.betaincinv(prior.alpha, prior.beta, special.ndtr(nodes)) @ (basis * weights[:, None])
            found[k] = terms / np.sqrt((terms**2).sum())
    return found


def given_school(loading: float, lasting: float) -> Floats | None:
    """Probabilities of the factor of a school's procedure at each node of the factor of the school, nodes × nodes.

    None when the two are one: the same procedure hangs together over the years no more than different ones do, or by
    so little that the nodes could not show it.
    """
    if lasting - loading <= _LEAST_LASTING * lasting:
        return None
    kept = loading / lasting
    weight = np.exp(-((NODES[None, :] - np.sqrt(kept) * NODES[:, None]) ** 2) / (2 * (1 - kept)))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


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
        marginal = sum_over(likelihood[:, side], grid.mass[None, side])
        scale = np.where(marginal > 0, wanted / np.where(marginal > 0, marginal, 1), 0)
        sides.append(sum_over(likelihood[:, side], grid.given_factor[:, side]) * scale)
    total = sides[0] + sides[1]
    seen = total > 0
    return Conditional(
        np.log(np.where(seen, total, np.finfo(float).tiny)),
        np.where(seen, sides[1] / np.where(seen, total, 1), exact[:, None]),
    )


def sum_over(likelihood: Floats, mass: Floats) -> Floats:
    """Sums over cells: schools × cells and nodes × cells give schools × nodes.

    Not a matrix product of BLAS: its sums depend on how many threads share the rows, and threads that wait for a busy
    machine cost more than they save.
    """
    return np.einsum("sg,ug->su", likelihood, mass)


def _between(below: Floats, above: Floats) -> Floats:
    """Probabilities of cells (last axis) from those below and above their edges, taken in the nearer tail."""
    from_left, from_right = np.diff(below), -np.diff(above)
    return np.maximum(np.where(below[..., :-1] < 0.5, from_left, from_right), 0)
