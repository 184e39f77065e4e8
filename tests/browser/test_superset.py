"""Superset as `make bi` leaves it: what each role sees and does not; nothing is lost or changed by coming twice."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, expect
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.bi import links
from ravenstvo.publishing.bi.datasets import columns as columns_of
from ravenstvo.publishing.bi.layout import charts_of
from ravenstvo.settings import PROJECT_ROOT
from superset_client import FAILED, Api, Superset, settle
from superset_dashboards import Answer, Opened, chart_names, comparable, expected_rows

pytestmark = pytest.mark.slow(seconds=400)

FOLDER = PROJECT_ROOT / "include" / "bi"
HOSTILE = (
    "«Школа» \"в кавычках\" и 'апострофах' <b>жирный</b> <img src=x onerror=\"document.title='взлом'\"> & {{ 7*7 }} "
    + "!() %27 [Сайт](javascript:alert(1)) <u>подчёркнутый</u> \\ муниципальное бюджетное учреждение " * 3
)[:300]
EXPECTED = Path(__file__).parent / "expected"
DASHBOARDS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((FOLDER / "dashboards").glob("*.yaml"))
}
LOW = {"expressionType": "SQL", "sqlExpression": "count(*) filter (where is_low_results)", "label": "n"}
# Ways to reach rows past a condition: a function that runs a query, a column that is none, a condition of one's own.
TRICKS = {
    "metric": {
        "metrics": [
            {"expressionType": "SQL", "sqlExpression": "max(length(ts_stat('select null')::text))", "label": "n"}
        ]
    },
    "subquery": {
        "metrics": [{"expressionType": "SQL", "sqlExpression": "(select count(*) from marts.dim_school)", "label": "n"}]
    },
    "column": {"metrics": ["count"], "columns": [{"expressionType": "SQL", "sqlExpression": "1", "label": "n"}]},
    "text": {"metrics": ["count"], "columns": ["(select 1)"]},
    "condition": {"metrics": ["count"], "extras": {"where": "1 = 1) or (1 = 1"}},
    "plain condition": {"metrics": ["count"], "extras": {"where": "length(municipality_name) > 0"}},
}

Pages = Callable[[str | None], Page]
Apis = Callable[[str | None], Api]


@pytest.fixture(scope="module")
def municipality(superset: Superset) -> tuple[str, str]:
    """Code and name of a municipality that has schools in the list."""
    rows = superset.ask(
        "select municipality_code, municipality_name from marts.dim_municipality where municipality_name in "
        "(select municipality_name from marts.mart_identification where is_low_results) order by 1 limit 1"
    )
    return rows[0][0], rows[0][1]


def test_the_login_page_is_russian_and_lets_in(superset: Superset, page_as: Pages) -> None:
    page = page_as(None)
    page.goto(f"{superset.url}/login/")
    expect(page.get_by_role("button", name=re.compile("Войти|Вход"))).to_be_visible(timeout=30_000)
    expect(page.locator("body")).to_contain_text("Имя пользователя")
    page.get_by_label("Имя пользователя").or_(page.locator("input#username")).first.fill("guest")
    page.locator("input[type=password]").fill(superset.passwords["guest"])
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    assert "/login" not in page.url
    page.context.clear_cookies()


def test_a_page_of_before_the_login_does_not_undo_it(superset: Superset, page_as: Pages) -> None:
    """What it tells of itself comes late, and an answer that sets the cookie would bring its session back."""
    context = page_as(None).context
    answer = context.request.post(f"{superset.url}/superset/log/?explode=events", form={"events": "[]"})
    assert (answer.status, answer.headers.get("set-cookie")) == (204, None)
    context.clear_cookies()


@pytest.fixture(scope="module")
def charts(superset: Superset) -> dict[int, str]:
    """Superset's numbers of the charts to the names of their files."""
    return chart_names(superset, [path.stem for path in (FOLDER / "charts").glob("*.yaml")])


@pytest.fixture(scope="module", params=DASHBOARDS)
def opened(
    request: pytest.FixtureRequest, superset: Superset, context_as: Callable[[str | None], Any], charts: dict[int, str]
) -> Iterator[Opened]:
    """Each dashboard in turn, as an analyst opens it (a guest where it is not for him), with all of its tabs."""
    login = "analyst" if "analyst" in DASHBOARDS[request.param]["audience"] else "guest"
    page = context_as(login).new_page()
    one = Opened(superset, page, request.param, charts)
    one.go()
    yield one
    page.close()


