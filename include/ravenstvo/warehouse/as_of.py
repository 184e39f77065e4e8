"""A second warehouse that holds what the first one knew at a moment: files, withdrawals, decisions, lists up to then.

It is a database of its own on the same server, so that whatever is computed there, the warehouse itself and its readers
see nothing of it. Nothing derived is copied: what is in force, what is rejected, the star and the marts are made
anew. Approved lists and the calculations behind them are copied, since they are facts, not results.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection

from ravenstvo.errors import ToldError
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse.connection import connect, outside_transaction, parameters, warehouse_url
from ravenstvo.warehouse.migrate import upgrade

_SUFFIX = "_as_of"


class AsOfError(ToldError):
    """An earlier state cannot be made; the message (Russian) says why."""


# What a file and its parts were at the moment, whatever they have become since.
_STATES = """
create temporary table file_then on commit drop as
select file_id, exists (
  select from ops.withdrawal as noted
  where noted.file_id = file.file_id and noted.withdrawn_at <= {moment}
    and (noted.undone_at is null or noted.undone_at > {moment})
) as is_withdrawn
from ops.source_file as file
where first_seen_at <= {moment};
create temporary table part_then on commit drop as
select part.part_id, file_then.is_withdrawn
from ops.source_part as part join file_then using (file_id)
where part.landed_at is null or part.landed_at <= {moment};
create temporary table calculation_then on commit drop as
select calculation_id from ops.calculation where status = 'done' and finished_at <= {moment};
create temporary table publication_then on commit drop as
select publication_id from ops.publication where approved_at <= {moment};
"""

# Columns that are not as they are now. Blank: to be decided anew.
_THEN: dict[str, dict[str, str]] = {
    "ops.source_file": {
        "status": """case
          when is_withdrawn then 'withdrawn'
          when status in ('refused', 'ignored') then status
          when exists (
            select from ops.source_part as part join part_then using (part_id)
            where part.file_id = copied.file_id and part.landed_at is not null
          ) then 'landed'
          else 'waiting' end"""
    },
    "ops.source_part": {
        "status": """case
          when status not in ('landed', 'waiting', 'withdrawn') then status
          when is_withdrawn then 'withdrawn'
          when landed_at is null then 'waiting'
          else 'landed' end""",
        "in_force": "false",
        # Rows may come back before the file that they correct does.
        "corrects": "case when corrects in (select part_id from part_then) then corrects end",
        **dict.fromkeys(
            ("version", "superseded_by", "validated_at", "n_rows_accepted", "n_rows_rejected", "n_warnings"), "null"
        ),
    },
    "ops.withdrawal": {
        "is_undone": "coalesce(undone_at <= {moment}, false)",
        "undone_by": "case when undone_at <= {moment} then undone_by end",
        "undone_at": "case when undone_at <= {moment} then undone_at end",
    },
    # Without the fingerprints of its inputs no calculation counts as done already.
    "ops.calculation": {"parameters": "parameters - 'year_hashes'"},
    "ops.publication": {
        "superseded_by": """case
          when superseded_by in (select publication_id from publication_then) then superseded_by end"""
    },
}
# In the order in which tables refer to each other; the rest of the statement says which rows there were.
_TABLES = (
    ("ops.source_file", "join file_then using (file_id)"),
    ("ops.source_part", "join part_then using (part_id)"),
    ("ops.dropped_row", "join part_then using (part_id)"),
    ("ops.control_total", "join part_then using (part_id)"),
    ("ops.file_problem", "join file_then using (file_id) where code not like 'drift%'"),
    ("ops.withdrawal", "where withdrawn_at <= {moment}"),
    ("ops.school_decision", "where decided_at <= {moment}"),
    ("ops.municipality_shape", ""),
    ("ops.calculation", "join calculation_then using (calculation_id)"),
    ("ops.publication", "join publication_then using (publication_id)"),
    ("core.decision", "join publication_then using (publication_id)"),
    ("core.history_identification", "join calculation_then using (calculation_id)"),
    ("core.history_evidence", "join calculation_then using (calculation_id)"),
)


@contextmanager
def warehouse_as_of(settings: Settings, moment: datetime, home: Path) -> Iterator[Settings]:
    """Settings of a warehouse that holds the state of ``moment``, to be calculated; it is gone when the block ends.

    What a killed command left is removed first. One at a time: see the caller's lock. Raises AsOfError where the user
    of one's own server may not make databases.
    """
    url = warehouse_url(settings)
    name = f"{url.database}{_SUFFIX}"
    _make_database(settings, name)
    try:
        there = settings.model_copy(
            update={"home": home, "warehouse_url": url.set(database=name).render_as_string(hide_password=False)}
        )
        there.make_home()
        upgrade(there)
        _copy_state(settings, there, moment)
        yield there
    finally:
        # Where the server is down by now, the next such command removes it.
        with suppress(psycopg2.Error):
            _drop_database(settings, name)


def leftover(settings: Settings) -> str | None:
    """The second warehouse that a killed command left. None also where somebody is connected to it: it is at work."""
    name = f"{warehouse_url(settings).database}{_SUFFIX}"
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select 1 from pg_catalog.pg_database as there where datname = %s and not exists ("
            "select from pg_catalog.pg_stat_activity as busy "
            "where busy.datname = there.datname and busy.backend_type is distinct from 'autovacuum worker')",
            (name,),
        )
        return name if cursor.fetchone() else None


def remove_leftover(settings: Settings) -> bool:
    """Remove what a killed command left; the caller knows that none of this home is at work. Whether there was any."""
    name = leftover(settings)
    if name:
        _drop_database(settings, name)
    return name is not None


def _make_database(settings: Settings, name: str) -> None:
    _drop_database(settings, name)
    with outside_transaction(settings) as cursor:
        try:
            cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except errors.InsufficientPrivilege as error:
            raise AsOfError(
                "Прежнее состояние считается в отдельной временной базе, а у пользователя базы нет права её создать. "
                f"Попросите администратора: alter role {parameters(settings).get('user')} createdb"
            ) from error
        cursor.execute(sql.SQL("revoke connect on database {} from public").format(sql.Identifier(name)))


def _drop_database(settings: Settings, name: str) -> None:
    with outside_transaction(settings) as cursor:
        cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _copy_state(settings: Settings, there: Settings, moment: datetime) -> None:
    """Copy the rows of the moment, all as of one snapshot."""
    at = sql.Literal(moment)
    with connect(settings) as source, connect(there) as target:
        source.set_session(isolation_level="REPEATABLE READ")
        source.cursor().execute(sql.SQL(_STATES).format(moment=at))
        # Publications refer to those that replaced them.
        target.cursor().execute("set constraints all deferred")
        for table, rows in _TABLES:
            _copy(source, target, there, table, sql.SQL(rows).format(moment=at), _columns(source, table, at))
        for name in load_sources():
            table = f"landing.{name}"
            _copy(source, target, there, table, sql.SQL("join part_then using (part_id)"), _columns(source, table, at))


def _columns(source: Connection, table: str, moment: sql.Literal) -> dict[str, sql.Composable]:
    """Column → what it was."""
    with source.cursor() as cursor:
        cursor.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped "
            "and attgenerated = ''",
            (table,),
        )
        names = [name for (name,) in cursor.fetchall()]
    then = _THEN.get(table, {})
    return {name: sql.SQL(then[name]).format(moment=moment) if name in then else sql.Identifier(name) for name in names}


def _copy(
    source: Connection,
    target: Connection,
    there: Settings,
    table: str,
    rows: sql.Composable,
    columns: dict[str, sql.Composable],
) -> None:
    name = sql.Identifier(*table.split("."))
    with tempfile.TemporaryFile(dir=there.spool_dir) as file:
        query = sql.SQL("copy (select {} from {} as copied {}) to stdout (format binary)").format(
            sql.SQL(", ").join(columns.values()), name, rows
        )
        source.cursor().copy_expert(query, file)
        file.seek(0)
        _into(target, name, columns, file)


def _into(target: Connection, name: sql.Identifier, columns: dict[str, sql.Composable], file: IO[bytes]) -> None:
    query = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        name, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    target.cursor().copy_expert(query, file)
