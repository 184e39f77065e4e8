"""From the SQL of failing rows to ``ops.row_finding``: every failing row, without a row passing through Python."""

from __future__ import annotations

from string import Formatter
from typing import Any

from psycopg2 import sql

from ravenstvo.quality.suites import Rule, Suite
from ravenstvo.sources import load_sources

KEY_COLUMNS = ("part_id", "file_id", "row_no", "record_key")
VALUE_LENGTH = 200
DAY_FIRST = (r"^(\d{4})-(\d{2})-(\d{2})$", r"\3.\2.\1")
"""A landed date and how people are shown it, as a pattern and what replaces it."""
LIKENESS = 70
"""How alike, of 100, a known spelling must be to be named: below, it is another word («гадание», «консультация»)."""
PROGRAMMES = "programme"
"""As a value list: the codes and titles of ``seeds.programme``."""


def result_columns(suite: Suite) -> list[str]:
    """Columns that the SQL of failing rows must select: the row's key, then whatever a finding quotes."""
    return [*KEY_COLUMNS, *(name for name in suite.quoted_columns if name not in KEY_COLUMNS)]


def insert_findings(cursor: Any, suite: Suite, rule: Rule, failing_rows: str) -> int:
    """Insert one finding per failing row; returns how many.

    ``failing_rows`` selects ``result_columns(suite)`` and then the columns that the rule tests: these repeat names, so
    all of them are renamed here by position.
    """
    names = [*result_columns(suite), *(f"tested_{place}" for place, _ in enumerate(rule.tested_columns))]
    value = rule.meta.value_column
    dates = load_sources()[suite.name].date_columns
    statement = sql.SQL(
        """
        insert into ops.row_finding (
            part_id, file_id, source, row_no, record_key, severity, expectation_id, column_name, value, message, advice
        )
        select
            part_id, file_id, {source}, row_no, record_key, {severity}, {id}, {column}, {value}, {message}, {advice}
        from ({failing_rows}) as failing ({names})
        """
    ).format(
        source=sql.Literal(suite.name),
        severity=sql.Literal(rule.severity),
        id=sql.Literal(rule.meta.id),
        column=sql.Literal(rule.meta.column),
        value=_quoted(value, dates) if value else sql.SQL("null"),
        message=_filled(rule.meta.message, dates),
        advice=sql.Literal(rule.meta.advice),
        failing_rows=sql.SQL(failing_rows),
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
    )
    cursor.execute(statement)
    return int(cursor.rowcount)


def _quoted(column: str, dates: frozenset[str]) -> sql.Composable:
    """A row's value as text of a bounded length (a cell may hold a whole paragraph); a date day first, as written."""
    text = sql.SQL("left({}::text, {})").format(sql.Identifier(column), sql.Literal(VALUE_LENGTH))
    return sql.SQL("regexp_replace({}, {}, {})").format(text, *map(sql.Literal, DAY_FIRST)) if column in dates else text


def _filled(message: str, dates: frozenset[str]) -> sql.Composable:
    """SQL of a message: its text with the values of the named columns; a blank cell fills in nothing."""
    pieces: list[sql.Composable] = []
    for text, name, _, _ in Formatter().parse(message):
        if text:
            pieces.append(sql.Literal(text))
        if name:
            pieces.append(_quoted(name, dates))
    return sql.SQL("concat({})").format(sql.SQL(", ").join(pieces))


def suggest_values(cursor: Any, rule: Rule, part_ids: list[int]) -> None:
    """Name the nearest known spelling of the rule's value list in the advice of its findings on these parts."""
    if rule.meta.value_list is None:
        return
    from rapidfuzz import process

    known = _known_spellings(cursor, rule.meta.value_list)
    of_rule = "expectation_id = %s and part_id = any(%s)"
    cursor.execute(f"select distinct value from ops.row_finding where {of_rule}", (rule.meta.id, part_ids))
    for (value,) in cursor.fetchall():
        nearest = process.extractOne(value.lower(), list(known), score_cutoff=LIKENESS)
        if nearest is not None:
            cursor.execute(
                f"update ops.row_finding set advice = advice || %s where {of_rule} and value = %s",
                (f" Ближайшее известное значение: {known[nearest[0]]}.", rule.meta.id, part_ids, value),
            )


def _known_spellings(cursor: Any, value_list: str) -> dict[str, str]:
    """Spelling to compare with → how the advice names it."""
    if value_list == PROGRAMMES:
        cursor.execute("select programme_code, title, short_title from seeds.programme")
        return {
            spelling.lower(): f"«{short_title}» (код {code})"
            for code, title, short_title in cursor.fetchall()
            for spelling in (code, title, short_title)
        }
    cursor.execute("select spelling from seeds.value_list where list_name = %s", (value_list,))
    return {spelling: f"«{spelling}»" for (spelling,) in cursor.fetchall()}


def insert_results(cursor: Any, suite: Suite, n_checked: int, n_failed: dict[str, int], part_ids: list[int]) -> None:
    """Write what each expectation of the suite found on these parts."""
    # One moment for all: the last validation of a source is found by it.
    cursor.execute("select ops.moment()")
    (validated_at,) = cursor.fetchone()
    for rule in suite.expectations:
        failed = n_failed.get(rule.meta.id, 0)
        cursor.execute(
            """
            insert into ops.expectation_result (
                validated_at, source, suite, expectation_id, severity, n_checked, n_failed, success, message, part_ids
            ) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                validated_at,
                suite.name,
                suite.name,
                rule.meta.id,
                rule.severity,
                n_checked,
                failed,
                failed == 0,
                rule.description,
                part_ids,
            ),
        )
