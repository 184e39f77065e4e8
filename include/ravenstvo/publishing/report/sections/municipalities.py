"""Municipalities beside the region: shares with their intervals, and only the differences that they support."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ravenstvo.publishing.report.content import (
    Block,
    Fold,
    Group,
    Items,
    Key,
    Paragraph,
    Picture,
    Pictures,
    Row,
    Section,
    Table,
    Text,
    say,
)
from ravenstvo.publishing.report.content import Column as Plain
from ravenstvo.publishing.report.figures import whiskers
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.shown import cell, count, key, order, share

TITLE = "Муниципалитеты"
MARTS = ("mart_municipality_results", "mart_municipality_identification", "dim_method", "dim_procedure")

_MART = "mart_municipality_results"
_RESULTS = """
select municipality_id, municipality_name, procedure_code, n_schools, n_participants, n_below_min, share_below_min,
    regional_share, gap, ci_low, ci_high, is_low
from marts.mart_municipality_results
where year = %(year)s and share_below_min is not null
"""
# The procedures of a method of this kind: its groups.
_METHODS = """
select method.method_code, method.label_ru, method.title_ru, method.parameters, found.is_default,
    array_agg(found.municipality_name) filter (where found.is_low_municipality) as low,
    count(found.is_low_municipality) as n_verdicts
from marts.mart_municipality_identification as found
inner join marts.dim_method as method using (method_code, method_version)
where found.year = %(year)s
group by method.method_code, method.label_ru, method.title_ru, method.parameters, found.is_default
order by found.is_default desc, method.method_code
"""
_STANDS = {"above": "доля выше", "within": "не отличается", "below": "доля ниже"}
_LOOKS = {"above": "bad", "within": None, "below": "good"}


def stands(row: Any) -> str:
    """How a share stands to the region's: above or below it only when its interval does not hold the region's share."""
    if row.ci_low is None or row.ci_high is None or row.regional_share is None:
        return "within"
    if row.ci_low > row.regional_share:
        return "above"
    return "below" if row.ci_high < row.regional_share else "within"


def section(reader: Reader) -> Section:
    """Shares below the minimum by municipality."""
    rows = reader.rows(_RESULTS)
    if not rows:
        text = f"Результатов муниципалитетов за {reader.year} год нет."
        return Section("municipalities", TITLE, (Paragraph((text,), "empty"),), MARTS)
    methods = reader.rows(_METHODS)
    blocks: list[Block] = [
        Paragraph(
            say(
                "Сравнивается доля участников ниже минимума в муниципалитете и в регионе. Точка — доля, отрезок — "
                "интервал Уилсона 95 %: где он включает долю региона, различие может быть случайным, и порядок таких "
                "муниципалитетов ничего не значит. Поэтому места им не присвоены, а порядок алфавитный."
            )
        ),
        *_verdicts(methods),
        *_apart(reader, rows),
    ]
    by_procedure: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_procedure[row.procedure_code].append(row)
    drawn: set[str] = set()
    for method in methods:
        codes = [code for code in _procedures(method) if code in by_procedure and code not in drawn]
        drawn |= set(codes)
        if codes:
            pictures = _pictures(reader, method, [by_procedure[code] for code in codes])
            blocks.append(pictures if method.is_default else Fold(f"Рисунки: {method.label_ru}", (pictures,)))
    blocks.append(Fold("Все числа по муниципалитетам и процедурам", (_table(reader, by_procedure),)))
    return Section("municipalities", TITLE, tuple(blocks), MARTS)


def _procedures(method: Any) -> list[str]:
    groups = (method.parameters or {}).get("groups") or {}
    return [code for codes in groups.values() for code in codes]


def _verdicts(methods: list[Any]) -> list[Block]:
    items: list[Text] = []
    for method in methods:
        low = ", ".join(sorted(method.low or [], key=order)) or "таких муниципалитетов нет"
        if not method.n_verdicts:
            low = "вывода нет, не хватает лет с результатами"
        items.append(say("{title}: {low}.", title=method.title_ru or method.method_code, low=low))
    if not items:
        return []
    return [Paragraph(("Устойчиво ниже региона, по нескольким годам и предметам:",)), Items(tuple(items))]


def _apart(reader: Reader, rows: list[Any]) -> list[Block]:
    """Which intervals of this year do not hold the region's share; how many would not by chance alone."""
    apart = [row for row in rows if stands(row) != "within"]
    told = say(
        "В {year} году сравнений «муниципалитет × процедура» — {all}; интервал не включает долю региона в {apart} из "
        "них. При таком числе сравнений несколько отличий бывают случайными.",
        year=str(reader.year),
        all=count(len(rows), name="compared"),
        apart=count(len(apart), name="apart"),
    )
    lines: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    for row in apart:
        lines[row.municipality_name, stands(row)].append(reader.procedure(row.procedure_code))
    items = tuple(
        (f"{name or 'Муниципалитет не указан'} — {_STANDS[how]}: {'; '.join(sorted(titles, key=order))}",)
        for (name, how), titles in sorted(lines.items(), key=lambda item: (order(item[0][0]), item[0][1]))
    )
    return [Paragraph(told), *([Items(items)] if items else [])]


def _pictures(reader: Reader, method: Any, procedures: list[list[Any]]) -> Pictures:
    pictures: list[Picture] = []
    for rows in procedures:
        ordered = sorted(rows, key=lambda row: order(row.municipality_name))
        pictures.append(
            whiskers(
                reader.procedure(rows[0].procedure_code),
                rows[0].regional_share,
                [
                    (row.municipality_name or "не указан", row.share_below_min, row.ci_low, row.ci_high, stands(row))
                    for row in ordered
                ],
            )
        )
    return Pictures(
        tuple(pictures),
        f"Доля участников ниже минимума, {reader.year} год: {method.label_ru}. Источник: {_MART}.",
        (
            Key("above", "▲", "интервал целиком выше региона: результаты хуже"),
            Key("within", "●", "интервал включает долю региона: различие не подтверждено"),
            Key("below", "■", "интервал целиком ниже региона: результаты лучше"),
            Key("region", "┆", "доля по региону"),
        ),
    )


def _table(reader: Reader, by_procedure: dict[str, list[Any]]) -> Table:
    groups = tuple(
        Group(
            reader.procedure(code),
            tuple(_row(row) for row in sorted(by_procedure[code], key=lambda row: order(row.municipality_name))),
        )
        for code in sorted(by_procedure)
    )
    columns = (
        reader.column(_MART, "municipality_name"),
        *(
            reader.column(_MART, name, "number")
            for name in ("n_participants", "n_below_min", "share_below_min", "ci_low", "ci_high", "regional_share")
        ),
        Plain("stands", "По сравнению с регионом"),
    )
    caption = f"Доля ниже минимума по муниципалитетам и процедурам, {reader.year} год"
    return Table("municipalities", caption, columns, groups, _MART, key(year=reader.year), cards=True)


def _row(row: Any) -> Row:
    how = stands(row)
    return Row(
        key(municipality_id=row.municipality_id, procedure_code=row.procedure_code),
        (
            cell(row.municipality_name or "Муниципалитет не указан"),
            cell(count(row.n_participants)),
            cell(count(row.n_below_min)),
            cell(share(row.share_below_min)),
            cell(share(row.ci_low)),
            cell(share(row.ci_high)),
            cell(share(row.regional_share)),
            cell(_STANDS[how], look=_LOOKS[how]),
        ),
    )
