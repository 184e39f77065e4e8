"""Every number of a report page against its mart: what the page says it shows is asked for again, in other words.

A ``<data>`` stands for a column of a row of a mart, which is read back as it is, or for a figure that has a name; for
each of these there is a query here. A figure without one fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

Ask = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
"""Runs a query with ``%s`` for its values."""

_LISTED = "from marts.mart_identification where year = {year} and method_code = {method} and is_low_results"
_QUALITY = "from marts.mart_data_quality where year = {year}"
_CHANGED = "select count(*) from marts.mart_identification_change where year = {year} and method_code = {method}"
_IN_FORCE = (
    "from marts.mart_identification_published as p"
    " join marts.mart_identification as i using (year, method_code, school_id)"
    " where p.year = {year} and p.method_code = {method} and p.is_in_force"
)
_REGION = "from marts.mart_programme_indicator where year = {year} and territory_kind = 'region'"
_OWN_YEARS = (
    " and programme_code in (select programme_code from marts.dim_programme where {year} between year_from and year_to)"
)
_PARTICIPATION = "from marts.mart_identification_evidence where year = {year} and method_code = {method}"

FIGURES = {
    "low": f"select count(*) {_LISTED}",
    "verdicts": f"select count(*) {_LISTED} is not null",
    "share_low": "select avg(is_low_results::int)::float from marts.mart_identification"
    " where year = {year} and method_code = {method}",
    "fragile": f"select count(*) {_LISTED} and is_fragile",
    "expected_low": f"select sum(probability_low) {_LISTED}",
    "schools": "select count(distinct school_id) from marts.mart_identification where year = {year}",
    "without_verdict": f"select count(*) {_LISTED} is null",
    "files": f"select sum(n_files) {_QUALITY}",
    "sources": f"select count(distinct source) {_QUALITY}",
    "rows_read": f"select sum(n_rows_read) {_QUALITY}",
    "rows_accepted": f"select sum(n_rows_accepted) {_QUALITY}",
    "rows_rejected": f"select sum(n_rows_rejected) {_QUALITY}",
    "rows_dropped": f"select sum(n_rows_read - n_rows_accepted - n_rows_rejected) {_QUALITY}",
    "suites": f"select sum(n_suites) {_QUALITY}",
    "suites_passed": f"select sum(n_suites_passed) {_QUALITY}",
    "missing": "select count(*) from marts.mart_source_presence where year = {year} and is_yearly"
    " and state = any(array['missing_came_last_year', 'partial'])",
    "refused": "select count(distinct (file_name, problem, advice)) from marts.mart_source_file"
    " where status = 'refused' and coalesce(year, {year}) = {year}",
    "named_by_any": "select count(*) from marts.mart_identification_methods where year = {year} and n_methods_low > 0",
    "named_by_all": "select count(*) from marts.mart_identification_methods where year = {year}"
    " and n_methods_low > 0 and n_methods_low = n_methods",
    "adverse": "select count(*) from marts.mart_identification_methods where year = {year} and is_adverse_context",
    "context_known": "select count(is_adverse_context) from marts.mart_identification_methods where year = {year}",
    "adverse_listed": f"select count(*) {_LISTED} and is_adverse_context",
    "entered": f"{_CHANGED} and comparison = 'year' and is_low_now and is_low_before is not true",
    "left": f"{_CHANGED} and comparison = 'year' and is_low_before and not is_low_now",
    "stayed": f"{_CHANGED} and comparison = 'year' and is_low_before and is_low_now",
    "no_verdict": f"{_CHANGED} and comparison = 'year' and is_low_before and is_low_now is null",
    "calculation_changed": f"{_CHANGED} and comparison = 'calculation'",
    "approved": "select count(*) from marts.mart_identification_published"
    " where year = {year} and method_code = {method} and is_in_force and decided_status = 'included'",
    "approved_not_low": f"select count(*) {_IN_FORCE} and p.decided_status = 'included'"
    " and i.is_low_results is not true",
    "low_refused": f"select count(*) {_IN_FORCE} and p.decided_status <> 'included' and i.is_low_results",
    "low_undecided": f"select count(*) {_LISTED} and school_id not in (select school_id from"
    " marts.mart_identification_published where year = {year} and method_code = {method} and is_in_force)",
    "compared": "select count(share_below_min) from marts.mart_municipality_results where year = {year}",
    "apart": "select count(*) from marts.mart_municipality_results where year = {year}"
    " and not regional_share between ci_low and ci_high",
    "met": f"select count(*) {_REGION}{_OWN_YEARS} and status = 'met'",
    "not_met": f"select count(*) {_REGION}{_OWN_YEARS} and status = 'not_met'",
    "values_outside": f"select count(*) {_REGION}{_OWN_YEARS.replace(' in (', ' not in (')}",
    "programmes_outside": f"select count(distinct programme_code) {_REGION}{_OWN_YEARS.replace(' in (', ' not in (')}",
    "low_participation": f"select count(*) {_PARTICIPATION} and is_low_participation",
    "participation_checked": f"select count(is_low_participation) {_PARTICIPATION}",
    "low_participation_schools": f"select count(distinct school_id) {_PARTICIPATION} and is_low_participation",
}
"""Named figures of the page."""

_OF_PROGRAMME = re.compile(r"^(scored|met|not_met|no_data|ambiguous|not_applicable) (\w+)$")
_OF_METHOD = "from marts.mart_identification where year = {year} and method_code = {method_code}"
_OF_MARKER = "from marts.mart_objectivity where year = {year} and marker = {marker}"
_OF_YEAR = (
    "from marts.mart_identification_change where year = {year} and method_code = {method} and comparison = 'year'"
)
COUNTED = {
    ("methods", "n_verdicts"): f"select count(is_low_results) {_OF_METHOD}",
    ("methods", "n_low"): f"select coalesce(sum(is_low_results::int), 0) {_OF_METHOD}",
    (
        "methods",
        "n_both",
    ): f"select count(*) {_OF_METHOD} and is_low_results and school_id in (select school_id {_LISTED})",
    ("methods", "n_only"): f"select count(*) {_OF_METHOD} and is_low_results"
    f" and school_id not in (select school_id {_LISTED})",
    ("years", "n_listed"): "select coalesce(sum(is_low_results::int), 0) from marts.mart_identification"
    " where year = {year} and method_code = {method}",
    (
        "years",
        "n_entered",
    ): f"select case when count(*) > 0 then count(*) filter (where change = 'entered') end {_OF_YEAR}",
    (
        "years",
        "n_stayed",
    ): f"select case when count(*) > 0 then count(*) filter (where change = 'stayed') end {_OF_YEAR}",
    ("markers", "n_checked"): f"select count(*) {_OF_MARKER}",
    ("markers", "n_flagged"): f"select coalesce(sum(is_flagged::int), 0) {_OF_MARKER}",
    ("markers", "n_marked_schools"): f"select count(distinct school_id) {_OF_MARKER} and is_flagged",
    ("rules", "n_rows"): "select sum(n_rows) from marts.mart_rejection where year = {year} and {row}",
    ("rules", "n_municipalities"): "select count(distinct municipality_code) from marts.mart_rejection"
    " where year = {year} and {row}",
}
"""Counts of tables that show no rows of a mart: name of the table and of the column."""


@dataclass
class Shown:
    """A number on the page, and what it says it is."""

    attributes: dict[str, str]
    table: dict[str, str]
    row: str
    column: str
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Numbers of a page, in their order; ``loose`` are number cells that hold digits outside of a number."""

    numbers: list[Shown] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    _table: dict[str, str] = field(default_factory=dict)
    _columns: list[str] = field(default_factory=list)
    _row: str = ""
    _place: int = -1
    _in: Shown | None = None
    _is_number_cell: bool = False

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        if tag == "table":
            self._table, self._columns = attributes, []
        elif tag == "tr":
            self._row, self._place = attributes.get("data-key", ""), -1
        elif tag in ("th", "td"):
            self._place += 1
            self._is_number_cell = tag == "td" and attributes.get("class") == "number"
            if attributes.get("scope") == "col":
                self._columns.append(attributes["data-column"])
        elif tag == "data":
            column = self._columns[self._place] if self._table and 0 <= self._place < len(self._columns) else ""
            self._in = Shown(attributes, self._table, self._row, column)
            self.numbers.append(self._in)

    def handle_endtag(self, tag: str) -> None:
        if tag == "data":
            self._in = None
        elif tag == "table":
            self._table, self._row, self._place = {}, "", -1
        elif tag in ("th", "td"):
            self._is_number_cell = False

    def handle_data(self, data: str) -> None:
        if self._in is not None:
            self._in.text += data
        elif self._is_number_cell and re.search(r"\d", data):
            self.loose.append(data)


