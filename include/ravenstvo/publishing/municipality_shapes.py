"""Outlines of municipalities from a GeoJSON file, made ready to be drawn: SVG paths in one common view.

A map has no base layer and asks nothing of a network: shapes are projected and simplified once, when they are loaded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ravenstvo.errors import ToldError

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor
    from shapely.geometry.base import BaseGeometry

LARGEST_FILE_MB = 100
# Units of a view are arbitrary; a screen shows the map about this wide.
_VIEW_WIDTH = 1000.0
# Half a unit is less than a line is wide.
_TOLERANCE = 0.5
_CODES = ("municipality_code", "code")
_NAMES = ("municipality_name", "name")
_AREAS = ("Polygon", "MultiPolygon")
_SHOWN = 10


class ShapeError(ToldError):
    """A file of outlines cannot be used; the message (Russian) says why and what to do."""


@dataclass(frozen=True)
class Outline:
    """A municipality's outline: ``path`` is the attribute ``d`` of SVG, the label's place is inside it."""

    path: str
    label_x: float
    label_y: float


@dataclass(frozen=True)
class Loaded:
    """What became of a file: how many municipalities have an outline now, and what found no match on either side."""

    n_loaded: int
    unknown: tuple[str, ...]
    without_outline: tuple[str, ...]


@dataclass(frozen=True)
class _Feature:
    label: str
    keys: tuple[str, ...]
    geometry: BaseGeometry


def load_shapes(cursor: Cursor, file: Path) -> Loaded:
    """Replace the outlines by those of a GeoJSON file in degrees (WGS 84).

    A feature belongs to the municipality whose code or name its properties give (``municipality_code``, ``code``,
    ``municipality_name``, ``name``). Raises ShapeError; the outlines of before then stay.
    """
    features = read_features(file)
    cursor.execute("select municipality_id, municipality_code, municipality_name from core.dim_municipality")
    municipalities = cursor.fetchall()
    known = {key: row[0] for row in municipalities for key in _keys(row[1:2], row[2:3])}
    areas: dict[str, list[BaseGeometry]] = {}
    unknown = []
    for feature in features:
        found = next((known[key] for key in feature.keys if key in known), None)
        if found is None:
            unknown.append(feature.label)
        else:
            areas.setdefault(found, []).append(feature.geometry)
    if not areas:
        raise ShapeError(
            f"В файле {file.name} нет ни одного муниципалитета региона. Границ в нём {len(features)}: "
            f"{_listed(unknown)}. Нужно свойство municipality_code или municipality_name, как в справочнике школ."
        )
    drawn = outlines(areas)
    width, height = drawn.width, drawn.height
    cursor.execute("delete from ops.municipality_shape")
    cursor.executemany(
        "insert into ops.municipality_shape "
        "(municipality_id, outline, label_x, label_y, view_width, view_height, file_name) "
        "values (%s, %s, %s, %s, %s, %s, %s)",
        [
            (key, outline.path, outline.label_x, outline.label_y, width, height, file.name)
            for key, outline in sorted(drawn.outlines.items())
        ],
    )
    missing = tuple(name or key for key, _, name in municipalities if key not in areas)
    return Loaded(len(areas), tuple(unknown), missing)


def loaded_lines(loaded: Loaded, file: Path) -> list[str]:
    """What to tell of a loaded file, in Russian."""
    lines = [f"Границы загружены: муниципалитетов {loaded.n_loaded}, файл {file.name}."]
    if loaded.unknown:
        lines.append(f"Не узнаны и пропущены: {_listed(loaded.unknown)}.")
    if loaded.without_outline:
        lines.append(f"Границ нет в файле: {_listed(loaded.without_outline)}.")
    return lines


def read_features(file: Path) -> list[_Feature]:
    """Areas of a GeoJSON file, valid and in degrees. Raises ShapeError that names what is wrong and where."""
    if not file.is_file():
        raise ShapeError(f"Файла {file} нет.")
    if file.stat().st_size > LARGEST_FILE_MB * 2**20:
        raise ShapeError(f"Файл {file.name} больше {LARGEST_FILE_MB} МБ. Упростите границы, например на mapshaper.")
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise ShapeError(f"Файл {file.name} — не GeoJSON: он не читается как JSON в кодировке UTF-8.") from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise ShapeError(f"Файл {file.name} — не GeoJSON с границами: нужен FeatureCollection с непустым features.")
    return [_feature(file, number, feature) for number, feature in enumerate(features, start=1)]


def _feature(file: Path, number: int, feature: Any) -> _Feature:
    import shapely
    from shapely.geometry import shape

    where = f"Файл {file.name}, граница {number}"
    given = feature if isinstance(feature, dict) else {}
    properties, area = given.get("properties"), given.get("geometry")
    properties = properties if isinstance(properties, dict) else {}
    if not isinstance(area, dict) or area.get("type") not in _AREAS:
        raise ShapeError(f"{where}: нужен Polygon или MultiPolygon.")
    try:
        geometry = shape(area)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, shapely.errors.ShapelyError):
        raise ShapeError(f"{where}: координаты не читаются.") from None
    # A ring that crosses itself is mended, what has no area is left out.
    geometry = shapely.make_valid(geometry)
    if geometry.area == 0:
        raise ShapeError(f"{where}: у границы нет площади.")
    west, south, east, north = geometry.bounds
    if not (math.isfinite(west + south + east + north) and -180 <= west <= east <= 180 and -90 < south <= north < 90):
        raise ShapeError(f"{where}: координаты не в градусах. Нужна система WGS 84 (EPSG:4326): долгота, широта.")
    codes, names = ([properties.get(name) for name in listed] for listed in (_CODES, _NAMES))
    label = next((str(value) for value in (*names, *codes) if value not in (None, "")), f"граница {number}")
    return _Feature(label[:100], tuple(_keys(codes, names)), geometry)


def _keys(codes: Iterable[Any], names: Iterable[Any]) -> list[str]:
    """What a municipality is known by: code without leading zeros, name without case, «ё», quotes and spaces."""
    keys = [f"code {str(code).strip().lstrip('0')}" for code in codes if code not in (None, "")]
    return keys + [f"name {_folded(str(name))}" for name in names if name not in (None, "")]


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold().replace("ё", "е") if letter.isalnum())


@dataclass(frozen=True)
class _Drawn:
    outlines: dict[str, Outline]
    width: float
    height: float


def outlines(areas: Mapping[str, Sequence[BaseGeometry]]) -> _Drawn:
    """Project areas (degrees) into one view and simplify them; neighbours keep their common borders.

    Equirectangular at the middle latitude: true along the parallel and the meridian in the middle of a region.
    """
    import numpy
    import shapely

    keys = sorted(areas)
    merged = numpy.array([shapely.union_all(list(areas[key])) for key in keys], dtype=object)
    west, _, east, _ = shapely.total_bounds(merged)
    if east - west > 180:  # a region on both sides of the 180th meridian
        merged = shapely.transform(merged, lambda points: numpy.column_stack([points[:, 0] % 360, points[:, 1]]))
    west, south, east, north = shapely.total_bounds(merged)
    narrowing = math.cos(math.radians((south + north) / 2))
    scale = _VIEW_WIDTH / max((east - west) * narrowing, north - south)

    def place(points: Any) -> Any:
        x, y = (points[:, 0] - west) * narrowing * scale, (north - points[:, 1]) * scale
        return numpy.column_stack([x, y])

    projected = shapely.transform(merged, place)
    simple = shapely.coverage_simplify(projected, _TOLERANCE)
    made = {}
    for key, area, rough in zip(keys, projected, simple, strict=True):
        shown: BaseGeometry = rough if rough.area > 0 else area
        inside = shown.representative_point()
        made[key] = Outline(_path(shown), round(inside.x, 1), round(inside.y, 1))
    width, height = (east - west) * narrowing * scale, (north - south) * scale
    return _Drawn(made, round(float(width), 1), round(float(height), 1))


def _path(area: BaseGeometry) -> str:
    import shapely

    rings = [
        ring
        for part in shapely.get_parts(area)
        if part.geom_type == "Polygon"
        for ring in (part.exterior, *part.interiors)
    ]
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in list(ring.coords)[:-1]) + "Z" for ring in rings)


def _listed(names: Sequence[str]) -> str:
    more = f" и ещё {len(names) - _SHOWN}" if len(names) > _SHOWN else ""
    return ", ".join(f"«{name}»" for name in names[:_SHOWN]) + more
