"""How sure: shrunk shares, probabilities of low true shares, and the probability that a method's rule holds for them.

Reads ``core.fct_school_procedure``, ``core.dim_method`` and ``core.estimate_marker``; everything about a rule —
threshold, procedures, attempt, condition — comes from the method's row. The official verdict is not touched: these
stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from psycopg2.extensions import cursor as Cursor

from ravenstvo.estimates.beta_binomial import probability_low, shrunk_share
from ravenstvo.estimates.copula import Correlation
from ravenstvo.estimates.rule_probability import (
    BOTH,
    EITHER,
    REPEATED,
    TWO_PROCEDURES,
    Counts,
    Evidence,
    Flags,
    Rule,
    correlations,
)
from ravenstvo.estimates.tables import read, replace_year

# Schools worked on at once: procedures × schools × nodes of the factor stay within some tens of megabytes.
_BATCH = 500

# Products of matrices may differ in their last digits from machine to machine; what is stored does not.
_DECIMALS = 9

_COLUMNS = {"first": ("n_participants", "n_below_min"), "last": ("n_participants_last", "n_below_min_last")}

_METHODS = """
    select method_code, method_version, attempt, condition, min_procedures, min_repeated,
        coalesce(min_participants, 0) as min_participants, threshold_numerator, threshold_denominator, procedures,
        coalesce((parameters ->> 'exclude_flagged')::boolean, false) as exclude_flagged,
        parameters -> 'excluded_markers' as excluded_markers
    from core.dim_method
    where kind = 'low_share' and valid_from_year <= %(year)s and coalesce(valid_to_year, %(year)s) >= %(year)s
    order by method_code collate "C", method_version collate "C"
"""
_COUNTS = """
    select year, school_id, procedure_code, n_participants, n_below_min, n_participants_last, n_below_min_last
    from core.fct_school_procedure
    where year in (%(year)s, %(year)s - 1)
    order by year, school_id collate "C", procedure_code collate "C"
"""
_FLAGS = """
    select distinct year, school_id, procedure_code, marker
    from core.estimate_marker
    where is_flagged and year in (%(year)s, %(year)s - 1)
