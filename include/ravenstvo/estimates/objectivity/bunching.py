"""Bunching of works at the first score of a mark: how many works stand there above a smooth distribution.

Chetty, Friedman, Olsen, Pistaferri 2011 (QJE 126) and Kleven 2016 (Annual Review of Economics 8) fit a polynomial to
the counts outside a window around the threshold and let the excess above it equal the mass missing below it. Here the
same is done by likelihood: the scores of a window are known by their sum only, so the fit is one of a smooth
distribution to grouped counts (the composite link model: Thompson, Baker 1981; Eilers 2007), the equality of both
masses holds by construction, and all borders of a scale are fitted at once.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ravenstvo.estimates.objectivity.inputs import Bunching, Scores

_STEP_LIMIT = 2.0
_FIT_STEPS = 60
_DRAW_STEPS = 6
_TILT_STEPS = 12
_TOLERANCE = 1e-6
# Replicates × units × scores of a window are some tens of megabytes.
_UNITS_AT_ONCE = 2_000

Boundary = tuple[int, int, bool]


@dataclass(frozen=True)
class Window:
    """Scores ``low``…``high`` around ``boundary``, the first score of ``mark``, both ends included."""

    boundary: int
    mark: int
    is_minimum: bool
    low: int
    high: int


@dataclass(frozen=True)
class Curve:
    """The smooth distribution of one procedure in the region.

    ``mean`` (T,) expected works by score 0…T−1; ``draws`` (R, T) the same for each replicate, each score with a
    deviation of its own as large as those seen outside windows; ``tilt`` (S, 2) how each school's
    distribution leans from the region's, ``tilt_covariance`` (S, 2, 2); ``features`` (T, 2) what the lean multiplies.
    """

    procedure_code: str
    windows: list[Window]
    mean: np.ndarray
    draws: np.ndarray
    features: np.ndarray
    tilt: np.ndarray
    tilt_covariance: np.ndarray
    seed: int

    def expected_share(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Share of the boundary among the works on it and one below, expected in each school: (S,), draws (R, S)."""
        at, below = window.boundary, window.boundary - 1
        lean = np.exp(-self.tilt @ (self.features[at] - self.features[below]))
        drawn: np.ndarray = self.draws[:, below] / self.draws[:, at]
        return 1 / (1 + self.mean[below] / self.mean[at] * lean), 1 / (1 + drawn[:, None] * lean)


def windows(boundaries: list[Boundary], n_scores: int, parameters: Bunching) -> list[Window]:
    """Windows that do not overlap: the gap between two borders is shared out by the parameters.

    Args:
        boundaries: (first score, mark, is the minimum), by score.
        n_scores: scores 0…n_scores−1.
    """
    inside = [border for border in boundaries if 0 < border[0] < n_scores]
    ends = [border[0] for border in inside] + [n_scores]
    result = []
    before, taken = 0, 0
    for position, (score, mark, is_minimum) in enumerate(inside):
        gap, next_gap = score - before, ends[position + 1] - score
        above = min(parameters.window_above, int(parameters.above_share * next_gap))
        below = min(parameters.window_below, int(np.ceil(parameters.below_share * gap)), gap - taken)
        # A window needs a score below the border: without one nothing can be moved across it.
        if below > 0:
            result.append(Window(score, mark, is_minimum, score - below, score + above))
        before, taken = score, above + 1
    return result


def curves(
    scores: dict[str, Scores], boundaries: dict[str, list[Boundary]], parameters: Bunching | None, year: int
) -> dict[str, Curve]:
    """Fit every procedure that has a scale and enough participants in the region."""
    if parameters is None:
        return {}
    result = {}
    for code, known in boundaries.items():
        one = scores.get(code)
        if one is None or int(one.counts.sum()) < parameters.min_participants_region:
            continue
        curve = fit_curve(one.counts, known, parameters, zlib.crc32(f"{year}:{code}".encode()), code)
        if curve is not None:
            result[code] = curve
    return result