class TestDashboards:
    """What every dashboard must do; the tests of one come one after another, on one page."""

    def test_it_opens_whole(self, opened: Opened) -> None:
        shown: set[str] = set()
        for _ in opened.walk():
            assert opened.page.locator(FAILED).all_inner_texts() == []
            assert "Ошибка" not in opened.page.locator(".grid-container, .dashboard-content").first.inner_text()
            holders = opened.page.locator(".dashboard-component-chart-holder [data-test-chart-id]")
            shown |= set(holders.evaluate_all("all => all.map(one => one.dataset.testChartId)"))
        assert [answer.content for answer in opened.answers if answer.status >= 400] == []
        assert opened.errors == []
        assert opened.elsewhere == []
        assert len(shown) == len(list(charts_of(DASHBOARDS[opened.name]["layout"])))

    def test_its_charts_hold_the_rows_of_the_marts(self, superset: Superset, api_as: Apis, opened: Opened) -> None:
        """Against queries of their own, for the year and the school that the dashboard chooses by itself."""
        given: dict[str, Any] = {}
        for key, column in (("year", "year"), ("school", "school_label")):
            values = [value for answer in opened.answers for values in answer.conditions(column) for value in values]
            given[key] = values[0] if values else None
        wrong = {}
        for file in sorted(EXPECTED.glob(f"{opened.name}-*.sql")):
            columns, expected = expected_rows(superset, file, given)
            answer = next((one for one in opened.answers if one.chart == file.stem), None)
            rows = _rows_of(answer, columns, api_as("admin")) if answer else None
            if rows is None:
                wrong[file.stem] = "нет ответа с такими столбцами"
            elif comparable(rows) != expected or not expected:
                missing = [row for row in expected if row not in comparable(rows)]
                spare = [row for row in comparable(rows) if row not in expected]
                wrong[file.stem] = f"ждали {len(expected)}, есть {len(rows)}; нет {missing[:2]}; лишние {spare[:2]}"
        assert wrong == {}

    def test_it_prints(self, opened: Opened, tmp_path: Path) -> None:
        opened.page.emulate_media(media="print")
        printed = opened.page.pdf(format="A4", landscape=True, print_background=True)
        opened.page.emulate_media(media="screen")
        assert printed.startswith(b"%PDF")
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 1

    def test_another_municipality_is_chosen(self, superset: Superset, opened: Opened) -> None:
        if "municipality" not in {one["id"] for one in DASHBOARDS[opened.name].get("filters") or []}:
            return
        place = superset.ask(
            "select municipality_name from marts.mart_identification where municipality_name is not null "
            "order by 1 desc limit 1"
        )[0][0]
        opened.choose("municipality", place)
        filtered = [answer for answer in opened.answers if [place] in answer.conditions("municipality_name")]
        assert filtered
        assert [answer.content for answer in opened.answers if answer.status >= 400] == []
        seen = {
            row["municipality_name"]
            for answer in filtered
            for result in answer.results
            for row in result.get("data") or []
            if "municipality_name" in row
        }
        assert seen <= {place}
        assert opened.page.locator(FAILED).all_inner_texts() == []

    def test_a_link_leads_to_the_school(self, superset: Superset, opened: Opened) -> None:
        links = opened.page.locator('a[href*="/superset/dashboard/shkola/"]')
        for _ in opened.walk():
            if links.count():
                break
        else:
            return
        school, address = links.first.inner_text(), links.first.get_attribute("href")
        card = Opened(superset, opened.page.context.new_page(), "shkola", opened.charts)
        card.page.goto(superset.url + str(address))
        settle(card.page)
        chosen = {value for answer in card.answers for values in answer.conditions("school_label") for value in values}
        assert len(chosen) == 1
        assert school in chosen.pop()
        assert school in card.page.locator("body").inner_text()
        assert card.page.locator(FAILED).all_inner_texts() == []
        card.page.close()

    def test_nothing_found_is_no_error(self, opened: Opened) -> None:
        none: dict[str, tuple[str, list[Any]]] = {
            "school": ("school_label", ["Нет «такой» школы"]),
            "municipality": ("municipality_name", ["Нет «такого» района"]),
            "year": ("year", [1900]),
        }
        filters = [one["id"] for one in DASHBOARDS[opened.name].get("filters") or []]
        name = next((name for name in none if name in filters), None)
        if name is None:
            return
        opened.go({name: none[name]})
        assert opened.page.locator(FAILED).all_inner_texts() == []
        assert "NaN" not in opened.page.locator(".grid-container, .dashboard-content").first.inner_text()
        assert [answer.content for answer in opened.answers if answer.status >= 400] == []
        assert opened.errors == []


@pytest.fixture
def hostile_school(superset: Superset) -> Iterator[tuple[str, str, str]]:
    """Name, label and municipality of a school that was called so in every mart, and is called as before again."""
    school, code, place = superset.ask(
        "select school_id, school_code, municipality_name from marts.mart_identification where is_low_results "
        "order by 1 limit 1"
    )[0]
    called = {"school_name": HOSTILE, "school_label": f"{code} · {HOSTILE} · {place}"}
    tables = superset.ask(
        "select table_name, array_agg(column_name::text) from information_schema.columns "
        "join information_schema.tables using (table_schema, table_name) where table_schema = 'marts' "
        "and table_type = 'BASE TABLE' and column_name in ('school_id', 'school_name', 'school_label') "
        "group by 1 having 'school_id' = any(array_agg(column_name)) and count(*) > 1"
    )
    for table, columns in tables:
        superset.ask(f"create table public.kept_{table} as select * from marts.{table} where school_id = '{school}'")
        changes = ", ".join(f"{column} = %({column})s" for column in called if column in columns)
        superset.ask(f"update marts.{table} set {changes} where school_id = '{school}'", given=called)
    yield called["school_name"], called["school_label"], place
    for table, _ in tables:
        superset.ask(f"delete from marts.{table} where school_id = '{school}'")
        superset.ask(f"insert into marts.{table} select * from public.kept_{table}")
        superset.ask(f"drop table public.kept_{table}")


