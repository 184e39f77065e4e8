"""Shrinkage in the warehouse, beside a second calculation that shares nothing with it but the formulas."""

from __future__ import annotations

import itertools
import json
import random
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pytest
from ravenstvo.estimates import shrinkage
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade
from scipy import optimize, stats

pytestmark = pytest.mark.slow(seconds=15)

YEAR = 2021
PROCEDURES = ["ege_rus", "oge_math", "oge_rus", "vpr_rus_5"]
TABLES = """
    create table core.dim_method (
        method_code text, method_version text, kind text, valid_from_year int, valid_to_year int, parameters jsonb,
        threshold_numerator int, threshold_denominator int, condition text, min_procedures int, min_repeated int,
        min_participants int, attempt text, procedures jsonb
    );
    create table core.fct_school_procedure (
        year int, school_id text, procedure_code text, n_participants int, n_below_min int, n_participants_last int,
        n_below_min_last int
    );
"""
Row = dict[str, Any]


def method(code: str, condition: str, **other: Any) -> Row:
    usual: Row = {
        "method_code": code,
        "method_version": "1",
        "kind": "low_share",
        "valid_from_year": 2020,
        "valid_to_year": None,
        "parameters": {},
        "threshold_numerator": 3,
        "threshold_denominator": 10,
        "condition": condition,
        "min_procedures": 2,
        "min_repeated": 1,
        "min_participants": None,
        "attempt": "first",
        "procedures": PROCEDURES,
    }
    return usual | other


METHODS = [
    method("two", "two_procedures"),
    method("repeated", "repeated", procedures=PROCEDURES[:3]),
    method("either", "either", threshold_numerator=1, threshold_denominator=4),
    method("both", "both", min_participants=6, min_procedures=1),
    method("last", "two_procedures", attempt="last"),
    method("without_any_flag", "two_procedures", parameters={"exclude_flagged": True}),
    method("without_b1", "repeated", parameters={"exclude_flagged": True, "excluded_markers": ["B1", "B9"]}),
    method("over", "two_procedures", valid_to_year=2020, threshold_numerator=1, threshold_denominator=2),
    method("not_yet", "two_procedures", valid_from_year=2022, threshold_numerator=1, threshold_denominator=2),
    method("other_kind", "two_procedures", kind="rank", threshold_numerator=1, threshold_denominator=2),
]
FLAGS = [
    (2021, "s01", "vpr_rus_5", "B1", True),
    (2021, "s02", "vpr_rus_5", "B2", True),
    (2021, "s03", "vpr_rus_5", "B1", False),
    (2020, "s04", "vpr_rus_5", "B1", True),
    (2020, "s05", "vpr_rus_5", "B2", True),
    (2021, "elsewhere", "vpr_rus_5", "B1", True),
]


def made_up() -> list[Row]:
    """Two years of 40 schools: some without a procedure, without a known minimum, without the year before."""
    chance = random.Random(13)
    rows: list[Row] = []
    for i in range(40):
        weakness = chance.betavariate(1.5, 4)
        # What a school's procedure keeps from year to year.
        lasting = {procedure: chance.uniform(0.2, 2) for procedure in PROCEDURES}
        for year, procedure in itertools.product((2020, 2021), PROCEDURES):
            if (year == 2020 and i % 6 == 5) or chance.random() < 0.15:
                continue
            share = min(0.95, weakness * lasting[procedure] * chance.uniform(0.7, 1.3))
            n = chance.choice([0, 1, 3, 4, 8, 15, 40])
            below = sum(chance.random() < share for _ in range(n))
            repaired = sum(chance.random() < 0.5 for _ in range(below))
            unknown = chance.random() < 0.05
            rows.append(
                {
                    "year": year,
                    "school_id": f"s{i:02}",
                    "procedure_code": procedure,
                    "n_participants": n,
                    "n_below_min": None if unknown else below,
                    "n_participants_last": n,
                    "n_below_min_last": None if unknown else below - repaired,
                }
            )
    # A school of last year only, and one that nobody sat in.
    rows.append(rows[0] | {"year": 2020, "school_id": "gone"})
    rows.append(rows[0] | {"year": 2021, "school_id": "empty", "n_participants": 0, "n_below_min": 0})
    rows[-1] |= {"n_participants_last": 0, "n_below_min_last": 0}
    return rows


