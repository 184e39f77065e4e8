"""Which rows a municipality sees of a mart that holds the region's beside its own."""

from __future__ import annotations

from ravenstvo.publishing.bi.access import Municipality, plan
from ravenstvo.publishing.bi.identity import asset_uuid
from ravenstvo.publishing.dictionary import Column, Mart


def test_region_is_seen_beside_ones_own_rows() -> None:
    """Audience ``region``: own rows and the region's; the role without a municipality sees neither."""
    columns = tuple(Column(name, name, "", "text") for name in ("area_kind", "municipality_code"))
    mart = Mart("mart_areas", "marts", "Территории", "", columns, audience="region")
    rows = plan({mart.name: mart}, [Municipality("042", "Район")], {}, anonymous=False)["rows"]
    assert [rule["clause"] for rule in rows] == ["1 = 0", "(municipality_code = '042' or area_kind = 'region')"]
    assert all(rule["datasets"] == [asset_uuid("dataset", "mart_areas")] for rule in rows)
