"""Superset's connections and datasets, made from the dictionary: no title is written a second time."""

from __future__ import annotations

from typing import Any

from ravenstvo.code_words import word_list, words_of
from ravenstvo.publishing.bi.identity import DATABASES, LOGINS, VERSION, asset_uuid
from ravenstvo.publishing.bi.links import Link
from ravenstvo.publishing.dictionary import Column, Mart, Metric

# How a figure of a unit is written (d3 formats; the separators are those of superset_config.D3_FORMAT).
FORMATS = {"share": ",.1%", "percent": ",.1f", "count": ",d", "score": ",.1f", "number": ",.2~f", "year": "d"}

ROWS = Metric("count", "Строк", "Число строк", "count(*)", "count")


def database(schema: str, catalog: str) -> dict[str, Any]:
    """The connection of a schema. Who it is lies in the address, how to get in does not: superset_config adds that."""
    return {
        "database_name": DATABASES[schema],
        "sqlalchemy_uri": f"postgresql+psycopg2://{LOGINS[schema]}@/{catalog}",
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "impersonate_user": False,
        "extra": {
            "allows_virtual_table_explore": True,
            "metadata_params": {},
            "engine_params": {},
            "schemas_allowed_for_csv_upload": [],
        },
        "uuid": asset_uuid("database", schema),
        "is_managed_externally": True,
        "version": VERSION,
    }


def dataset(mart: Mart, catalog: str, links: tuple[Link, ...]) -> dict[str, Any]:
    """A mart under its Russian title; lists and JSON as text, so that they can be read and filtered; links added."""
    return {
        "table_name": mart.title,
        "main_dttm_col": None,
        "description": _description(mart),
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": None,
        "catalog": catalog,
        "schema": mart.schema,
        "sql": _sql(mart, links),
        "params": None,
        "template_params": None,
        "filter_select_enabled": True,
        "fetch_values_predicate": None,
        "extra": {"certification": {"certified_by": mart.name, "details": mart.section("Primary key")}},
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "uuid": asset_uuid("dataset", mart.name),
        "metrics": [_metric(metric) for metric in metrics(mart)],
        "columns": [_column(column) for column in columns(mart, links)],
        "is_managed_externally": True,
        "version": VERSION,
        "database_uuid": asset_uuid("database", mart.schema),
    }


def metrics(mart: Mart) -> tuple[Metric, ...]:
    """The mart's figures, and the number of rows."""
    return (*mart.metrics, ROWS) if ROWS.name not in {metric.name for metric in mart.metrics} else mart.metrics


def _description(mart: Mart) -> str:
    parts = (mart.section("Overview") or mart.description, mart.section("Business rules"))
    return "\n\n".join(part for part in parts if part)


def _sql(mart: Mart, links: tuple[Link, ...]) -> str:
    selected = [
        *(_selected(column) for column in mart.columns),
        *(f'{_told(mart, code)} as "{word.name}"' for code, word in _words(mart)),
        *(f'{link.sql(mart)} as "{link.name}"' for link in links if link.fits(mart)),
    ]
    return "select\n  " + ",\n  ".join(selected) + f'\nfrom "{mart.schema}"."{mart.name}"'


def columns(mart: Mart, links: tuple[Link, ...]) -> list[Column]:
    """The mart's columns, each code and each yes or no as a word too, and the links."""
    words = [word for _, word in _words(mart)]
    return [*mart.columns, *words, *(link.as_column() for link in links if link.fits(mart))]


def _words(mart: Mart) -> list[tuple[Column, Column]]:
    """Pairs of a column of codes, or of yes and no, and the column that says it in words for people to read."""
    return [
        (column, Column(f"{column.name}_text", column.title, column.description, "text"))
        for column in mart.columns
        if (column.data_type == "boolean" or (column.data_type == "text" and words_of(mart.name, column.name)))
        and f"{column.name}_text" not in mart.titles
    ]


def _told(mart: Mart, column: Column) -> str:
    """SQL of a column in words; a code that no list knows stays as it is."""
    name = f'"{column.name}"'
    words = words_of(mart.name, column.name) or word_list("yes_no")
    told = {code: "'" + word.word.replace("'", "''") + "'" for code, word in words.items()}
    empty = [f"when {name} is null then {told.pop('null')}"] if "null" in told else []
    if column.data_type == "boolean":
        cases = [f"when {name} then {told['true']}", f"when not {name} then {told['false']}"]
        return f"case {' '.join([*cases, *empty])} end"
    cases = [f"when {name} = '{code}' then {word}" for code, word in told.items()]
    return f"case {' '.join([*empty, *cases])} else {name} end"


def _selected(column: Column) -> str:
    name = f'"{column.name}"'
    if column.data_type.endswith("[]"):
        return f"array_to_string({name}, ', ') as {name}"
    return f"{name}::text as {name}" if column.data_type == "jsonb" else name


def _column(column: Column) -> dict[str, Any]:
    kind = column.data_type.upper()
    return {
        "column_name": column.name,
        "verbose_name": column.title,
        "is_dttm": kind.startswith(("DATE", "TIMESTAMP")),
        "is_active": True,
        "type": "TEXT" if kind.endswith("[]") or kind == "JSONB" else kind,
        "advanced_data_type": None,
        "groupby": True,
        "filterable": True,
        "expression": None,
        "description": column.description,
        "python_date_format": None,
        "extra": None,
    }


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "metric_name": metric.name,
        "verbose_name": metric.title,
        "metric_type": None,
        "expression": metric.expression,
        "description": metric.description,
        "d3format": FORMATS.get(metric.unit),
        "currency": None,
        "extra": None,
        "warning_text": None,
    }
