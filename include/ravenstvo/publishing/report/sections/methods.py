"""Notes on the methods and programmes, with their sources."""

from __future__ import annotations

from typing import Any

from ravenstvo.code_words import word_list
from ravenstvo.publishing.report.content import Block, Fold, Heading, Note, Notes, Paragraph, Section, Text
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.sections.programmes import programmes_of_year

TITLE = "Примечания о методах"
MARTS = ("dim_method", "dim_programme", "dim_procedure")

_METHODS = """
select method_code, method_version, kind, label_ru, title_ru, threshold_numerator, threshold_denominator, condition,
    min_procedures, min_participants, procedures, source, is_proposal
from marts.dim_method
where %(year)s between valid_from_year and coalesce(valid_to_year, %(year)s)
order by method_code, method_version
"""
_DOCUMENTS = "select programme_code, source_document, source from marts.dim_programme"


def section(reader: Reader) -> Section:
    """Which rule each method has and where it comes from."""
    methods = sorted(reader.rows(_METHODS), key=lambda row: (row.method_code != reader.method_code, row.method_code))
    if not methods:
        text = f"В {reader.year} году не действует ни один метод."
        return Section("methods", TITLE, (Paragraph((text,), "empty"),), MARTS)
    blocks: list[Block] = [
        Paragraph(
            (
                "Правило каждого метода записано строкой справочника method; здесь — его слова, числа и источник. Что "
                "взято по памяти или предложено, а не найдено в документе, сказано прямо.",
            )
        ),
        Notes(tuple(_method(reader, row) for row in methods if row.method_code == reader.method_code)),
        Fold(
            f"Все остальные методы ({sum(row.method_code != reader.method_code for row in methods)})",
            (Notes(tuple(_method(reader, row) for row in methods if row.method_code != reader.method_code)),),
        ),
    ]
    documents = {row.programme_code: row for row in reader.rows(_DOCUMENTS)}
    programmes = programmes_of_year(reader)
    if programmes:
        notes = tuple(_document(programme, documents[programme.programme_code]) for programme in programmes)
        blocks += [Heading("Документы программ"), Notes(notes)]
    return Section("methods", TITLE, tuple(blocks), MARTS)


def _method(reader: Reader, row: Any) -> Note:
    lines: list[Text] = [(row.title_ru or "",)]
    if row.threshold_denominator:
        rule = f"Порог: не менее {row.threshold_numerator}/{row.threshold_denominator} участников ниже минимума"
        condition = word_list("condition").get(row.condition)
        lines.append((f"{rule}; условие: {condition.word if condition else row.condition}.",))
    if row.procedures:
        lines.append(("Процедуры: " + "; ".join(reader.procedure(code) for code in row.procedures) + ".",))
    title = f"{row.label_ru or row.method_code} ({row.method_code}, редакция {row.method_version})"
    return Note(title + (" — предложение" if row.is_proposal else ""), tuple(lines), row.source or "не указан")


def _document(programme: Any, document: Any) -> Note:
    lines: tuple[Text, ...] = ((programme.title,), (document.source or "",))
    return Note(programme.short_title or programme.title, lines, document.source_document or "не указан")
