"""A dashboard in a browser, and what its charts were answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import ConsoleMessage, Page, Response
from ravenstvo.publishing.bi.identity import asset_uuid
from superset_client import Superset, settle, tabs

# Answers with an error are looked at by themselves; Superset's one look outside is blocked by its configuration.
_ELSEWHERE = re.compile(r"Failed to load resource|net::ERR_ABORTED|scarf\.sh.* has been blocked")

# On leaving, the interface saves the colours of a dashboard for whoever may change some dashboard, not only this one.
_COLOURS = re.compile(r"/api/v1/dashboard/\d+/colors")


@dataclass
class Answer:
    """What a chart asked and was answered."""

    chart: str | None
    status: int
    asked: dict[str, Any]
    _response: Response

    @cached_property
    def content(self) -> Any:
        """Read when it is asked for: the browser forgets bodies that were long ago."""
        try:
            return self._response.json()
        except ValueError:
            return self._response.text()

    @property
    def results(self) -> list[dict[str, Any]]:
        """Of its queries, as far as they were answered."""
        return list(self.content["result"]) if self.status == 200 else []

    def conditions(self, column: str) -> list[list[Any]]:
        """Values by which its queries filter a column."""
        found = [one for query in self.asked["queries"] for one in query.get("filters") or [] if one["col"] == column]
        return [one["val"] if isinstance(one["val"], list) else [one["val"]] for one in found]


@dataclass
class Opened:
    """A page with a dashboard: answers since it was opened or asked anew, scripts' errors, answers of other hosts."""

    superset: Superset
    page: Page
    name: str
    charts: dict[int, str]
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    _responses: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("response", self._take)
        self.page.on("console", self._note)
        # An answer that nobody caught is known by its address already.
        self.page.on("pageerror", lambda error: self.errors.append(str(error)) if str(error) != "Response" else None)

    def _take(self, answer: Response) -> None:
        if not answer.url.startswith((self.superset.url, "data:", "blob:")):
            self.elsewhere.append(answer.url)
        if "/api/v1/chart/data" in answer.url:
            self._responses.append(answer)
        elif answer.status >= 400 and not _COLOURS.search(answer.url):
            self.errors.append(f"{answer.status} {answer.request.method} {answer.url}")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _ELSEWHERE.search(message.text):
            self.errors.append(message.text)

    def go(self, filters: dict[str, tuple[str, list[Any]]] | None = None) -> None:
        """Open it; ``filters``: id of a filter to its column and values, as links give them."""
        self._responses.clear()
        query = f"?native_filters={_rison(filters)}" if filters else ""
        self.page.goto(f"{self.superset.url}/superset/dashboard/{self.name}/{query}")
        self.page.locator("[data-test=dashboard-header-container], .dashboard-header-container").first.wait_for()
        settle(self.page)

    def choose(self, name: str, value: str) -> None:
        """Choose a value in the filter of that id, and wait for the charts that ask anew."""
        own = self.page.locator(f"[id='NATIVE_FILTER-{name}']")
        control = self.page.locator(".ant-select-selector", has=own)
        for _ in self.walk():  # the filters of another tab are folded away
            if control.is_visible():
                break
        self._responses.clear()
        control.click()
        self.page.keyboard.type(value)
        self.page.locator(f".ant-select-item-option[title={json.dumps(value, ensure_ascii=False)}]").first.click()
        self.page.keyboard.press("Escape")
        self.page.locator("[data-test=filter-bar__apply-button]").click()
        settle(self.page)

    def walk(self) -> Iterator[None]:
        """Once for the dashboard as it is, and once for each of its tabs."""
        return tabs(self.page)

    @property
    def answers(self) -> list[Answer]:
        """Since it was opened, or since a value was chosen."""
        return [self._answer(response) for response in self._responses]

    def _answer(self, response: Response) -> Answer:
        asked = json.loads(response.request.post_data or "{}")
        number = (asked.get("form_data") or {}).get("slice_id")
        return Answer(self.charts.get(number), response.status, asked, response)


def chart_names(superset: Superset, names: list[str]) -> dict[int, str]:
    """Superset's numbers of the charts to the names of their files."""
    known = {asset_uuid("chart", name): name for name in names}
    rows = superset.ask("select id, uuid::text from slices", "superset")
    return {number: known[uuid] for number, uuid in rows if uuid in known}


def expected_rows(superset: Superset, file: Path, given: dict[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of a query of the marts; its first line names the columns."""
    sql = file.read_text(encoding="utf-8")
    columns = sql.splitlines()[0].removeprefix("-- columns:").split(",")
    return [column.strip() for column in columns], comparable(superset.ask(sql, given=given))


def comparable(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in an order of their own, numbers alike, moments as an answer has them."""
    return sorted((tuple(_plain(value) for value in row) for row in rows), key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return float(round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000))
    if isinstance(value, date):
        return _plain(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return round(float(value), 6) + 0.0
    return value


def _rison(filters: dict[str, tuple[str, list[Any]]]) -> str:
    parts = []
    for name, (column, values) in filters.items():
        listed = "!(" + ",".join(_value(value) for value in values) + ")"
        condition = f"(filters:!((col:{column},op:IN,val:{listed})))"
        own = f"NATIVE_FILTER-{name}"
        parts.append(f"{own}:(id:{own},extraFormData:{condition},filterState:(value:{listed}))")
    return quote(f"({','.join(parts)})", safe="(),:!'")


def _value(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("!", "!!").replace("'", "!'") + "'"
