"""What changed: against the year before, against the approved list, against the earlier calculation."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ravenstvo.code_words import word_list
from ravenstvo.publishing.report.content import (
    Block,
    Cell,
    Fold,
    Group,
    Heading,
    Items,
    Key,
    Paragraph,
    Pictures,
    Row,
    Section,
    Table,
    Text,
    Value,
    say,
)
from ravenstvo.publishing.report.content import Column as Plain
from ravenstvo.publishing.report.figures import turnover
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.sections.listed import by_municipality, school_cell
from ravenstvo.publishing.report.shown import cell, count, day, key, schools

TITLE = "Что изменилось"
MARTS = ("mart_identification", "mart_identification_change", "mart_identification_published", "dim_school")

_MART = "mart_identification_change"
_CHANGES = """
select change.*, known.short_name
from marts.mart_identification_change as change
left join marts.dim_school as known
    on change.school_id = known.school_id and known.is_current and change.school_name = known.name
where change.year = %(year)s and change.method_code = %(method)s
"""
_YEARS = """
select listed.year, listed.n_listed, change.n_entered, change.n_stayed
from (
    select year, count(*) filter (where is_low_results) as n_listed
    from marts.mart_identification
    where method_code = %(method)s and year <= %(year)s
    group by year
) as listed
left join (
    select year, count(*) filter (where change = 'entered') as n_entered,
        count(*) filter (where change = 'stayed') as n_stayed
    from marts.mart_identification_change
    where method_code = %(method)s and comparison = 'year'
    group by year
) as change using (year)
order by listed.year
"""
_APPROVED = """
select published.school_id, published.school_code, published.login, published.school_name,
    published.municipality_name, published.decided_status, published.reason, mart.is_low_results as is_low_now
