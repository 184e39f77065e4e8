"""Verdicts of every method by another road: plain Python over the star, none of the project's SQL or seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from statistics import fmean
from typing import NamedTuple

from running import Warehouse
from scipy.stats import beta, binomtest

RUSSIAN_AND_MATHS = [f"vpr_{subject}_{grade}" for grade in range(4, 9) for subject in ("rus", "math")]
GROUPS = {
    "ege": ["ege_rus", "ege_math_base", "ege_math_prof"],
    "oge": ["oge_rus", "oge_math"],
    "vpr": RUSSIAN_AND_MATHS,
}
EGE_SUBJECTS = {"rus": ["ege_rus"], "math": ["ege_math_base", "ege_math_prof"]}
MODELS = {"hse_context": [*GROUPS["ege"], *GROUPS["oge"]], "hse_context_all": [p for g in GROUPS.values() for p in g]}
MIN_PARTICIPANTS = 10


class Result(NamedTuple):
    """A school's counts in a procedure; ``below`` None where the minimum is not known."""

    n: int
    below: int | None
    mean: float | None
    sd: float | None


Results = dict[tuple[int, str, str], Result]  # year, school_id, procedure


def results_of(warehouse: Warehouse) -> Results:
    rows = warehouse.ask("""
        select year, school_id, procedure_code, n_participants, n_below_min, mean_score, sd_score
        from marts.fct_school_procedure
    """)
    return {
        (int(row["year"]), row["school_id"], row["procedure_code"]): Result(
            int(row["n_participants"]),
            int(row["n_below_min"]) if row["n_below_min"] else None,
            float(row["mean_score"]) if row["mean_score"] else None,
            float(row["sd_score"]) if row["sd_score"] else None,
        )
        for row in rows
    }


def verdicts_of_method(warehouse: Warehouse, method: str, year: int) -> dict[str, bool | None]:
    rows = warehouse.ask(f"""
        select school_id, is_low_results::int as low from marts.mart_identification
        where method_code = '{method}' and year = {year}
    """)
    return {row["school_id"]: {"": None, "0": False, "1": True}[row["low"]] for row in rows}


def schools(results: Results, year: int) -> set[str]:
    return {school for y, school, _ in results if y == year}


def lower_part(scores: dict[str, float], part: Fraction) -> set[str]:
    """Schools that less than ``part`` of all schools lie below."""
    values = sorted(scores.values())
    below = {value: sum(1 for other in values if other < value) for value in set(values)}
    return {school for school, value in scores.items() if below[value] < part * len(values)}


