"""Pictures: Vega-Lite draws them, from numbers that stand in a table beside them.

Colours are those of Okabe and Ito, and what a colour says a shape or a place says too. One picture is as wide as a
telephone, so that its letters are never scaled down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ravenstvo.publishing.report.content import Picture
from ravenstvo.publishing.report.shown import share

WIDTH = 330
"""Width of a picture, CSS pixels."""
COLOURS = {
    "above": "#D55E00",
    "within": "#0072B2",
    "below": "#009E73",
    "entered": "#D55E00",
    "stayed": "#0072B2",
    "first": "#767676",
    "region": "#767676",
}
SHAPES = {"above": "triangle-up", "within": "circle", "below": "square"}
FONT = "Arimo, Arial, 'Liberation Sans', Helvetica, sans-serif"
"""Fonts of one width: the drawing is laid out with the first of them."""
_GREY = "#767676"
_PERCENT = "format(datum.value * 100, '.0f') + '\u202f%'"
_CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": None,
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": "#222222",
        "titleColor": "#222222",
        "domainColor": _GREY,
        "tickColor": _GREY,
        "gridColor": _GREY,
        "gridOpacity": 0.25,
        "labelLimit": 150,
    },
    "text": {"fontSize": 12, "color": "#222222"},
}


def whiskers(title: str, region: float | None, rows: Sequence[tuple[str, float, float, float, str]]) -> Picture:
    """Shares with their intervals, one line for each place, beside the region's share.

    Args:
        title: title of the picture.
        region: the region's share, drawn as a dashed line.
        rows: name, share, lower and upper bound, and how it stands to the region: above, within or below.
    """
    values = [
        {"name": name, "share": middle, "low": low, "high": high, "stands": stands}
        for name, middle, low, high, stands in rows
    ]
    colour = {
        "field": "stands",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(SHAPES), "range": [COLOURS[one] for one in SHAPES]},
    }
    shape = {
        "field": "stands",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(SHAPES), "range": list(SHAPES.values())},
    }
    place = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"domain": False, "ticks": False, "offset": 6, "labelPadding": 4},
    }
    axis = {"title": None, "labelExpr": _PERCENT, "tickCount": 5}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {
                "x": {"field": "low", "type": "quantitative", "axis": axis, "scale": {"domainMin": 0}},
                "x2": {"field": "high"},
                "y": place,
                "color": colour,
            },
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": {"x": {"field": "share", "type": "quantitative"}, "y": place, "color": colour, "shape": shape},
        },
    ]
    if region is not None:
        layers.insert(
            0,
            {
                "mark": {"type": "rule", "strokeDash": [5, 3], "strokeWidth": 1.5, "color": _GREY},
                "encoding": {"x": {"datum": region, "type": "quantitative"}},
            },
        )
    apart = {one: [row[0] for row in rows if row[4] == one] for one in SHAPES}
    told = f"{title}. Доля по региону — {share(region).shown}."
    for stands, words in (("above", "Интервал целиком выше региона"), ("below", "Интервал целиком ниже региона")):
        if apart[stands]:
            told += f" {words}: {', '.join(apart[stands])}."
    told += f" Остальных: {len(apart['within'])}; их интервалы включают долю региона." if apart["within"] else ""
    spec = {"data": {"values": values}, "layer": layers, "height": {"step": 24}}
    return Picture(_svg(spec), title, told)


def turnover(rows: Sequence[tuple[int, int, int | None, int | None]]) -> Picture:
    """Schools of the list by year: who stayed from the year before and who entered.

    Args:
        rows: year, schools on the list, of them entered and stayed; without a year before the last two are None.
    """
    values = []
    for year, listed, entered, stayed in rows:
        parts = {"first": listed} if entered is None else {"stayed": stayed or 0, "entered": entered}
        for at, (part, schools) in enumerate(parts.items()):
            values.append({"year": str(year), "part": part, "at": at, "n": schools})
    names = ["stayed", "entered", "first"]
    x = {
        "field": "n",
        "type": "quantitative",
        "stack": "zero",
        "title": None,
        "axis": {"tickMinStep": 1, "format": "d"},
    }
    y = {"field": "year", "type": "ordinal", "title": None, "axis": {"domain": False, "ticks": False}}
    order = {"field": "at", "type": "quantitative"}
    spec = {
        "data": {"values": values},
        "height": {"step": 34},
        "encoding": {"y": y, "x": x, "order": order},
        "layer": [
            {
                "mark": {"type": "bar", "stroke": "#FFFFFF", "strokeWidth": 1},
                "encoding": {
                    "color": {
                        "field": "part",
                        "type": "nominal",
                        "legend": None,
                        "scale": {"domain": names, "range": [COLOURS[one] for one in names]},
                    }
                },
            },
            {
                "transform": [{"filter": "datum.n > 0"}],
                "mark": {"type": "text", "color": "#FFFFFF", "fontWeight": "bold"},
                "encoding": {
                    "text": {"field": "n", "type": "quantitative", "format": "d"},
                    "x": {**x, "bandPosition": 0.5},
                },
            },
        ],
    }
    told = "; ".join(
        f"{year} год — {listed}" + ("" if entered is None else f" (остались {stayed}, вошли {entered})")
        for year, listed, entered, stayed in rows
    )
    return Picture(_svg(spec), "Школ в перечне по годам", f"Школ в перечне по годам: {told}.")


def _svg(spec: dict[str, Any]) -> str:
    """Draw a specification; what the drawing says to assistive tools about its parts is left out: the title says it."""
    import vl_convert

    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": _CONFIG,
        **spec,
    }
    svg = vl_convert.vegalite_to_svg(whole)
    svg = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", svg)
    return re.sub(r' (?:xmlns:xlink|version|class|pointer-events)="[^"]*"', "", svg)
