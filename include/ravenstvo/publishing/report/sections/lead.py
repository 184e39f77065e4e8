"""The top of the report: what it is, whether the list is approved, a summary in words, the few numbers that matter."""

from __future__ import annotations

from typing import Any

from ravenstvo.publishing.report.content import Block, KeyFigure, KeyFigures, Paragraph, Text, say
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.shown import count, day, moment, number, schools, share
from ravenstvo.words import noun

MARTS = (
    "mart_identification",
    "mart_identification_change",
    "mart_programme_indicator",
    "dim_programme",
    "dim_method_label",
    "mart_data_quality",
    "mart_calculation",
)

_LABEL = """
select label_plural_ru from marts.dim_method_label
where label_key = 'low_results' and programme_code is null
"""
_LIST = """
select count(*) as n_schools, count(is_low_results) as n_verdicts, count(*) filter (where is_low_results) as n_low,
    count(*) filter (where is_low_results and is_fragile) as n_fragile,
    count(is_fragile) filter (where is_low_results) as n_fragile_known,
    sum(probability_low) filter (where is_low_results) as expected_low,
    count(probability_low) filter (where is_low_results) as n_probable,
    max(calculation_id) as calculation_id
from marts.mart_identification where year = %(year)s and method_code = %(method)s
"""
_CHANGE = """
select count(*) filter (where change = 'entered') as entered, count(*) filter (where change = 'left') as left_list,
    count(*) as n
from marts.mart_identification_change
where year = %(year)s and method_code = %(method)s and comparison = 'year'
"""
_INDICATORS = """
select count(*) filter (where mart.status = 'met') as n_met,
    count(*) filter (where mart.status = 'not_met') as n_not_met,
    count(*) filter (where mart.status <> 'tracked') as n_scored
from marts.mart_programme_indicator as mart
inner join marts.dim_programme as programme using (programme_code)
where mart.year = %(year)s and mart.territory_kind = 'region'
    and mart.year between programme.year_from and programme.year_to
"""
_ROWS = """
select sum(n_rows_accepted)::bigint as accepted, sum(n_rows_rejected)::bigint as rejected
from marts.mart_data_quality where year = %(year)s
"""


def title(reader: Reader) -> str:
    """Name of the report."""
    label = reader.one(_LABEL)
    return label.label_plural_ru if label and label.label_plural_ru else "Школы с низкими результатами"


def standing(reader: Reader) -> Text:
    """Whether the list is approved, by whom and on which document."""
    publication = reader.publication
    if reader.method is None:
        return ("Перечня за этот год нет.",)
    if publication is None:
        return ("Предложение: перечень этого года человеком не утверждён.",)
    document = publication.publication_document or "документ не указан"
    return (f"Перечень утверждён: {publication.decided_by or '—'}, {day(publication.decided_at)}, {document}.",)


def lead(reader: Reader) -> tuple[Block, ...]:
    """Summary in words and key figures."""
    blocks: list[Block] = []
    found = reader.one(_LIST) if reader.method else None
    if reader.calculation is None:
        text = f"Законченного расчёта, в который входил бы {reader.year} год, нет: показано то, что есть в витринах."
        blocks.append(Paragraph((text,), "warning"))
    elif found is not None and found.calculation_id not in (None, reader.calculation_id):
        text = (
            f"Витрины этого года заполнены расчётом {found.calculation_id}, который не закончен: числа разделов могут "
            "быть из разных расчётов. Выполните «ravenstvo run» и сделайте отчёт снова."
        )
        blocks.append(Paragraph((text,), "warning"))
    if found is None or not found.n_schools:
        text = (
            f"За {reader.year} год результатов оценочных процедур в хранилище нет: перечня и его оценок в отчёте нет."
        )
        blocks.append(Paragraph((text,), "lead"))
    else:
        blocks.append(_summary(reader, found))
    figures = (*_list_figures(reader, found), *_other_figures(reader))
    if figures:
        blocks.append(KeyFigures(figures))
    return tuple(blocks)


def _summary(reader: Reader, found: Any) -> Paragraph:
    parts: list[str | Text] = [
        say(
            "Низкие результаты по методу «{method}» — у {low} из {verdicts}, о которых есть вывод ({share}).",
            method=reader.method_title,
            low=schools(found.n_low, "low"),
            verdicts=count(found.n_verdicts, name="verdicts"),
            share=share(found.n_low / found.n_verdicts if found.n_verdicts else None, name="share_low"),
        )
    ]
    if found.n_fragile_known and found.n_low:
        parts.append(
            say(
                " {n} из этих выводов {verb} на одном участнике.",
                n=count(found.n_fragile, name="fragile"),
                verb=noun(found.n_fragile, "держится", "держатся", "держатся"),
            )
        )
    if found.n_probable:
        parts.append(
            say(
                " С поправкой на малое число участников истинные доли можно считать низкими примерно у {n} из этих "
                "школ: такова сумма вероятностей.",
                n=number(found.expected_low, name="expected_low"),
            )
        )
    text: list[Any] = []
    for part in parts:
        text.extend(part if isinstance(part, tuple) else (part,))
    return Paragraph(tuple(text), "lead")


def _list_figures(reader: Reader, found: Any) -> tuple[KeyFigure, ...]:
    if found is None or not found.n_schools:
        return ()
    figures = [
        KeyFigure(
            count(found.n_low, name="low"),
            "школ в перечне" if reader.publication is None else "школ по расчёту",
            say("из {n} с выводом метода", n=count(found.n_verdicts, name="verdicts")),
        )
    ]
    if found.n_fragile_known:
        figures.append(
            KeyFigure(count(found.n_fragile, name="fragile"), "неустойчивых выводов", ("их изменил бы один участник",))
        )
    change = reader.one(_CHANGE)
    if change.n:
        figures.append(
            KeyFigure(
                count(change.entered, name="entered"),
                "вошли в перечень",
                say(
                    "вышли {left}; сравнение с {year} годом",
                    left=count(change.left_list, name="left"),
                    year=str(reader.year - 1),
                ),
            )
        )
    return tuple(figures)


def _other_figures(reader: Reader) -> tuple[KeyFigure, ...]:
    figures: list[KeyFigure] = []
    indicators, rows = reader.one(_INDICATORS), reader.one(_ROWS)
    if indicators.n_scored:
        figures.append(
            KeyFigure(
                count(indicators.n_met, name="met"),
                "оценок «выполнено»",
                say("показатели программ; не выполнено {n}", n=count(indicators.n_not_met, name="not_met")),
            )
        )
    if rows.accepted is not None:
        figures.append(
            KeyFigure(
                count(rows.accepted, name="rows_accepted"),
                "строк принято",
                say("отклонено {n}", n=count(rows.rejected, name="rows_rejected")),
            )
        )
    return tuple(figures)


def origin(reader: Reader) -> str:
    """Which calculation the report tells of, and when it ended."""
    if not reader.calculation_id:
        return "расчёта нет"
    return f"расчёт {reader.calculation_id}, закончен {moment(reader.calculated_at)}"
