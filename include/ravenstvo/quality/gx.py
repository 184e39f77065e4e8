"""Great Expectations, kept behind one door: it costs seconds to import, so only what runs suites imports this."""

from __future__ import annotations

import gc
import logging
import os
from typing import Any

# Before the import: GX would otherwise report its use to its makers.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations
import sqlalchemy
from great_expectations.core import ExpectationSuite
from great_expectations.data_context import AbstractDataContext
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.datasource.fluent import SQLDatasource

from ravenstvo.quality.findings import result_columns
from ravenstvo.quality.suites import Suite

logging.getLogger("great_expectations").setLevel(logging.ERROR)


class SuiteError(RuntimeError):
    """A suite could not be run: the document asks for what the check table does not hold."""


def open_context() -> AbstractDataContext:
    """A context that writes nothing: suites are documents of the project, connections are not stored."""
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # What the import has made stays: there is no use in searching all of it for cycles again and again.
    gc.freeze()
    return context


def open_warehouse(context: AbstractDataContext, url: sqlalchemy.URL) -> SQLDatasource:
    """The warehouse as a source of tables, for all suites: to enter one costs connections."""
    return context.data_sources.add_sql("warehouse", connection_string=url.render_as_string(hide_password=False))


def run_suite(context: AbstractDataContext, warehouse: SQLDatasource, suite: Suite, table: str) -> dict[str, str]:
    """Run a suite in the database on ``schema.table``; returns by expectation id the SQL that gives its failing rows.

    Expectations that hold are not in the result.

    Only counts and SQL come back to Python, never rows: BOOLEAN_ONLY with the index query. GX puts the conditions on
    one table into one SELECT, so a suite costs about one scan.
    """
    schema_name, table_name = table.split(".")
    asset = warehouse.add_table_asset(suite.name, table_name=table_name, schema_name=schema_name)
    try:
        batch = asset.add_batch_definition_whole_table("pending").get_batch()
        result = batch.validate(
            context.suites.add_or_update(ExpectationSuite(**suite.document)),
            result_format={
                "result_format": "BOOLEAN_ONLY",
                "return_unexpected_index_query": True,
                "unexpected_index_column_names": result_columns(suite),
            },
        )
    finally:
        # An open connection would hold the table, which is dropped next; and a source may come back to be validated.
        warehouse.delete_asset(suite.name)
        warehouse.get_engine().dispose()
    # GX only logs an expectation that it cannot read, and goes on without it.
    missing = {rule.meta.id for rule in suite.expectations} - {_id(item) for item in result.results}
    if missing:
        raise SuiteError(f"{suite.name}: Great Expectations did not run {sorted(missing)}")
    return {_id(item): _failing_rows(item) for item in result.results if not item.success}


def _id(item: Any) -> str:
    return str(item.expectation_config.meta["id"])


def _failing_rows(item: Any) -> str:
    query = item.result.get("unexpected_index_query")
    if not query:
        raise SuiteError(f"{_id(item)}: {item.exception_info}")
    return str(query).rstrip().rstrip(";")
