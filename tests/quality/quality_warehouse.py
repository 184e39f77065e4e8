"""Reference data and rows for the tests of validation, without dbt and without files."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterable
from pathlib import Path

import yaml
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from ravenstvo.intake.cells import whole
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse.connection import connect


def load_seeds(settings: Settings) -> None:
    """The project's own reference data, typed as dbt types them, without starting dbt."""
    with connect(settings) as connection, connection.cursor() as cursor:
        for path in sorted((PROJECT_ROOT / "dbt_project" / "seeds").glob("*.csv")):
            cursor.execute(sql.SQL("create table {} ({})").format(sql.Identifier("seeds", path.stem), _columns(path)))
            with path.open(encoding="utf-8") as rows:
                cursor.copy_expert(
                    sql.SQL("copy {} from stdin csv header").format(sql.Identifier("seeds", path.stem)), rows
                )


def _columns(path: Path) -> sql.Composable:
    described = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["seeds"]
    types = next(seed for seed in described if seed["name"] == path.stem)["config"]["column_types"]
    with path.open(encoding="utf-8") as rows:
        header = next(csv.reader(rows))
    return sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(types.get(n, "text"))) for n in header)


Row = dict[str, object]


def land(settings: Settings, source: str, rows: list[Row], path: str = "файл.xlsx") -> int:
    """Put rows where landing would put them, one sheet row each from row 2 on; returns the part id.

    A row may name its own ``row_no`` (several records of one sheet row).
    """
    (part_id,) = land_all(settings, [(source, rows)], path)
    return part_id


def land_all(settings: Settings, files: Iterable[tuple[str, list[Row]]], path: str = "файл.xlsx") -> list[int]:
    """The same for many files, each with its source, in one transaction."""
    with connect(settings) as connection, connection.cursor() as cursor:
        return [_land(cursor, source, rows, path) for source, rows in files]


def _land(cursor: Cursor, source: str, rows: list[Row], path: str) -> int:
    cursor.execute(
        "insert into ops.source_file (sha256, name, path, size_bytes, status) "
        "values (%s, %s, %s, 1, 'landed') returning file_id",
        (uuid.uuid4().hex, Path(path).name, path),
    )
    (file_id,) = cursor.fetchone()
    numbers = [int(str(row.get("row_no", place))) for place, row in enumerate(rows, start=2)]
    cursor.execute(
        "insert into ops.source_part (file_id, sheet, block_no, source, year, status, n_rows_read, "
        "n_rows_dropped, n_rows_landed, n_records, in_force) "
        "values (%s, 'Лист1', 1, %s, %s, 'landed', %s, 1, %s, %s, true) returning part_id",
        (file_id, source, whole(rows[0].get("year")), len(set(numbers)) + 1, len(set(numbers)), len(rows)),
    )
    (part_id,) = cursor.fetchone()
    for row_no, row in zip(numbers, rows, strict=True):
        cells = {name: value for name, value in row.items() if name != "row_no"}
        cells = {n: json.dumps(v, ensure_ascii=False) if isinstance(v, dict) else v for n, v in cells.items()}
        cursor.execute(
            sql.SQL("insert into {} (file_id, part_id, row_no, {}) values (%s, %s, %s, {})").format(
                sql.Identifier("landing", source),
                sql.SQL(", ").join(map(sql.Identifier, cells)),
                sql.SQL(", ").join(sql.Placeholder() for _ in cells),
            ),
            (file_id, part_id, row_no, *cells.values()),
        )
    return int(part_id)


def query(settings: Settings, statement: str, *values: object) -> list[tuple]:
    """Rows of a statement."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