def test_a_hostile_name_of_300_characters_is_only_text(
    superset: Superset, page_as: Pages, charts: dict[int, str], hostile_school: tuple[str, str, str]
) -> None:
    name, label, place = hostile_school
    assert len(name) == 300
    chosen: dict[str, tuple[str, list[Any]]] = {"municipality": ("municipality_name", [place])}
    for dashboard in ("perechen", "shkola"):
        one = Opened(superset, page_as("analyst"), dashboard, charts)
        one.go(chosen | {"school": ("school_label", [label])} if dashboard == "shkola" else chosen)
        for _ in one.walk():
            assert one.page.locator(FAILED).all_inner_texts() == []
            assert one.page.locator("b:text('жирный'), img[src=x], u:text('подчёркнутый')").count() == 0
        assert name[:100] in one.page.locator("body").inner_text()
        assert "взлом" not in one.page.title()
        assert one.errors == []
        assert one.page.evaluate("document.documentElement.scrollWidth") <= 1500


def _rows_of(answer: Answer, columns: list[str], admin: Api) -> list[tuple[Any, ...]] | None:
    """All rows of the chart's query that has the columns: a table that is shown by pages is asked for the rest."""
    for query, result in zip(answer.asked["queries"], answer.results, strict=True):
        if set(columns) <= set(result["colnames"]):
            rows = result["data"]
            if len(rows) == query.get("row_limit"):
                whole = answer.asked | {"queries": [query | {"row_limit": 10000, "row_offset": 0}]}
                rows = admin.post("/api/v1/chart/data", whole)[1]["result"][0]["data"]
            return [tuple(row[column] for column in columns) for row in rows]
    return None


def test_titles_and_figures_are_those_of_the_dictionary(
    superset: Superset, api_as: Apis, datasets: dict[str, int]
) -> None:
    marts = dictionary.load(superset.settings.dbt_target_dir)
    assert set(datasets) == set(marts)
    for name, number in datasets.items():
        _, content = api_as("analyst").get(f"/api/v1/dataset/{number}")
        held = content["result"]
        assert held["table_name"] == marts[name].title
        titles = {column["column_name"]: column["verbose_name"] for column in held["columns"]}
        assert marts[name].titles.items() <= titles.items()
        figures = {figure["metric_name"]: figure["expression"] for figure in held["metrics"]}
        assert {metric.name: metric.expression for metric in marts[name].metrics}.items() <= figures.items()


def test_every_dataset_can_be_read(superset: Superset, api_as: Apis, datasets: dict[str, int]) -> None:
    marts, added = dictionary.load(superset.settings.dbt_target_dir), links.read(FOLDER)
    for name, number in datasets.items():
        named = [column.name for column in columns_of(marts[name], added)]
        status, content = api_as("analyst").rows(number, columns=named, row_limit=1)
        assert status == 200, (name, content)


def test_numbers_are_those_of_the_mart(superset: Superset, api_as: Apis, datasets: dict[str, int]) -> None:
    status, rows = api_as("analyst").rows(
        datasets["mart_identification"], metrics=[LOW], columns=["year", "municipality_name"]
    )
    assert status == 200
    expected = superset.ask(
        "select year, municipality_name, count(case when is_low_results then 1 end) "
        "from marts.mart_identification group by 1, 2"
    )
    assert sorted((row["year"], row["municipality_name"], row["n"]) for row in rows) == sorted(expected)
    assert any(row["n"] for row in rows)


def test_a_municipality_sees_its_own_rows_only(
    superset: Superset, api_as: Apis, datasets: dict[str, int], municipality: tuple[str, str]
) -> None:
    """In every dataset: rows that name a municipality name this one, rows that name a school name one of its own."""
    code, name = municipality
    api = api_as(f"mun_{code}")
    own = {
        school
        for (school,) in superset.ask(f"select school_id from marts.dim_school where municipality_code = '{code}'")
    }
    marts = dictionary.load(superset.settings.dbt_target_dir)
    seen = 0
    for mart, number in datasets.items():
        named = ("municipality_code", "municipality_name", "school_id", "area_kind", "territory_kind")
        keys = [key for key in named if key in marts[mart].titles]
        status, rows = api.rows(number, metrics=["count"], columns=keys)
        if marts[mart].audience == "open":
            assert status == 200, (mart, rows)
            continue
        if status != 200:
            assert status == 403, (mart, rows)
            continue
        counted = [row for row in rows if row["count"]]
        if marts[mart].audience == "region":
            counted = [row for row in counted if row["municipality_code"] is not None or not _is_regional(row)]
        assert {row["municipality_code"] for row in counted if "municipality_code" in row} <= {code}, mart
        assert {row["municipality_name"] for row in counted if "municipality_name" in row} <= {name}, mart
        if "municipality_code" not in keys and "municipality_name" not in keys:
            assert {row["school_id"] for row in counted} <= own, mart
        seen += len(counted)
    assert seen > 0


def _is_regional(row: dict[str, Any]) -> bool:
    """Of the whole region: the row says so, or names neither a municipality nor a school."""
    kind = row.get("area_kind", row.get("territory_kind"))
    return kind == "region" if kind is not None else row.get("school_id") is None


def test_a_municipality_sees_all_of_its_list(
    superset: Superset, api_as: Apis, datasets: dict[str, int], municipality: tuple[str, str]
) -> None:
    code, name = municipality
    status, rows = api_as(f"mun_{code}").rows(datasets["mart_identification"], metrics=["count"], columns=["year"])
    assert status == 200
    expected = superset.ask(
        f"select year, count(*) from marts.mart_identification where municipality_name = '{name}' group by 1"
    )
    assert sorted((row["year"], row["count"]) for row in rows) == sorted(expected)


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("role", ["municipality", "guest"])
def test_who_only_looks_sends_no_sql(
    api_as: Apis, datasets: dict[str, int], municipality: tuple[str, str], role: str, trick: str
) -> None:
    login = "guest" if role == "guest" else f"mun_{municipality[0]}"
    status, content = api_as(login).rows(datasets["mart_identification"], **{"columns": [], **TRICKS[trick]})
    assert status in (400, 403), content


