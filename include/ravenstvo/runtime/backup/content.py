"""What is read of a warehouse for its backup: one snapshot, which the dump is made of too."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ravenstvo.calculation import mart_hashes
from ravenstvo.calculation.lifecycle import turn
from ravenstvo.runtime.backup.manifest import Mart
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect, has_table, parameters

_WAREHOUSE_ID = "warehouse_id"

_RELATIONS = """
select namespace.nspname, relation.relname
from pg_catalog.pg_class as relation
inner join pg_catalog.pg_namespace as namespace on relation.relnamespace = namespace.oid
where relation.relkind in ('r', 'p', 'v') and namespace.nspname = any(%s)
"""
# Schemas of the product, and those that somebody else has made in its database.
SCHEMAS = "select nspname from pg_catalog.pg_namespace where nspname !~ '^(pg_|information_schema$|public$)'"
_DATABASE = """
select
  now(), pg_catalog.current_database(), pg_catalog.pg_database_size(pg_catalog.current_database()),
  (
    select pg_catalog.sum(pg_catalog.pg_table_size(oid))::bigint
    from pg_catalog.pg_class where relkind = 'r' and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
  )
"""
_CALCULATIONS = """
select distinct on (computed.year) computed.year, calculation_id
from ops.calculation, unnest(years) as computed (year)
where status = 'done'
order by computed.year, finished_at desc, calculation_id desc
"""


@dataclass(frozen=True)
class Snapshot:
    """What the database held at one moment; ``name`` is what pg_dump takes the very same rows by."""

    name: str
    moment: datetime
    database: str
    server_version: int
    database_bytes: int
    table_bytes: int
    revisions: list[str]
    pseudonym_keys: list[str]
    # Fingerprint of each original that lies in the archive, and of the key that it was sealed for.
    originals: dict[str, str]
    n_files: int
    calculations: dict[int, str]
    unfinished: str | None


def warehouse_id(settings: Settings) -> str:
    """What tells warehouses apart whose databases have one name; made once. A restored warehouse keeps it."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.setting (name, value) values (%s, %s) on conflict (name) do nothing",
            (_WAREHOUSE_ID, uuid.uuid4().hex),
        )
        cursor.execute("select value from ops.setting where name = %s", (_WAREHOUSE_ID,))
        return str((cursor.fetchone() or ("",))[0])


@contextmanager
def snapshot(settings: Settings) -> Iterator[tuple[Snapshot, Cursor, Callable[[], None]]]:
    """One moment of the database, held until the block ends, and a cursor that sees it.

    It is taken between two stages of a calculation, and none begins until the caller lets it, by the function that
    comes with it. From then on what a calculation wants to drop or rename waits until the block ends: every table is
    held as by somebody who reads it. Whoever comes after such a wish to read the same table waits behind it, so the
    caller must not let a stage begin before pg_dump holds what it needs: both would wait for ever. Files go on being
    landed; the snapshot does not see them.

    Raises CalculationError while a stage of a calculation runs.
    """
    with (
        closing(psycopg2.connect(**parameters(settings), application_name="ravenstvo backup")) as connection,
        ExitStack() as calculations,
    ):
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        calculations.enter_context(turn(settings))
        with connection.cursor() as cursor:
            # Locks come first: the first query after them sets the moment.
            if relations := _relations(settings):
                cursor.execute(
                    sql.SQL("lock table {} in access share mode").format(
                        sql.SQL(", ").join(sql.Identifier(*one) for one in relations)
                    )
                )
            cursor.execute("select pg_export_snapshot()")
            (name,) = cursor.fetchone() or ("",)
            yield _read(cursor, name), cursor, calculations.close


def marts(cursor: Cursor) -> dict[str, Mart]:
    """Fingerprints of the marts as the snapshot has them, whatever a broken-off calculation has left."""
    found = {}
    for mart, query in mart_hashes.queries(cursor).items():
        cursor.execute(query)
        n_rows, made = cursor.fetchone() or (0, "")
        found[mart] = Mart(n_rows=n_rows, hash=made, query=query.as_string(cursor.connection).strip())
    return found


def _relations(settings: Settings) -> list[tuple[str, str]]:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(SCHEMAS)
        schemas = [name for (name,) in cursor.fetchall()]
        cursor.execute(_RELATIONS, (schemas,))
        return cursor.fetchall()


def _read(cursor: Cursor, name: str) -> Snapshot:
    cursor.execute(_DATABASE)
    moment, database, database_bytes, table_bytes = cursor.fetchone() or (datetime.min, "", 0, 0)
    running = _of(cursor, "ops.calculation", "select calculation_id from ops.calculation where status = 'running'")
    return Snapshot(
        *(name, moment, database, cursor.connection.server_version, database_bytes, table_bytes or 0),
        revisions=[r for (r,) in _of(cursor, "ops.schema_version", "select version_num from ops.schema_version")],
        pseudonym_keys=[
            fingerprint
            for (fingerprint,) in _of(
                cursor, "ops.pseudonym_key", "select fingerprint from ops.pseudonym_key order by version"
            )
        ],
        originals=dict(
            _of(
                cursor,
                "vault.original",
                "select sha256, key_fingerprint from vault.original where removed_at is null order by sha256",
            )
        ),
        n_files=len(_of(cursor, "ops.source_file", "select from ops.source_file")),
        calculations=dict(_of(cursor, "ops.calculation", _CALCULATIONS)),
        unfinished=running[-1][0] if running else None,
    )


def _of(cursor: Cursor, table: str, query: str) -> list[tuple]:
    """Rows of a query; none where an earlier version of the program has not made the table yet."""
    if not has_table(cursor, table):
        return []
    cursor.execute(query)
    return cursor.fetchall()
