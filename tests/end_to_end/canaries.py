"""Persons of the files that came, and every place where one of them might have been left.

The persons are read from the inbox by the headers of its columns, without the program's own documents of layouts.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from ravenstvo.intake.opening import KNOWN, open_sheets
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import url_parameters
from ravenstvo.warehouse.server import database_url, ensure_running

_PERSONAL = re.compile(
    r"^(фамилия|фио|surname|имя|name\b|отчество|secondname|серия|номер$|номер док|document|документ$|снилс|контакт)"
)
_HEADER_WITHIN = 15
_LONG_ENOUGH = 6
_WORD = re.compile(r"[А-ЯЁ][а-яё]{5,}|\d[\d \-]{7,}\d")


def persons(inbox: Path) -> set[str]:
    """Surnames, numbers of documents and telephones that stand under a personal header and nowhere else."""
    personal: set[str] = set()
    others: set[str] = set()
    for path in sorted(inbox.rglob("*")):
        if path.suffix.lower() not in KNOWN:
            continue
        for sheet in open_sheets(path.read_bytes(), path.suffix.lower()):
            columns: set[int] = set()
            for row in sheet.rows[:_HEADER_WITHIN]:
                columns |= {at for at, cell in enumerate(row) if _PERSONAL.match(str(cell).strip().lower())}
            for row in sheet.rows:
                for at, cell in enumerate(row):
                    if _PERSONAL.match(str(cell).strip().lower()):
                        continue
                    (personal if at in columns else others).update(words(_plain(cell)))
    return personal - others


def words(text: str) -> set[str]:
    """Words with a capital and long numbers of a text, the numbers as their digits."""
    found = (re.sub(r"[ \-]", "", word) for word in _WORD.findall(text))
    return {word for word in found if len(word) >= _LONG_ENOUGH}


def _plain(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def in_databases(home: Path, people: set[str]) -> Iterator[tuple[str, str]]:
    """Tables of every database of the server with a person in them."""
    settings = Settings(home=home, warehouse_url=None)
    ensure_running(settings)
    for database in _asked(settings, "postgres", "select datname from pg_database where datallowconn"):
        tables = _asked(settings, database[0], "select schemaname, tablename from pg_tables where schemaname !~ '^pg_'")
        connection = psycopg2.connect(**url_parameters(database_url(settings, database[0])))
        with connection.cursor() as cursor:
            for schema, table in tables:
                text = io.StringIO()
                cursor.copy_expert(
                    sql.SQL("copy {} to stdout").format(sql.Identifier(schema, table)).as_string(cursor), text
                )
                for word in words(text.getvalue()) & people:
                    yield f"{database[0]}.{schema}.{table}", word
        connection.close()


def _asked(settings: Settings, database: str, query: str) -> list[tuple[str, ...]]:
    connection = psycopg2.connect(**url_parameters(database_url(settings, database)))
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


def in_files(home: Path, people: set[str]) -> Iterator[tuple[str, str]]:
    """Files of the state folder with a person in them: logs, pages, reports, workbooks, what is left in the spool."""
    for path in sorted(home.rglob("*")):
        relative = path.relative_to(home)
        if not path.is_file() or relative.parts[0] == "postgres":
            continue
        for text in _texts(path.read_bytes()):
            for word in words(text) & people:
                yield str(relative), word


def _texts(data: bytes) -> Iterator[str]:
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield archive.read(member).decode("utf-8", errors="ignore")
    else:
        yield data.decode("utf-8", errors="ignore")
