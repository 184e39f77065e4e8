"""Reading the marts for a report: one snapshot, rows by name, titles from the dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import NamedTupleCursor

from ravenstvo.errors import ToldError
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.report.content import Column
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

MARTS = ("mart_calculation", "mart_school_card", "mart_identification_published", "dim_method", "dim_procedure")

_CALCULATION = """
select calculation_id, finished_at from marts.mart_calculation
where status = 'done' and %(year)s = any(years) order by finished_at desc limit 1
"""
_METHOD = """
select card.list_method_code as method_code, method.label_ru, method.title_ru, method.method_version,
    method.grade_a_min_participants, method.grade_b_min_participants, method.grade_c_min_pooled
from (
    select list_method_code from marts.mart_school_card
    where year = %(year)s and list_method_code is not null limit 1
) as card
left join marts.dim_method as method on card.list_method_code = method.method_code
    and %(year)s between method.valid_from_year and coalesce(method.valid_to_year, %(year)s)
"""
_PUBLICATION = """
select publication_id, calculation_id, publication_document, max(decided_by) as decided_by,
    max(decided_at) as decided_at
from marts.mart_identification_published
where year = %(year)s and method_code = %(method)s and is_in_force
group by publication_id, calculation_id, publication_document order by publication_id desc limit 1
"""
_PROCEDURES = "select procedure_code, title_ru from marts.dim_procedure"


class ReportError(ToldError):
    """A report cannot be made; the message (Russian) says why and what to do."""


@dataclass(frozen=True)
class Reader:
    """The marts of one year, as they were at one moment."""

    connection: Connection
    year: int
    marts: Mapping[str, dictionary.Mart] = field(default_factory=dict)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Rows of a SELECT, by name; ``year`` and ``method`` are known to every statement."""
        scope = {"year": self.year, "method": None if "method" in values else self.method_code} | values
        with self.connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
            cursor.execute(statement, scope)
            return cursor.fetchall()

    def one(self, statement: str, **values: Any) -> Any:
        """The first row, or None."""
        return next(iter(self.rows(statement, **values)), None)

    def column(self, mart: str, name: str, kind: str = "text") -> Column:
        """A column of a mart under the title that the dictionary gives it."""
        known = self.marts.get(mart)
        return Column(name, (known.titles.get(name) if known else None) or name, kind)

    @cached_property
    def calculation(self) -> Any:
        """The last finished calculation of the year: ``calculation_id``, ``finished_at``; None when there is none."""
        return self.one(_CALCULATION, method=None)

    @property
    def calculation_id(self) -> str:
        """Its identity; empty when there is none."""
        return self.calculation.calculation_id if self.calculation else ""

    @property
    def calculated_at(self) -> datetime | None:
        """When it ended."""
        return self.calculation.finished_at if self.calculation else None

    @cached_property
    def method(self) -> Any:
        """The method whose list is approved in this year; None when the year has no results."""
        return self.one(_METHOD, method=None)

    @property
    def method_code(self) -> str | None:
        """Its code."""
        return self.method.method_code if self.method else None

    @property
    def method_title(self) -> str:
        """Its label."""
        return (self.method.label_ru or self.method.method_code) if self.method else ""

    @cached_property
    def publication(self) -> Any:
        """The approved list in force; None when nobody has approved one."""
        return self.one(_PUBLICATION) if self.method else None

    @cached_property
    def _procedures(self) -> dict[str, str]:
        return {row.procedure_code: row.title_ru or row.procedure_code for row in self.rows(_PROCEDURES)}

    def procedure(self, code: str) -> str:
        """Title of a procedure."""
        return self._procedures.get(code, code)

    def procedures_in(self, text: str) -> str:
        """A text in which codes of procedures stand as their titles."""
        return re.sub(r"\b[a-z]+(?:_[a-z0-9]+)+\b", lambda found: self.procedure(found[0]), text)


@contextmanager
def reading(settings: Settings, year: int) -> Iterator[Reader]:
    """Open the marts of a year for reading; every query sees the same moment.

    Raises ReportError before the first run.
    """
    try:
        marts = dictionary.load(settings.dbt_target_dir)
    except FileNotFoundError:
        marts = {}
    with connect(settings) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        try:
            yield Reader(connection, year, marts)
        except psycopg2.errors.UndefinedTable as error:
            raise ReportError(
                "Витрин для отчёта ещё нет: выполните «ravenstvo run» и повторите. "
                f"({str(error).splitlines()[0].strip()})"
            ) from error