@pytest.mark.parametrize("role", ["municipality", "guest"])
def test_who_only_looks_reaches_nothing_else(api_as: Apis, municipality: tuple[str, str], role: str) -> None:
    api = api_as("guest" if role == "guest" else f"mun_{municipality[0]}")
    databases = {row["database_name"]: row["id"] for row in api_as("admin").listed("database", "database_name", "id")}
    for number in databases.values():
        query = {"database_id": number, "sql": "select 1", "client_id": f"try{number}", "schema": "marts"}
        status, content = api.post("/api/v1/sqllab/execute/", query)
        assert status == 403, content
    for path in ("/api/v1/database/", "/api/v1/query/", "/api/v1/security/users/", "/api/v1/rowlevelsecurity/"):
        assert api.get(path)[0] in (401, 403, 404), path
    assert (
        api.post(
            "/api/v1/chart/", {"slice_name": "x", "viz_type": "table", "datasource_id": 1, "datasource_type": "table"}
        )[0]
        == 403
    )
    assert api.post("/api/v1/dashboard/", {"dashboard_title": "x"})[0] == 403


# A chart that a municipality is shown: figures, a column and conditions that are SQL of its own.
COUNT = {"expressionType": "SQL", "sqlExpression": "count(*) filter (where is_low_results)", "label": "n"}
AXIS = {"expressionType": "SQL", "sqlExpression": "upper(school_name)", "label": "Школа"}
CONDITIONS = ("is_low_results is not null", "(year > 2000 or school_name is null) and not school_name = '' -- все")
HAVING = "COUNT(*) > 0"
SHOWN_CHART = {
    "viz_type": "table",
    "query_mode": "aggregate",
    "groupby": [AXIS, "year"],
    "metrics": [COUNT],
    "adhoc_filters": [
        *({"expressionType": "SQL", "clause": "WHERE", "sqlExpression": condition} for condition in CONDITIONS),
        {"expressionType": "SQL", "clause": "HAVING", "sqlExpression": HAVING},
    ],
}
FILTER = {
    "id": "NATIVE_FILTER-school",
    "name": "Школа",
    "filterType": "filter_select",
    "type": "NATIVE_FILTER",
    "adhoc_filters": [{"expressionType": "SQL", "clause": "WHERE", "sqlExpression": "school_name is not null"}],
    "controlValues": {},
    "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
}
SIMPLE = {"expressionType": "SIMPLE", "column": {"column_name": "year"}, "aggregate": "MAX", "label": "max"}
MEAN = {"n": {"operator": "mean"}}
# As the interface asks: the conditions also in the forms that Superset itself makes of them.
ASKED = {
    "as stored": {"extras": {"where": " AND ".join(f"({one}\n)" for one in CONDITIONS), "having": f"({HAVING})"}},
    "as written anew": {"extras": {"where": "(NOT is_low_results IS NULL)", "having": "(COUNT(*) > 0)"}},
    "other case": {"extras": {"where": "((is_low_results IS NOT NULL)) and (1 = 0)", "having": "count(*)>0"}},
    "column": {"columns": [AXIS, "year"], "orderby": [[COUNT, False]], "series_limit": 5, "series_limit_metric": COUNT},
    "axis": {"columns": [{"sqlExpression": "year", "label": "year", "columnType": "BASE_AXIS", "timeGrain": "P1D"}]},
    "filters": {
        "filters": [
            {"col": "year", "op": "IN", "val": [2022, 2023]},
            {"col": "school_name", "op": "ILIKE", "val": "%школа%"},
            {"col": "no_such_column", "op": "==", "val": 1},
            {"col": AXIS, "op": "!=", "val": "НЕТ"},
        ],
        "url_params": {"native_filters_key": "x"},
        "time_range": "No filter",
    },
    "pages": {"columns": ["school_name"], "row_limit": 20, "row_offset": 0, "orderby": [["school_name", True]]},
    "row count": {"columns": ["school_name"], "is_rowcount": True, "row_limit": 0},
    "totals": {"columns": [], "orderby": []},
    "simple": {"metrics": [SIMPLE, "count"], "orderby": [["max", True], ["count", False]]},
    "arithmetic": {
        "post_processing": [
            {"operation": "pivot", "options": {"index": ["year"], "columns": [], "aggregates": MEAN}},
            {"operation": "flatten"},
        ]
    },
    "results": {"result_type": "results"},
}  # fmt: skip
TRICK = "max(query_to_xml('select 1', true, true, '')::text)"
NEVER = {"expressionType": "SQL", "sqlExpression": TRICK, "label": "n"}
NOTE = {
    **{"name": "x", "annotationType": "EVENT", "sourceType": "table", "value": 1},
    **{"show": True, "showMarkers": True, "style": "solid"},
}
PERCENTILE = {
    "groupby": ["year"],
    "aggregates": {"n": {"column": "n", "operator": "percentile", "options": {"q": 1}}},
}
REFUSED = re.compile("которых нет в диаграмме|Invalid SQL clause")
# What the chart does not ask.
NOT_ASKED = {
    **TRICKS,
    "part of a condition": {"extras": {"where": "(year > 2000)"}},
    "other way round": {"extras": {"where": "is_low_results is null"}},
    "one more": {"extras": {"where": f"(is_low_results is not null) AND ({TRICK} is null)"}},
    "or": {"extras": {"where": "(is_low_results is not null) OR 1 = 1"}},
    "after it": {"extras": {"where": "is_low_results is not null union select 1"}},
    "second statement": {"extras": {"where": "is_low_results is not null; select 1"}},
    "unreadable": {"extras": {"where": "is_low_results is not null) or ((true)"}},
    "condition on groups as on rows": {"extras": {"where": HAVING}},
    "condition on rows as on groups": {"extras": {"having": CONDITIONS[0]}},
    "having": {"extras": {"having": f"{TRICK} is null"}},
    "old where": {"where": "length(school_name) > 0"},
    "old columns": {"groupby": ["length(school_name)"]},
    "old limit": {"timeseries_limit": 5, "timeseries_limit_metric": NEVER},
    "dialect": {"extras": {"where": "true", "transpile_to_dialect": True}},
    "order": {"orderby": [[NEVER, True]]},
    "simple order": {"orderby": [[{**SIMPLE, "sqlExpression": TRICK}, True]]},
    "limit": {"columns": ["year"], "series_columns": ["year"], "series_limit": 5, "series_limit_metric": NEVER},
    "filter": {"filters": [{"col": {"sqlExpression": TRICK, "label": "x"}, "op": "==", "val": "1"}]},
    "axis": {"columns": [{"sqlExpression": "length(school_name)", "label": "x", "columnType": "BASE_AXIS"}]},
    "aggregate": {"metrics": [{**SIMPLE, "aggregate": "XMLAGG"}]},
    "column of a figure": {"metrics": [{**SIMPLE, "column": {"column_name": "length(school_name)"}}]},
    "figure of another column": {"metrics": [{**COUNT, "sqlExpression": f"{COUNT['sqlExpression']} + 1"}]},
    "step": {"post_processing": [{"operation": "prophet", "options": {"time_grain": "P1D", "periods": 7}}]},
    "argument": {"post_processing": [{"operation": "aggregate", "options": PERCENTILE}]},
    "samples": {"result_type": "samples"},
    "drill to detail": {"result_type": "drill_detail"},
    "query": {"result_type": "query"},
    "note": {"annotation_layers": [NOTE | {"overrides": {"time_range": None}}]},
}  # fmt: skip


