"""How good the data are: checks, control totals, unknown schools, participation."""

from __future__ import annotations

from typing import Any

from ravenstvo.publishing.report.content import Block, Group, Items, Paragraph, Row, Section, Table, Text, say
from ravenstvo.publishing.report.content import Column as Plain
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.sections.loaded import source_title
from ravenstvo.publishing.report.shown import cell, count, key, order

TITLE = "Качество данных"
MARTS = ("mart_data_quality", "mart_rejection", "mart_identification", "mart_identification_evidence")

_MART = "mart_data_quality"
_QUALITY = """
select source, year, n_rows_rejected, n_warnings, n_suites_passed, n_suites, n_control_totals, n_control_totals_failed,
    n_unresolved_schools, n_blanks_as_zero
from marts.mart_data_quality where year = %(year)s
"""
_VERDICTS = """
select count(*) as n_schools, count(*) filter (where is_low_results is null) as n_without
from marts.mart_identification where year = %(year)s and method_code = %(method)s
"""
_PARTICIPATION = """
select count(*) as n_checked, count(*) filter (where is_low_participation) as n_low,
    count(distinct school_id) filter (where is_low_participation) as n_schools
from marts.mart_identification_evidence
where year = %(year)s and method_code = %(method)s and is_low_participation is not null
"""
_RULES = """
select source, rule_code, severity, max(source_title) as source_title, max(rule_title) as rule_title,
    max(severity_title) as severity_title, sum(n_rows)::bigint as n_rows,
    count(distinct municipality_code) as n_municipalities
from marts.mart_rejection where year = %(year)s
group by source, rule_code, severity
order by severity, source, rule_code
"""
_NUMBERS = (
    "n_rows_rejected",
    "n_warnings",
    "n_control_totals",
    "n_control_totals_failed",
    "n_unresolved_schools",
    "n_blanks_as_zero",
)
_TROUBLES = frozenset(("n_rows_rejected", "n_warnings", "n_control_totals_failed", "n_unresolved_schools"))


def section(reader: Reader) -> Section:
    """What the checks found."""
    rows = sorted(reader.rows(_QUALITY), key=lambda row: order(source_title(row.source)))
    blocks: list[Block] = []
    if rows:
        passed, all_suites = sum(row.n_suites_passed or 0 for row in rows), sum(row.n_suites or 0 for row in rows)
        blocks.append(
            Paragraph(
                say(
                    "Без критических замечаний прошли {passed} из {all} наборов проверок. Отклонённая строка в расчёт "
                    "не вошла и возвращена отправителю книгой замечаний; строка с предупреждением принята.",
                    passed=count(passed, name="suites_passed"),
                    all=count(all_suites, name="suites"),
                )
            )
        )
        blocks += _items(reader)
        blocks.append(_table(reader, rows))
        rules = reader.rows(_RULES)
        if rules:
            blocks.append(_rules(reader, rules))
    else:
        blocks.append(Paragraph((f"Сведений за {reader.year} год нет: проверять нечего.",), "empty"))
    return Section("quality", TITLE, tuple(blocks), MARTS)


def _items(reader: Reader) -> list[Block]:
    if reader.method is None:
        return []
    verdicts, participation = reader.one(_VERDICTS), reader.one(_PARTICIPATION)
    items: list[Text] = [
        say(
            "Школ с результатами — {all}; без вывода метода, потому что ни в одной его процедуре не было участников с "
            "известным минимумом, — {without}.",
            all=count(verdicts.n_schools, name="schools"),
            without=count(verdicts.n_without, name="without_verdict"),
        )
    ]
    if participation.n_checked:
        items.append(
            say(
                "Низкое участие (сдавали не все, кто учится) — {low} из {checked} сочетаний «школа × процедура», "
                "школ: {schools}. Доля ниже минимума там может не говорить обо всех.",
                low=count(participation.n_low, name="low_participation"),
                checked=count(participation.n_checked, name="participation_checked"),
                schools=count(participation.n_schools, name="low_participation_schools"),
            )
        )
    return [Items(tuple(items))]


def _table(reader: Reader, rows: list[Any]) -> Table:
    shown = tuple(
        Row(
            key(source=row.source, year=row.year),
            (
                cell(source_title(row.source)),
                *(
                    cell(
                        count(getattr(row, name)),
                        look="warn" if name in _TROUBLES and getattr(row, name) else None,
                    )
                    for name in _NUMBERS
                ),
            ),
        )
        for row in rows
    )
    columns = (reader.column(_MART, "source"), *(reader.column(_MART, name, "number") for name in _NUMBERS))
    return Table(
        "quality", f"Замечания по видам сведений, {reader.year} год", columns, (Group("", shown),), _MART, cards=True
    )


def _rules(reader: Reader, rows: list[Any]) -> Table:
    """Which rules the rows broke: those that reject come first."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.severity_title or row.severity, []).append(
            Row(
                key(source=row.source, rule_code=row.rule_code, severity=row.severity),
                (
                    cell(row.rule_title or row.rule_code),
                    cell(row.source_title or source_title(row.source)),
                    cell(count(row.n_rows)),
                    cell(count(row.n_municipalities)),
                ),
            )
        )
    mart = "mart_rejection"
    columns = (
        reader.column(mart, "rule_title", "wide"),
        reader.column(mart, "source_title"),
        Plain("n_rows", "Строк", "number"),
        Plain("n_municipalities", "Муниципалитетов", "number"),
    )
    groups = tuple(Group(title, tuple(found)) for title, found in grouped.items())
    return Table("rules", f"Нарушенные правила, {reader.year} год", columns, groups, cards=True)
