"""Each rule finds the row that breaks it, with every reason, and leaves the clean row alone."""

from __future__ import annotations

import pytest
from quality_cases import KEYS, SOURCES
from quality_warehouse import land_all, query
from ravenstvo.quality import validate
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

pytestmark = pytest.mark.slow(seconds=50)

CASES = [
    (source, place, changes, expected)
    for source, described in SOURCES.items()
    for place, (changes, expected) in enumerate(described.cases)
]


@pytest.fixture(scope="module")
def landed(settings: Settings) -> dict[tuple[str, int], tuple[int, int]]:
    """Land every case and validate once; gives the part and row of each. Place -1 is the clean row."""
    # The shipped reference data holds no maximum of a ЕГЭ paper yet.
    with connect(settings) as connection, connection.cursor() as cursor:
        values = ("ege_phys", 2020, 50)
        cursor.execute("insert into seeds.max_score (procedure_code, year_from, max_primary) values %s", (values,))
    files = {}
    for source, described in SOURCES.items():
        files[source, -1] = [described.clean]
        for place, (changes, expected) in enumerate(described.cases):
            changed = {**described.clean, **changes}
            files[source, place] = [described.clean, changed] if expected & {"duplicate", "overlap"} else [changed]
    parts = land_all(settings, [(source, rows) for (source, _), rows in files.items()])
    validate(settings)
    return {key: (part, len(rows) + 1) for (key, rows), part in zip(files.items(), parts, strict=True)}


def found(settings: Settings, source: str, at: tuple[int, int]) -> set[str]:
    rows = query(settings, "select expectation_id from ops.row_finding where part_id = %s and row_no = %s", *at)
    return {name.removeprefix(f"{source}.") for (name,) in rows}


@pytest.mark.parametrize("source", SOURCES)
def test_clean_row_has_no_findings(settings: Settings, landed: dict, source: str) -> None:
    assert found(settings, source, landed[source, -1]) == set()


@pytest.mark.parametrize(("source", "place", "changes", "expected"), CASES)
def test_broken_row_is_found_with_every_reason(
    settings: Settings, landed: dict, source: str, place: int, changes: dict, expected: set[str]
) -> None:
    assert found(settings, source, landed[source, place]) == expected


def test_messages_name_the_value(settings: Settings, landed: dict) -> None:
    rows = query(
        settings,
        "select message, value, advice from ops.row_finding where expectation_id = 'vpr_result.score_above_max' "
        "and value = '46'",
    )
    assert len(rows) == 1
    message, value, advice = rows[0]
    assert message == "Первичный балл 46 больше максимального за эту работу (45)."
    assert value == "46"
    assert advice


def test_nearest_known_value_is_named(settings: Settings, landed: dict) -> None:
    (advice,) = query(settings, "select advice from ops.row_finding where value = 'гимнасия'")[0]
    assert "«гимназия»" in advice


def test_findings_hold_nothing_personal(settings: Settings, landed: dict) -> None:
    texts = query(settings, "select concat_ws(' ', record_key, value, message, advice) from ops.row_finding")
    assert texts
    assert not any(key in text for (text,) in texts for key in KEYS)


def test_results_of_every_expectation_are_kept(settings: Settings, landed: dict) -> None:
    wrong = query(
        settings,
        """
        select result.expectation_id, result.n_failed, count(finding.part_id)
        from ops.expectation_result as result
        left join ops.row_finding as finding using (expectation_id)
        group by result.expectation_id, result.n_failed, result.success
        having result.n_failed <> count(finding.part_id) or result.success <> (result.n_failed = 0)
        """,
    )
    assert wrong == []
