"""A warehouse as an earlier version of the program has left it: the same files landed, an older shape."""

from __future__ import annotations

import tempfile

from alembic import command
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import landing
from ravenstvo.warehouse.connection import connect, engine
from ravenstvo.warehouse.migrate import alembic_config

_SCHEMAS = ("landing", "ops", "seeds", "staging", "core", "marts", "publish", "vault")
_TABLES = """
select relnamespace::regnamespace::text, relname, array_agg(attname::text order by attnum)
from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped and attgenerated = ''
where relkind = 'r' and relnamespace = any(array['ops', 'landing', 'core', 'vault']::regnamespace[])
    and relname not in ('schema_version', 'setting') and relname !~ '^estimate_'
group by 1, 2
"""
_NUMBERS = """
select setval(pg_get_serial_sequence(attrelid::regclass::text, attname), 100000)
from pg_attribute where attidentity <> '' and attrelid in (select oid from pg_class where relkind = 'r')
"""


def make_older(source: Settings, target: Settings, revision: str) -> None:
    """Make ``target`` anew at a revision, with the rows of ``source`` that there was room for then."""
    config = alembic_config()
    with engine(target).begin() as connection:
        for schema in _SCHEMAS:
            connection.exec_driver_sql(f"drop schema if exists {schema} cascade")
        connection.exec_driver_sql("create schema ops")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    with connect(source) as there, connect(target) as here, there.cursor() as old, here.cursor() as new:
        landing.make_tables(new, load_sources())
        # Neither the order of the tables nor what guards their rows matters to a copy.
        new.execute("set local session_replication_role = 'replica'")
        known = _tables(old)
        for table, columns in _tables(new).items():
            _copy(old, new, table, [column for column in columns if column in known.get(table, [])])
        new.execute(_NUMBERS)
        # What the older program has calculated, it has calculated by its own rules.
        new.execute("update ops.calculation set parameters = parameters - 'year_hashes'")


def _tables(cursor: Cursor) -> dict[tuple[str, str], list[str]]:
    cursor.execute(_TABLES)
    return {(schema, table): columns for schema, table, columns in cursor.fetchall()}


def _copy(old: Cursor, new: Cursor, table: tuple[str, str], columns: list[str]) -> None:
    if not columns:
        return
    name, listed = sql.Identifier(*table), sql.SQL(", ").join(map(sql.Identifier, columns))
    with tempfile.TemporaryFile() as file:
        old.copy_expert(sql.SQL("copy {} ({}) to stdout (format binary)").format(name, listed), file)
        file.seek(0)
        new.copy_expert(sql.SQL("copy {} ({}) from stdin (format binary)").format(name, listed), file)