def disagreements(page: str, year: int, ask: Ask) -> Iterator[str]:
    """Numbers of a page that are not what the marts hold, or not written as what they are; each told in a line."""
    read = Page()
    read.feed(page)
    [(method,)] = ask("select max(list_method_code) from marts.mart_school_card where year = %s", (year,))
    yield from (f"число не отмечено: {text}" for text in read.loose)
    for shown in read.numbers:
        told = shown.attributes["value"]
        held = _held(shown, year, method, ask)
        if not _same(told, held):
            yield f"{shown}: в витрине {held}"
        if not _written(shown.text, told):
            yield f"{shown}: написано «{shown.text}»"


def _held(shown: Shown, year: int, method: str | None, ask: Ask) -> Any:
    name = shown.attributes.get("data-figure", "")
    scope: dict[str, Any] = {"year": year, "method": method}
    if name:
        return _figure(name, scope, ask)
    mart = shown.attributes.get("data-mart") or shown.table.get("data-mart", "")
    column = shown.attributes.get("data-column") or shown.column
    key = shown.attributes.get("data-key") or ";".join(filter(None, (shown.table.get("data-key", ""), shown.row)))
    if not mart:
        return _counted(shown, scope, ask)
    return _cell(mart, column, key, ask)


def _cell(mart: str, column: str, key: str, ask: Ask) -> Any:
    where, values = _where(key)
    rows = ask(f'select "{column}" from marts."{mart}" where {where}', values)
    assert len(rows) == 1, f"{mart}.{column} {key}: строк {len(rows)}"
    return rows[0][0]


