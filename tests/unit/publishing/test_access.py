"""Which rows of a mart a municipality is shown."""

from __future__ import annotations

from typing import Any

import pytest
from ravenstvo.publishing.bi.access import Municipality, plan
from ravenstvo.publishing.bi.identity import asset_uuid
from ravenstvo.publishing.dictionary import Column, Mart

PLACE = Municipality("041", "Лесной район")


def _clauses(columns: tuple[str, ...], audience: str) -> set[str]:
    """Conditions of the municipality's own role on a mart of these columns."""
    mart = Mart(
        "mart_made", "marts", "Сделанное", "", tuple(Column(name, name, "", "text") for name in columns), (), audience
    )
    rows: list[dict[str, Any]] = plan({"mart_made": mart}, [PLACE], {}, anonymous=False)["rows"]
    mine = asset_uuid("dataset", "mart_made")
    return {rule["clause"] for rule in rows if rule["role"] == PLACE.role and mine in rule["datasets"]}


@pytest.mark.parametrize(
    ("columns", "audience", "clauses"),
    [
        (("municipality_code",), "", {"municipality_code = '041'"}),
        (("municipality_name",), "", {"municipality_name = 'Лесной район'"}),
        (("municipality_code",), "region", {"(municipality_code = '041' or municipality_code is null)"}),
        # A school of no known municipality is not the region.
        (
            ("municipality_code", "territory_kind"),
            "region",
            {"(municipality_code = '041' or territory_kind = 'region')"},
        ),
        (("municipality_code", "area_kind"), "region", {"(municipality_code = '041' or area_kind = 'region')"}),
        (("municipality_code",), "open", set()),
        (("year",), "", set()),
    ],
)
def test_a_municipality_sees_its_rows_and_those_of_the_region_where_they_are_open(
    columns: tuple[str, ...], audience: str, clauses: set[str]
) -> None:
    assert _clauses(columns, audience) == clauses
