"""The dictionary against a filled warehouse: its queries run, its metrics say what the marts say elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.bi import documents, links
from ravenstvo.publishing.bi.datasets import dataset
from ravenstvo.publishing.dictionary import Example
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse.connection import parameters
from running import ASK_SECONDS, Warehouse, call


@dataclass(frozen=True)
class Same:
    """A metric by ``keys`` among the rows of ``where``, and a query of the same keys and figure by another way."""

    mart: str
    metric: str
    keys: str
    elsewhere: str
    where: str = "true"


VERDICTS = """
    select year, verdict.key as method_code, {figure}
    from mart_identification_methods, jsonb_each_text(verdicts) as verdict where verdict.value is not null
    group by year, verdict.key
"""
LISTED, JUDGED = "count(*) filter (where verdict.value = 'true')", "count(verdict.value)"
HAS_VERDICT = "is_low_results is not null"
INDICATORS = """
    select programme_code, territory_kind, {figure} from fct_indicator_value where component = ''
    group by programme_code, territory_kind
"""
PUPILS = """
    select result.year, result.procedure_code, avg(result.score)
    from fct_result as result inner join fct_school_procedure using (year, school_id, procedure_code)
    where result.is_participant and result.is_first_attempt group by 1, 2
"""
REGION = "select year, programme_code, {figure} from {mart} where municipality_code is null and {figure} is not null"

SAME = [
    Same("mart_identification", "schools_listed", "year, method_code", VERDICTS.format(figure=LISTED), HAS_VERDICT),
    Same("mart_identification", "schools_judged", "year, method_code", VERDICTS.format(figure=JUDGED), HAS_VERDICT),
    Same(
        *("mart_identification", "schools_listed_share", "year, method_code"),
        VERDICTS.format(figure=f"{LISTED} / cast({JUDGED} as float)"),
        HAS_VERDICT,
    ),
    Same(
        *("mart_identification_evidence", "evidence_below_min_share", "year, procedure_code"),
        "select distinct year, procedure_code, regional_share from mart_identification_evidence "
        "where method_code = 'rosobr_30'",
        "method_code = 'rosobr_30'",
    ),
    Same(
        *("fct_school_procedure", "below_min_share", "year, procedure_code"),
        "select distinct year, procedure_code, regional_share from mart_municipality_results",
        "n_below_min is not null",
    ),
    Same(
        "fct_school_procedure", "score_mean", "year, procedure_code", PUPILS, "source = 'pupil' and n_participants > 0"
    ),
    Same(
        *("mart_municipality_results", "municipality_below_min_share", "year, municipality_id, procedure_code"),
        "select year, municipality_id, procedure_code, share_below_min from mart_municipality_results",
    ),
    Same(
        *("mart_programme_indicator", "indicators_met", "programme_code, territory_kind"),
        INDICATORS.format(figure="count(*) filter (where status = 'met')"),
    ),
    Same(
        *("mart_programme_indicator", "indicators_scored", "programme_code, territory_kind"),
        INDICATORS.format(figure="count(*) filter (where status = any(array['met', 'not_met']))"),
    ),
    Same(
        *("mart_partnership_school", "partnership_covered_share", "year, programme_code"),
        REGION.format(figure="coverage", mart="mart_partnership_coverage"),
        "is_covered is not null",
    ),
    Same(
        *("mart_pd_completion", "pd_complete_share", "year, programme_code"),
        REGION.format(figure="share_complete", mart="mart_pd_rollup"),
        "is_complete is not null",
    ),
    Same(
        *("mart_data_quality", "rows_rejected_share", "source, year"),
        "select source, year, 1 - completeness from mart_data_quality",
    ),
    Same(
        *("mart_objectivity", "marker_schools_flagged", "year"),
        "select year, n_schools_flagged from mart_objectivity_municipality where area_kind = 'region'",
    ),
    Same(
        *("mart_school_context", "context_index_mean", "year"),
        "select year, avg(context_index) from mart_school_card group by year having avg(context_index) is not null",
        "context_index is not null",
    ),
]


def check_metrics(warehouse: Warehouse) -> None:
    """Every metric can be asked for, and those with another way to the same figure agree with it."""
    marts = dictionary.load(warehouse.home / "dbt" / "target")
    for mart in marts.values():
        if mart.metrics:
            figures = ", ".join(f"{metric.expression} as {metric.name}" for metric in mart.metrics)
            (row,) = warehouse.ask(f"select {figures} from {mart.schema}.{mart.name}")
            assert "" not in row.values(), (mart.name, row)
    for same in SAME:
        expression = {metric.name: metric.expression for metric in marts[same.mart].metrics}[same.metric]
        asked = f"select {same.keys}, {expression} from {same.mart} where {same.where} group by {same.keys}"
        here, there = (dict(_figures(warehouse, query)) for query in (asked, same.elsewhere))
        assert len(here) > 1, same
        assert here == pytest.approx(there, rel=1e-9), same


def _figures(warehouse: Warehouse, query: str) -> Iterator[tuple[tuple[str, ...], float]]:
    for row in warehouse.ask(query):
        *keys, figure = row.values()
        yield tuple(keys), float(figure or "nan")


def check_examples(warehouse: Warehouse) -> None:
    """Every query of the documents runs, and gives rows unless the document says when it does not."""
    for mart in dictionary.load(warehouse.home / "dbt" / "target").values():
        for example in mart.examples:
            rows = warehouse.ask(example.query)
            assert rows or example.note.startswith(Example.NO_ROWS), (mart.name, example.query)


def check_charts(warehouse: Warehouse) -> None:
    """SQL that is written in a chart can be asked of its mart: a column that is missing there is an error."""
    folder, marts = PROJECT_ROOT / "include" / "bi", dictionary.load(warehouse.home / "dbt" / "target")
    added = links.read(folder)
    for chart in documents.read(folder).charts.values():
        params = chart.document.get("params", {})
        # As the dataset of the chart gives it: with codes in words, and links.
        mart = f"({dataset(marts[chart.document['dataset']], 'ravenstvo', added)['sql']}) as mart"
        for made in _made_on_the_spot(params):
            written, clause = made["sqlExpression"], made.get("clause")
            if clause:
                warehouse.ask(f"select count(*) from {mart} {clause} {written}")
                continue
            try:
                warehouse.ask(f"select {written} from {mart} limit 0")
            except psycopg2.errors.GroupingError:
                # A figure beside what the chart groups by, which it may name.
                grouped = ", ".join(_grouped(params))
                warehouse.ask(f"select {written} from {mart} group by {grouped} limit 0")


def _grouped(params: dict[str, Any]) -> list[str]:
    """What the queries of a chart group by, as SQL."""
    columns = [column for name in ("groupby", "groupby_b", "x_axis") for column in _listed(params.get(name))]
    return [f"({column['sqlExpression']})" if isinstance(column, dict) else column for column in columns]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _made_on_the_spot(value: Any) -> Iterator[dict[str, Any]]:
    """Figures, columns and filters of a chart that are SQL of its own."""
    if isinstance(value, dict) and value.get("expressionType") == "SQL":
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _made_on_the_spot(one)


def check_page(warehouse: Warehouse) -> None:
    """The page that the run wrote: numbers of rows, nothing from elsewhere or secret; a second call leaves it."""
    settings = Settings(home=warehouse.home, warehouse_url=None)
    page = settings.dbt_docs_file.read_text(encoding="utf-8")
    for secret in (str(parameters(settings)["password"]), str(warehouse.home), str(PROJECT_ROOT)):
        assert secret not in page
    assert re.findall(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["']?(?:https?:)?//""", page) == []
    assert "Словарь данных" in page
    start = page.index('{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/')
    catalog, _ = json.JSONDecoder().raw_decode(page, start)
    rows = {
        node["metadata"]["name"]: node["stats"]["rows"]["value"]
        for node in catalog["nodes"].values()
        if node["metadata"]["schema"] == "marts"
    }
    for mart in ("mart_identification", "mart_data_quality", "dim_school", "fct_result"):
        ((n_rows,),) = (row.values() for row in warehouse.ask(f"select count(*) from {mart}"))
        assert rows[mart] == int(n_rows), mart
    again = call(warehouse.home, ASK_SECONDS, "docs")
    assert again.stdout == f"Словарь данных без изменений: {settings.dbt_docs_file}\n", again.stderr
