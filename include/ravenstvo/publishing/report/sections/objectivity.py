"""Signs by which results of ВПР are worth a look together with the school. A sign is no verdict."""

from __future__ import annotations

from typing import Any

from ravenstvo.publishing.report.content import Block, Fold, Group, Paragraph, Row, Section, Table, say
from ravenstvo.publishing.report.content import Column as Plain
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.shown import cell, count, key, number, order, schools, share

TITLE = "Объективность"
MARTS = ("mart_objectivity", "mart_objectivity_municipality", "mart_bunching", "dim_procedure")

_MARKERS = """
select marker, max(marker_title) as title, count(*) as n_checked, count(*) filter (where is_flagged) as n_flagged,
    count(distinct school_id) filter (where is_flagged) as n_schools
from marts.mart_objectivity where year = %(year)s group by marker order by marker
"""
_PLACES = """
select year, area_kind, municipality_id, municipality_name, n_schools, n_schools_flagged, share_flagged, n_markers
from marts.mart_objectivity_municipality where year = %(year)s
"""
_BUNCHING = """
select year, procedure_code, area_kind, area_id, boundary, n, n_observed, n_expected, share_below_min,
    share_below_min_corrected, share_below_min_corrected_ci_low, share_below_min_corrected_ci_high
from marts.mart_bunching where year = %(year)s and area_kind = 'region' and is_minimum
order by procedure_code
"""
_MART = "mart_objectivity_municipality"


def section(reader: Reader) -> Section:
    """Signs by kind and by place; how the marks gather at the minimum."""
    markers, places = reader.rows(_MARKERS), reader.rows(_PLACES)
    if not markers and not places:
        text = f"Признаков за {reader.year} год не посчитать: работ ВПР, к которым они применяются, нет."
        return Section("objectivity", TITLE, (Paragraph((text,), "empty"),), MARTS)
    blocks: list[Block] = [
        Paragraph(
            say(
                "Признак — повод посмотреть на результаты вместе со школой, а не вывод о ней: у каждого бывают обычные "
                "причины, и часть школ отмечена случайно."
            )
        )
    ]
    region = next((row for row in places if row.area_kind == "region"), None)
    if region is not None:
        where = {"mart": _MART, "key": _key(region)}
        flagged = (
            count(region.n_schools_flagged, column="n_schools_flagged", **where),
            schools(region.n_schools_flagged, "")[1],
        )
        blocks.append(
            Paragraph(
                say(
                    "Хотя бы один признак отмечен у {flagged} из {all}, писавших работы ({share}).",
                    flagged=flagged,
                    all=count(region.n_schools, column="n_schools", **where),
                    share=share(region.share_flagged, column="share_flagged", **where),
                )
            )
        )
    if markers:
        blocks.append(_markers(reader, markers))
    if places:
        blocks.append(Fold("Признаки по муниципалитетам", (_places(reader, places),)))
    bunching = reader.rows(_BUNCHING)
    if bunching:
        blocks.append(Fold("Скопление работ у минимума", (_bunching_note(), _bunching(reader, bunching))))
    return Section("objectivity", TITLE, tuple(blocks), MARTS)


def _markers(reader: Reader, rows: list[Any]) -> Table:
    shown = tuple(
        Row(
            key(marker=row.marker),
            (
                cell(row.marker),
                cell(row.title or row.marker),
                cell(count(row.n_checked)),
                cell(count(row.n_flagged)),
                cell(count(row.n_schools)),
            ),
        )
        for row in rows
    )
    columns = (
        reader.column("mart_objectivity", "marker"),
        reader.column("mart_objectivity", "marker_title", "wide"),
        Plain("n_checked", "Проверено (школа × процедура)", "number"),
        Plain("n_flagged", "Отмечено", "number"),
        Plain("n_marked_schools", "Школ с признаком", "number"),
    )
    caption = f"Признаки по видам, {reader.year} год"
    return Table("markers", caption, columns, (Group("", shown),), cards=True)


def _places(reader: Reader, rows: list[Any]) -> Table:
    ordered = sorted(rows, key=lambda row: (row.area_kind != "region", order(row.municipality_name)))
    shown = tuple(
        Row(
            _key(row),
            (
                cell("Регион" if row.area_kind == "region" else row.municipality_name or "Муниципалитет не указан"),
                cell(count(row.n_schools)),
                cell(count(row.n_schools_flagged)),
                cell(share(row.share_flagged), bar=row.share_flagged),
                cell(count(row.n_markers)),
            ),
        )
        for row in ordered
    )
    columns = (
        reader.column(_MART, "municipality_name"),
        *(
            reader.column(_MART, name, "number")
            for name in ("n_schools", "n_schools_flagged", "share_flagged", "n_markers")
        ),
    )
    caption = f"Школы с признаками по муниципалитетам, {reader.year} год"
    return Table("marked-places", caption, columns, (Group("", shown),), _MART, cards=True)


def _bunching_note() -> Paragraph:
    return Paragraph(
        say(
            "Сколько работ стоит на первых баллах отметки «3» и сколько ожидалось бы при гладком распределении. Доля "
            "ниже минимума при гладком распределении показана рядом и ничего не заменяет."
        )
    )


def _bunching(reader: Reader, rows: list[Any]) -> Table:
    mart = "mart_bunching"
    names = (
        "n",
        "n_observed",
        "n_expected",
        "share_below_min",
        "share_below_min_corrected",
        "share_below_min_corrected_ci_low",
        "share_below_min_corrected_ci_high",
    )
    shown = tuple(
        Row(
            key(
                year=row.year,
                procedure_code=row.procedure_code,
                area_kind=row.area_kind,
                area_id=row.area_id,
                boundary=row.boundary,
            ),
            (
                cell(reader.procedure(row.procedure_code)),
                cell(count(row.n)),
                cell(count(row.n_observed)),
                cell(number(row.n_expected)),
                *(cell(share(getattr(row, name))) for name in names[3:]),
            ),
        )
        for row in rows
    )
    columns = (reader.column("dim_procedure", "title_ru"), *(reader.column(mart, name, "number") for name in names))
    caption = f"Работы у нижней границы отметки «3», регион, {reader.year} год"
    return Table("bunching", caption, columns, (Group("", shown),), mart, cards=True)


def _key(row: Any) -> str:
    return key(year=row.year, area_kind=row.area_kind, municipality_id=row.municipality_id)
