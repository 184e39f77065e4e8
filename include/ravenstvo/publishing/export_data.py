"""What the workbooks of a year are made of: the marts, each read once, and what their codes are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import RealDictCursor

from ravenstvo.errors import ToldError
from ravenstvo.publishing.dictionary import Column, Mart

Record = Mapping[str, Any]
NOTHING: Record = {}
_YEAR = "year = %(year)s"
# What of a mart a year's workbooks need. The default method of the year is named by the cards of its schools.
_OF_METHOD = f"{_YEAR} and method_code = %(method)s"
_WANTED = {
    "mart_school_card": _YEAR,
    "mart_identification": _OF_METHOD,
    "mart_identification_evidence": _OF_METHOD,
    "mart_identification_methods": _YEAR,
    "mart_identification_change": f"{_OF_METHOD} and comparison = 'year'",
    "mart_identification_published": f"{_OF_METHOD} and is_in_force",
    "mart_school_context": _YEAR,
    "mart_programme_indicator": f"{_YEAR} and territory_kind <> 'school'",
    "mart_programme_roadmap": "true",
    "mart_partnership_school": _YEAR,
    "mart_pd_completion": _YEAR,
    "mart_data_quality": f"{_YEAR} or year is null",
    "mart_calculation": "true",
    "dim_method": "%(year)s between valid_from_year and coalesce(valid_to_year, %(year)s)",
    "dim_method_label": "programme_code is null and %(year)s between coalesce(year_from, %(year)s) "
    "and coalesce(year_to, %(year)s)",
    "dim_programme": "true",
    "dim_procedure": "true",
    "dim_municipality": "true",
    "dim_school": "is_current",
}
MARTS_READ = tuple(sorted(_WANTED))
"""Names of all marts that workbooks are made of."""


class ExportError(ToldError):
    """Workbooks cannot be written; the message (Russian) says why and what there is."""


@dataclass(frozen=True)
class Territory:
    """Whom a workbook is for: a municipality (its code, or its name where it has none), or the region (no key)."""

    name: str
    key: str | None = None


REGION = Territory("Регион")


@dataclass(frozen=True)
class YearData:
    """The marts of a year: ``marts`` are their rows, ``documents`` their titles."""

    year: int
    marts: Mapping[str, list[Record]]
    documents: Mapping[str, Mart]

    @cached_property
    def method(self) -> Record:
        """The method whose list the year proposes; empty when the seeds name none."""
        code = _default_method(self.marts["mart_school_card"])
        return next((one for one in self.marts["dim_method"] if one["method_code"] == code), NOTHING)

    @cached_property
    def schools(self) -> dict[str, Record]:
        """Latest description of each school by its key."""
        return {one["school_id"]: one for one in self.marts["dim_school"]}

    @cached_property
    def territory_of(self) -> dict[str, Territory]:
        """Key of a school → its municipality, as it was in this year, else as it is now."""
        rows = [*self.marts["dim_school"], *self.marts["mart_school_card"]]
        return {row["school_id"]: found for row in rows if (found := _territory(row)) is not None}

    @cached_property
    def territories(self) -> list[Territory]:
        """Municipalities that have something to read in this year, by name."""
        rows = [row for mart in ("mart_school_card", "mart_pd_completion") for row in self.marts[mart]]
        found = {one.key: one for row in rows if (one := self.territory_of.get(row["school_id"]))}
        return sorted(found.values(), key=lambda one: (in_russian(one.name), one.key or ""))

    @cached_property
    def titles(self) -> dict[str, dict[str, str]]:
        """Kind of a code (procedure, method, programme) → code → its title."""
        named = {
            "procedure": ("dim_procedure", "procedure_code", "title_ru"),
            "method": ("dim_method", "method_code", "label_ru"),
            "programme": ("dim_programme", "programme_code", "short_title"),
        }
        return {
            kind: {row[code]: row[title] or row[code] for row in self.marts[mart]}
            for kind, (mart, code, title) in named.items()
        }

    @cached_property
    def calculation(self) -> Record:
        """The calculation that made the rows of the year; the latest, when there are several."""
        made = {row["calculation_id"] for row in self.marts["mart_school_card"]}
        found = [row for row in self.marts["mart_calculation"] if row["calculation_id"] in made]
        return max(found, key=lambda row: row["started_at"], default=NOTHING)

    @cached_property
    def columns(self) -> dict[tuple[str, str], Column]:
        """What the documents say of a column: mart and name → column."""
        return {(mart.name, one.name): one for mart in self.documents.values() for one in mart.columns}

    @property
    def calculated_at(self) -> datetime | None:
        """When the calculation ended, in UTC."""
        finished: datetime | None = self.calculation.get("finished_at") or self.calculation.get("started_at")
        return finished.replace(tzinfo=None) if finished else None

    def by(self, mart: str, key: str = "school_id") -> dict[Any, Record]:
        """Rows of a mart by a column."""
        return {row[key]: row for row in self.marts[mart]}

    def grouped(self, mart: str, key: str = "school_id") -> dict[Any, list[Record]]:
        """Rows of a mart that share a value of a column."""
        found: dict[Any, list[Record]] = defaultdict(list)
        for row in self.marts[mart]:
            found[row[key]].append(row)
        return found


def load_year(cursor: Cursor, year: int, documents: Mapping[str, Mart]) -> YearData:
    """Read everything that the workbooks of a year hold.

    Raises ExportError when nothing is calculated yet, or not for this year; then the message names the years there are.
    """
    with cursor.connection.cursor(cursor_factory=RealDictCursor) as named:
        named.execute("set local timezone to 'UTC'")
        _require(named, year)
        marts = {"mart_school_card": _rows(named, "mart_school_card", {"year": year})}
        scope = {"year": year, "method": _default_method(marts["mart_school_card"])}
        for mart in MARTS_READ:
            if mart not in marts:
                marts[mart] = _rows(named, mart, scope)
    return YearData(year, marts, documents)


def in_russian(text: str | None) -> tuple[bool, str]:
    """A key that sorts texts as people do: «ё» after «е», numbers by their size, nothing last."""
    if not text:
        return (True, "")
    padded = "".join(part.zfill(6) if part.isdecimal() else part for part in _split_numbers(text.casefold()))
    return (False, padded.replace("ё", "е\uffff"))


def _split_numbers(text: str) -> Iterable[str]:
    part = ""
    for sign in text:
        if part and part[-1].isdecimal() != sign.isdecimal():
            yield part
            part = ""
        part += sign
    yield part


def _require(cursor: Any, year: int) -> None:
    cursor.execute("select to_regclass('marts.mart_school_card') is null as is_missing")
    if cursor.fetchone()["is_missing"]:
        raise ExportError("Расчёта ещё нет, книги делать не из чего. Выполните «ravenstvo run» и повторите.")
    cursor.execute("select distinct year from marts.mart_school_card order by 1")
    known = [row["year"] for row in cursor.fetchall()]
    if year not in known:
        there_are = f"есть за годы: {', '.join(map(str, known))}" if known else "нет ни за один год"
        raise ExportError(f"За {year} год результатов нет; {there_are}.")


def _rows(cursor: Any, mart: str, scope: Mapping[str, Any]) -> list[Record]:
    statement = sql.SQL("select * from marts.{} where " + _WANTED[mart]).format(sql.Identifier(mart))
    cursor.execute(statement, scope)
    found: list[Record] = cursor.fetchall()
    return found


def _default_method(cards: Iterable[Record]) -> str | None:
    return next((row["list_method_code"] for row in cards if row["list_method_code"]), None)


def _territory(row: Record) -> Territory | None:
    key = row["municipality_code"] or row["municipality_name"]
    return Territory(row["municipality_name"] or key, key) if key else None
