"""The suite documents themselves."""

from __future__ import annotations

import re

import pytest
from quality_cases import SOURCES
from ravenstvo.quality.suites import load_suite
from ravenstvo.settings import PROJECT_ROOT
from ravenstvo.sources import load_sources

FOLDER = PROJECT_ROOT / "expectations"
RUSSIAN = re.compile("[а-яё]", re.IGNORECASE)


def test_every_source_has_a_suite_and_every_suite_a_source() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(load_sources())


@pytest.mark.parametrize("source", load_sources())
def test_great_expectations_reads_the_document(source: str) -> None:
    from great_expectations.core import ExpectationSuite

    suite = load_suite(FOLDER, source)
    read = ExpectationSuite(**suite.document)
    assert len(read.expectations) == len(suite.expectations)
    assert [item.severity.value for item in read.expectations] == [rule.severity for rule in suite.expectations]


@pytest.mark.parametrize("source", load_sources())
def test_every_expectation_says_in_russian_what_is_wrong_and_what_to_do(source: str) -> None:
    columns = load_sources()[source].column_names
    for rule in load_suite(FOLDER, source).expectations:
        assert rule.meta.id.startswith(f"{source}.")
        assert rule.meta.column in columns
        for text in (rule.description, rule.meta.message, rule.meta.advice):
            assert RUSSIAN.search(text), rule.meta.id


@pytest.mark.parametrize("source", load_sources())
def test_every_expectation_has_a_row_that_breaks_it(source: str) -> None:
    broken = set().union(*(expected for _, expected in SOURCES[source].cases))
    assert {rule.meta.id.removeprefix(f"{source}.") for rule in load_suite(FOLDER, source).expectations} == broken