from marts.mart_identification_published as published
left join (
    select school_id, is_low_results from marts.mart_identification
    where year = %(year)s and method_code = %(method)s
) as mart using (school_id)
where published.year = %(year)s and published.method_code = %(method)s and published.is_in_force
"""
_NEW = """
select mart.school_id, mart.school_code, mart.login, mart.school_name, mart.municipality_name
from marts.mart_identification as mart
where mart.year = %(year)s and mart.method_code = %(method)s and mart.is_low_results and not exists (
    select 1 from marts.mart_identification_published as published
    where published.year = mart.year and published.method_code = mart.method_code
        and published.school_id = mart.school_id and published.is_in_force
)
"""
_CHANGE_TITLES = {
    "entered": "Вошли",
    "left": "Вышли",
    "stayed": "Остались",
    "no_verdict": "Были в перечне, теперь вывода нет",
}


def section(reader: Reader) -> Section:
    """What changed in the list."""
    if reader.method is None:
        text = f"Перечня за {reader.year} год нет: сравнивать нечего."
        return Section("change", TITLE, (Paragraph((text,), "empty"),), MARTS)
    rows = reader.rows(_CHANGES)
    blocks: list[Block] = [
        *_with_last_year(reader, [row for row in rows if row.comparison == "year"]),
        *_with_approved(reader),
        *_with_calculation(reader, [row for row in rows if row.comparison == "calculation"]),
    ]
    return Section("change", TITLE, tuple(blocks), MARTS)


def _with_last_year(reader: Reader, rows: list[Any]) -> list[Block]:
    before = reader.year - 1
    years = reader.rows(_YEARS)
    if not any(row.year == before for row in years):
        return [Paragraph((f"Сравнить с {before} годом нельзя: вывода за него нет.",), "empty")]
    counts = Counter(row.change for row in rows)
    told = Paragraph(
        say(
            "По сравнению с {before} годом вошли в перечень {entered}, вышли {left}, остались {stayed}{rest}.",
            before=str(before),
            entered=schools(counts["entered"], "entered"),
            left=count(counts["left"], name="left"),
            stayed=count(counts["stayed"], name="stayed"),
            rest=say("; без вывода теперь {n}", n=count(counts["no_verdict"], name="no_verdict"))
            if counts["no_verdict"]
            else (),
        )
    )
    blocks: list[Block] = [told, *_picture(reader, years)]
    for change, title in _CHANGE_TITLES.items():
        chosen = [row for row in rows if row.change == change]
        if chosen:
            table = _table(reader, chosen, f"{title}: {reader.year} год против {before}", change)
            blocks.append(Fold(f"{title}: какие школы и почему ({len(chosen)})", (table,)))
    return blocks


def _picture(reader: Reader, years: list[Any]) -> list[Block]:
    picture = turnover([(row.year, row.n_listed, row.n_entered, row.n_stayed) for row in years])
    columns = (
        Plain("year", "Год"),
        Plain("n_listed", "В перечне", "number"),
        Plain("n_entered", "Из них вошли", "number"),
        Plain("n_stayed", "Остались с прошлого года", "number"),
    )
    shown = tuple(
        Row(
            key(year=row.year),
            (
                cell(str(row.year)),
                cell(count(row.n_listed)),
                cell(count(row.n_entered)),
                cell(count(row.n_stayed)),
            ),
        )
        for row in years
    )
    title = f"Школ в перечне по годам, метод «{reader.method_title}»"
    return [
        Pictures(
            (picture,),
            f"{title}. Источник: mart_identification, mart_identification_change.",
            (
                Key("stayed", "■", "остались с прошлого года"),
                Key("entered", "■", "вошли"),
                Key("first", "■", "первый год: сравнить не с чем"),
            ),
        ),
        Fold("Числа рисунка", (Table("years", title, columns, (Group("", shown),)),)),
    ]


def _table(reader: Reader, rows: list[Any], caption: str, name: str) -> Table:
    shown = {
        row.school_id: Row(
            key(school_id=row.school_id, comparison=row.comparison),
            (school_cell(row), Cell(tuple(_counts(reader, row)) or (("числа те же",),))),
        )
        for row in rows
    }
    columns = (reader.column(_MART, "school_name", "wide"), reader.column(_MART, "counts", "wide"))
    where = key(year=reader.year, method_code=reader.method_code)
    return Table(name, caption, columns, by_municipality(rows, shown), _MART, where, cards=True)


def _counts(reader: Reader, row: Any) -> list[Text]:
    """«ОГЭ, математика: 0 из 3 → 1 из 2 (стала низкой)» for each procedure that explains the change."""
    became, ceased = set(row.procedures_became_low or ()), set(row.procedures_no_longer_low or ())
    lines: list[Text] = []
    for part in (row.counts or "").split("; "):
        code, _, numbers = part.partition(": ")
        if not numbers:
            continue
        what = " (стала низкой)" if code in became else " (больше не низкая)" if code in ceased else ""
        lines.append((f"{reader.procedure(code)}: {numbers}{what}",))
    return lines


def _with_approved(reader: Reader) -> list[Block]:
    heading = Heading("Утверждённый перечень и расчёт")
    publication = reader.publication
    if publication is None:
        return [heading, Paragraph((f"Перечень {reader.year} года не утверждён: выше — предложение.",), "note")]
    decided = reader.rows(_APPROVED)
    listed = [row for row in decided if row.decided_status == "included"]
    beside = [row for row in listed if not row.is_low_now]
    undecided = reader.rows(_NEW)
    refused = [row for row in decided if row.decided_status != "included" and row.is_low_now]
    told = say(
        "Перечень утвердил(а) {who}, {when}; документ: {document}. В нём {n}.",
        who=publication.decided_by or "—",
        when=day(publication.decided_at),
        document=publication.publication_document or "не указан",
        n=schools(len(listed), "approved"),
    )
    blocks: list[Block] = [heading, Paragraph(told)]
    if publication.calculation_id != reader.calculation_id:
        text = (
            f"Он утверждён на расчёте {publication.calculation_id}; с тех пор год пересчитан: "
            f"{reader.calculation_id}. Утверждённый перечень от этого не меняется."
        )
        blocks.append(Paragraph((text,), "note"))
    differences = (
        ("Утверждены, но по расчёту не в перечне", "approved_not_low", beside),
        ("По расчёту в перечне, но решено не включать или отложить", "low_refused", refused),
        ("По расчёту в перечне, решения о них нет", "low_undecided", undecided),
    )
    for title, name, rows in differences:
        if rows:
            blocks.append(Paragraph(say("{title}: {n}", title=title, n=count(len(rows), name=name)), "warning"))
            blocks.append(Items(tuple(_named(row) for row in rows)))
    if not (beside or undecided or refused):
        blocks.append(Paragraph(("Утверждённый перечень и расчёт совпадают.",)))
    return blocks


def _kinds(counts: Counter[str]) -> Text:
    """«вошла — 1, осталась — 3»."""
    known = word_list("change")
    parts: list[str | Value] = []
    for change in sorted(counts):
        word = known[change].word if change in known else change
        parts += [", " if parts else "", f"{word} — ", count(counts[change], name=f"calculation_{change}")]
    return tuple(parts)


def _named(row: Any) -> Text:
    code = row.school_code or row.login or row.school_id
    reason = getattr(row, "reason", None)
    place = row.municipality_name or "муниципалитет не указан"
    return (f"{place}: {row.school_name or 'школа без названия'} (код {code})" + (f" — {reason}" if reason else ""),)


def _with_calculation(reader: Reader, rows: list[Any]) -> list[Block]:
    if not rows:
        return []
    counts = Counter(row.change for row in rows)
    told = say(
        "От сравниваемого расчёта {base} этот отличается числами у {n}: {kinds}.",
        base=next(row.base_calculation_id for row in rows) or "—",
        n=count(len(rows), name="calculation_changed"),
        kinds=_kinds(counts),
    )
    table = _table(reader, rows, "Школы, чьи числа изменились от расчёта к расчёту", "calculation")
    reasons = sorted({f"{row.reason}: {row.file_path or '—'}" for row in rows if row.reason})
    return [
        Heading("Против прежнего расчёта"),
        Paragraph(told),
        Fold(f"Какие школы ({len(rows)})", (table,)),
        *([Fold("Из-за чего", (Items(tuple((one,) for one in reasons)),))] if reasons else []),
    ]
