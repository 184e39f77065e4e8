"""Who reads the marts: what dbt is told of dashboards, workbooks and the report is what they read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.bi import documents, links
from ravenstvo.publishing.bi.charts import DocumentError
from ravenstvo.publishing.export_data import MARTS_READ
from ravenstvo.publishing.export_sheets import RULES, SHEETS
from ravenstvo.publishing.exposures import exposures, exposures_file
from ravenstvo.settings import PROJECT_ROOT

BI = PROJECT_ROOT / "include" / "bi"
REPORT = PROJECT_ROOT / "include" / "ravenstvo" / "publishing" / "report"
WRITTEN = PROJECT_ROOT / "dbt_project" / "dictionary" / "exposures.yml"


@pytest.fixture(scope="module")
def told(parsed_project: Path) -> dict[str, set[str]]:
    """Exposure → the marts that it depends on, as dbt read the document."""
    manifest = json.loads((parsed_project / "manifest.json").read_text(encoding="utf-8"))
    names = {key: node["alias"] for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    return {one["name"]: {names[key] for key in one["depends_on"]["nodes"]} for one in manifest["exposures"].values()}


def test_committed_document_is_the_generated_one(parsed_project: Path) -> None:
    generated = exposures_file(exposures(BI), dictionary.load(parsed_project))
    assert WRITTEN.read_text(encoding="utf-8") == generated, f"ravenstvo docs --exposures {WRITTEN}"


def test_every_dashboard_depends_on_the_marts_of_its_charts_and_filters(told: dict[str, set[str]]) -> None:
    read = {}
    for path in sorted((BI / "dashboards").glob("*.yaml")):
        dashboard = yaml.safe_load(path.read_text(encoding="utf-8"))
        charts = [BI / "charts" / f"{name}.yaml" for name in values(dashboard["layout"], "chart")]
        read[f"dashboard_{path.stem.replace('-', '_')}"] = {
            *values(dashboard.get("filters"), "dataset"),
            *(yaml.safe_load(chart.read_text(encoding="utf-8"))["dataset"] for chart in charts),
        }
    assert read == {name: marts for name, marts in told.items() if name.startswith("dashboard_")}


def test_workbooks_depend_on_what_is_read_for_them(told: dict[str, set[str]]) -> None:
    assert told["workbooks"] == set(MARTS_READ)
    sheets = [marts for name, marts in told.items() if name.startswith("workbook_")]
    assert sorted(map(sorted, sheets)) == sorted(sorted(sheet.marts) for sheet in (*SHEETS, RULES))
    assert set().union(*sheets) <= told["workbooks"]


def test_sections_of_the_report_depend_on_the_tables_of_their_sql(told: dict[str, set[str]]) -> None:
    names = {"listed": "list", "changed": "change"}
    asked = {}
    for path in sorted((REPORT / "sections").glob("*.py")):
        if tables := set(re.findall(r"\b(?:from|join) marts\.(\w+)", path.read_text(encoding="utf-8"))):
            asked[f"report_{names.get(path.stem, path.stem)}"] = tables
    assert asked.keys() == {name for name in told if name.startswith("report_")}
    assert {name: tables - told[name] for name, tables in asked.items() if tables - told[name]} == {}


def test_exposures_are_told_in_russian(parsed_project: Path) -> None:
    manifest = json.loads((parsed_project / "manifest.json").read_text(encoding="utf-8"))
    words = [(one["name"], one[key]) for one in manifest["exposures"].values() for key in ("label", "description")]
    assert [name for name, text in words if not re.search("[А-Яа-яЁё]", text)] == []


def test_charts_and_dashboards_name_what_the_marts_have(parsed_project: Path) -> None:
    documents.check(documents.read(BI), dictionary.load(parsed_project), links.read(BI))


@pytest.mark.parametrize(
    ("key", "value", "missing"),
    [
        ("all_columns", ["school_name", "no_such_column"], "столбца no_such_column"),
        ("metrics", ["no_such_metric"], "показателя no_such_metric"),
        (
            "metric",
            {"expressionType": "SIMPLE", "aggregate": "SUM", "column": {"column_name": "no_such_sum"}},
            "столбца no_such_sum",
        ),
        (
            "adhoc_filters",
            [{"expressionType": "SIMPLE", "clause": "WHERE", "subject": "no_such_subject", "operator": "=="}],
            "столбца no_such_subject",
        ),
        ("order_by_cols", ['["no_such_order", true]'], "столбца no_such_order"),
    ],
)
def test_a_chart_that_uses_what_its_mart_lacks_is_refused(
    key: str, value: object, missing: str, parsed_project: Path, tmp_path: Path
) -> None:
    bi = tmp_path / "bi"
    shutil.copytree(BI, bi)
    broken = {"slice_name": "Сломана", "viz_type": "table", "dataset": "mart_identification", "params": {key: value}}
    (bi / "charts" / "slomana.yaml").write_text(yaml.safe_dump(broken, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DocumentError, match=f"charts/slomana.yaml: ключ params.{key}: .*{missing}"):
        documents.check(documents.read(bi), dictionary.load(parsed_project), links.read(bi))


def test_a_chart_of_a_mart_that_does_not_exist_is_refused(parsed_project: Path, tmp_path: Path) -> None:
    bi = tmp_path / "bi"
    shutil.copytree(BI, bi)
    chart = {"slice_name": "Сломана", "viz_type": "table", "dataset": "mart_gone"}
    (bi / "charts" / "slomana.yaml").write_text(yaml.safe_dump(chart, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DocumentError, match="нет такой витрины: mart_gone"):
        documents.check(documents.read(bi), dictionary.load(parsed_project), links.read(bi))


def test_a_filter_that_is_ordered_by_what_its_mart_lacks_is_refused(parsed_project: Path, tmp_path: Path) -> None:
    """Superset would show neither the filter nor the dashboard, and say nothing."""
    bi = tmp_path / "bi"
    shutil.copytree(BI, bi)
    path = bi / "dashboards" / "perechen.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["filters"][0]["sortMetric"] = "no_such_metric"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DocumentError, match="нет показателя no_such_metric"):
        documents.check(documents.read(bi), dictionary.load(parsed_project), links.read(bi))


def values(node: Any, key: str) -> Iterator[str]:
    """Every value of ``key`` anywhere below ``node``."""
    for name, below in node.items() if isinstance(node, dict) else enumerate(node or ()):
        if name == key:
            yield below
        elif isinstance(below, dict | list):
            yield from values(below, key)
