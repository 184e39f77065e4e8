"""Probability that the rule of a method holds for the true shares of a school: pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ravenstvo.estimates.beta_binomial import Floats, Ints, Prior, fit_prior, probability_low
from ravenstvo.estimates.copula import (
    LOG_WEIGHTS,
    NODES,
    Correlation,
    conditional,
    correlation,
    correlation_of_years,
    given_school,
    make_grid,
    sum_over,
)

TWO_PROCEDURES, REPEATED, BOTH, EITHER = "two_procedures", "repeated", "both", "either"

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """The rule of a method: the threshold of a procedure, and how many procedures must reach it."""

    numerator: int
    denominator: int
    condition: str
    min_procedures: int
    min_repeated: int


@dataclass(frozen=True)
class Counts:
    """Counts of one year: ``x`` of ``n`` participants below the minimum, schools × procedures.

    ``n`` is 0 where nobody took part or the minimum is not known. ``priors``: one for each procedure, None for those
    that no school has.
    """

    x: Ints
    n: Ints
    priors: Sequence[Prior | None]

    @classmethod
    def of_region(cls, x: Ints, n: Ints) -> Counts:
        """Counts of all schools of a region, with the priors fitted to them."""
        seen = n > 0
        return cls(x, n, [fit_prior(x[at, k], n[at, k]) if at.any() else None for k, at in enumerate(seen.T)])

    def take(self, schools: slice) -> Counts:
        """Some of the schools, with the priors of all."""
        return Counts(self.x[schools], self.n[schools], self.priors)


def correlations(years: tuple[Counts, Counts]) -> tuple[Correlation, Correlation]:
    """Correlation of different procedures of this year, and of the same procedure in this year and the one before."""
    now, before = ((counts.x, counts.n, counts.priors) for counts in years)
    return correlation(*now), correlation_of_years(now, before)


class Evidence:
    """What the counts of some schools say under each rule, with and without a common factor of the school.

    ``years`` are the counts of this year and of the year before, over the same schools and procedures. The procedures
    of both lean on one factor of the school, by ``loading``; the same procedure in the two years hangs together by
    ``lasting``, if that is more (see ``copula``). What is computed for one rule serves the next.
    """

    def __init__(self, years: tuple[Counts, Counts], loading: float, lasting: float = 0.0) -> None:
        self._years = years
        self._loading = loading
        self._given_school = given_school(loading, lasting)
        self._lasting = loading if self._given_school is None else lasting
        self._known: dict[tuple[int, int, int, int, float], tuple[Floats, Floats, Floats]] = {}

    def probability(self, rule: Rule, assessed: tuple[Flags, Flags], columns: Sequence[int]) -> tuple[Floats, Floats]:
        """Probability of the rule for each school: with the common factor, and with independent procedures.

        ``assessed`` says what the rule may look at, for each year schools × procedures; ``columns`` are the rule's
        procedures. Only these tell of the school's factor.
        """
        looks_back = rule.condition != TWO_PROCEDURES
        n_schools = len(self._years[0].n)
        alone = np.zeros((2, len(columns), n_schools))
        given = np.zeros((2, len(columns), n_schools, len(NODES)))
        log_likelihood = np.zeros((n_schools, len(NODES)))
        for i, column in enumerate(columns):
            exact, low = np.zeros((2, n_schools)), np.zeros((2, n_schools, len(NODES)))
            logs = np.zeros((n_schools, len(NODES)))
            for back in (0, 1) if looks_back else (0,):
                at = assessed[back][:, column]
                if at.any():
                    found = self._procedure(back, column, rule, self._lasting if looks_back else self._loading)
                    exact[back, at], low[back, at] = found[0][at], found[1][at]
                    logs[at] += found[2][at]
            alone[:, i] = exact[0], exact[0] * exact[1]
            # Given the factor of the procedure its two years are independent too.
            given[:, i], logs = self._at_school(np.stack([low[0], low[0] * low[1]]), logs, looks_back)
            log_likelihood += logs
        together = average_over_factor(_of_rule(rule, given), log_likelihood)
        return np.clip(together, 0, 1), np.clip(_of_rule(rule, alone), 0, 1)

    def _at_school(self, low: Floats, logs: Floats, looks_back: bool) -> tuple[Floats, Floats]:
        """From nodes of the procedure's factor to nodes of the school's: probabilities and log-likelihood."""
        if not looks_back or self._given_school is None:
            return low, logs
        likelihood = np.exp(logs - logs.max(axis=1, keepdims=True))
        total = np.maximum(sum_over(likelihood, self._given_school), np.finfo(float).tiny)
        return np.stack([sum_over(likelihood * one, self._given_school) / total for one in low]), np.log(total)

    def _procedure(self, back: int, column: int, rule: Rule, loading: float) -> tuple[Floats, Floats, Floats]:
        """Of one procedure: P(low) without the factor, P(low) and log-likelihood at each node of it."""
        numerator, denominator = rule.numerator, rule.denominator
        key = (back, column, numerator, denominator, loading)
        if key not in self._known:
            counts = self._years[back]
            x, n, prior = counts.x[:, column], counts.n[:, column], counts.priors[column]
            exact = np.zeros(len(n))
            low, logs = np.zeros((2, len(n), len(NODES)))
            at = n > 0
            if prior is not None and at.any():
                exact[at] = probability_low(x[at], n[at], prior, numerator, denominator)
                grid = make_grid(prior, numerator, denominator, loading)
                if grid is None:
                    low[at] = exact[at, None]
                else:
                    found = conditional(x[at], n[at], grid)
                    low[at], logs[at] = found.low, found.log_likelihood
            self._known[key] = exact, low, logs
        return self._known[key]


def rule_probability(low: Floats, repeated: Floats, condition: str, min_procedures: int, min_repeated: int) -> Floats:
    """Probability that ``condition`` holds when procedures are low independently of each other.

    ``low`` and ``repeated`` are procedures × anything: the probability that the procedure is low this year, and that it
    is low this year and the year before; 0 where it is not assessed. ``condition``: ``two_procedures`` — at least
    ``min_procedures`` low this year; ``repeated`` — at least ``min_repeated`` low in both years; ``both``; ``either``.
    Procedures are taken one after another; what is kept is the distribution of the two counts, each counted no further
    than the rule asks. Raises ValueError for other conditions.
    """
    if condition not in (TWO_PROCEDURES, REPEATED, BOTH, EITHER):
        raise ValueError(f"Unknown condition {condition}")
    # A count that the condition does not ask about is not kept.
    enough_low = 0 if condition == REPEATED else min_procedures
    enough_repeated = 0 if condition == TWO_PROCEDURES else min_repeated
    state = np.zeros((enough_low + 1, enough_repeated + 1, *low.shape[1:]))
    state[0, 0] = 1
    for once, twice in zip(low, repeated, strict=True):
        following = state * (1 - once)
        for i in range(enough_low + 1):
            for j in range(enough_repeated + 1):
                at = min(i + 1, enough_low)
                following[at, j] += state[i, j] * (once - twice)
                following[at, min(j + 1, enough_repeated)] += state[i, j] * twice
        state = following
    if condition == EITHER:
        return np.asarray(state[-1].sum(axis=0) + state[:-1, -1].sum(axis=0))
    return np.asarray(state[-1, -1])


def average_over_factor(values: Floats, log_likelihood: Floats) -> Floats:
    """Mean of ``values`` (schools × nodes) over the posterior of the school's factor.

    ``log_likelihood`` is schools × nodes: the sum over the procedures that the rule looks at.
    """
    weight = LOG_WEIGHTS + log_likelihood
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    return np.asarray((weight * values).sum(axis=1) / weight.sum(axis=1))


def _of_rule(rule: Rule, low: Floats) -> Floats:
    return rule_probability(low[0], low[1], rule.condition, rule.min_procedures, rule.min_repeated)
