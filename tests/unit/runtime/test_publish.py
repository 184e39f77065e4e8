"""Publishing comes after a calculation, and whatever fails there leaves it done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ravenstvo.calculation import dbt_docs, lifecycle
from ravenstvo.publishing import report
from ravenstvo.runtime import tasks


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked for, with a warehouse in which a calculation is done and nothing that is slow."""
    asked: list[str] = []
    monkeypatch.setattr(lifecycle, "is_calculated", lambda settings: True)
    monkeypatch.setattr(report, "publish_reports", lambda settings, year: asked.append(f"{year}") or [Path("r.html")])
    monkeypatch.setattr(dbt_docs, "write_docs", lambda settings: asked.append("docs") or Path("d.html"))
    return asked


def test_writes_the_report_of_the_campaign_and_the_dictionary(published: list[str]) -> None:
    assert tasks.publish(2023) == ["r.html", "d.html"]
    assert published == ["2023", "docs"]


@pytest.mark.parametrize(("year", "is_calculated"), [(None, True), (2023, False)])
def test_nothing_is_owed_where_nothing_was_calculated(
    published: list[str], monkeypatch: pytest.MonkeyPatch, year: int | None, is_calculated: bool
) -> None:
    monkeypatch.setattr(lifecycle, "is_calculated", lambda settings: is_calculated)
    assert tasks.publish(year) == []
    assert published == []


def test_a_failure_says_that_the_calculation_stays(published: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError("нет места на диске")

    monkeypatch.setattr(report, "publish_reports", fail)
    with pytest.raises(tasks.PublishingError, match=r"закончен и сохранён, .* нет места на диске"):
        tasks.publish(2023)
