"""The facts that each suite compares: an SQL document of the source, or what follows from the source document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg2 import sql

from ravenstvo.quality.checks.described import check_select
from ravenstvo.sources import load_sources

FOLDER = Path(__file__).parent
SCHEMA = "ops"

# ЕГЭ and ОГЭ protocols hold the same columns: one document serves both.
_SHARED = {"ege_result": ("exam_result", "ege"), "oge_result": ("exam_result", "oge")}


def check_table(source: str) -> str:
    """Name of the table that holds the pending rows of a source beside the facts that its suite compares."""
    return f"{SCHEMA}.check_{source}"


def make_reference(cursor: Any) -> None:
    """Make what check tables compare with, for as long as the connection lives: see ``_reference.sql``."""
    cursor.execute(_text("_reference.sql"))
    cursor.execute(_text("_support.sql"))


def build_check_table(cursor: Any, source: str, part_ids: list[int]) -> int:
    """Make the check table of these parts, where ``make_reference`` was called; returns its rows.

    Unlogged and dropped by the caller: Great Expectations reads it through a connection of its own, so it cannot be
    temporary. The columns are described by the SQL document, or in ``described``.
    """
    document, exam = _SHARED.get(source, (source, None))
    parameters = {"part_ids": part_ids, "exam": exam}
    cursor.execute(_text("_pending.sql").replace("{source}", source).replace("{record}", _record(source)), parameters)
    if (FOLDER / f"{document}.sql").exists():
        facts = _text(f"{document}.sql").replace("{source}", source)
    else:
        facts = check_select(load_sources()[source])
    drop_check_table(cursor, source)
    cursor.execute(f"create unlogged table {check_table(source)} as {facts}", parameters)
    return int(cursor.rowcount)


def _record(source: str) -> str:
    """SQL of what tells apart the records of one sheet row."""
    record = load_sources()[source].record
    return f"coalesce(landed.{record}, '')" if record else "''"


def _text(document: str) -> str:
    return (FOLDER / document).read_text(encoding="utf-8")


def drop_check_table(cursor: Any, source: str) -> None:
    """Drop the check table, also one that a killed validation left behind."""
    cursor.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(SCHEMA, f"check_{source}")))