def regional_rank(results: Results, year: int) -> dict[str, bool | None]:
    """Places by indicator, averaged within groups and between them; the bottom tenth."""
    places: dict[str, dict[str, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    number: dict[str, int] = defaultdict(int)
    for group, procedures in GROUPS.items():
        for procedure in procedures:
            means = {
                school: result.mean
                for (y, school, p), result in results.items()
                if (y, p) == (year, procedure) and result.n > 0 and result.mean is not None
            }
            values = sorted(means.values())
            for school, mean in means.items():
                number[school] += 1
                if len(values) > 1:
                    place = sum(1 for other in values if other < mean)
                    places[school][group].append(Fraction(place, len(values) - 1))
    mean_of = {
        school: sum((sum(ranks, Fraction()) / len(ranks) for ranks in groups.values()), Fraction()) / len(groups)
        for school, groups in places.items()
        if number[school] >= 2
    }
    low = lower_part({school: round(float(rank), 12) for school, rank in mean_of.items()}, Fraction(1, 10))
    return {school: school in low if school in mean_of else None for school in schools(results, year)}


def stable_low(results: Results, year: int) -> dict[str, bool | None]:
    """Results below the minimum in both subjects of ЕГЭ in each of three years."""
    verdicts: dict[str, bool | None] = {}
    for school in schools(results, year):
        failed = []
        for back in range(3):
            for procedures in EGE_SUBJECTS.values():
                sat = [results.get((year - back, school, procedure)) for procedure in procedures]
                counts = [one.below for one in sat if one is not None and one.n > 0 and one.below is not None]
                failed.append(None if not counts else sum(counts) > 0)
        verdicts[school] = False if False in failed else None if None in failed else True
    return verdicts


def ege_fails(results: Results, year: int) -> dict[str, bool | None]:
    """The smallest set of schools that holds more than 60 % of the failures of ЕГЭ."""
    sat: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (y, school, procedure), result in results.items():
        if y == year and procedure.startswith("ege_") and result.n > 0 and result.below is not None:
            sat[school].append((result.below, result.n))
    totals = {school: (sum(b for b, _ in rows), sum(n for _, n in rows)) for school, rows in sat.items()}
    region = sum(below for below, _ in totals.values())
    chosen, held = set(), 0
    for school in sorted(totals, key=lambda one: (-totals[one][0], -Fraction(*totals[one]), one)):
        if totals[school][0] == 0 or Fraction(held, region) > Fraction(6, 10):
            break
        chosen.add(school)
        held += totals[school][0]
    return {school: school in chosen if school in totals else None for school in schools(results, year)}


def outcomes(results: Results, year: int, procedures: Iterable[str]) -> dict[str, tuple[float, int]]:
    """Mean standardised score over three years, weighted by participants; and the participants."""
    sums: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for procedure in procedures:
        for back in range(3):
            rows = {
                school: result
                for (y, school, p), result in results.items()
                if (y, p) == (year - back, procedure) and result.n > 0 and result.mean is not None
            }
            if not rows:
                continue
            n = sum(one.n for one in rows.values())
            mean = sum(one.n * (one.mean or 0) for one in rows.values()) / n
            known = [one for one in rows.values() if one.sd is not None or one.n == 1]
            if known:
                n_known = sum(one.n for one in known)
                mean_known = sum(one.n * (one.mean or 0) for one in known) / n_known
                squares = sum(
                    (one.n - 1) * (one.sd or 0) ** 2 + one.n * ((one.mean or 0) - mean_known) ** 2 for one in known
                )
                sd = math.sqrt(squares / (n_known - 1)) if n_known > 1 else 0.0
            else:
                sd = math.sqrt(sum(one.n * ((one.mean or 0) - mean) ** 2 for one in rows.values()) / n)
            if sd > 0:
                for school, one in rows.items():
                    sums[school].append((one.n, ((one.mean or 0) - mean) / sd))
    now = schools(results, year)
    return {
        school: (sum(n * z for n, z in pairs) / sum(n for n, _ in pairs), sum(n for n, _ in pairs))
        for school, pairs in sums.items()
        if school in now
    }


def low_outcome(results: Results, year: int, procedures: Iterable[str]) -> dict[str, bool | None]:
    """The lower quarter by outcome among schools with enough participants."""
    found = outcomes(results, year, procedures)
    enough = {school: round(y, 9) for school, (y, n) in found.items() if n >= MIN_PARTICIPANTS}
    low = lower_part(enough, Fraction(1, 4))
    return {school: school in low if school in enough else None for school in schools(results, year)}


def wilson(below: int, n: int) -> tuple[float, float]:
    interval = binomtest(below, n).proportion_ci(confidence_level=0.95, method="wilson")
    return interval.low, interval.high


def prior(counts: list[tuple[int, int]]) -> tuple[float, float]:
    """Mean and weight M of the beta prior by moments; M is infinite where schools cannot be told apart."""
    n_all, n_schools = sum(n for _, n in counts), len(counts)
    mu = sum(x for x, _ in counts) / n_all
    squares = sum(n * (x / n - mu) ** 2 for x, n in counts)
    width = n_all - sum(n * n for _, n in counts) / n_all - (n_schools - 1)
    tau2 = max(0.0, (squares - (n_schools - 1) * mu * (1 - mu)) / width) if width > 0 else 0.0
    return mu, math.inf if tau2 == 0 else mu * (1 - mu) / tau2 - 1


def shrunk(below: int, n: int, mu: float, m: float) -> tuple[float, float]:
    """Posterior mean, and probability of a true share of at least 30 %."""
    if math.isinf(m):
        return mu, float(mu >= 0.3)
    return (below + mu * m) / (n + m), float(beta.sf(0.3, mu * m + below, (1 - mu) * m + n - below))


def check_methods(warehouse: Warehouse, year: int) -> dict[str, int]:
    """Compare the verdicts of every method of another kind than shares of procedures. Returns how many are low."""
    results = results_of(warehouse)
    expected = {
        "regional_rank": regional_rank(results, year),
        "stable_low_3y": stable_low(results, year),
        "ege_fails_60": ege_fails(results, year),
        **{method: low_outcome(results, year, procedures) for method, procedures in MODELS.items()},
    }
    for method, verdicts in expected.items():
        mart = verdicts_of_method(warehouse, method, year)
        assert set(mart) == set(verdicts), method
        wrong = {school: (mart[school], verdicts[school]) for school in mart if mart[school] != verdicts[school]}
        assert not wrong, (method, dict(list(wrong.items())[:5]))
    return {method: sum(value is True for value in verdicts.values()) for method, verdicts in expected.items()}


def check_sureness(warehouse: Warehouse, year: int) -> int:
    """Compare intervals, shrunk shares and probabilities of procedures. Returns how many rows were compared."""
    results = results_of(warehouse)
    counts: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (y, _, procedure), result in sorted(results.items()):
        if y == year and result.n > 0 and result.below is not None:
            counts[procedure].append((result.below, result.n))
    priors = {procedure: prior(rows) for procedure, rows in counts.items()}
    rows = warehouse.ask(f"""
        select school_id, procedure_code, n_participants, n_below_min, ci_low, ci_high, shrunk_share, probability_low
        from marts.mart_identification_evidence
        where method_code = 'rosobr_30_wide' and year = {year} and n_participants > 0 and n_below_min is not null
    """)
    for row in rows:
        below, n = int(row["n_below_min"]), int(row["n_participants"])
        assert (n, below) == results[year, row["school_id"], row["procedure_code"]][:2]
        low, high = wilson(below, n)
        share, probability = shrunk(below, n, *priors[row["procedure_code"]])
        found = [float(row[name]) for name in ("ci_low", "ci_high", "shrunk_share", "probability_low")]
        for name, mine, mart in zip(
            ("low", "high", "share", "probability"), (low, high, share, probability), found, strict=True
        ):
            assert math.isclose(mine, mart, abs_tol=1e-6), (row, name, mine)
    return len(rows)


def check_context(warehouse: Warehouse, year: int) -> int:
    """The lower quarter of the context index is adverse, whatever the method of the row. Returns its size."""
    index = {
        row["school_id"]: float(row["context_index"])
        for row in warehouse.ask(
            f"select school_id, context_index from marts.mart_school_context "
            f"where year = {year} and context_index is not null"
        )
    }
    adverse = lower_part(index, Fraction(1, 4))
    for row in warehouse.ask(f"""
        select school_id, is_adverse_context::int as adverse from marts.mart_identification where year = {year}
    """):
        expected = "" if row["school_id"] not in index else str(int(row["school_id"] in adverse))
        assert row["adverse"] == expected, row
    return len(adverse)


def check_side_by_side(warehouse: Warehouse, year: int) -> None:
    """Union, intersection and numbers of methods; the change and the transitions to the year before."""
    verdicts: dict[str, dict[str, str]] = defaultdict(dict)
    for row in warehouse.ask(f"""
        select i.school_id, i.method_code, i.is_low_results::int as low
        from marts.mart_identification as i join marts.dim_method as m using (method_code, method_version)
        where i.year = {year} and m.kind <> 'context_share'
    """):
        verdicts[row["school_id"]][row["method_code"]] = row["low"]
    rows = warehouse.ask(f"""
        select school_id, n_methods, n_methods_low, array_to_string(methods_low, ' ') as low,
          is_low_by_any::int as union_, is_low_by_all::int as intersection
        from marts.mart_identification_methods where year = {year}
    """)
    assert len(rows) == len(verdicts)
    for row in rows:
        said = verdicts[row["school_id"]]
        judged, low = [m for m in said if said[m]], sorted(m for m in said if said[m] == "1")
        assert (int(row["n_methods"]), int(row["n_methods_low"]), row["low"]) == (len(judged), len(low), " ".join(low))
        expected = (str(int(bool(low))), str(int(len(low) == len(judged)))) if judged else ("", "")
        assert (row["union_"], row["intersection"]) == expected


def check_change(warehouse: Warehouse, year: int, method: str) -> dict[str, int]:
    """Who entered, left and stayed since the year before. Returns the numbers."""
    now, before = (verdicts_of_method(warehouse, method, y) for y in (year, year - 1))
    expected: dict[str, str] = {}
    for school in now.keys() | before.keys():
        is_now, was = now.get(school), before.get(school)
        if is_now or was:
            expected[school] = (
                "stayed" if is_now and was else "entered" if is_now else "no_verdict" if is_now is None else "left"
            )
    rows = warehouse.ask(f"""
        select school_id, change from marts.mart_identification_change
        where year = {year} and method_code = '{method}' and comparison = 'year'
    """)
    assert {row["school_id"]: row["change"] for row in rows} == expected
    kinds = list(expected.values())
    return {kind: kinds.count(kind) for kind in set(kinds)}


def check_municipalities(warehouse: Warehouse, year: int, method: str, groups: dict[str, list[str]]) -> int:
    """Low in at least two of three years in at least two subjects; over pupils. Returns how many are low."""
    of_school = {
        (int(row["year"]), row["school_id"]): row["municipality_id"]
        for row in warehouse.ask_inside("""
            select distinct r.year, s.school_id, d.municipality_id
            from (select distinct year, school_id from core.fct_school_procedure) as r
            join core.dim_school as d on r.school_id = d.school_id
            join lateral (
              select school_version_id from core.dim_school as v where v.school_id = r.school_id
              order by (coalesce(extract(year from v.valid_from) <= r.year, true)) desc,
                case when coalesce(extract(year from v.valid_from) <= r.year, true) then v.valid_from end
                  desc nulls last,
                v.valid_from limit 1) as v on d.school_version_id = v.school_version_id
            join core.dim_school as s on s.school_version_id = v.school_version_id
        """)
    }
    sums: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    region: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    for (y, school, procedure), result in results_of(warehouse).items():
        if result.n > 0 and result.below is not None:
            for total in (region[y, procedure], sums[y, of_school.get((y, school), ""), procedure]):
                total[0] += result.below
                total[1] += result.n
    verdicts = {}
    for municipality in {m for _, m, _ in sums if m}:
        low = assessed = 0
        for procedures in groups.values():
            years = []
            for back in range(3):
                found = [p for p in procedures if (year - back, municipality, p) in sums]
                if found:
                    years.append(
                        any(
                            wilson(*sums[year - back, municipality, p])[0]
                            > region[year - back, p][0] / region[year - back, p][1]
                            for p in found
                        )
                    )
            assessed += len(years) >= 2
            low += sum(years) >= 2
        verdicts[municipality] = True if low >= 2 else False if assessed >= 2 else None
    rows = warehouse.ask(f"""
        select municipality_id, is_low_municipality::int as low from marts.mart_municipality_identification
        where year = {year} and method_code = '{method}'
    """)
    mart = {row["municipality_id"]: {"": None, "0": False, "1": True}[row["low"]] for row in rows}
    assert mart
    assert mart == {one: verdicts[one] for one in mart}
    return sum(value is True for value in mart.values())


def mean_probability_gap(warehouse: Warehouse, year: int, method: str) -> float:
    """Mean probability of the schools on the list less that of the others."""
    rows = warehouse.ask(f"""
        select is_low_results::int as low, probability_low as p from marts.mart_identification
        where year = {year} and method_code = '{method}' and probability_low is not null
    """)
    by = {verdict: fmean(float(row["p"]) for row in rows if row["low"] == verdict) for verdict in ("0", "1")}
    return by["1"] - by["0"]
