"""Of rows that repeat each other the first right one is loaded, and the others are told which one that is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality_cases import SOURCES
from quality_warehouse import land, land_all, query
from ravenstvo.quality import validate
from ravenstvo.quality.repeats import Repeat, is_about_repeats, verdicts
from ravenstvo.quality.suites import load_suite
from ravenstvo.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.slow(seconds=30)

SUITES = {source: load_suite(PROJECT_ROOT / "expectations", source) for source in SOURCES}
CRITICAL = {
    source: {rule.meta.id.partition(".")[2] for rule in suite.expectations if rule.severity == "critical"}
    for source, suite in SUITES.items()
}
REPEATING = [source for source, suite in SUITES.items() if any(map(is_about_repeats, suite.expectations))]
REPEATED = {"duplicate", "overlap"}
PERIODS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4), st.booleans()), max_size=9)


def meet(one: tuple, other: tuple) -> bool:
    return one[0] < other[0] + other[1] and other[0] < one[0] + one[1]


@given(PERIODS)
def test_everything_right_is_loaded_and_only_loaded_rows_are_named(periods: list[tuple[int, int, bool]]) -> None:
    """The key of a row is the beginning of its period, as in the register of members."""
    begins = [begin for begin, _, _ in periods]
    repeats = [
        Repeat(
            1,
            row_no,
            "",
            first if (first := begins.index(begin) + 2) < row_no else None,
            tuple(
                earlier + 2
                for earlier in range(row_no - 2)
                if begins[earlier] != begin and meet(periods[earlier], periods[row_no - 2])
            ),
            is_rejected,
            whole_id=1,
        )
        for row_no, (begin, _, is_rejected) in enumerate(periods, start=2)
    ]
    given_verdicts = list(verdicts(repeats))
    loaded = {
        repeat.row_no
        for repeat, verdict in given_verdicts
        if not repeat.is_rejected and verdict.loaded_row_no is None and not verdict.loaded_overlaps
    }
    for repeat, verdict in given_verdicts:
        at = repeat.row_no - 2
        earlier = [row_no for row_no in sorted(loaded) if row_no < repeat.row_no]
        assert [verdict.loaded_row_no] == ([n for n in earlier if begins[n - 2] == begins[at]] or [None])
        assert list(verdict.loaded_overlaps) == [
            n for n in earlier if begins[n - 2] != begins[at] and meet(periods[n - 2], periods[at])
        ]


@pytest.fixture(autouse=True)
def no_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are not looked at here; to write them anew each time would take longest."""
    monkeypatch.setattr("ravenstvo.quality.data_docs.write_data_docs", lambda settings, _: settings.data_docs_dir)


@pytest.fixture(scope="module")
def known(settings: Settings) -> None:
    """What rows refer to: one right row of every source."""
    land_all(settings, [(source, [described.clean]) for source, described in SOURCES.items()])


def duplicate_of(source: str) -> dict[str, object]:
    changes = next(changes for changes, expected in SOURCES[source].cases if expected == {"duplicate"})
    return {**SOURCES[source].clean, **changes}


def test_wrong_row_never_hides_the_right_one_after_it(settings: Settings, known: None) -> None:
    """Whatever is wrong with the first row, the right second is loaded, and the third repeats the second."""
    files = [
        (source, [{**SOURCES[source].clean, **changes}, SOURCES[source].clean, duplicate_of(source)])
        for source in REPEATING
        for changes, expected in SOURCES[source].cases
        if expected & CRITICAL[source] and not expected & REPEATED
    ]
    parts = land_all(settings, files)
    validate(settings)
    rejected = query(
        settings,
        "select part_id, row_no, expectation_id, message from ops.row_finding "
        "where severity = 'critical' and row_no > 2 order by 1, 2",
    )
    assert len(parts) > 200
    assert {source for source, _ in files} == set(REPEATING)
    assert [(part, row_no, name) for part, row_no, name, _ in rejected] == [
        (part, 4, f"{source}.duplicate") for (source, _), part in zip(files, parts, strict=True)
    ]
    assert all(message.rstrip(".").endswith("в строке 3") for *_, message in rejected)