"""


@dataclass(frozen=True)
class Method:
    """A method of kind ``low_share`` in force: the columns of its row in ``dim_method``."""

    method_code: str
    method_version: str
    attempt: str
    condition: str
    min_procedures: int
    min_repeated: int
    min_participants: int
    threshold_numerator: int
    threshold_denominator: int
    procedures: list[str]
    exclude_flagged: bool
    excluded_markers: list[str] | None

    @property
    def rule(self) -> Rule:
        """The rule alone."""
        return Rule(
            self.threshold_numerator, self.threshold_denominator, self.condition, self.min_procedures, self.min_repeated
        )


@dataclass(frozen=True)
class Region:
    """Counts of this year and the year before by one attempt, over the schools and procedures of both."""

    schools: pd.Index
    procedures: pd.Index
    years: tuple[Counts, Counts]


def estimate(cursor: Cursor, year: int) -> dict[str, int]:
    """Replace the year in the four tables of shrinkage; returns their numbers of rows.

    Only attempts and thresholds of methods in force in the year are computed. The year before is fitted anew, not read
    from what was stored for it.
    """
    methods = [Method(**row) for row in read(cursor, _METHODS, year=year).to_dict("records")]
    counts = read(cursor, _COUNTS, year=year)
    flags = read(cursor, _FLAGS, year=year) if any(method.exclude_flagged for method in methods) else None
    tables: dict[str, list[pd.DataFrame]] = {
        "estimate_prior": [],
        "estimate_probability": [],
        "estimate_correlation": [],
        "estimate_rule_probability": [],
    }
    for attempt in sorted({method.attempt for method in methods}):
        of_attempt = [method for method in methods if method.attempt == attempt]
        region = _region(counts, attempt, year)
        if not any(region.years[0].priors):
            continue
        found = correlations(region.years)
        thresholds = sorted({(method.threshold_numerator, method.threshold_denominator) for method in of_attempt})
        tables["estimate_prior"].append(_prior_rows(region, attempt))
        tables["estimate_probability"] += _probability_rows(region, attempt, thresholds)
        tables["estimate_correlation"].append(_correlation_row(*found, attempt))
        tables["estimate_rule_probability"] += _rule_rows(region, of_attempt, found, flags, year)
    return {
        table: replace_year(cursor, table, year, pd.concat(frames) if frames else pd.DataFrame())
        for table, frames in tables.items()
    }


def _region(frame: pd.DataFrame, attempt: str, year: int) -> Region:
    schools, procedures = (pd.Index(frame[name].unique()).sort_values() for name in ("school_id", "procedure_code"))
    n_column, x_column = _COLUMNS[attempt]

    def of_year(wanted: int) -> Counts:
        rows = frame[(frame["year"] == wanted) & (frame[n_column] > 0) & frame[x_column].notna()]
        at = schools.get_indexer(rows["school_id"]), procedures.get_indexer(rows["procedure_code"])
        x, n = (np.zeros((len(schools), len(procedures)), dtype=np.int64) for _ in range(2))
        x[at], n[at] = rows[x_column], rows[n_column]
        return Counts.of_region(x, n)

    return Region(schools, procedures, (of_year(year), of_year(year - 1)))


def _correlation_row(procedures: Correlation, years: Correlation, attempt: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "attempt": attempt,
                "n_pairs": procedures.n_pairs,
                "rho": procedures.rho,
                "n_pairs_years": years.n_pairs,
                "rho_years": years.rho if years.n_pairs else None,
            }
        ]
    )


def _prior_rows(region: Region, attempt: str) -> pd.DataFrame:
    names = ("n_schools", "n_participants", "n_below_min", "mu", "tau2", "m", "alpha", "beta")
    return pd.DataFrame(
        [
            {"procedure_code": code, "attempt": attempt, **{name: getattr(prior, name) for name in names}}
            for code, prior in zip(region.procedures, region.years[0].priors, strict=True)
            if prior is not None
        ]
    )


def _probability_rows(region: Region, attempt: str, thresholds: list[tuple[int, int]]) -> Iterator[pd.DataFrame]:
    now = region.years[0]
    for k, (code, prior) in enumerate(zip(region.procedures, now.priors, strict=True)):
        if prior is None:
            continue
        at = now.n[:, k] > 0
        x, n = now.x[at, k], now.n[at, k]
        for numerator, denominator in thresholds:
            yield pd.DataFrame(
                {
                    "school_id": region.schools[at],
                    "procedure_code": code,
                    "attempt": attempt,
                    "threshold_numerator": numerator,
                    "threshold_denominator": denominator,
                    "shrunk_share": shrunk_share(x, n, prior),
                    "probability_low": probability_low(x, n, prior, numerator, denominator),
                }
            )


def _rule_rows(
    region: Region, methods: list[Method], found: tuple[Correlation, Correlation], flags: pd.DataFrame | None, year: int
) -> Iterator[pd.DataFrame]:
    """Probabilities of the methods' rules, for the schools for which the verdict of the rule can be known."""
    prepared = []
    for method in methods:
        columns = [k for k, code in enumerate(region.procedures) if code in set(method.procedures)]
        assessed = _assessed(region, method, flags, year)
        prepared.append((method, columns, assessed, _conditions(region.years[0], method, assessed, columns)))
    for start in range(0, len(region.schools), _BATCH):
        batch = slice(start, start + _BATCH)
        of_batch = region.years[0].take(batch), region.years[1].take(batch)
        evidence = Evidence(of_batch, found[0].loading, found[1].loading)
        for method, columns, assessed, conditions in prepared:
            enough = tuple(
                (of_year & (counts.n >= method.min_participants))[batch]
                for of_year, counts in zip(assessed, region.years, strict=True)
            )
            for condition, schools in conditions.items():
                at = schools[batch]
                if at.any():
                    together, alone = evidence.probability(
                        replace(method.rule, condition=condition), (enough[0], enough[1]), columns
                    )
                    yield pd.DataFrame(
                        {
                            "school_id": region.schools[batch][at],
                            "method_code": method.method_code,
                            "method_version": method.method_version,
                            "probability_low": together[at].round(_DECIMALS),
                            "probability_low_independent": alone[at].round(_DECIMALS),
                        }
                    )


def _assessed(region: Region, method: Method, flags: pd.DataFrame | None, year: int) -> tuple[Flags, Flags]:
    """What the method may look at, for this year and the one before: schools × procedures."""
    now, before = (counts.n > 0 for counts in region.years)
    if method.exclude_flagged and flags is not None:
        chosen = flags if method.excluded_markers is None else flags[flags["marker"].isin(method.excluded_markers)]
        for of_year, wanted in ((now, year), (before, year - 1)):
            rows = chosen[chosen["year"] == wanted]
            at = region.schools.get_indexer(rows["school_id"]), region.procedures.get_indexer(rows["procedure_code"])
            known = (at[0] >= 0) & (at[1] >= 0)
            of_year[at[0][known], at[1][known]] = False
    return now, before


def _conditions(now: Counts, method: Method, assessed: tuple[Flags, Flags], columns: list[int]) -> dict[str, Flags]:
    """Schools whose verdict is known, by the condition that can be worked out for them.

    The same logic of three values as the verdict of mart_identification: without results of the year before, the
    repeated condition is unknown; ``both`` is then settled by too few low procedures and ``either`` by enough of
    them, and what can be worked out is the probability of the condition that settles it.
    """
    is_judged, has_last_year = (np.asarray(of_year[:, columns].any(axis=1)) for of_year in assessed)
    if method.condition == TWO_PROCEDURES:
        return {TWO_PROCEDURES: is_judged}
    is_low = (
        assessed[0]
        & (now.n >= method.min_participants)
        & (now.x * method.threshold_denominator >= method.threshold_numerator * now.n)
    )
    enough_low = is_low[:, columns].sum(axis=1) >= method.min_procedures
    settled = {REPEATED: np.zeros_like(enough_low), BOTH: ~enough_low, EITHER: enough_low}[method.condition]
    return {method.condition: is_judged & has_last_year, TWO_PROCEDURES: is_judged & ~has_last_year & settled}
