"""A running Superset of the tests, asked by its interface and by its API."""

from __future__ import annotations

import csv
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from playwright.sync_api import APIRequestContext, Page
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import url_parameters
from ravenstvo.warehouse.server import BI_DB, WAREHOUSE_DB, database_url

RAVENSTVO = Path(sys.executable).with_name("ravenstvo")
# What the list of charts and filters shows while it is not ready.
LOADING = "[data-test=loading-indicator], .loading, .ant-skeleton"
FAILED = ".ant-alert-error, [data-test=error-alert], [data-test=chart-error]"


@dataclass(frozen=True)
class Superset:
    """State folder, address and port of the server under test."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, warehouse_url=None, bi_url=None, bi_port=self.port)

    @property
    def passwords(self) -> dict[str, str]:
        with (self.settings.bi_dir / "logins.csv").open(encoding="utf-8", newline="") as lines:
            return {row["login"]: row["password"] for row in csv.DictReader(lines)}

    def call(self, *arguments: str, seconds: int = 300) -> str:
        """Output of a command of `ravenstvo`, which must succeed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAVENSTVO_")}
        own = {"RAVENSTVO_HOME": str(self.home), "RAVENSTVO_BI_PORT": str(self.port), "RAVENSTVO_BI_WORKERS": "1"}
        own["RAVENSTVO_BI_ENVIRONMENT"] = str(self.settings.bi_environment)
        done = subprocess.run(
            [str(RAVENSTVO), *arguments], env=kept | own, capture_output=True, text=True, timeout=seconds, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, sql: str, database: str = WAREHOUSE_DB, given: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query, as the owner of the databases."""
        connection = psycopg2.connect(**url_parameters(database_url(self.settings, database)))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, given)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def metadata(self) -> dict[str, list[str]]:
        """Content of Superset's tables that an import writes, without the moments and hands of changes.

        Superset's importer takes every pair of dashboard and chart away and puts it back, in any order and with a new
        number of the pair, to which nothing refers: the pairs count, their numbers do not.
        """
        tables = (
            *("dbs", "tables", "table_columns", "sql_metrics", "slices", "dashboards", "dashboard_slices"),
            *("dashboard_roles", "row_level_security_filters", "rls_filter_roles", "rls_filter_tables", "ab_role"),
            *(
                "ab_permission_view",
                "ab_permission_view_role",
                "ab_user",
                "ab_user_role",
                "slice_user",
                "dashboard_user",
            ),
        )
        moments = "changed_on|changed_by_fk|last_saved_at|last_saved_by_fk|last_login|login_count|fail_login_count"
        pattern = re.compile(rf'"({moments})": ("[^"]*"|[^,}}]*),? ?')
        content = {}
        for table in tables:
            number = "- 'id'" if table == "dashboard_slices" else ""
            rows = self.ask(f"select (to_jsonb(t) {number})::text from {table} t", BI_DB)
            content[table] = sorted(pattern.sub("", row) for (row,) in rows)
        return content


class Api:
    """Superset's API in the name of one user (of nobody, where there is no session)."""

    def __init__(self, requests: APIRequestContext, url: str) -> None:
        self._requests, self._url = requests, url

    def get(self, path: str) -> tuple[int, Any]:
        answer = self._requests.get(self._url + path, max_redirects=0)
        return answer.status, _content(answer.text())

    def post(self, path: str, data: Any, method: str = "POST") -> tuple[int, Any]:
        headers = {"Referer": self._url, "Content-Type": "application/json", "X-CSRFToken": self.token}
        answer = self._requests.fetch(
            self._url + path, method=method, data=json.dumps(data), headers=headers, max_redirects=0
        )
        return answer.status, _content(answer.text())

    @functools.cached_property
    def token(self) -> str:
        """From a page, as the interface takes it: the API gives it to those who make charts only."""
        for path in ("/superset/welcome/", "/login/"):
            found = re.search(r'id="csrf_token"[^>]*value="([^"]+)"', str(self.get(path)[1]))
            if found:
                return found[1]
        raise AssertionError("на странице нет знака CSRF")

    def rows(
        self, dataset: int, form_data: dict[str, Any] | None = None, *, kind: str = "table", **query: Any
    ) -> tuple[int, Any]:
        """Status, and the rows of a query to a dataset or what was answered instead.

        ``form_data`` says in whose name it comes: of a chart, of a filter.
        """
        body = {
            "datasource": {"id": dataset, "type": kind},
            "queries": [{"row_limit": 10000, **query}],
            "form_data": form_data,
            "result_format": "json",
            "result_type": "full",
        }
        status, content = self.post("/api/v1/chart/data", body)
        return status, content["result"][0]["data"] if status == 200 else content

    def listed(self, kind: str, *columns: str) -> list[dict[str, Any]]:
        """What the user's lists of datasets, dashboards or databases show."""
        status, content = self.get(f"/api/v1/{kind}/?q=(columns:!({','.join(columns)}),page_size:1000)")
        assert status == 200, content
        return list(content["result"])


def _content(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def settle(page: Page) -> None:
    """Wait until charts and filters are there: nothing loads, and no request is under way."""
    page.locator(".dashboard-component-chart-holder, .dashboard-markdown").first.wait_for()
    page.wait_for_load_state("networkidle")
    for _ in range(400):
        if page.locator(LOADING).count() == 0:
            break
        page.wait_for_timeout(100)
    page.wait_for_load_state("networkidle")


def tabs(page: Page) -> Iterator[None]:
    """Once for the dashboard as it opens, and once for each of its tabs."""
    yield
    names = page.locator("[data-test=dashboard-component-tabs] [role=tab]")
    for number in range(1, names.count()):
        names.nth(number).click()
        settle(page)
        yield