@pytest.fixture
def filled(warehouse: Settings) -> Settings:
    upgrade(warehouse)
    with connect(warehouse) as connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
        shuffled = made_up()
        random.Random(1).shuffle(shuffled)
        for table, rows in (("dim_method", METHODS), ("fct_school_procedure", shuffled)):
            for row in rows:
                values = [json.dumps(value) if isinstance(value, list | dict) else value for value in row.values()]
                marks = ", ".join(["%s"] * len(row))
                cursor.execute(f"insert into core.{table} ({', '.join(row)}) values ({marks})", values)
        cursor.executemany(
            "insert into core.estimate_marker (year, school_id, procedure_code, marker, threshold, n, is_flagged) "
            "values (%s, %s, %s, %s, 0, 1, %s)",
            FLAGS,
        )
    return warehouse


def estimated(settings: Settings, year: int = YEAR) -> tuple[dict[str, int], dict[str, list[Row]]]:
    with connect(settings) as connection, connection.cursor() as cursor:
        n_rows = shrinkage.estimate(cursor, year)
        tables = {}
        for table in n_rows:
            cursor.execute(f"select * from core.{table}")
            names = [column.name for column in cursor.description or ()]
            tables[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return n_rows, tables


# The second calculation: dictionaries, fractions and sums over outcomes.


def counts(year: int, attempt: str) -> dict[tuple[str, str], tuple[int, int]]:
    end = "" if attempt == "first" else "_last"
    return {
        (row["school_id"], row["procedure_code"]): (row["n_below_min" + end], row["n_participants" + end])
        for row in made_up()
        if row["year"] == year and row["n_participants" + end] > 0 and row["n_below_min" + end] is not None
    }


def moments(pairs: list[tuple[int, int]]) -> tuple[Fraction, Fraction, Fraction | None]:
    """μ, τ² and M."""
    below, total, others = sum(x for x, _ in pairs), sum(n for _, n in pairs), len(pairs) - 1
    mu = Fraction(below, total)
    over = sum(n * (Fraction(x, n) - mu) ** 2 for x, n in pairs) - others * mu * (1 - mu)
    room = total - Fraction(sum(n * n for _, n in pairs), total) - others
    tau2 = max(Fraction(0), over / room) if room else Fraction(0)
    return mu, tau2, max(mu * (1 - mu) / tau2 - 1, Fraction(1, 10)) if tau2 else None


Prior = tuple[float, float, float]
FACTOR, OWN = np.arange(-6, 6.01, 0.1), np.arange(-6, 6.01, 0.02)
OF_FACTOR, OF_OWN = (stats.norm.pdf(steps) / stats.norm.pdf(steps).sum() for steps in (FACTOR, OWN))
SCORES = np.arange(-9, 9.001, 0.01)


def priors(year: int, attempt: str) -> dict[str, Prior]:
    """α, β, τ of each procedure."""
    found = {}
    for procedure in PROCEDURES:
        mu, tau2, m = moments([pair for (_, code), pair in counts(year, attempt).items() if code == procedure])
        assert m is not None
        found[procedure] = float(mu * m), float((1 - mu) * m), float(tau2) ** 0.5
    return found


@lru_cache
def share_given(prior: Prior, loading: float) -> np.ndarray:
    """Share by the school's factor and the procedure's own part."""
    score = np.sqrt(loading) * FACTOR[:, None] + np.sqrt(1 - loading) * OWN[None, :]
    return np.interp(score, SCORES, stats.beta(prior[0], prior[1]).ppf(stats.norm.cdf(SCORES)))


@cache
def at_factor(x: int, n: int, prior: Prior, loading: float, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """At each value of the factor: likelihood of the counts, and the probability of a low share."""
    share = share_given(prior, loading)
    of_own = share**x * (1 - share) ** (n - x)
    total = of_own @ OF_OWN
    return total, (of_own * (share >= threshold)) @ OF_OWN / np.where(total > 0, total, 1)


@lru_cache
def correlation(attempt: str, same: bool) -> tuple[int, float, float]:
    """Pairs, ρ, and the correlation of scores: of different procedures of the year, or of the same one in two years."""
    seen = [counts(year, attempt) for year in (YEAR, YEAR - 1)]
    prior = [priors(year, attempt) for year in (YEAR, YEAR - 1)]
    codes = (
        [(0, one, 1, one) for one in PROCEDURES]
        if same
        else [(0, one, 0, other) for one, other in itertools.combinations(PROCEDURES, 2)]
    )
    weights = dict.fromkeys(codes, 0.0)
    n_pairs, products = 0, 0.0
    for school, pair in itertools.product({school for school, _ in seen[0]}, codes):
        sides = [(pair[0], pair[1]), (pair[2], pair[3])]
        if all((school, code) in seen[year] for year, code in sides):
            weight = product = 1.0
            for year, code in sides:
                (x, n), (alpha, beta, tau) = seen[year][school, code], prior[year][code]
                weight *= n / (n + alpha + beta)
                product *= (x / n - alpha / (alpha + beta)) / tau
            n_pairs, products = n_pairs + 1, products + weight * product
            weights[pair] += weight
    rho = products / sum(weights.values())

    def excess(loading: float) -> float:
        implied = 0.0
        for (year, one, other_year, other), weight in weights.items():
            both = []
            for alpha, beta, tau in (prior[year][one], prior[other_year][other]):
                mean = share_given((alpha, beta, tau), loading) @ OF_OWN
                sd = (alpha * beta / (alpha + beta) ** 2 / (alpha + beta + 1)) ** 0.5
                both.append((mean - mean @ OF_FACTOR) / sd)
            implied += weight * float((both[0] * both[1]) @ OF_FACTOR)
        return implied / sum(weights.values()) - min(rho, 0.95)

    return n_pairs, rho, float(optimize.brentq(excess, 0.01, 0.99, xtol=1e-4))


def holds(chosen: Row, now: tuple[bool, ...], before: tuple[bool, ...], has_last_year: bool) -> bool | None:
    """The rule on procedures known to be low or not; None when the year before is needed and missing."""
    two = sum(now) >= chosen["min_procedures"]
    repeated = sum(a and b for a, b in zip(now, before, strict=True)) >= chosen["min_repeated"]
    known = {"two_procedures": two, "repeated": repeated if has_last_year else None}
    if chosen["condition"] in known:
        return known[chosen["condition"]]
    if has_last_year:
        return two and repeated if chosen["condition"] == "both" else two or repeated
    return two if two == (chosen["condition"] == "either") else None


def excluded(chosen: Row, year: int) -> set[tuple[str, str]]:
    if not chosen["parameters"].get("exclude_flagged"):
        return set()
    markers = chosen["parameters"].get("excluded_markers", ["B1", "B2"])
    return {
        (school, code) for of, school, code, marker, flagged in FLAGS if flagged and of == year and marker in markers
    }


def rule_probabilities(chosen: Row) -> dict[str, tuple[float, float]]:
    """Of each school: with the common factor, and with independent procedures."""
    threshold = Fraction(chosen["threshold_numerator"], chosen["threshold_denominator"])
    attempt, least = chosen["attempt"], chosen["min_participants"] or 0
    loading = lasting = correlation(attempt, False)[2]
    if chosen["condition"] != "two_procedures":
        lasting = max(loading, correlation(attempt, True)[2])
    seen = [
        {key: pair for key, pair in counts(year, attempt).items() if key not in excluded(chosen, year)}
        for year in (YEAR, YEAR - 1)
    ]
    fitted = [priors(year, attempt) for year in (YEAR, YEAR - 1)]
    # The factor of a school's procedure beside that of the school: factor of the school × steps around it.
    around = np.sqrt(loading / lasting) * FACTOR[:, None] + np.sqrt(1 - loading / lasting) * FACTOR[None, ::3]
    of_around = OF_FACTOR[::3] / OF_FACTOR[::3].sum()
    found = {}
    for school in sorted({school for school, _ in seen[0]}):
        keys = [(school, code) for code in chosen["procedures"]]
        if not any(key in seen[0] for key in keys):
            continue
        has_last_year = any(key in seen[1] for key in keys)
        observed = [
            tuple(key in year and year[key][1] >= least and Fraction(*year[key]) >= threshold for key in keys)
            for year in seen
        ]
        if holds(chosen, observed[0], observed[1], has_last_year) is None:
            continue
        looks_back = chosen["condition"] != "two_procedures" and has_last_year
        posterior = OF_FACTOR.copy()
        # Of each procedure: low now and before, now only, before only, neither.
        alone, given = np.zeros((len(keys), 4, 1)), np.zeros((len(keys), 4, len(FACTOR)))
        for i, key in enumerate(keys):
            low, likelihood = np.zeros((2, len(FACTOR))), np.ones(len(FACTOR))
            exact = [0.0, 0.0]
            for back in (0, 1) if looks_back else (0,):
                if key not in seen[back] or seen[back][key][1] < least:
                    continue
                x, n = seen[back][key]
                alpha, beta, _ = fitted[back][key[1]]
                exact[back] = stats.beta.sf(float(threshold), alpha + x, beta + n - x)
                total, low[back] = at_factor(x, n, fitted[back][key[1]], lasting, float(threshold))
                likelihood = likelihood * total
            alone[i, :, 0] = outcomes(*exact)
            weighed = [np.interp(around, FACTOR, likelihood * one) @ of_around for one in outcomes(*low)]
            posterior *= sum(weighed)
            given[i] = np.array(weighed) / np.where(sum(weighed) > 0, sum(weighed), 1)
        together = by_listing(chosen, given, has_last_year) @ posterior / posterior.sum()
        found[school] = float(together), float(by_listing(chosen, alone, has_last_year)[0])
    return found


def outcomes(now: Any, before: Any) -> list[Any]:
    return [now * before, now * (1 - before), (1 - now) * before, (1 - now) * (1 - before)]


def by_listing(chosen: Row, given: np.ndarray, has_last_year: bool) -> np.ndarray:
    """Sum over all outcomes. Without the year before the rule is what its other condition says."""
    judged = chosen if has_last_year else chosen | {"condition": "two_procedures"}
    total = np.zeros(given.shape[-1])
    for outcome in itertools.product(range(4), repeat=len(given)):
        now, before = (tuple(one in cases for one in outcome) for cases in ((0, 1), (0, 2)))
        if holds(judged, now, before, True):
            total += np.prod([given[i, case] for i, case in enumerate(outcome)], axis=0)
    return total


def test_priors_and_probabilities_are_those_of_a_second_calculation(filled: Settings) -> None:
    n_rows, tables = estimated(filled)
    assert n_rows == {table: len(rows) for table, rows in tables.items()}
    stored = {(row["procedure_code"], row["attempt"]): row for row in tables["estimate_prior"]}
    assert set(stored) == set(itertools.product(PROCEDURES, ("first", "last")))
    probability = {
        tuple(row[name] for name in ("school_id", "procedure_code", "attempt", "threshold_numerator")): row
        for row in tables["estimate_probability"]
    }
    expected = set()
    for attempt, thresholds in (("first", [(3, 10), (1, 4)]), ("last", [(3, 10)])):
        seen = counts(YEAR, attempt)
        for procedure in PROCEDURES:
            pairs = [pair for (_, code), pair in seen.items() if code == procedure]
            mu, tau2, m = moments(pairs)
            assert m is not None
            row = stored[procedure, attempt]
            assert (row["n_schools"], row["n_below_min"]) == (len(pairs), sum(x for x, _ in pairs))
            assert row["n_participants"] == sum(n for _, n in pairs)
            for name, value in {"mu": mu, "tau2": tau2, "m": m, "alpha": mu * m, "beta": (1 - mu) * m}.items():
                assert row[name] == pytest.approx(float(value), rel=1e-9)
        for (school, procedure), (x, n) in seen.items():
            alpha, beta, _ = priors(YEAR, attempt)[procedure]
            for numerator, denominator in thresholds:
                expected.add((school, procedure, attempt, numerator))
                row = probability[school, procedure, attempt, numerator]
                assert row["threshold_denominator"] == denominator
                assert row["shrunk_share"] == pytest.approx((x + alpha) / (n + alpha + beta), rel=1e-9)
                tail = stats.beta.sf(numerator / denominator, alpha + x, beta + n - x)
                assert row["probability_low"] == pytest.approx(tail, rel=1e-9, abs=1e-12)
    assert set(probability) == expected


def test_correlation_and_rules_are_those_of_a_second_calculation(filled: Settings) -> None:
    _, tables = estimated(filled)
    for row in tables["estimate_correlation"]:
        for end, same in (("", False), ("_years", True)):
            n_pairs, rho, _ = correlation(row["attempt"], same)
            assert (row["n_pairs" + end], row["rho" + end]) == (n_pairs, pytest.approx(rho, rel=1e-9))
    assert {row["attempt"] for row in tables["estimate_correlation"]} == {"first", "last"}
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for row in tables["estimate_rule_probability"]:
        assert row["method_version"] == "1"
        pair = row["probability_low"], row["probability_low_independent"]
        found.setdefault(row["method_code"], {})[row["school_id"]] = pair
    in_force = METHODS[:7]
    assert set(found) == {chosen["method_code"] for chosen in in_force}
    for chosen in in_force:
        expected = rule_probabilities(chosen)
        assert set(found[chosen["method_code"]]) == set(expected), chosen["method_code"]
        for school, (together, alone) in expected.items():
            assert found[chosen["method_code"]][school][1] == pytest.approx(alone, abs=1e-8), school
            # Steps of the second calculation end beside the threshold, not at it.
            assert found[chosen["method_code"]][school][0] == pytest.approx(together, abs=0.002), school
    # The region has every case of the rules: schools without the year before that a rule can and cannot judge, and
    # rules that a flag changes.
    assert found["two"].keys() > found["either"].keys() > found["repeated"].keys()
    assert found["two"]["s02"] != found["without_any_flag"]["s02"]


def test_a_second_time_changes_nothing_and_other_years_stay(filled: Settings) -> None:
    before, _ = estimated(filled, 2020)
    _, first = estimated(filled)
    _, second = estimated(filled)
    assert first == second
    assert sum(row["year"] == 2020 for row in second["estimate_prior"]) == before["estimate_prior"] > 0


def test_a_year_that_lost_its_results_has_no_estimates(filled: Settings) -> None:
    estimated(filled)
    with connect(filled) as connection:
        connection.cursor().execute("delete from core.fct_school_procedure where year = 2021")
    n_rows, tables = estimated(filled)
    assert set(n_rows.values()) == {0}
    assert not any(tables.values())


def test_without_a_method_there_is_nothing_to_estimate(filled: Settings) -> None:
    with connect(filled) as connection:
        connection.cursor().execute("delete from core.dim_method")
    n_rows, _ = estimated(filled)
    assert set(n_rows.values()) == {0} and len(n_rows) == 4
