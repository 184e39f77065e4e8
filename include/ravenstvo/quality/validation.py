"""One validation of everything that has landed since the last one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ravenstvo import logs
from ravenstvo.fingerprints import files_digest
from ravenstvo.quality.ahead import Made, check_tables
from ravenstvo.quality.checks import check_table, drop_check_table
from ravenstvo.quality.findings import insert_findings, insert_results, suggest_values
from ravenstvo.quality.parts import (
    count_rows,
    forget_findings,
    make_all_due_after_new_rules,
    make_results_due,
    pending_sources,
    versions_of,
)
from ravenstvo.quality.repeats import is_about_repeats, settle_repeats
from ravenstvo.quality.suites import Suite, load_suite
from ravenstvo.settings import Settings, get_settings
from ravenstvo.warehouse.connection import connect, warehouse_url
from ravenstvo.warehouse.roles import LOADER

if TYPE_CHECKING:
    from great_expectations.data_context import AbstractDataContext
    from great_expectations.datasource.fluent import SQLDatasource

# Everything that says what a good row is: suites, facts, the documents that facts follow from, reference data.
_RULES = (
    "expectations/*.json",
    "include/ravenstvo/quality/checks/*.sql",
    "include/ravenstvo/quality/checks/*.py",
    "include/ravenstvo/sources/*.yml",
    "dbt_project/seeds/*.csv",
)

log = logging.getLogger(__name__)


def validate(settings: Settings | None = None) -> dict[str, Any]:
    """Validate every landed part that has not been validated, reject rows, write Data Docs.

    Each source is one transaction: a killed validation leaves the others done and can be repeated. Two validations at
    once wait for each other. Without anything to validate Great Expectations is not even imported.

    Returns ``{"sources": {source: {n_parts, n_rows, n_accepted, n_rejected, n_warnings, n_failed_expectations,
    success}}, "data_docs": path or None}``; counts are sheet rows.
    """
    settings = settings or get_settings()
    with connect(settings, LOADER) as guard, guard.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('ravenstvo.validate'))")
        with connect(settings, LOADER) as connection, connection.cursor() as writing:
            make_all_due_after_new_rules(writing, files_digest(settings.project_root, _RULES))
        sources, data_docs = _validate_sources(settings, cursor) if pending_sources(cursor) else ({}, None)
    return {"sources": sources, "data_docs": data_docs}


def _validate_sources(settings: Settings, cursor: Any) -> tuple[dict[str, Any], str]:
    folder = settings.project_root / "expectations"
    summaries = {}
    engine: tuple[AbstractDataContext, SQLDatasource] | None = None
    while pending := pending_sources(cursor):
        with check_tables(settings, pending) as tables:
            # Seconds to import: only when there is something to validate, and while the first table is being made.
            engine = engine or _open_engine(settings)
            for table in tables:
                if summary := _validate_source(settings, *engine, load_suite(folder, table.source), table):
                    summaries[table.source] = summary
    from ravenstvo.quality.data_docs import write_data_docs

    return summaries, str(write_data_docs(settings, folder))


def _open_engine(settings: Settings) -> tuple[AbstractDataContext, SQLDatasource]:
    from ravenstvo.quality.gx import open_context, open_warehouse

    context = open_context()
    return context, open_warehouse(context, warehouse_url(settings, LOADER))


def _validate_source(
    settings: Settings, context: AbstractDataContext, warehouse: SQLDatasource, suite: Suite, made: Made
) -> dict[str, Any] | None:
    """Validate a source whose check table is made. None where it is not true any more: the parts stay due."""
    from ravenstvo.quality.gx import run_suite

    part_ids = made.part_ids
    failing = run_suite(context, warehouse, suite, check_table(suite.name))
    with connect(settings, LOADER) as connection, connection.cursor() as cursor:
        if versions_of(cursor, part_ids, lock=True) != made.versions:
            drop_check_table(cursor, suite.name)
            return None
        forget_findings(cursor, part_ids)
        n_failed = {}
        # What a row repeats is known only when it is known which rows are rejected for reasons of their own.
        for about_repeats in (False, True):
            if about_repeats:
                settle_repeats(cursor, suite, part_ids)
            for rule in suite.expectations:
                if rule.meta.id in failing and is_about_repeats(rule) is about_repeats:
                    n_failed[rule.meta.id] = insert_findings(cursor, suite, rule, failing[rule.meta.id])
                    suggest_values(cursor, rule, part_ids)
        insert_results(cursor, suite, made.n_checked, n_failed, part_ids)
        counts = count_rows(cursor, check_table(suite.name), part_ids)
        make_results_due(cursor, suite.name, part_ids)
        drop_check_table(cursor, suite.name)
    failed = [rule for rule in suite.expectations if n_failed.get(rule.meta.id)]
    success = not any(rule.severity == "critical" for rule in failed)
    summary = {"n_parts": len(part_ids), **counts, "n_failed_expectations": len(failed), "success": success}
    numbers = {name: value for name, value in summary.items() if name.startswith("n_")}
    logs.say(log, "Вид сведений проверен", source=suite.name, status="success" if success else "failed", **numbers)
    return summary