# What a chart keeps, what comes, and what of it runs: always the stored words, or nothing.
CONJUNCTIONS = [
    (["x IS NOT NULL"], "(NOT x IS NULL)", "(NOT x IS NULL)"),
    (["x IS NOT NULL"], "x is not null", "(NOT x IS NULL)"),
    (["a and b or c"], "(a AND b OR c)", "(a AND b OR c)"),
    (["a", "b -- why"], "((a) AND (b\n))", "(a) AND (b)"),
    (["a and b"], "b", "(b)"),
    (["y::int > 3"], "CAST(y AS INT) > 3", "(CAST(y AS INT) > 3)"),
    (["a"], "1 = 0", "(1 = 0)"),
    (["name = 'x'"], "name = 'X'", None),
    (["a"], "not a", None),
    (["a"], "a or true", None),
    (["a"], "(a) and true", None),
    (["a"], "a; select 1", None),
    (["a"], "a) or (true", None),
    (["a"], "a union select 1", None),
    (["a"], "select a", None),
    (["a"], "exists (select 1)", None),
    (["a"], "a /* b */ or b", None),
    (["a ) or ( b"], "a ) or ( b", None),
    (["'; drop"], "'; drop", None),
    (["a"], "(" * 3000 + "a" + ")" * 3000, None),
    ([], "a", None),
]


