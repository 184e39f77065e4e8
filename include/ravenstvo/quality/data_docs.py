"""Great Expectations' HTML pages: the suites, and the latest validation of each source.

The pages are made from what the warehouse keeps of validations, so that they show every source, also those that this
run had no reason to validate, and hold counts only: no value of any row.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import great_expectations
from great_expectations.core import (
    ExpectationSuite,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    RunIdentifier,
)
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from ravenstvo.quality.data_docs_pages import IndexLine, localise, write_index
from ravenstvo.quality.gx import open_context
from ravenstvo.quality.suites import Rule, Suite, load_suite
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import LOADER

SITE = "ravenstvo"
_SEVERITIES = {"critical": "Критическое", "warning": "Предупреждение"}
Latest = tuple[datetime, dict[str, tuple[int, int]]]  # when, and by expectation id the rows checked and failed


def write_data_docs(settings: Settings, suites_folder: Path) -> Path:
    """Write the site into ``settings.data_docs_dir``; returns its ``index.html``."""
    results = _latest_results(settings)
    context = open_context()
    # The site is built beside the old one and put in its place whole.
    building = settings.data_docs_dir.with_name("data_docs.new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    context.add_data_docs_site(
        site_name=SITE,
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(building),
            },
        },
    )
    suites = [load_suite(suites_folder, path.stem) for path in sorted(suites_folder.glob("*.json"))]
    for suite in suites:
        context.suites.add(ExpectationSuite(**_with_severity_shown(suite)))
        if suite.name in results:
            _add_result(context, suite, *results[suite.name])
    context.build_data_docs(site_names=[SITE])
    localise(building)
    write_index(building, [_index_line(building, suite, results.get(suite.name)) for suite in suites])
    shutil.rmtree(settings.data_docs_dir, ignore_errors=True)
    building.replace(settings.data_docs_dir)
    return settings.data_docs_dir / "index.html"


def _shown_description(rule: Rule) -> str:
    """The pages show the description, and have no place of their own for the severity."""
    return f"{_SEVERITIES[rule.severity]}: {rule.description}"


def _with_severity_shown(suite: Suite) -> dict[str, Any]:
    expectations = [
        {**written, "description": _shown_description(rule)}
        for written, rule in zip(suite.document["expectations"], suite.expectations, strict=True)
    ]
    return {**suite.document, "expectations": expectations}


def _index_line(folder: Path, suite: Suite, latest: Latest | None) -> IndexLine:
    validated_at, counts = latest or (None, {})
    failed = [rule.severity for rule in suite.expectations if counts.get(rule.meta.id, (0, 0))[1] > 0]
    return IndexLine(
        title=load_sources()[suite.name].title,
        suite_page=folder / "expectations" / f"{suite.name}.html",
        result_page=next((folder / "validations" / suite.name).rglob("*.html"), None),
        validated_at=validated_at,
        n_checked=max((checked for checked, _ in counts.values()), default=0),
        n_expectations=len(counts),
        n_failed_critical=failed.count("critical"),
        n_failed_warning=failed.count("warning"),
    )


def _latest_results(settings: Settings) -> dict[str, Latest]:
    """By source: when it was last validated, and by expectation id the rows checked and failed."""
    with connect(settings, LOADER) as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select source, validated_at, expectation_id, n_checked, n_failed
            from ops.expectation_result
            where (source, validated_at) in (
                select source, max(validated_at) from ops.expectation_result group by source
            )
            """
        )
        results: dict[str, Latest] = {}
        for source, validated_at, expectation_id, n_checked, n_failed in cursor.fetchall():
            results.setdefault(source, (validated_at, {}))[1][expectation_id] = (n_checked, n_failed)
    return results


def _add_result(context: Any, suite: Suite, validated_at: datetime, counts: dict[str, tuple[int, int]]) -> None:
    shown = [rule for rule in suite.expectations if rule.meta.id in counts]
    items = []
    for rule in shown:
        n_checked, n_failed = counts[rule.meta.id]
        items.append(
            ExpectationValidationResult(
                success=n_failed == 0,
                expectation_config=ExpectationConfiguration(
                    type=rule.type,
                    kwargs=rule.kwargs,
                    severity=FailureSeverity(rule.severity),
                    description=_shown_description(rule),
                    meta=rule.meta.model_dump(exclude_none=True),
                ),
                result={
                    "element_count": n_checked,
                    "unexpected_count": n_failed,
                    "unexpected_percent": 100.0 * n_failed / n_checked if n_checked else 0.0,
                },
                exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
            )
        )
    n_successful = sum(bool(item.success) for item in items)
    run_id = RunIdentifier(run_name=suite.name, run_time=validated_at)
    result = ExpectationSuiteValidationResult(
        success=n_successful == len(items),
        results=items,
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": len(items),
            "successful_expectations": n_successful,
            "unsuccessful_expectations": len(items) - n_successful,
            "success_percent": 100.0 * n_successful / len(items) if items else None,
        },
        meta={
            "run_id": run_id,
            "validation_time": validated_at.isoformat(),
            "active_batch_definition": {},
            "great_expectations_version": great_expectations.__version__,
        },
    )
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(suite.name),
        run_id=run_id,
        batch_identifier=suite.name,
    )
    context.validation_results_store.set(key, result)
