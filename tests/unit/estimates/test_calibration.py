"""The numbers «how sure» on made-up regions with known true shares, and the page that reports them."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
from ravenstvo.settings import PROJECT_ROOT
from scipy import stats


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("calibration", PROJECT_ROOT / "bench" / "calibration.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A frozen dataclass looks its module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bench = _load()
N_SHAPES = len(bench.SHAPES)


def between(given: object, low: float, high: float) -> tuple[int, float, float]:
    """Number of those given a probability in a range, the mean of what was given, and the share that is true."""
    at = (given.probability >= low) & (given.probability < high)  # type: ignore[attr-defined]
    return int(at.sum()), given.probability[at].mean(), given.is_true[at].mean()  # type: ignore[attr-defined]


def off(given: object) -> float:
    """Mean distance between what was given and what is true, over tenths of probability."""
    rows = [between(given, low / 10, (low + 1) / 10 + (low == 9)) for low in range(10)]
    return sum(n * abs(said - true) for n, said, true in rows) / sum(n for n, _, _ in rows)


@pytest.mark.parametrize("index", range(N_SHAPES))
@pytest.mark.parametrize("name", ["procedure", "together"])
def test_what_is_given_comes_true_that_often(index: int, name: str) -> None:
    """In each tenth: four standard errors, and three hundredths for a truth of another shape than the model's."""
    given = bench.calibration(index)[name]
    for tenth in range(10):
        n, said, true = between(given, tenth / 10, (tenth + 1) / 10 + (tenth == 9))
        assert n >= 100
        assert true == pytest.approx(said, abs=4 * np.sqrt(said * (1 - said) / n) + 0.03)


@pytest.mark.parametrize("name", ["procedure", "together"])
def test_of_those_given_four_in_five_to_nine_in_ten_that_share_is_low(name: str) -> None:
    """All regions together: as many as chance allows around what was given (0.1 % on either side)."""
    found = [bench.calibration(index)[name] for index in range(N_SHAPES)]
    given = bench.Given(*(np.concatenate([getattr(one, part) for one in found]) for part in ("probability", "is_true")))
    n, said, true = between(given, 0.8, 0.9)
    assert n > 1000
    low, high = stats.binom.ppf([0.001, 0.999], n, said) / n
    assert low <= true <= high
    assert 0.8 <= true <= 0.9


def test_independence_would_mislead_where_procedures_hang_together() -> None:
    for index, shape in enumerate(bench.SHAPES):
        together, alone = (bench.calibration(index)[name] for name in ("together", "alone"))
        if shape.correlation > 0:
            assert off(alone) > 1.5 * off(together)
            assert ((alone.probability - alone.is_true) ** 2).mean() > (
                (together.probability - together.is_true) ** 2
            ).mean()
        else:
            assert off(together) == pytest.approx(off(alone), abs=0.01)


@pytest.mark.parametrize("index", [1, 4])
def test_two_years_in_a_row_come_true_that_often(index: int) -> None:
    """Whether what is a procedure's own lasts from year to year or not: the counts tell."""
    given = bench.calibration(index, bench.REPEATED)
    assert off(given["together"]) < 0.02 < off(given["alone"])


def test_small_schools_that_are_weaker_are_given_too_little() -> None:
    """A limit that the page states: the region's mean is not theirs."""
    (few, many) = (
        [float(cell.replace(",", ".")) for cell in line.split("|")[3:5]]
        for line in bench.small_are_weaker_table().splitlines()[2:]
    )
    assert few[0] < few[1] - 0.05
    assert many[0] == pytest.approx(many[1], abs=0.02)


def test_the_interval_holds_the_true_share_in_ninety_five_of_a_hundred() -> None:
    for _, n, drawn, exact in bench.coverage():
        assert 0.94 <= exact <= 0.97
        assert drawn == pytest.approx(exact, abs=4 * np.sqrt(0.05 * 0.95 / n))


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(1, 1, 0.207, 1), (1, 3, 0.061, 0.792), (3, 10, 0.108, 0.603), (6, 20, 0.145, 0.519), (30, 100, 0.219, 0.396)],
)
def test_the_interval_is_wilsons(x: int, n: int, low: float, high: float) -> None:
    found = [float(bound[0]) for bound in bench.wilson(np.array([x]), n)]
    assert found == pytest.approx([low, high], abs=5e-4)
    ready = stats.binomtest(x, n).proportion_ci(method="wilson")
    assert found == pytest.approx([ready.low, ready.high], abs=1e-9)


@pytest.mark.parametrize(
    ("n", "one", "two"), [(1, 0.1, 0.05), (3, 0.27, 0.3), (5, 0.08, 0.04), (6, 0.11, 0.07), (10, 0.07, 0.03)]
)
def test_an_ordinary_small_school_is_named_by_chance(n: int, one: float, two: float) -> None:
    """What the methodologists' own table says of a true share of 10 %."""
    assert bench.one_procedure(n, 0.1).exact == pytest.approx(one, abs=0.006)
    assert bench.two_of_four(n, 0.1).exact == pytest.approx(two, abs=0.006)


@pytest.mark.parametrize(("n", "missed"), [(4, 0.28), (7, 0.2)])
def test_a_weak_school_is_missed_by_chance(n: int, missed: float) -> None:
    assert 1 - bench.two_of_four(n, 0.4).exact == pytest.approx(missed, abs=0.006)


@pytest.mark.parametrize("n", bench.SIZES)
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.4])
def test_drawing_agrees_with_the_binomial_and_caution_names_fewer(n: int, share: float) -> None:
    for named in (bench.one_procedure(n, share), bench.two_of_four(n, share)):
        error = np.sqrt(named.exact * (1 - named.exact) / 20000)
        assert named.drawn == pytest.approx(named.exact, abs=4 * error + 1e-4)
        assert named.exact >= named.readings[0] >= named.readings[1] >= 0
    # All outcomes of four procedures, in any order, are all there is.
    assert bench.two_of_four(n, share).exact == pytest.approx(_by_outcomes(n, share), abs=1e-9)


def _by_outcomes(n: int, share: float) -> float:
    low = stats.binom.pmf(np.arange(n + 1), n, share)[bench.is_low(np.arange(n + 1), np.int64(n))].sum()
    return float(1 - (1 - low) ** 4 - 4 * low * (1 - low) ** 3)


def test_the_page_holds_the_tables_that_the_script_makes() -> None:
    page = bench.PAGE.read_text(encoding="utf-8")
    made = bench.tables()
    assert bench.places(page) == set(made)
    assert bench.filled(page, made) == page
