"""Words of the report: every column that its tables show, as the dictionary of the marts explains it."""

from __future__ import annotations

from collections.abc import Iterable

from ravenstvo.publishing.report.content import Fold, Note, Notes, Paragraph, Section, tables
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.shown import order

TITLE = "Словарь терминов"
MARTS: tuple[str, ...] = ()


def section(reader: Reader, before: Iterable[Section]) -> Section:
    """Titles and descriptions of the columns that the sections before it show."""
    found: dict[tuple[str, str], str] = {}
    for part in before:
        for table in tables(part.blocks):
            mart = reader.marts.get(table.mart)
            known = {column.name: column for column in mart.columns} if mart else {}
            for column in table.columns:
                if column.name in known:
                    found[known[column.name].title, known[column.name].description] = table.mart
    notes = tuple(
        Note(title, ((description,),), mart)
        for (title, description), mart in sorted(found.items(), key=lambda item: order(item[0][0]))
    )
    if not notes:
        return Section("glossary", TITLE, (Paragraph(("Описаний столбцов нет.",), "empty"),), MARTS)
    return Section("glossary", TITLE, (Fold(f"Что значит каждый столбец ({len(notes)})", (Notes(notes),)),), MARTS)
