"""The page of the marts: what is committed is what the documents of the models say."""

from __future__ import annotations

from pathlib import Path

import pytest
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.dictionary import Column, Mart, Metric
from ravenstvo.publishing.marts_page import marts_page
from ravenstvo.settings import PROJECT_ROOT


def test_committed_page_is_the_generated_one(parsed_project: Path) -> None:
    written = (PROJECT_ROOT / "docs" / "marts.md").read_text(encoding="utf-8")
    assert written == marts_page(dictionary.load(parsed_project)), "ravenstvo docs --marts docs/marts.md"


def test_every_mart_says_what_it_is_what_a_row_is_and_shows_a_query(parsed_project: Path) -> None:
    silent = [
        (mart.name, heading)
        for mart in dictionary.load(parsed_project).values()
        for heading in ("Overview", "Primary key", "Business rules", "Example")
        if not mart.section(heading)
    ]
    assert silent == []
    assert [name for name, mart in dictionary.load(parsed_project).items() if not mart.examples] == []


def test_a_mart_on_the_page() -> None:
    told = """## Overview
Школы
региона.

## Primary key
year, school_id.

## Example
`select name from marts.mart_made where year = 2021
order by name` — строк нет, пока нет школ.
"""
    columns = (
        Column("share", "Доля | часть", "", "double precision", "share"),
        Column("names", "Имена", "", "text[]"),
    )
    metrics = (Metric("schools", "Школ", "Разные школы.", "count(distinct school_id)", "count"),)
    page = marts_page({"mart_made": Mart("mart_made", "marts", "Школы: сделанное", told, columns, metrics)})
    assert "* [Школы: сделанное](#mart_made) — `mart_made`" in page
    assert "`marts.mart_made` — Школы региона." in page
    assert "**Одна строка:** year, school_id." in page
    assert "| `share` | Доля \\| часть | доля |\n| `names` | Имена | список |" in page
    assert "| `schools` | Школ | количество | `count(distinct school_id)` | Разные школы. |" in page
    query = "```sql\nselect name\nfrom marts.mart_made\nwhere year = 2021\norder by name\n```"
    assert f"{query}\n\nСтрок нет, пока нет школ." in page
    assert "## Факты" not in page


@pytest.mark.parametrize("data_type", ["xml", "numeric(12, 2)"])
def test_a_type_that_the_page_has_no_word_for_is_an_error(data_type: str) -> None:
    mart = Mart("mart_made", "marts", "Школы", "", (Column("x", "Икс", "", data_type),))
    with pytest.raises(KeyError):
        marts_page({"mart_made": mart})
