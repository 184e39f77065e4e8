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


# What a procedure says of each school: probabilities without a factor, probabilities at each of its nodes, and the
# log-likelihood of the counts at each node.
_Said = tuple[Floats, Floats, Floats]


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
        self._known: dict[tuple[int, int, int, int, float], _Said] = {}
        self._at_school: dict[tuple[int, int, int, bool, bytes], _Said] = {}

    def probability(self, rule: Rule, assessed: tuple[Flags, Flags], columns: Sequence[int]) -> tuple[Floats, Floats]:
        """Probability of the rule for each school: with the common factor, and with independent procedures.

        ``assessed`` says what the rule may look at, for each year schools × procedures; ``columns`` are the rule's
        procedures. Only these tell of the school's factor.
        """
        said = [self._procedure(rule, column, (assessed[0][:, column], assessed[1][:, column])) for column in columns]
        if not said:
            nothing = np.zeros(len(self._years[0].n))
            return nothing, nothing
        alone, given = (np.stack([one[i] for one in said], axis=1) for i in (0, 1))
        together = average_over_factor(_of_rule(rule, given), np.sum([one[2] for one in said], axis=0))
        return np.clip(together, 0, 1), np.clip(_of_rule(rule, alone), 0, 1)

    def _procedure(self, rule: Rule, column: int, assessed: tuple[Flags, Flags]) -> _Said:
        """Of one procedure at the nodes of the school's factor: P(low) and P(low in both years)."""
        looks_back = rule.condition != TWO_PROCEDURES
        seen = np.stack(assessed).tobytes()
        key = (rule.numerator, rule.denominator, column, looks_back, seen)
        if key not in self._at_school:
            n_schools = len(assessed[0])
            exact, low = np.zeros((2, n_schools)), np.zeros((2, n_schools, len(NODES)))
            logs = np.zeros((n_schools, len(NODES)))
            for back in (0, 1) if looks_back else (0,):
                at = assessed[back]
                if at.any():
                    found = self._of_year(back, column, rule, self._lasting if looks_back else self._loading)
                    exact[back, at], low[back, at] = found[0][at], found[1][at]
                    logs[at] += found[2][at]
            # Given the factor of the procedure its two years are independent too.
            twice = np.stack([low[0], low[0] * low[1]])
            if looks_back and self._given_school is not None:
                twice, logs = _to_school(twice, logs, self._given_school)
            self._at_school[key] = np.stack([exact[0], exact[0] * exact[1]]), twice, logs
        return self._at_school[key]

    def _of_year(self, back: int, column: int, rule: Rule, loading: float) -> _Said:
        """Of one procedure of one year: P(low), at the nodes of the procedure's factor."""
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


def _to_school(low: Floats, logs: Floats, given_school: Floats) -> tuple[Floats, Floats]:
    """From nodes of the procedure's factor to nodes of the school's: probabilities and log-likelihood."""
    likelihood = np.exp(logs - logs.max(axis=1, keepdims=True))
    total = np.maximum(sum_over(likelihood, given_school), np.finfo(float).tiny)
    return np.stack([sum_over(likelihood * one, given_school) / total for one in low]), np.log(total)


def _of_rule(rule: Rule, low: Floats) -> Floats:
    return rule_probability(low[0], low[1], rule.condition, rule.min_procedures, rule.min_repeated)
