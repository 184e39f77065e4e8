"""Landing tables, made from the source documents: one text column for each canonical column."""

from __future__ import annotations

import hashlib
import json

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ravenstvo.sources import Source

# The one structured column: item label → score, as the file has it.
JSON_COLUMNS = ("item_scores",)

# As staging reads it (macro safe_int): the planner then knows how many rows a year has. Without that it takes a whole
# year for a few rows.
_YEAR = "case when pg_input_is_valid(year, 'integer') then cast(year as integer) end"

_BOOKKEEPING = (
    ("file_id", "bigint", "Файл (ops.source_file)"),
    ("part_id", "bigint", "Часть файла (ops.source_part)"),
    ("row_no", "int", "Строка листа"),
)


def fingerprint(sources: dict[str, Source]) -> str:
    """Changes when a landing table would."""
    content = [[s.name, s.title, [[c.name, c.title, c.description] for c in s.columns]] for s in sources.values()]
    return hashlib.sha256(json.dumps([JSON_COLUMNS, _YEAR, content]).encode()).hexdigest()


def make_tables(cursor: Cursor, sources: dict[str, Source]) -> None:
    """Create the missing tables and columns and set every comment. A column that left its document stays."""
    for source in sources.values():
        table = sql.Identifier("landing", source.name)
        _make_table(cursor, table, source)
        _comment(cursor, sql.SQL("table {}").format(table), source.title)
        for name, _, description in _BOOKKEEPING:
            _comment(cursor, sql.SQL("column {}.{}").format(table, sql.Identifier(name)), description)
        for column in source.columns:
            text = ". ".join(part for part in (column.title, column.description) if part)
            _comment(cursor, sql.SQL("column {}.{}").format(table, sql.Identifier(column.name)), text)


def _make_table(cursor: Cursor, table: sql.Identifier, source: Source) -> None:
    bookkeeping = ", ".join(f"{name} {kind} not null" for name, kind, _ in _BOOKKEEPING)
    cursor.execute(sql.SQL("create table if not exists {} (" + bookkeeping + ")").format(table))
    for column in source.columns:
        kind = sql.SQL("json" if column.name in JSON_COLUMNS else "text")
        cursor.execute(
            sql.SQL("alter table {} add column if not exists {} {}").format(table, sql.Identifier(column.name), kind)
        )
    index = sql.Identifier(f"{source.name}_part")
    cursor.execute(sql.SQL("create index if not exists {} on {} (part_id)").format(index, table))
    if "year" in source.column_names:
        statistics = sql.Identifier("landing", f"{source.name}_year")
        cursor.execute(
            sql.SQL("create statistics if not exists {} on ({}) from {}").format(statistics, sql.SQL(_YEAR), table)
        )


def _comment(cursor: Cursor, target: sql.Composable, text: str) -> None:
    cursor.execute(sql.SQL("comment on {} is {}").format(target, sql.Literal(text)))
