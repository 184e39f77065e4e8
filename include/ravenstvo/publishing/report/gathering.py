"""Gather a report from the marts: every section in its order."""

from __future__ import annotations

from ravenstvo.publishing.report import reader as reading_marts
from ravenstvo.publishing.report.content import Report
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.publishing.report.sections import (
    changed,
    glossary,
    lead,
    listed,
    loaded,
    methods,
    municipalities,
    objectivity,
    programmes,
    quality,
    support,
)

_SECTIONS = (loaded, listed, changed, municipalities, programmes, support, objectivity, quality, methods)

READ = {
    "lead": tuple(sorted({*lead.MARTS, *reading_marts.MARTS})),
    "loaded": loaded.MARTS,
    "list": listed.MARTS,
    "change": changed.MARTS,
    "municipalities": municipalities.MARTS,
    "programmes": programmes.MARTS,
    "support": support.MARTS,
    "objectivity": objectivity.MARTS,
    "quality": quality.MARTS,
    "methods": methods.MARTS,
}
"""Section → the marts that it is read from."""

TITLES = {
    "lead": "Главное",
    "loaded": loaded.TITLE,
    "list": listed.TITLE,
    "change": changed.TITLE,
    "municipalities": municipalities.TITLE,
    "programmes": programmes.TITLE,
    "support": support.TITLE,
    "objectivity": objectivity.TITLE,
    "quality": quality.TITLE,
    "methods": methods.TITLE,
}
"""Section → its title."""


def gather(reader: Reader) -> Report:
    """Everything that the report of a year says."""
    sections = [part.section(reader) for part in _SECTIONS]
    sections.append(glossary.section(reader, sections))
    return Report(
        year=reader.year,
        title=lead.title(reader),
        standing=lead.standing(reader),
        is_approved=reader.publication is not None,
        calculation_id=reader.calculation_id,
        calculated_at=reader.calculated_at,
        origin=lead.origin(reader),
        lead=lead.lead(reader),
        sections=tuple(sections),
    )
