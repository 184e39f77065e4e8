"""Tables of the shared warehouse: one for each relation, a partition for each region, rules of rows on all of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from ravenstvo.errors import ToldError
from ravenstvo.runtime.shared.contract import REGION, Relation
from ravenstvo.warehouse import roles

SCHEMA = "national"
ALL_READER, REGION_READER = "national_reader", "region_reader"

_TURN = "select pg_advisory_xact_lock(hashtext('ravenstvo.shared'))"
_COLUMNS = """
select attname, format_type(atttypid, atttypmod)
from pg_catalog.pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""


class SharedError(ToldError):
    """The shared warehouse cannot take or show what was asked for; the message (Russian) says why."""


def table(relation: Relation) -> sql.Identifier:
    """The relation with the rows of all regions."""
    return sql.Identifier(SCHEMA, relation.name)


def columns_of(cursor: Cursor, schema: str, name: str) -> dict[str, str]:
    """Columns of a relation with their types, empty where there is none."""
    cursor.execute(_COLUMNS, (f'"{schema}"."{name}"',))
    return dict(cursor.fetchall())


def prepare(cursor: Cursor, relations: list[Relation]) -> None:
    """Make what is not there yet: bookkeeping, roles, tables with their keys and rules; within one transaction.

    A table of an earlier version of the documents gets the new columns, blank for regions that have not been collected
    since, and loses those that are promised no more. Raises SharedError when a column has changed its type, and where
    roles cannot be made.
    """
    cursor.execute(_TURN)
    cursor.execute(Path(__file__).with_name("shared.sql").read_text(encoding="utf-8"))
    _make_roles(cursor)
    for relation in relations:
        held = columns_of(cursor, SCHEMA, relation.name)
        if held:
            _extend(cursor, relation, held)
        else:
            _make(cursor, relation)
        _guard(cursor, relation.name)


def _make_roles(cursor: Cursor) -> None:
    try:
        for role, comment in (
            (ALL_READER, "Чтение общего хранилища: все регионы"),
            (REGION_READER, "Чтение общего хранилища: строки своего региона"),
        ):
            if not roles.exists(cursor, role):
                cursor.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
                cursor.execute(sql.SQL("comment on role {} is {}").format(sql.Identifier(role), sql.Literal(comment)))
            cursor.execute(sql.SQL("grant usage on schema national to {}").format(sql.Identifier(role)))
        cursor.execute("select current_database()")
        database = sql.Identifier(cursor.fetchone()[0])  # type: ignore[index]
        cursor.execute(sql.SQL("revoke connect, temporary on database {} from public").format(database))
        cursor.execute(
            sql.SQL("grant connect on database {} to {}, {}").format(
                database, sql.Identifier(ALL_READER), sql.Identifier(REGION_READER)
            )
        )
    except errors.InsufficientPrivilege as error:
        raise SharedError(
            f"Роли общего хранилища не созданы: {str(error).strip().splitlines()[0]}. Нужен пользователь, который "
            "владеет базой и может создавать роли."
        ) from error
    cursor.execute("grant select on national.reader_scope to region_reader")
    _guard(cursor, "collection")


def _make(cursor: Cursor, relation: Relation) -> None:
    columns = [sql.SQL("{} text not null").format(sql.Identifier(REGION))]
    columns += [sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.data_type)) for c in relation.columns]
    cursor.execute(
        sql.SQL("create table {} ({}) partition by list ({})").format(
            table(relation), sql.SQL(", ").join(columns), sql.Identifier(REGION)
        )
    )
    if relation.key:
        # Two regions may have the same codes of schools; within one, the document's key holds, blanks and all.
        key = [REGION, *(name for name in relation.key if name != REGION)]
        cursor.execute(
            sql.SQL("create unique index {} on {} ({}) nulls not distinct").format(
                sql.Identifier(_index_name(relation)), table(relation), sql.SQL(", ").join(map(sql.Identifier, key))
            )
        )
    _describe(cursor, relation)


def _extend(cursor: Cursor, relation: Relation, held: dict[str, str]) -> None:
    wanted = {column.name: column.data_type for column in relation.columns} | {REGION: "text"}
    if other := sorted(name for name, kind in held.items() if wanted.get(name, kind) != kind):
        raise SharedError(f"Столбцы {SCHEMA}.{relation.name} другого типа, чем в документе: {', '.join(other)}")
    for name in held.keys() - wanted.keys():
        # No document promises it any more; regions that are collected anew leave it blank.
        cursor.execute(sql.SQL("alter table {} drop column {}").format(table(relation), sql.Identifier(name)))
    added = [column for column in relation.columns if column.name not in held]
    for column in added:
        cursor.execute(
            sql.SQL("alter table {} add column {} {}").format(
                table(relation), sql.Identifier(column.name), sql.SQL(column.data_type)
            )
        )
    if added:
        _describe(cursor, relation)


def _describe(cursor: Cursor, relation: Relation) -> None:
    told = [("table", table(relation), relation.description.strip())]
    told += [("column", sql.Identifier(SCHEMA, relation.name, c.name), c.description) for c in relation.columns]
    told.append(("column", sql.Identifier(SCHEMA, relation.name, REGION), "Регион: код субъекта Федерации"))
    for kind, what, text in told:
        cursor.execute(sql.SQL("comment on {} {} is {}").format(sql.SQL(kind), what, sql.Literal(text)))


def _guard(cursor: Cursor, name: str) -> None:
    """Open a table to the readers under the rule of its rows; one that has it already is not locked."""
    guarded = sql.Identifier(SCHEMA, name)
    cursor.execute("select count(*) from pg_catalog.pg_policy where polrelid = %s::regclass", (f'"{SCHEMA}"."{name}"',))
    if cursor.fetchone() == (2,):
        return
    cursor.execute(
        sql.SQL("alter table {} enable row level security; grant select on {} to {}, {}").format(
            guarded, guarded, sql.Identifier(ALL_READER), sql.Identifier(REGION_READER)
        )
    )
    for name, role, rule in (
        ("every_region", ALL_READER, "true"),
        ("own_region", REGION_READER, f"{REGION} = (select region_code from national.reader_scope)"),
    ):
        cursor.execute(
            sql.SQL("drop policy if exists {0} on {1}; create policy {0} on {1} for select to {2} using ({3})").format(
                sql.Identifier(name), guarded, sql.Identifier(role), sql.SQL(rule)
            )
        )


def _index_name(relation: Relation) -> str:
    return f"{relation.name[:40]}_key_{hashlib.md5(relation.name.encode(), usedforsecurity=False).hexdigest()[:6]}"