def test_a_condition_is_the_stored_one_or_nothing(superset: Superset) -> None:
    program = (
        "import json, sys; from stored_sql import Stored, conjunction\n"
        "known = lambda stored: Stored([{'clause': 'WHERE', 'sqlExpression': one} for one in stored]).where\n"
        "print(json.dumps([conjunction(asked, known(stored)) for stored, asked in json.load(sys.stdin)]))"
    )
    done = subprocess.run(
        [str(superset.settings.bi_environment / "bin" / "python"), "-c", program], cwd=FOLDER, check=True,
        input=json.dumps([one[:2] for one in CONJUNCTIONS]), capture_output=True, text=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [expected for _, _, expected in CONJUNCTIONS]


@dataclass(frozen=True)
class Shown:
    """Numbers of what an analyst made: charts by name, a dashboard of a municipality's, a query of SQL Lab."""

    dataset: int
    dashboard: int
    charts: dict[str, int]
    query: int

    def in_name_of(self, chart: str) -> dict[str, Any]:
        return {"slice_id": self.charts[chart], "dashboardId": self.dashboard, "viz_type": "table"}


@pytest.fixture(scope="class")
def shown(superset: Superset, api_as: Apis, datasets: dict[str, int]) -> Iterator[Shown]:
    api, made = api_as("admin"), []

    def make(kind: str, **fields: Any) -> int:
        status, content = api.post(f"/api/v1/{kind}/", fields)
        assert status == 201, content
        made.append(f"/api/v1/{kind}/{content['id']}")
        return int(content["id"])

    try:
        dataset = datasets["mart_identification"]
        roles = [
            number for (number,) in superset.ask("select id from ab_role where name = 'Муниципалитет'", "superset")
        ]
        native = FILTER | {"targets": [{"datasetId": dataset, "column": {"name": "school_name"}}]}
        kept = json.dumps({"native_filter_configuration": [native]})
        dashboard = make("dashboard", dashboard_title="Ш", published=True, roles=roles, json_metadata=kept)
        draft = make("dashboard", dashboard_title="Ч", published=False, roles=roles)
        loose = make("dashboard", dashboard_title="Н", published=True)
        trick = {"viz_type": "table", "metrics": [NEVER | {"sqlExpression": "max(length(school_name))"}]}

        def chart(params: dict[str, Any], number: int = dataset, on: tuple[int, ...] = ()) -> int:
            return make(
                "chart", slice_name="Д", viz_type="table", datasource_id=number, datasource_type="table",
                params=json.dumps(params), dashboards=list(on),
            )  # fmt: skip

        charts = {
            "shown": chart(SHOWN_CHART, on=(dashboard,)),
            "draft": chart(trick, on=(draft,)),
            "of no role": chart(trick, on=(loose,)),
            "own": chart(trick),
            "of another dataset": chart(trick, datasets["mart_identification_methods"], (dashboard,)),
        }
        marts = next(row for row in api.listed("database", "database_name", "id") if row["database_name"] == "Витрины")
        sql = {
            "database_id": marts["id"],
            "sql": "select * from mart_identification",
            "client_id": f"a{time.time_ns() % 10**9}",
        }
        status, content = api.post("/api/v1/sqllab/execute/", sql | {"schema": "marts", "runAsync": False})
        assert status == 200, content
        yield Shown(dataset, dashboard, charts, content["query_id"])
    finally:
        for path in reversed(made):
            assert api.post(path, {}, "DELETE")[0] == 200


class TestViewers:
    """Who only looks asks what a chart asks that he is shown, and nothing else."""

    @pytest.mark.parametrize("asked", ASKED)
    def test_what_the_chart_asks_is_answered(
        self, api_as: Apis, municipality: tuple[str, str], shown: Shown, asked: str
    ) -> None:
        status, content = api_as(f"mun_{municipality[0]}").rows(
            shown.dataset, shown.in_name_of("shown"), **{"columns": ["year"], "metrics": [COUNT], **ASKED[asked]}
        )
        assert status == 200, content

    def test_the_condition_that_runs_is_the_stored_one(
        self, superset: Superset, api_as: Apis, municipality: tuple[str, str], shown: Shown
    ) -> None:
        code, name = municipality
        status, rows = api_as(f"mun_{code}").rows(
            shown.dataset, shown.in_name_of("shown"), columns=["year"], metrics=["count"],
            extras={"where": "(NOT is_low_results IS NULL) AND (NOT school_name = '')"},
        )  # fmt: skip
        assert status == 200, rows
        expected = superset.ask(
            "select year, count(*) from marts.mart_identification where is_low_results is not null "
            f"and school_name <> '' and municipality_name = '{name}' group by 1"
        )
        assert sorted((row["year"], row["count"]) for row in rows) == sorted(expected)

    @pytest.mark.parametrize("trick", NOT_ASKED)
    def test_what_the_chart_does_not_ask_is_refused(
        self, api_as: Apis, municipality: tuple[str, str], shown: Shown, trick: str
    ) -> None:
        for form_data in (shown.in_name_of("shown"), {"slice_id": 0, "chart_id": shown.charts["shown"]}, None):
            status, content = api_as(f"mun_{municipality[0]}").rows(
                shown.dataset, form_data, **{"columns": ["year"], "metrics": ["count"], **NOT_ASKED[trick]}
            )
            assert status in (400, 403), content
            assert REFUSED.search(str(content)), content

    @pytest.mark.parametrize("chart", ["draft", "of no role", "own", "of another dataset"])
    def test_a_chart_that_is_not_shown_lends_no_sql(
        self, api_as: Apis, municipality: tuple[str, str], shown: Shown, chart: str
    ) -> None:
        asked = {"columns": [], "metrics": [NEVER | {"sqlExpression": "max(length(school_name))"}]}
        name = shown.in_name_of(chart)
        assert api_as("admin").rows(shown.dataset, name, **asked)[0] == 200
        assert api_as(f"mun_{municipality[0]}").rows(shown.dataset, name, **asked)[0] == 403

    def test_taken_apart_by_another_column(self, api_as: Apis, municipality: tuple[str, str], shown: Shown) -> None:
        drilled = {"slice_id": 0, "chart_id": shown.charts["shown"], "dashboardId": shown.dashboard}
        status, content = api_as(f"mun_{municipality[0]}").rows(
            shown.dataset, drilled | {"groupby": ["method_code"]}, columns=["method_code"], metrics=[COUNT],
            extras={"where": f"({CONDITIONS[0]})"},
        )  # fmt: skip
        assert status == 200, content

    def test_a_filter_asks_for_its_values(self, api_as: Apis, municipality: tuple[str, str], shown: Shown) -> None:
        api, native = api_as(f"mun_{municipality[0]}"), FILTER["id"]
        name = {"type": "NATIVE_FILTER", "native_filter_id": native, "dashboardId": shown.dashboard}
        asked = {"columns": ["school_name"], "metrics": [], "orderby": [["school_name", True]]}
        search = {"filters": [{"col": "school_name", "op": "ILIKE", "val": "%ш%"}]}
        own = {"extras": {"where": "(NOT school_name IS NULL)"}}
        assert api.rows(shown.dataset, name, **asked, **search)[0] == 200
        assert api.rows(shown.dataset, name, **asked, **own)[0] == 200
        for other in (name | {"native_filter_id": "NATIVE_FILTER-x"}, name | {"dashboardId": 0}, None):
            assert api.rows(shown.dataset, other, **asked, **own)[0] == 403
        assert api.rows(shown.dataset, name, columns=["length(school_name)"], metrics=[])[0] == 403
        assert api.rows(shown.dataset, name, **asked, extras={"where": f"{TRICK} is null"})[0] in (400, 403)

    @pytest.mark.parametrize("role", ["municipality", "guest"])
    def test_there_is_no_way_past_the_charts(
        self, api_as: Apis, municipality: tuple[str, str], shown: Shown, role: str
    ) -> None:
        api = api_as("guest" if role == "guest" else f"mun_{municipality[0]}")
        dataset, chart = shown.dataset, shown.charts["shown"]
        status, content = api.rows(shown.query, kind="query", columns=["school_name"], metrics=[])
        assert status == 403, content
        table = f"/api/v1/datasource/table/{dataset}"
        for path in (
            *(f"{table}/column/school_name/values/", f"/api/v1/dataset/{dataset}/samples", "/api/v1/saved_query/"),
            *(f"/superset/explore_json/?slice_id={chart}", f"/api/v1/explore/?slice_id={chart}", "/api/v1/report/"),
            *(f"/api/v1/chart/{chart}/data/?type=samples", f"/api/v1/chart/data/{'0' * 32}", "/api/v1/tag/"),
            *(f"/api/v1/dashboard/{shown.dashboard}/embedded", "/api/v1/dashboard/export/?q=!(1)"),
            *("/api/v1/chart/export/?q=!(1)", "/api/v1/dataset/export/?q=!(1)", "/api/v1/sqllab/results/?q=(key:x)"),
            *(f"/datasource/get/table/{dataset}/", f"/datasource/external_metadata/table/{dataset}/"),
            f"/superset/fetch_datasource_metadata?datasourceKey={dataset}__table",
        ):
            status, content = api.get(path)
            assert status in (302, 400, 401, 403, 404, 405), (path, content)
        trick = {"expression": f"{TRICK} is null", "expression_type": "where", "clause": "WHERE"}
        samples = f"?datasource_type=table&datasource_id={dataset}&force=true&page=1&per_page=100"
        form = {"datasource": f"{dataset}__table", "viz_type": "table", "metrics": [NEVER]}
        kept = {"datasource_id": dataset, "datasource_type": "table", "form_data": json.dumps(form)}
        for path, body in (
            (f"/datasource/samples{samples}", {"filters": [], "extras": {}}),
            (f"{table}/validate_expression/", trick),
            ("/superset/explore_json/", {"form_data": json.dumps(form)}),
            ("/api/v1/explore/form_data", kept),
            ("/api/v1/sqllab/export_streaming/", {"sql": "select 1"}),
        ):
            status, content = api.post(path, body)
            assert status in (400, 401, 403, 404, 405), (path, content)
            assert "CSRF" not in str(content), path


@pytest.mark.parametrize("dashboard", [name for name, one in DASHBOARDS.items() if "municipality" in one["audience"]])
def test_a_municipality_sees_no_other_school_on_a_dashboard(
    superset: Superset, page_as: Pages, charts: dict[int, str], municipality: tuple[str, str], dashboard: str
) -> None:
    code, _ = municipality
    # Who the partner of one's own school is, is told wherever that partner lies.
    others = superset.ask(
        "select distinct school.school_code from marts.dim_school as school "
        f"where school.municipality_code <> '{code}' and school.school_code is not null and not exists (select from "
        f"marts.mart_partnership_school as own where own.municipality_code = '{code}' "
        "and school.school_code = any(own.partner_codes))"
    )
    assert others
    foreign = re.compile("|".join(rf"\b{re.escape(row[0])}\b" for row in others))
    one = Opened(superset, page_as(f"mun_{code}"), dashboard, charts)
    one.go()
    for _ in one.walk():
        assert one.page.locator(FAILED).all_inner_texts() == []
        assert foreign.findall(one.page.locator("body").inner_text()) == []
    answers = one.answers
    assert [answer.content for answer in answers if answer.status >= 400] == []
    data = [result["data"] for answer in answers for result in answer.results]
    assert any(data)
    assert foreign.findall(json.dumps(data, ensure_ascii=False)) == []
    assert one.errors == []


def test_a_guest_sees_the_published_schema_only(superset: Superset, api_as: Apis, datasets: dict[str, int]) -> None:
    api, marts = api_as("guest"), dictionary.load(superset.settings.dbt_target_dir)
    published = {number for mart, number in datasets.items() if marts[mart].schema == "publish"}
    assert {row["id"] for row in api.listed("dataset", "id")} == published
    for number in datasets.values():
        status, content = api.rows(number, metrics=["count"], columns=[])
        assert (status == 200) == (number in published), content
    addresses = {row["slug"] for row in api.listed("dashboard", "slug")}
    assert addresses == {name for name, document in DASHBOARDS.items() if "guest" in document["audience"]}


def test_nobody_gets_in_without_a_login(
    superset: Superset, page_as: Pages, api_as: Apis, datasets: dict[str, int]
) -> None:
    api = api_as(None)
    for path in ("/api/v1/dashboard/", "/api/v1/dataset/", "/api/v1/chart/"):
        assert api.get(path)[0] == 401, path
    assert api.rows(datasets["mart_identification"], metrics=["count"], columns=[])[0] in (401, 403)
    page = page_as(None)
    page.goto(f"{superset.url}/superset/dashboard/{next(iter(DASHBOARDS))}/")
    expect(page.locator("input[type=password]")).to_be_visible()


def test_an_analyst_asks_the_marts_and_changes_nothing(api_as: Apis) -> None:
    api = api_as("analyst")
    number = next(
        row["id"] for row in api.listed("database", "database_name", "id") if row["database_name"] == "Витрины"
    )

    def run(sql: str, name: str) -> tuple[int, object]:
        query = {"database_id": number, "sql": sql, "client_id": name, "schema": "marts", "runAsync": False}
        return api.post("/api/v1/sqllab/execute/", query)

    status, content = run("select count(*) as n from mart_identification", "sqlread")
    assert status == 200, content
    assert content["data"][0]["n"] > 0  # type: ignore[index]
    for name, sql in (("sqlcore", "select * from core.dim_school"), ("sqlins", "delete from marts.dim_school")):
        assert run(sql, name)[0] >= 400


def test_the_connections_cannot_write_or_look_elsewhere(superset: Superset) -> None:
    """The second wall: what the database itself lets Superset's users do."""
    for login, allowed in (("ravenstvo_bi", "marts"), ("ravenstvo_bi_public", "publish")):
        rights = superset.ask(
            "select nspname, bool_or(has_table_privilege(login, c.oid, 'select') "
            "and has_schema_privilege(login, n.oid, 'usage')), "
            "bool_or(has_table_privilege(login, c.oid, 'insert, update, delete, truncate')) "
            f"from pg_class c join pg_namespace n on n.oid = relnamespace, (select '{login}'::name as login) l "
            "where nspname !~ '^pg_|information_schema' and relkind in ('r', 'v') group by 1"
        )
        assert {schema for schema, reads, _ in rights if reads} <= {allowed}
        assert not any(writes for _, _, writes in rights)
        assert len(rights) > 3


def test_coming_twice_changes_nothing(superset: Superset, municipality: tuple[str, str]) -> None:
    """Nor does a password that somebody has changed since go back to the one of the file."""
    login = f"mun_{municipality[0]}"
    first = dict(superset.ask("select username, password from ab_user", "superset"))[login]
    _set_password(superset, login, "изменён")
    assert "Изменений нет" in superset.call("bi", "provision")
    before = superset.metadata()
    superset.ask("update ravenstvo_provisioned set fingerprint = ''", "superset")
    assert "Загружено" in superset.call("bi", "provision")
    after = superset.metadata()
    assert {table: _changed(before[table], after[table]) for table in before if before[table] != after[table]} == {}
    assert all(before[table] for table in ("dbs", "tables", "slices", "dashboards", "rls_filter_tables", "ab_user"))
    assert any("изменён" in user for user in after["ab_user"])
    _set_password(superset, login, first)


def _changed(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    return sorted(set(before) - set(after))[:3], sorted(set(after) - set(before))[:3]


def test_what_was_changed_in_the_interface_comes_back_as_a_file(
    superset: Superset, api_as: Apis, tmp_path: Path
) -> None:
    """A new title and a new chart on a new dashboard are written; the next import leaves a copy of what it replaces."""
    name, api = next(iter(DASHBOARDS)), api_as("admin")
    copy = _copy(tmp_path)
    dashboards = {row["slug"]: row["id"] for row in api.listed("dashboard", "slug", "id")}
    status, content = api.post(f"/api/v1/dashboard/{dashboards[name]}", {"dashboard_title": "Новое «имя»"}, "PUT")
    assert status == 200, content
    said = superset.call("bi", "export", "--to", str(copy))
    changed = {path for path, text in _files(copy).items() if _files(FOLDER).get(path) != text}
    assert changed == {f"dashboards/{name}.yaml"}, said
    document = yaml.safe_load((copy / "dashboards" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert document == DASHBOARDS[name] | {"dashboard_title": "Новое «имя»"}
    assert "Новое «имя»" in (copy / "dashboards" / f"{name}.yaml").read_text(encoding="utf-8")
    superset.ask("update ravenstvo_provisioned set fingerprint = ''", "superset")
    assert "их копия" in superset.call("bi", "provision")
    kept = list((superset.settings.bi_dir / "replaced").rglob("*.yaml"))
    assert [path.name for path in kept] == [f"{name}.yaml"]


def test_an_export_of_what_was_imported_changes_no_file(superset: Superset, tmp_path: Path) -> None:
    """Also of what was imported over something else, as the test above leaves it."""
    copy = _copy(tmp_path)
    assert "Изменений нет" in superset.call("bi", "export", "--to", str(copy))
    assert _files(copy) == _files(FOLDER)


def _set_password(superset: Superset, login: str, kept: str) -> None:
    given = {"login": login, "kept": kept}
    superset.ask("update ab_user set password = %(kept)s where username = %(login)s", "superset", given)


def _copy(folder: Path) -> Path:
    for kind in ("charts", "dashboards"):
        shutil.copytree(FOLDER / kind, folder / kind)
    shutil.copy(FOLDER / "links.yaml", folder)
    return folder


def _files(folder: Path) -> dict[str, str]:
    return {
        f"{kind}/{path.name}": path.read_text(encoding="utf-8")
        for kind in ("charts", "dashboards")
        for path in (folder / kind).glob("*.yaml")
    }
