"""Who reads the marts: dashboards, sheets of the workbooks and sections of the report, as dbt's exposures.

They are written from what each of these declares of itself, so that the lineage in dbt's documentation cannot go stale.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ravenstvo.publishing.bi import documents
from ravenstvo.publishing.bi.dashboards import Dashboard
from ravenstvo.publishing.bi.documents import Documents
from ravenstvo.publishing.bi.layout import charts_of
from ravenstvo.publishing.dictionary import Mart
from ravenstvo.publishing.export_data import MARTS_READ
from ravenstvo.publishing.export_sheets import RULES, SHEETS
from ravenstvo.publishing.report import gathering

_HEAD = """---
# Written by: ravenstvo docs --exposures dbt_project/dictionary/exposures.yml
exposures:
"""

# Who answers for what people look at.
_OWNER = "Аналитик центра оценки качества образования"


@dataclass(frozen=True)
class Exposure:
    """Something that people look at, and the names of the marts that it reads; ``kind`` is a type of dbt's."""

    name: str
    kind: str
    label: str
    description: str
    marts: frozenset[str]


def exposures(bi: Path) -> list[Exposure]:
    """All of them; ``bi`` is the folder of charts and dashboards."""
    found = documents.read(bi)
    return [*(_dashboard(one, found) for one in found.dashboards.values()), *_workbooks(), *_report()]


def exposures_file(found: Iterable[Exposure], marts: dict[str, Mart]) -> str:
    """The document that dbt reads. Raises KeyError for a mart that does not exist."""
    return _HEAD + "\n".join(line for exposure in found for line in _lines(exposure, marts)) + "\n"


def _dashboard(dashboard: Dashboard, found: Documents) -> Exposure:
    document = dashboard.document
    targets = [target for one in document.get("filters") or [] for target in one.get("targets") or [] if target]
    charts = [found.charts[name].document["dataset"] for name in charts_of(document["layout"])]
    return Exposure(
        name=f"dashboard_{dashboard.name.replace('-', '_')}",
        kind="dashboard",
        label=f"Дашборд: {document['dashboard_title']}",
        description=document.get("description") or document["dashboard_title"],
        marts=frozenset([*charts, *(target["dataset"] for target in targets)]),
    )


def _workbooks() -> Iterator[Exposure]:
    told = "Книги Excel за год: по муниципалитетам и для региона, со всеми листами, титулом и карточками школ."
    yield Exposure("workbooks", "analysis", "Книги: целиком", told, frozenset(MARTS_READ))
    for sheet in (*SHEETS, RULES):
        name = documents.latin(sheet.name).replace("-", "_")
        yield Exposure(f"workbook_{name}", "analysis", f"Книги: {sheet.name}", sheet.question, frozenset(sheet.marts))


def _report() -> Iterator[Exposure]:
    for section, marts in gathering.READ.items():
        title = gathering.TITLES[section]
        told = f"Раздел «{title}» отчёта кампании: страница HTML и PDF."
        yield Exposure(f"report_{section}", "analysis", f"Отчёт: {title}", told, frozenset(marts))


def _lines(exposure: Exposure, marts: dict[str, Mart]) -> Iterator[str]:
    yield f"  - name: {exposure.name}"
    yield f"    label: {json.dumps(exposure.label, ensure_ascii=False)}"
    yield f"    type: {exposure.kind}"
    yield "    description: >-"
    yield from textwrap.wrap(exposure.description, 110, initial_indent="      ", subsequent_indent="      ")
    yield f"    owner: {{name: {_OWNER}}}"
    yield "    depends_on:"
    for name in sorted(exposure.marts):
        yield f"      - ref('{marts[name].model}')"
