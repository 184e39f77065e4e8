"""Outlines of municipalities: what is read of a GeoJSON file, and how it is drawn."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ravenstvo.publishing.municipality_shapes import ShapeError, load_shapes, outlines, read_features
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse import migrate
from ravenstvo.warehouse.connection import connect
from shapely.geometry import Polygon, box

SAMPLE = PROJECT_ROOT / "include" / "bi" / "sample_municipalities.geojson"


def _file(folder: Path, *features: Any) -> Path:
    file = folder / "границы.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return file


def _feature(ring: list[list[float]], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


SQUARE = [[60.0, 55.0], [61.0, 55.0], [61.0, 56.0], [60.0, 56.0], [60.0, 55.0]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "не GeoJSON"),
        ("[1, 2]", "FeatureCollection"),
        ('{"features": []}', "непустым"),
        ('{"features": [7]}', "граница 1: нужен Polygon"),
        ('{"features": [{"geometry": {"type": "Point", "coordinates": [60, 55]}}]}', "граница 1: нужен Polygon"),
        ('{"features": [{"geometry": {"type": "Polygon", "coordinates": [["a"]]}}]}', "координаты не читаются"),
        (
            '{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[6,5],[7,5],[6,5],[6,5]]]}}]}',
            "нет площади",
        ),
        (
            '{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[6e6,5],[7e6,5],[7e6,6],[6e6,5]]]}}]}',
            "не в градусах",
        ),
    ],
)
def test_what_is_no_outline_is_told(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "границы.geojson"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ShapeError, match=told):
        read_features(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="нет"):
        read_features(tmp_path / "no.geojson")


def test_the_first_point_of_a_drawing_is_north_west() -> None:
    """Longitudes go right, latitudes go up, a drawing's y goes down; degrees of longitude are shorter in the north."""
    drawn = outlines({"west": [box(60, 60, 61, 61)], "east": [box(61, 60, 62, 61)]})
    assert drawn.outlines["west"].label_x < drawn.outlines["east"].label_x
    numbers = [float(found) for found in re.findall(r"-?[\d.]+", drawn.outlines["west"].path)]
    assert min(numbers) == 0.0
    # cos 60,5° = 0,4924: two degrees of longitude are 0,985 of a degree of latitude.
    assert (drawn.width, drawn.height) == (984.8, 1000.0)


def test_neighbours_keep_their_common_border() -> None:
    """A border simplified for both at once leaves neither gap nor overlap."""
    border = [(61 + 0.01 * (step % 3), 55 + step / 50) for step in range(51)]
    west, east = (Polygon([*border, (side, 56), (side, 55)]) for side in (60.0, 62.0))
    drawn = outlines({"west": [west], "east": [east]})
    points = [set(re.findall(r"[\d.]+ [\d.]+", drawn.outlines[side].path)) for side in ("west", "east")]
    assert len(points[0] & points[1]) > 10


def test_outlines_of_the_sample_find_their_municipalities(warehouse: Settings, tmp_path: Path) -> None:
    """By code with or without zeros, or by a name written another way; what is unknown is told and left out."""
    migrate.upgrade(warehouse)
    rest = json.loads(SAMPLE.read_text(encoding="utf-8"))["features"]
    with connect(warehouse) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create table core.dim_municipality (municipality_id text, municipality_code text, municipality_name text)"
        )
        cursor.executemany(
            "insert into core.dim_municipality values (%s, %s, %s)",
            [(f"M{one['properties']['municipality_code']}", *one["properties"].values()) for one in rest]
            + [("M077", "077", "Далёкий район")],
        )
        rest[0]["properties"] = {"code": 41}
        rest[1]["properties"] = {"name": "ЖУРАВЛИНСКИЙ  РАЙОН"}
        loaded = load_shapes(cursor, _file(tmp_path, *rest, _feature(SQUARE, name="<b>Чужой</b>")))
        assert (loaded.n_loaded, loaded.unknown, loaded.without_outline) == (6, ("<b>Чужой</b>",), ("Далёкий район",))
        load_shapes(cursor, _file(tmp_path, *rest[:2]))
        with pytest.raises(ShapeError, match="«Чужой»"):
            load_shapes(cursor, _file(tmp_path, _feature(SQUARE, name="Чужой")))
        cursor.execute("select municipality_id, outline ~ '^M[0-9]' from ops.municipality_shape order by 1")
        assert cursor.fetchall() == [("M041", True), ("M042", True)]
