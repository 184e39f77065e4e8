"""Indicators of the support programmes: what is scored in the year, by programme; what is only tracked is folded."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

from ravenstvo.code_words import word_list
from ravenstvo.publishing.report.content import (
    Block,
    Cell,
    Fold,
    Group,
    Heading,
    Items,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
    Value,
    say,
)
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.sections.loaded import source_title
from ravenstvo.publishing.report.shown import cell, count, key, number, share

TITLE = "Показатели программ"
MARTS = ("mart_programme_indicator", "mart_programme_remark", "dim_programme")

_MART = "mart_programme_indicator"
_PROGRAMMES = """
select programme_code, title, short_title, territory, year_from, year_to from marts.dim_programme
where %(year)s between year_from and year_to order by year_from, programme_code
"""
_INDICATORS = """
select programme_code, indicator_code, version, section, title, unit, period, period_kind, numerator, denominator,
    value, target, comparator, status, missing_sources, reading
from marts.mart_programme_indicator
where year = %(year)s and territory_kind = 'region'
order by programme_code, section, indicator_code collate "C", version, period_kind, period
"""
_REMARKS = """
select programme_code, remark, quote from marts.mart_programme_remark where remark_kind = 'document'
order by programme_code, remark_code, remark
"""
_SECTIONS = {"indicator": "Показатели", "road_map": "Пункты дорожной карты"}
_QUARTER, _STAGE = re.compile(r"^\d{4}-Q(\d)$"), re.compile(r"^stage-(\d+)$")
# In the order in which they ask for attention.
_STATUSES = ("not_met", "ambiguous", "no_data", "met", "not_applicable")


def programmes_of_year(reader: Reader) -> list[Any]:
    """Programmes that run in the year of the report."""
    return reader.rows(_PROGRAMMES)


def section(reader: Reader) -> Section:
    """Indicators of the programmes that run in this year."""
    programmes = programmes_of_year(reader)
    by_programme: dict[str, list[Any]] = defaultdict(list)
    for row in reader.rows(_INDICATORS):
        by_programme[row.programme_code].append(row)
    remarks: dict[str, list[Any]] = defaultdict(list)
    for row in reader.rows(_REMARKS):
        remarks[row.programme_code].append(row)
    blocks: list[Block] = []
    for programme in programmes:
        blocks += _programme(reader, programme, by_programme[programme.programme_code], remarks)
    if not programmes:
        blocks.append(Paragraph((f"В {reader.year} году не действует ни одна программа: оценок нет.",), "empty"))
    running = {programme.programme_code for programme in programmes}
    others = {code: rows for code, rows in by_programme.items() if code not in running}
    if others:
        text = say(
            "Вне своих лет программы не оцениваются. Для сравнения в витрине есть ещё значения: {n}; программ: "
            "{programmes}.",
            n=count(sum(map(len, others.values())), name="values_outside"),
            programmes=count(len(others), name="programmes_outside"),
        )
        blocks.append(Paragraph(text, "note"))
    return Section("programmes", TITLE, tuple(blocks), MARTS)


def _programme(reader: Reader, programme: Any, rows: list[Any], remarks: dict[str, list[Any]]) -> list[Block]:
    title = programme.short_title or programme.title
    about = f"{programme.title} ({programme.territory}, {programme.year_from}–{programme.year_to})."
    blocks: list[Block] = [Heading(title), Paragraph((about,))]
    if not rows:
        return [*blocks, Paragraph(("Значений за этот год нет.",), "empty")]
    scored = [row for row in rows if row.status != "tracked"]
    tracked = [row for row in rows if row.status == "tracked"]
    blocks.append(_counts(programme, scored))
    if scored:
        name = f"scored-{programme.programme_code}"
        blocks.append(_table(reader, scored, f"{title}: оцениваемые значения {reader.year} года, регион", name))
    if tracked:
        name = f"tracked-{programme.programme_code}"
        table = _table(reader, tracked, f"{title}: отслеживаемые значения {reader.year} года, регион", name)
        blocks.append(Fold(f"Отслеживаются без оценки: {len(tracked)}", (table,)))
    told = remarks[programme.programme_code]
    if told:
        items = Items(tuple((one.remark + (f" Цитата: «{one.quote}»." if one.quote else ""),) for one in told))
        blocks.append(Fold(f"Замечания к тексту программы: {len(told)}", (items,)))
    return blocks


def _counts(programme: Any, scored: list[Any]) -> Paragraph:
    statuses, found = word_list("indicator_status"), Counter(row.status for row in scored)
    parts: list[str | Value] = ["Оценивается значений: ", count(len(scored), name=f"scored {programme.programme_code}")]
    for status in _STATUSES:
        if found[status]:
            parts += [
                "; " if len(parts) > 2 else " — ",
                f"{statuses[status].word} ",
                count(found[status], name=f"{status} {programme.programme_code}"),
            ]
    return Paragraph((*parts, "."))


def _table(reader: Reader, rows: list[Any], caption: str, name: str) -> Table:
    grouped: dict[str, list[Row]] = defaultdict(list)
    said: tuple[str, str] | None = None
    for row in rows:
        # One remark stands for all periods of its indicator.
        grouped[row.section].append(_row(row, said != (row.indicator_code, row.version)))
        said = (row.indicator_code, row.version)
    columns = (
        reader.column(_MART, "indicator_code"),
        reader.column(_MART, "title", "wide"),
        reader.column(_MART, "period"),
        reader.column(_MART, "value", "number"),
        reader.column(_MART, "target", "number"),
        reader.column(_MART, "status"),
    )
    groups = tuple(Group(_SECTIONS.get(part, part), tuple(found)) for part, found in grouped.items())
    return Table(name, caption, columns, groups, _MART, key(year=reader.year, territory_kind="region"), cards=True)


def _row(row: Any, with_remarks: bool) -> Row:
    status = word_list("indicator_status").get(row.status)
    remarks: list[Text] = [(row.reading,)] if row.reading and with_remarks else []
    missing = [source_title(source) for source in row.missing_sources or ()]
    if missing and with_remarks:
        remarks.append(("не хватает: " + ", ".join(missing),))
    code = row.indicator_code + (f" {row.version}" if row.version else "")
    return Row(
        key(
            programme_code=row.programme_code,
            indicator_code=row.indicator_code,
            version=row.version,
            period=row.period,
        ),
        (
            cell(code),
            cell(row.title, *remarks),
            cell(_period(row.period, row.period_kind)),
            _value_cell(row),
            cell(_target(row)),
            cell(status.word if status else row.status, look=status.look if status else None),
        ),
    )


def _value_cell(row: Any) -> Cell:
    lines: list[Text] = [(measured(row.value, row.unit),)]
    if row.denominator is not None and row.unit == "доля":
        of = "\N{NO-BREAK SPACE}из\N{NO-BREAK SPACE}"
        lines.append((number(row.numerator, column="numerator"), of, number(row.denominator, column="denominator")))
    return Cell(tuple(lines))


def _target(row: Any) -> Text:
    if row.target is None:
        return ("нет",)
    if row.unit == "да/нет":
        return (measured(row.target, row.unit),)
    comparator = word_list("comparator").get(row.comparator)
    is_whole = row.unit == "доля" and 100 * row.target % 1 == 0
    target = share(row.target, 0) if is_whole else measured(row.target, row.unit)
    return (f"{comparator.word if comparator else row.comparator or ''} ", target)


def measured(value: Any, unit: str | None) -> Value:
    """A value of an indicator in its unit: shares as percentages, differences of shares in percentage points."""
    if unit == "доля":
        return share(value)
    if unit == "разность долей" and value is not None:
        points = number(100 * float(value))
        return Value(f"{points.shown}\u00a0п. п.", float(value))
    if unit == "да/нет" and value is not None and float(value) in (0, 1):
        return Value("да" if value else "нет", float(value))
    return number(value, 2)


def _period(period: str, kind: str) -> str:
    if quarter := _QUARTER.match(period):
        return f"{quarter[1]}-й квартал"
    if stage := _STAGE.match(period):
        return f"{stage[1]}-й этап"
    return "вся программа" if kind == "programme" else "год" if kind == "year" else period
