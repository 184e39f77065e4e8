"""The facts that each suite compares: one SQL document per source, run on landing, registers and seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg2 import sql

FOLDER = Path(__file__).parent
SCHEMA = "ops"

# ЕГЭ and ОГЭ protocols hold the same columns: one document serves both.
_SHARED = {"ege_result": ("exam_result", "ege"), "oge_result": ("exam_result", "oge")}


def check_table(source: str) -> str:
    """Name of the table that holds the pending rows of a source beside the facts that its suite compares."""
    return f"{SCHEMA}.check_{source}"


def build_check_table(cursor: Any, source: str, part_ids: list[int]) -> int:
    """Make the check table of these parts; returns its rows.

    Unlogged and dropped by the caller: Great Expectations reads it through a connection of its own, so it cannot be
    temporary. The columns are described by the SQL document.
    """
    document, exam = _SHARED.get(source, (source, None))
    parameters = {"part_ids": part_ids, "exam": exam}
    cursor.execute((FOLDER / "_reference.sql").read_text(encoding="utf-8"), parameters)
    facts = (FOLDER / f"{document}.sql").read_text(encoding="utf-8").replace("{source}", source)
    drop_check_table(cursor, source)
    cursor.execute(f"create unlogged table {check_table(source)} as {facts}", parameters)
    return int(cursor.rowcount)


def drop_check_table(cursor: Any, source: str) -> None:
    """Drop the check table, also one that a killed validation left behind."""
    cursor.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(SCHEMA, f"check_{source}")))