def fit_curve(
    counts: np.ndarray, boundaries: list[Boundary], parameters: Bunching, seed: int, procedure_code: str = ""
) -> Curve | None:
    """The region's smooth distribution and the lean of each school; None where too few scores stay outside windows.

    Args:
        counts: (S, T) works by school and score.
        seed: of the replicates; must come from stable keys.
    """
    total = counts.sum(axis=0)
    found = windows(boundaries, len(total), parameters)
    group = groups(len(total), found)
    grouped = by_group(total, group).astype(float)
    # Half of the groups at most go into the curve: the other half show how well it fits.
    degree = min(parameters.max_degree, (len(grouped) - 1) // 2)
    if not found or degree < 2 or total.sum() == 0:
        return None
    rng = np.random.default_rng(seed)
    beta = _best_polynomial(grouped, group, len(total), degree)
    basis = polynomials(len(total), len(beta))
    mean = np.exp(basis @ beta)
    draws = _draw_curves(grouped, mean, beta, basis, group, parameters.n_replicates, rng)
    features = _lean_features(mean)
    tilt, tilt_covariance = lean(counts, mean, features, group, parameters.tilt_prior_sd)
    return Curve(procedure_code, found, mean, draws, features, tilt, tilt_covariance, seed)


def groups(n_scores: int, found: list[Window]) -> np.ndarray:
    """First score of every group, (G,): the scores of a window are counted together, any other score is by itself."""
    label = np.arange(n_scores)
    for window in found:
        label[window.low : window.high + 1] = window.low
    return np.unique(label)


def by_group(values: np.ndarray, group: np.ndarray, axis: int = -1) -> np.ndarray:
    """Sums of values by score over each group: T becomes G along the axis."""
    return np.add.reduceat(values, group, axis=axis)


def polynomials(n_scores: int, n_terms: int) -> np.ndarray:
    """Legendre polynomials 0…n_terms−1 of the score, (T, n_terms)."""
    return np.polynomial.legendre.legvander(np.linspace(-1, 1, n_scores), n_terms - 1)


def fit_grouped(
    grouped: np.ndarray, basis: np.ndarray, group: np.ndarray, start: np.ndarray, steps: int = _FIT_STEPS
) -> np.ndarray:
    """Poisson likelihood of grouped counts under a log-polynomial, by Fisher scoring.

    Args:
        grouped: (R, G) counts of R samples; basis: (T, p); group: (G,); start: (p,) or (R, p).

    Returns: coefficients (R, p).
    """
    beta = np.broadcast_to(start, (len(grouped), basis.shape[1])).copy()
    ridge = 1e-9 * np.eye(basis.shape[1])
    for _ in range(steps):
        mean = np.exp(np.clip(beta @ basis.T, -30, 30))
        expected = by_group(mean, group)
        weighted = by_group(mean[:, :, None] * basis, group, axis=1)
        gradient = np.einsum("rgp,rg->rp", weighted, grouped / expected - 1)
        information = weighted.transpose(0, 2, 1) @ (weighted / expected[:, :, None])
        scale = np.trace(information, axis1=1, axis2=2)[:, None, None]
        step = np.linalg.solve(information + ridge * scale, gradient[:, :, None])[:, :, 0]
        largest = np.abs(step @ basis.T).max(axis=1, keepdims=True)
        step *= np.minimum(1.0, _STEP_LIMIT / np.maximum(largest, _STEP_LIMIT))
        beta += step
        if largest.max() < _TOLERANCE:
            break
    return beta


def _best_polynomial(grouped: np.ndarray, group: np.ndarray, n_scores: int, max_degree: int) -> np.ndarray:
    """Coefficients (p,) of the polynomial whose degree the quasi-Bayesian criterion prefers."""
    width = np.diff(group, append=n_scores)
    guess = np.log(np.repeat(grouped / width + 0.5, width))
    fits = []
    for degree in range(2, max_degree + 1):
        basis = polynomials(n_scores, degree + 1)
        start = np.linalg.lstsq(basis, guess, rcond=None)[0]
        beta = fit_grouped(grouped[None, :], basis, group, start)[0]
        expected = by_group(np.exp(basis @ beta), group)
        deviance = 2 * np.sum(np.where(grouped > 0, grouped * np.log(np.maximum(grouped, 1) / expected), 0))
        deviance -= 2 * np.sum(grouped - expected)
        spread = np.sum((grouped - expected) ** 2 / expected) / max(1, len(grouped) - degree - 1)
        fits.append((beta, deviance, spread))
    noise = max(1.0, fits[-1][2])
    weight = np.log(len(grouped))
    best = min(range(len(fits)), key=lambda i: fits[i][1] / noise + weight * len(fits[i][0]))
    return fits[best][0]


def _draw_curves(
    grouped: np.ndarray,
    mean: np.ndarray,
    beta: np.ndarray,
    basis: np.ndarray,
    group: np.ndarray,
    n_replicates: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Replicates of the distribution, (R, T): the curve fitted anew, and each score's own deviation from it.

    Scores are not perfectly smooth: items of two points make even scores oftener, an item alone in its topic makes a
    step. The size of such relative deviations is what counts of single scores show beyond chance:
    variance = mean + δ²·mean². δ is known the worse the fewer scores there are, hence the χ² in it.
    """
    expected = by_group(mean, group)
    alone = np.diff(group, append=len(mean)) == 1
    freedom = max(1, len(grouped) - len(beta))
    squares = ((grouped - expected)[alone] ** 2).sum() * len(grouped) / freedom
    squares = squares * freedom / rng.chisquare(freedom, n_replicates)
    variance = np.maximum(0.0, squares - expected[alone].sum()) / (expected[alone] ** 2).sum()
    uneven = np.exp(np.sqrt(variance)[:, None] * rng.standard_normal((n_replicates, len(mean))))
    around = by_group(mean * uneven, group)
    drawn = np.maximum(0.0, around + rng.standard_normal(around.shape) * np.sqrt(around))
    fitted = fit_grouped(drawn, basis, group, beta, _DRAW_STEPS)
    return np.exp(np.clip(fitted @ basis.T, -30, 30)) * uneven


def _lean_features(mean: np.ndarray) -> np.ndarray:
    """Score and its square, each with mean 0 and variance 1 over the region, (T, 2)."""
    weight = mean / mean.sum()
    score = np.arange(len(mean), dtype=float)
    score = (score - weight @ score) / max(np.sqrt(weight @ (score - weight @ score) ** 2), 1e-9)
    square = score**2 - 1
    slope = weight @ (square * score)
    square = square - slope * score
    return np.column_stack([score, square / max(np.sqrt(weight @ square**2), 1e-9)])


def lean(
    counts: np.ndarray, mean: np.ndarray, features: np.ndarray, group: np.ndarray, prior_sd: float
) -> tuple[np.ndarray, np.ndarray]:
    """How the distribution of a unit leans from the region's: p(x) ∝ mean(x)·exp(θ·f(x)).

    A unit of some tens of works cannot carry a polynomial of its own, but its level and spread it can. The windows
    count by their sums here too; θ has a normal prior around the region itself.

    Args:
        counts: (U, T); mean: (T,); features: (T, 2); group: (G,).

    Returns: θ (U, 2) and its covariance (U, 2, 2).
    """
    grouped = by_group(counts, group).astype(float)
    total = grouped.sum(axis=1)
    theta = np.zeros((len(counts), 2))
    prior = np.eye(2) / prior_sd**2
    base = np.log(mean)
    for _ in range(_TILT_STEPS):
        information, gradient = _lean_moments(theta, base, features, group, grouped, total, prior)
        step = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        size = np.abs(step).max(axis=1, keepdims=True)
        theta += step * np.minimum(1.0, 1.0 / np.maximum(size, 1.0))
        if size.max(initial=0) < _TOLERANCE:
            break
    information, _ = _lean_moments(theta, base, features, group, grouped, total, prior)
    return theta, np.linalg.inv(information)


def _lean_moments(
    theta: np.ndarray,
    base: np.ndarray,
    features: np.ndarray,
    group: np.ndarray,
    grouped: np.ndarray,
    total: np.ndarray,
    prior: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    weight = base + theta @ features.T
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    share = weight / weight.sum(axis=1, keepdims=True)
    in_group = np.maximum(by_group(share, group), 1e-300)
    # Means of the features over all scores, and within each group less those.
    first, second = (by_group(share * feature, group) / in_group - (share @ feature)[:, None] for feature in features.T)
    gradient = np.column_stack([(grouped * first).sum(axis=1), (grouped * second).sum(axis=1)]) - theta @ prior
    information = np.empty((len(theta), 2, 2))
    information[:, 0, 0] = (in_group * first**2).sum(axis=1)
    information[:, 1, 1] = (in_group * second**2).sum(axis=1)
    information[:, 0, 1] = information[:, 1, 0] = (in_group * first * second).sum(axis=1)
    return total[:, None, None] * information + prior, gradient


def measured(
    fitted: dict[str, Curve], scores: dict[str, Scores], municipalities: dict[str, str], parameters: Bunching | None
) -> pd.DataFrame:
    """Rows of ``core.estimate_bunching`` but the year: the region, its municipalities and schools with enough works."""
    parts = []
    for code in sorted(fitted):
        one, curve = scores[code], fitted[code]
        assert parameters is not None
        for area in _areas(one, curve, municipalities, parameters):
            parts.append(_rows(code, area, curve, parameters))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


@dataclass(frozen=True)
class _Areas:
    """Areas of one kind: ids (U,), works by score (U, T), (participants, below the minimum, unjudged) (U, 3), lean."""

    kind: str
    ids: np.ndarray
    counts: np.ndarray
    marked: np.ndarray
    theta: np.ndarray
    covariance: np.ndarray

    def kept(self, which: np.ndarray) -> _Areas:
        """Some of them."""
        rows = (self.ids, self.counts, self.marked, self.theta, self.covariance)
        return _Areas(self.kind, *(values[which] for values in rows))


def _areas(one: Scores, curve: Curve, municipalities: dict[str, str], parameters: Bunching) -> list[_Areas]:
    """The region, and the municipalities and schools with enough works."""
    marked = np.column_stack([one.n, one.n_below, one.n_unjudged])
    place = np.array([municipalities.get(school, "") for school in one.school], dtype=object)
    names, position = np.unique(place, return_inverse=True)
    by_place = (position[None, :] == np.arange(len(names))[:, None]).astype(np.int64)
    group = groups(len(curve.mean), curve.windows)
    place_counts = by_place @ one.counts
    leans = lean(place_counts, curve.mean, curve.features, group, parameters.tilt_prior_sd)
    region = np.array([""], dtype=object)
    whole = (one.counts.sum(axis=0, keepdims=True), marked.sum(axis=0, keepdims=True))
    areas = [
        _Areas("region", region, *whole, np.zeros((1, 2)), np.zeros((1, 2, 2))),
        _Areas("municipality", names, place_counts, by_place @ marked, *leans).kept(names != ""),
        _Areas("school", one.school, one.counts, marked, curve.tilt, curve.tilt_covariance),
    ]
    enough = [area.kept(area.counts.sum(axis=1) >= parameters.min_participants_unit) for area in areas]
    return [area for area in enough if len(area.ids)]


def _rows(code: str, area: _Areas, curve: Curve, parameters: Bunching) -> pd.DataFrame:
    # Each kind of area has draws of its own: its rows do not depend on which other areas are many enough.
    rng = np.random.default_rng([curve.seed, zlib.crc32(area.kind.encode())])
    noise = rng.standard_normal((len(curve.draws), len(area.ids), 2))
    leans = area.theta + np.einsum("uab,rub->rua", _root(area.covariance), noise)
    parts = []
    for window in curve.windows:
        n_upper, expected, excess = _excess(area.counts, window, curve, area.theta, leans, rng)
        parts.append(_border(code, area, window, n_upper, expected, excess, parameters))
    return pd.concat(parts, ignore_index=True)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Lower triangular roots of 2 × 2 covariance matrices, which may be zero."""
    result = np.zeros_like(covariance)
    result[:, 0, 0] = np.sqrt(covariance[:, 0, 0])
    safe = np.where(result[:, 0, 0] > 0, result[:, 0, 0], 1.0)
    result[:, 1, 0] = covariance[:, 1, 0] / safe
    result[:, 1, 1] = np.sqrt(np.maximum(covariance[:, 1, 1] - result[:, 1, 0] ** 2, 0.0))
    return result


def _excess(
    counts: np.ndarray,
    window: Window,
    curve: Curve,
    theta: np.ndarray,
    leans: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Works from the border to the window's end (U,), expected [there, at the border itself] (U, 2), and excess (R, U).

    A replicate draws the curve, the unit's lean, and the chance of honest works falling on either side of the border.
    """
    scores = slice(window.low, window.high + 1)
    upper = np.arange(window.low, window.high + 1) >= window.boundary
    features = curve.features[scores]
    n_window = counts[:, scores].sum(axis=1)
    n_upper = counts[:, scores] @ upper.astype(np.int64)
    weight = np.log(curve.mean[scores]) + theta @ features.T
    share = np.exp(weight - weight.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    at = window.boundary - window.low
    expected = np.column_stack([n_window * share[:, upper].sum(axis=1), n_window * share[:, at]])
    region = np.log(curve.draws[:, None, scores])
    chance = np.empty(leans.shape[:2])
    for start in range(0, len(counts), _UNITS_AT_ONCE):
        some = slice(start, start + _UNITS_AT_ONCE)
        drawn = region + leans[:, some] @ features.T
        drawn = np.exp(drawn - drawn.max(axis=2, keepdims=True))
        chance[:, some] = drawn[:, :, upper].sum(axis=2) / drawn.sum(axis=2)
    return n_upper, expected, n_upper - rng.binomial(n_window, chance)


def _border(
    code: str,
    area: _Areas,
    window: Window,
    n_upper: np.ndarray,
    expected: np.ndarray,
    excess: np.ndarray,
    parameters: Bunching,
) -> pd.DataFrame:
    tail = (1 - parameters.interval_level) / 2
    low, high = np.quantile(excess, [tail, 1 - tail], axis=0)
    n_works = area.counts.sum(axis=1)
    n, n_below, n_unjudged = area.marked.T
    moved = n_upper - expected[:, 0]
    official = np.where(window.is_minimum & (n_unjudged == 0), n_below / n, np.nan)

    def corrected(lifted: np.ndarray) -> np.ndarray:
        """Nobody is taken to have been moved down: the corrected share is never under the official one."""
        return np.clip(np.round((n_below + lifted) / n, 9), official, 1.0)

    return pd.DataFrame(
        {
            "procedure_code": code,
            "area_kind": area.kind,
            "area_id": area.ids,
            "boundary": window.boundary,
            "mark": window.mark,
            "window_from": window.low,
            "window_to": window.high,
            "n": n_works,
            "n_at_boundary": area.counts[:, window.boundary],
            "n_below_boundary": area.counts[:, window.boundary - 1],
            "n_upper": n_upper,
            "expected_upper": np.round(expected[:, 0], 6),
            "excess_n": np.round(moved, 6),
            "excess_share": np.round(moved / n_works, 9),
            "excess_ratio": np.round(moved / np.maximum(expected[:, 1], 1e-9), 6),
            "ci_low": np.round(low / n_works, 9),
            "ci_high": np.round(high / n_works, 9),
            "share_below_min": official,
            "share_below_min_corrected": corrected(moved),
            "corrected_ci_low": corrected(low),
            "corrected_ci_high": corrected(high),
        }
    )