def _where(key: str) -> tuple[str, tuple[str, ...]]:
    parts = [part.partition("=") for part in key.split(";")]
    # Keys that may be null are written as nothing.
    where = " and ".join(f"coalesce(\"{name}\"::text, '') = %s" for name, _, _ in parts)
    return where, tuple(value for _, _, value in parts)


def _figure(name: str, scope: dict[str, Any], ask: Ask) -> Any:
    if found := _OF_PROGRAMME.match(name):
        status = "status <> 'tracked'" if found[1] == "scored" else "status = {status}"
        statement = f"select count(*) {_REGION} and programme_code = {{programme}} and {status}"
        return _ask(statement, scope | {"status": found[1], "programme": found[2]}, ask)
    if name.startswith("calculation_") and name not in FIGURES:
        statement = f"{_CHANGED} and comparison = 'calculation' and change = {{change}}"
        return _ask(statement, scope | {"change": name.removeprefix("calculation_")}, ask)
    return _ask(FIGURES[name], scope, ask)


def _counted(shown: Shown, scope: dict[str, Any], ask: Ask) -> Any:
    statement = COUNTED[shown.table["data-table"], shown.column]
    pairs = [part.partition("=") for part in shown.row.split(";")]
    row = " and ".join(f"{name}::text = {{{name}}}" for name, _, _ in pairs)
    return _ask(statement.replace("{row}", row), scope | {name: value for name, _, value in pairs}, ask)


def _ask(statement: str, scope: dict[str, Any], ask: Ask) -> Any:
    names = re.findall(r"\{(\w+)\}", statement)
    [(value,)] = ask(re.sub(r"\{\w+\}", "%s", statement), tuple(scope[name] for name in names))
    return value


def _same(told: str, held: Any) -> bool:
    if told == "" or held is None:
        return told == "" and held is None
    return abs(float(told) - float(held)) < 1e-9


def _written(text: str, told: str) -> bool:
    """Whether the text is the number in Russian, rounded to the digits that it shows."""
    if told == "":
        return text == "—"
    value = float(told)
    if text in ("да", "нет"):
        return value == (1 if text == "да" else 0)
    written = text.replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace("−", "-").replace(",", ".")
    scale = 100 if written.endswith(("%", "п.п.")) else 1
    digits = written.removesuffix("%").removesuffix("п.п.")
    shown_digits = len(digits.partition(".")[2])
    return abs(float(digits) - value * scale) <= 0.5 * 10**-shown_digits + 1e-9