def test_of_four_rows_the_first_right_one_of_a_key_is_loaded(settings: Settings, known: None) -> None:
    clean = SOURCES["satisfaction"].clean
    files = list(product(product(("2021-10-30", "2021-10-31"), (True, False)), repeat=4))
    rows = [
        [{**clean, "surveyed_on": day, "score": "90" if is_right else "140"} for day, is_right in file]
        for file in files
    ]
    parts = dict(zip(land_all(settings, [("satisfaction", one) for one in rows]), files, strict=True))
    told, loaded = {}, {}
    for part, file in parts.items():
        first: dict[str, int] = {}
        told[part] = {}
        for row_no, (day, is_right) in enumerate(file, start=2):
            if day in first:
                told[part][row_no] = first[day]
            elif is_right:
                first[day] = row_no
        loaded[part] = set(first.values())
    validate(settings)
    found: dict[int, dict[int, int]] = {part: {} for part in parts}
    for part, row_no, message in query(
        settings,
        "select part_id, row_no, message from ops.row_finding "
        "where expectation_id = 'satisfaction.duplicate' and part_id = any(%s)",
        list(parts),
    ):
        found[part][row_no] = int(message.rstrip(".").rpartition(" ")[2])
    assert found == told
    counts = "select part_id, n_rows_accepted from ops.source_part where part_id = any(%s)"
    assert dict(query(settings, counts, list(parts))) == {part: len(rows) for part, rows in loaded.items()}
    rejected = query(
        settings, "select distinct part_id, row_no from ops.rejected_row where part_id = any(%s)", list(parts)
    )
    assert set(rejected) == {(part, n) for part, rows in loaded.items() for n in range(2, 6) if n not in rows}
    # What a rule reports of itself is what it rejected, not what it suspected at first.
    ((n_failed,),) = query(
        settings,
        "select n_failed from ops.expectation_result where expectation_id = 'satisfaction.duplicate' "
        "order by validated_at desc limit 1",
    )
    assert n_failed == sum(map(len, told.values()))


def test_rule_that_nothing_breaks_in_the_end_has_not_failed(settings: Settings, known: None) -> None:
    clean = SOURCES["satisfaction"].clean
    validate(settings)
    land(settings, "satisfaction", [{**clean, "score": "140"}, clean])
    assert validate(settings)["sources"]["satisfaction"] == {
        "n_parts": 1,
        "n_rows": 2,
        "n_accepted": 1,
        "n_rejected": 1,
        "n_warnings": 0,
        "n_failed_expectations": 1,
        "success": False,
    }


def test_records_of_wide_rows_repeat_each_other_one_by_one(settings: Settings, known: None) -> None:
    clean = SOURCES["ege_school_summary"].clean
    part = land(
        settings,
        "ege_school_summary",
        [
            {**clean, "row_no": 7, "subject": "Химия", "n_participants": "плохо"},
            {**clean, "row_no": 7, "subject": "Физика"},
            {**clean, "row_no": 8, "subject": "Химия"},
            {**clean, "row_no": 8, "subject": "Физика"},
            {**clean, "row_no": 9, "subject": "Химия"},
        ],
    )
    validate(settings)
    found = query(
        settings,
        "select row_no, record_key, message from ops.row_finding where part_id = %s and expectation_id like %s "
        "order by 1, 2",
        part,
        "%.duplicate",
    )
    assert [(row_no, subject, message.rstrip(".").rpartition(" ")[2]) for row_no, subject, message in found] == [
        (8, "Физика", "7"),
        (9, "Химия", "8"),
    ]


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        # The first is rejected for its basis, which is in no list.
        ([("2020-01-01", "2022-01-01", "по любви"), ("2021-01-01", None)], {}),
        ([("2020-01-01", "2022-01-01", "по любви"), ("2021-01-01", None), ("2021-06-01", None)], {4: ("overlap", "3")}),
        ([("2020-01-01", "2022-01-01"), ("2021-01-01", None)], {3: ("overlap", "2")}),
        # The third meets only the second, which is not loaded.
        ([("2020-01-01", "2021-06-01"), ("2021-01-01", "2022-01-01"), ("2021-07-01", None)], {3: ("overlap", "2")}),
        # The fourth repeats the third, which is not loaded, and ends before the first begins.
        (
            [("2021-01-01", "2022-01-01"), ("2020-01-01", "2021-06-01"), ("2020-01-01", "2020-06-01")],
            {3: ("overlap", "2")},
        ),
        # A row that repeats a loaded one does not stand in the way of others.
        (
            [("2020-01-01", "2020-06-01"), ("2020-01-01", None), ("2020-07-01", None)],
            {3: ("duplicate", "2")},
        ),
        (
            [("2020-01-01", "2021-01-01"), ("2021-01-01", "2022-01-01"), ("2020-06-01", "2021-06-01")],
            {4: ("overlap", "2, 3")},
        ),
    ],
)
def test_period_meets_loaded_periods_only(settings: Settings, known: None, periods: list, expected: dict) -> None:
    clean = SOURCES["membership"].clean
    rows = [
        {**clean, "included_from": begin, "excluded_from": end, "basis": (*basis, clean["basis"])[0]}
        for begin, end, *basis in periods
    ]
    part = land(settings, "membership", rows)
    validate(settings)
    found = query(
        settings,
        "select row_no, expectation_id, substring(message from '([0-9, ]+)[).]+$') from ops.row_finding "
        "where part_id = %s and expectation_id in ('membership.overlap', 'membership.duplicate') order by 1",
        part,
    )
    assert {row_no: (name.partition(".")[2], named.strip()) for row_no, name, named in found} == expected
