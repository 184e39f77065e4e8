"""The words of the marts: what dashboards, workbooks and the report call them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.dictionary import Mart

LONGEST_TITLE = 40
UNITS = {"share", "percent", "count", "score", "number", "year", None}
NUMBERS = re.compile("integer|bigint|numeric|double precision")


@pytest.fixture(scope="module")
def marts(parsed_project: Path) -> dict[str, Mart]:
    return dictionary.load(parsed_project)


def test_every_mart_has_a_russian_title_of_its_own(marts: dict[str, Mart]) -> None:
    assert len(marts) > 50
    titles = Counter(mart.title for mart in marts.values())
    assert [title for title, times in titles.items() if times > 1 or not _is_heading(title)] == []


def test_every_column_has_a_title_that_fits_a_heading(marts: dict[str, Mart]) -> None:
    columns = [(mart.name, column) for mart in marts.values() for column in mart.columns]
    assert [(mart, column.name, column.title) for mart, column in columns if not _is_heading(column.title)] == []


def test_no_two_columns_of_a_mart_have_the_same_title(marts: dict[str, Mart]) -> None:
    same = {
        mart.name: [title for title, times in Counter(mart.titles.values()).items() if times > 1]
        for mart in marts.values()
    }
    assert {name: titles for name, titles in same.items() if titles} == {}


def test_units_are_known_and_belong_to_numbers(marts: dict[str, Mart]) -> None:
    columns = [(mart.name, column) for mart in marts.values() for column in mart.columns]
    assert {column.unit for _, column in columns} == UNITS
    assert [(m, c.name, c.unit) for m, c in columns if c.unit and not NUMBERS.fullmatch(_plain(c.data_type))] == []
    # A fraction or a number with decimals is never a key: it has to be written in some way.
    bare = [(m, c.name) for m, c in columns if _plain(c.data_type) in ("numeric", "double precision") and not c.unit]
    assert bare == []


def test_dbt_has_nothing_to_warn_of(parsed_project: Path) -> None:
    """A title at a place that dbt does not know would be a warning there, and no title here."""
    told = (parsed_project / "parse.txt").read_text(encoding="utf-8")
    warnings = re.findall(r"\[WARNING\].*", told)
    # dbt_project.yml keeps a folder of the schema publish ready.
    assert [line for line in warnings if "Configuration paths exist" not in line] == []


def _is_heading(title: str) -> bool:
    return bool(re.match("[А-ЯЁ]", title)) and len(title) <= LONGEST_TITLE and not title.endswith((".", ";", ":"))


def _plain(data_type: str) -> str:
    """PostgreSQL's type without its precision."""
    return data_type.partition("(")[0]
