"""Registers of the support programmes, filled in as their templates show."""

from __future__ import annotations

from ravenstvo.layouts import load_layouts
from ravenstvo.sources import load_sources

SNILS = "112-233-445 95"
TEMPLATES = [
    "agreement",
    "association",
    "contest",
    "deficit",
    "document",
    "event",
    "event_participant",
    "facility",
    "infrastructure",
    "membership",
    "pd_record",
    "plan_item",
    "practice",
    "quality_monitoring",
    "satisfaction",
    "school_name_alias",
    "self_assessment",
    "service",
    "staff",
    "staffing",
    "transition_programme",
]


def filled(name: str, person: dict[str, str]) -> dict[str, str]:
    """Header of a template → the example that the source's document gives, and who the row is about."""
    examples = {column.name: column.example for column in load_sources()[name].columns} | person
    return {mapped.header[0]: examples.get(column, "") for column, mapped in load_layouts()[name].columns.items()}
