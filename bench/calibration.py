"""How far the numbers «how sure» can be trusted: made-up regions whose true shares are known.

    python bench/calibration.py            prints the tables
    python bench/calibration.py --write    puts them into docs/reliability.md
    python bench/calibration.py --check    1 if the page holds other tables

The rule and the interval come from the seeds, the estimates from the program itself; everything is drawn with fixed
seeds, so the tables are the same every time.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from ravenstvo.estimates.beta_binomial import Floats, Ints, Prior, probability_low
from ravenstvo.estimates.copula import conditional, make_grid
from ravenstvo.estimates.rule_probability import (
    REPEATED,
    Counts,
    Evidence,
    Rule,
    average_over_factor,
    correlations,
    rule_probability,
)
from ravenstvo.settings import PROJECT_ROOT
from scipy import special, stats

PAGE = PROJECT_ROOT / "docs" / "reliability.md"
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


def _seed(name: str, key: str, value: str) -> dict[str, str]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8") as lines:
        return next(row for row in csv.DictReader(lines) if row[key] == value)


_PARAMETERS = json.loads(_seed("method", "method_code", "rosobr_30")["parameters"])
RULE = Rule(
    *(_PARAMETERS[name] for name in ("threshold_numerator", "threshold_denominator")),
    *(_PARAMETERS[name] for name in ("condition", "min_procedures", "min_repeated")),
)
THRESHOLD = RULE.numerator / RULE.denominator
Z = float(_seed("method_evidence", "evidence_code", _PARAMETERS["evidence_code"])["interval_z"])

SIZES = (3, 5, 10, 30)
FEW = 10
N_PROCEDURES = 8


def is_low(x: Ints, n: Ints) -> np.ndarray:
    """The rule's own comparison, in whole numbers."""
    return (n > 0) & (x * RULE.denominator >= RULE.numerator * n)


# Regions.


def small(generator: np.random.Generator, n_schools: int) -> Ints:
    """1 to 45 participants."""
    return generator.integers(1, 46, size=n_schools)


def rural(generator: np.random.Generator, n_schools: int) -> Ints:
    """A little more than half of the schools have 1 to 10 participants, the others 20 to 120."""
    few, many = generator.integers(1, FEW + 1, size=n_schools), generator.integers(20, 121, size=n_schools)
    return np.where(generator.random(n_schools) < 0.55, few, many)


def beta_shares(scores: Floats) -> Floats:
    """Shares with Beta distributions, as the model supposes: mean shares from 6 to 34 %, M = 8."""
    mu, m = np.linspace(0.06, 0.34, N_PROCEDURES), 8.0
    return np.asarray(special.betaincinv(mu * m, (1 - mu) * m, special.ndtr(scores)))


def logit_shares(scores: Floats) -> Floats:
    """Shares whose logits are normal: not what the model supposes."""
    return np.asarray(special.expit(np.linspace(-2.8, -0.9, N_PROCEDURES) + 0.9 * scores))


@dataclass(frozen=True)
class Shape:
    """A kind of region: how true shares and numbers of participants are drawn, and how procedures hang together.

    ``correlation`` is that of any two procedures of a school; ``of_subject`` is added within a subject (procedures
    take turns at two), and ``lasting`` is the part of what is a procedure's own that stays from year to year. The
    last two the model does not know. ``small_are_weaker`` is added to the scores of schools with 10 participants or
    fewer.
    """

    title: str
    shares: Callable[[Floats], Floats]
    sizes: Callable[[np.random.Generator, int], Ints]
    correlation: float
    n_schools: int
    n_regions: int
    of_subject: float = 0.0
    lasting: float = 0.0
    small_are_weaker: float = 0.0


SHAPES = (
    Shape("Бета-распределение долей, связь 0,7, школы по 1–45 участников, 500 школ", beta_shares, small, 0.7, 500, 12),
    Shape("Логит-нормальные доли, связь 0,7, село и город, 500 школ", logit_shares, rural, 0.7, 500, 12),
    Shape("Бета-распределение долей, процедуры независимы, село и город, 500 школ", beta_shares, rural, 0.0, 500, 12),
    Shape("Логит-нормальные доли, связь 0,7, село и город, 60 школ", logit_shares, rural, 0.7, 60, 80),
    Shape(
        "Логит-нормальные доли, связь 0,5, внутри предмета 0,8, село и город, 500 школ",
        logit_shares, rural, 0.5, 500, 12, of_subject=0.3, lasting=0.5,
    ),
)  # fmt: skip
SMALL_ARE_WEAKER = Shape("", logit_shares, rural, 0.7, 500, 12, small_are_weaker=0.8)


@dataclass(frozen=True)
class Given:
    """Probabilities that were given, and whether what they were given for is true."""

    probability: Floats
    is_true: np.ndarray


def region(shape: Shape, generator: np.random.Generator) -> tuple[list[Floats], tuple[Counts, Counts]]:
    """True shares and counts of this year and the year before; both years lean on one factor of the school."""
    n_schools, own_part = shape.n_schools, 1 - shape.correlation - shape.of_subject
    school = generator.normal(size=(n_schools, 1))
    subject = np.tile(generator.normal(size=(n_schools, 2)), N_PROCEDURES // 2)
    lasting = generator.normal(size=(n_schools, N_PROCEDURES))
    shares, years = [], []
    for _ in range(2):
        fresh = generator.normal(size=(n_schools, N_PROCEDURES))
        own = np.sqrt(shape.lasting) * lasting + np.sqrt(1 - shape.lasting) * fresh
        scores = np.sqrt(shape.correlation) * school + np.sqrt(shape.of_subject) * subject + np.sqrt(own_part) * own
        n = np.repeat(shape.sizes(generator, n_schools)[:, None], N_PROCEDURES, axis=1)
        shares.append(shape.shares(scores + shape.small_are_weaker * (n <= FEW)))
        n[generator.random(n.shape) < 0.1] = 0
        years.append(Counts.of_region(generator.binomial(n, shares[-1]), n))
    return shares, (years[0], years[1])


@cache
def calibration(index: int, condition: str = RULE.condition) -> dict[str, Given]:
    """What is given in regions of one shape: to procedures, to schools with and without the common factor."""
    shape = SHAPES[index]
    generator = np.random.default_rng([2024, index])
    given: dict[str, list[tuple[Floats, np.ndarray]]] = {"procedure": [], "together": [], "alone": []}
    for _ in range(shape.n_regions):
        shares, years = region(shape, generator)
        truly = [(share >= THRESHOLD) & (counts.n > 0) for share, counts in zip(shares, years, strict=True)]
        for k, prior in enumerate(years[0].priors):
            at = years[0].n[:, k] > 0
            if prior is not None:
                x, n = years[0].x[at, k], years[0].n[at, k]
                found = probability_low(x, n, prior, RULE.numerator, RULE.denominator)
                given["procedure"].append((found, truly[0][at, k]))
        loadings = (found.loading for found in correlations(years))
        rule = Rule(RULE.numerator, RULE.denominator, condition, RULE.min_procedures, RULE.min_repeated)
        assessed = (years[0].n > 0, years[1].n > 0)
        together, alone = Evidence(years, *loadings).probability(rule, assessed, range(N_PROCEDURES))
        if condition == REPEATED:
            holds = (truly[0] & truly[1]).sum(axis=1) >= RULE.min_repeated
        else:
            holds = truly[0].sum(axis=1) >= RULE.min_procedures
        given["together"].append((together, holds))
        given["alone"].append((alone, holds))
    return {name: Given(*map(np.concatenate, zip(*parts, strict=True))) for name, parts in given.items()}


# The interval.


def wilson(x: Ints, n: int) -> tuple[Floats, Floats]:
    """Bounds of the Wilson interval, as the macro wilson_bound has them."""
    p = x / n
    middle, half = p + Z * Z / (2 * n), Z * np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    low, high = ((middle + sign * half) / (1 + Z * Z / n) for sign in (-1, 1))
    return np.where(x == 0, 0, low), np.where(x == n, 1, high)


@cache
def coverage() -> list[tuple[str, int, float, float]]:
    """Label, number of drawn shares, how often the interval held the true one, and the exact mean for these shares."""
    generator = np.random.default_rng(95)
    rows = []
    for label, sizes in (*((str(n), [n]) for n in SIZES), ("1–45", list(range(1, 46)))):
        drawn, exact = [], []
        for n in sizes:
            share = generator.beta(1.2, 6.8, size=20000 // len(sizes))
            low, high = wilson(np.arange(n + 1), n)
            x = generator.binomial(n, share)
            drawn.append((low[x] <= share) & (share <= high[x]))
            held = (low <= share[:, None]) & (share[:, None] <= high)
            exact.append((stats.binom.pmf(np.arange(n + 1), n, share[:, None]) * held).sum(axis=1))
        all_drawn, all_exact = np.concatenate(drawn), np.concatenate(exact)
        rows.append((label, len(all_drawn), float(all_drawn.mean()), float(all_exact.mean())))
    return rows


# Who is named.

# A region to which an ordinary and a weak school belong: 15 % below the minimum, M = 8, procedures that hang together.
PRIOR = Prior(400, 10000, 1500, 0.15, 0.15 * 0.85 / 9, 8.0)
LOADING = 0.7
READINGS = (0.5, 0.9)
N_OF = 4


@dataclass(frozen=True)
class Named:
    """How often a school of a given true share is named: by the rule — drawn and exact — and by each reading."""

    drawn: float
    exact: float
    readings: tuple[float, ...]


@cache
def _outcomes(n: int) -> tuple[np.ndarray, Floats]:
    """Sorted counts of four equal procedures, and the probability of the rule for each."""
    x = np.array(list(itertools.combinations_with_replacement(range(n + 1), N_OF)))
    grid = make_grid(PRIOR, RULE.numerator, RULE.denominator, LOADING)
    assert grid is not None
    said = conditional(np.arange(n + 1), np.full(n + 1, n), grid)
    found = []
    for part in np.array_split(x, len(x) // 4000 + 1):
        low = np.moveaxis(said.low[part], 1, 0)
        rule = rule_probability(low, np.zeros_like(low), RULE.condition, RULE.min_procedures, RULE.min_repeated)
        found.append(average_over_factor(rule, said.log_likelihood[part].sum(axis=1)))
    return x, np.concatenate(found)


@cache
def one_procedure(n: int, share: float) -> Named:
    """One procedure with ``n`` participants."""
    x = np.arange(n + 1)
    weight = stats.binom.pmf(x, n, share)
    given = probability_low(x, np.full(n + 1, n), PRIOR, RULE.numerator, RULE.denominator)
    drawn = np.random.default_rng([n, round(100 * share), 1]).binomial(n, share, size=20000)
    return Named(
        float(is_low(drawn, np.int64(n)).mean()),
        float(weight[is_low(x, np.int64(n))].sum()),
        tuple(float(weight[given >= reading].sum()) for reading in READINGS),
    )


@cache
def two_of_four(n: int, share: float) -> Named:
    """At least two of four procedures with ``n`` participants each, all with the same true share."""
    low = one_procedure(n, share).exact
    x, given = _outcomes(n)
    weight = stats.binom.pmf(np.arange(n + 1), n, share)[x].prod(axis=1)
    # Orders of the same four counts.
    repeats = np.stack([(x == x[:, [k]]).sum(axis=1) for k in range(N_OF)])
    orders = special.factorial(N_OF) / np.exp((special.gammaln(repeats + 1) / repeats).sum(axis=0))
    drawn = np.random.default_rng([n, round(100 * share), 4]).binomial(n, share, size=(20000, N_OF))
    return Named(
        float((is_low(drawn, np.int64(n)).sum(axis=1) >= RULE.min_procedures).mean()),
        float(stats.binom.sf(RULE.min_procedures - 1, N_OF, low)),
        tuple(float((weight * orders)[given >= reading].sum()) for reading in READINGS),
    )


# Tables.


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def coverage_table() -> str:
    """Wilson intervals."""
    head = ["Участников", "Проверено долей", "Интервал накрыл истинную", "Точно"]
    return _table(
        head,
        [[n, str(number), _number(drawn, 3), _number(exact, 3)] for n, number, drawn, exact in coverage()],
    )


def _bins(given: Given, index: int) -> list[str]:
    at = np.minimum((given.probability * 10).astype(int), 9) == index
    if not at.any():
        return ["0", "", ""]
    return [str(int(at.sum())), _number(given.probability[at].mean()), _number(given.is_true[at].mean())]


def calibration_table(given: list[tuple[str, Given]]) -> str:
    """For each tenth of probability: how many were given it, what on average, how many are low in truth."""
    head = ["Дано"]
    for label, _ in given:
        head += [f"{label}: число", "дано в среднем", "верно на деле"]
    rows = []
    for index in range(10):
        row = [f"{_number(index / 10, 1)}–{_number((index + 1) / 10, 1)}"]
        for _, one in given:
            row += _bins(one, index)
        rows.append(row)
    return _table(head, rows)


def calibration_tables() -> str:
    """One table for each shape, then the rule of two years."""
    labels = {"procedure": "процедуры", "together": "школы", "alone": "школы, если бы процедуры были независимы"}
    parts = []
    for index, shape in enumerate(SHAPES):
        given = calibration(index)
        parts += [f"**{shape.title}**", calibration_table([(label, given[name]) for name, label in labels.items()])]
    for index, more in ((1, ""), (4, ", своё у процедуры наполовину сохраняется от года к году")):
        given = calibration(index, REPEATED)
        parts += [
            f"**Одна и та же процедура два года подряд. {SHAPES[index].title}{more}**",
            calibration_table([(labels[name], given[name]) for name in ("together", "alone")]),
        ]
    return "\n\n".join(parts)


def small_region_table() -> str:
    """What becomes of the probabilities of procedures when there are few schools."""
    rows = []
    for n_schools, n_regions in ((8, 400), (15, 240), (30, 120), (60, 60), (250, 16)):
        shape = Shape("", logit_shares, rural, 0.7, n_schools, n_regions)
        generator = np.random.default_rng([7, n_schools])
        found, truth, n_flat, n_priors = [], [], 0, 0
        for _ in range(n_regions):
            shares, (now, _) = region(shape, generator)
            for k, prior in enumerate(now.priors):
                at = now.n[:, k] > 0
                if prior is not None:
                    n_priors, n_flat = n_priors + 1, n_flat + (prior.m is None)
                    x, n = now.x[at, k], now.n[at, k]
                    found.append(probability_low(x, n, prior, RULE.numerator, RULE.denominator))
                    truth.append(shares[0][at, k] >= THRESHOLD)
        given, is_true = np.concatenate(found), np.concatenate(truth)
        high = given >= 0.9
        rows.append(
            [
                str(n_schools),
                _number(n_flat / n_priors),
                str(int(high.sum())),
                _number(given[high].mean()),
                _number(is_true[high].mean()),
            ]
        )
    return _table(["Школ", "Стягивание полное", "Дано 0,9 и больше: число", "дано в среднем", "верно на деле"], rows)


def small_are_weaker_table() -> str:
    """Small schools that are weaker than large ones: the region's mean is not theirs."""
    generator = np.random.default_rng(77)
    groups: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
    for _ in range(SMALL_ARE_WEAKER.n_regions):
        shares, (now, _) = region(SMALL_ARE_WEAKER, generator)
        for k, prior in enumerate(now.priors):
            at = now.n[:, k] > 0
            if prior is not None:
                x, n = now.x[at, k], now.n[at, k]
                given = probability_low(x, n, prior, RULE.numerator, RULE.denominator)
                rows = np.stack([given, shares[0][at, k] >= THRESHOLD, is_low(x, n)], axis=1)
                for few, found in groups.items():
                    found += rows[(n <= FEW) == few].tolist()
    head = ["Участников", "Процедур школ", "Дано в среднем", "Истинно низких", "Низких по правилу"]
    return _table(
        head,
        [
            [label, str(len(groups[few])), *(_number(value) for value in np.mean(groups[few], axis=0))]
            for few, label in ((True, f"1–{FEW}"), (False, "20–120"))
        ],
    )


def named_table(shares: tuple[float, ...], is_weak: bool) -> str:
    """How often an ordinary school is named, or a weak one is not."""
    head = ["Истинная доля", "Участников", "Процедур"]
    head += ["Правило", "Правило, точно", *(f"Вероятность ≥ {_number(reading, 1)}" for reading in READINGS)]
    rows = []
    for share, n in itertools.product(shares, SIZES):
        for label, named in (("одна", one_procedure(n, share)), ("две из четырёх", two_of_four(n, share))):
            values = [named.drawn, named.exact, *named.readings]
            shown = [1 - value if is_weak else value for value in values]
            rows.append([f"{share:.0%}".replace("%", " %"), str(n), label, *(_number(value, 3) for value in shown)])
    return _table(head, rows)


def tables() -> dict[str, str]:
    """Every table of the page by the name of its place."""
    return {
        "coverage": coverage_table(),
        "calibration": calibration_tables(),
        "small_regions": small_region_table(),
        "small_are_weaker": small_are_weaker_table(),
        "ordinary": named_table((0.05, 0.1, 0.2), is_weak=False),
        "weak": named_table((0.4,), is_weak=True),
    }


_PLACE = re.compile(r"(<!-- calibration: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, made: dict[str, str]) -> str:
    """The page with every table in its place. Raises KeyError for a place without a table."""
    return _PLACE.sub(lambda place: f"{place[1]}\n{made[place[2]]}\n\n{place[3]}", page)


def places(page: str) -> set[str]:
    """Names of the places of tables in the page."""
    return {place[2] for place in _PLACE.finditer(page)}


def main() -> None:
    """Print, write or compare."""
    made = tables()
    if "--write" in sys.argv:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    elif "--check" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        if places(page) != set(made) or filled(page, made) != page:
            sys.exit("docs/reliability.md holds other tables: python bench/calibration.py --write")
    else:
        print("\n\n".join(made.values()))


if __name__ == "__main__":
    main()
