"""Bring what a region has calculated into the shared warehouse: all of it or nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pydantic import ValidationError
from sqlalchemy.engine import make_url

from ravenstvo.calculation.stages import parse
from ravenstvo.runtime.shared import tables
from ravenstvo.runtime.shared.contract import REGION, Relation, relations
from ravenstvo.runtime.shared.tables import SharedError
from ravenstvo.settings import Settings
from ravenstvo.warehouse import connection as own
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import has_table
from ravenstvo.warehouse.regions import region_of

SHARED_DB = server.SHARED_DB

_LAST = """
select
    calculation_id, code_version, status,
    (select fingerprint from ops.pseudonym_key order by version limit 1)
from ops.calculation
where status <> 'failed'
order by started_at desc, calculation_id desc
limit 1
"""


@dataclass(frozen=True)
class Collected:
    """What a region brought: its code, the calculation, and how many rows each relation has."""

    region_code: str
    calculation_id: str
    rows: dict[str, int]


def shared_relations(settings: Settings) -> list[Relation]:
    """Relations of the shared warehouse by this program's documents."""
    return relations(node.to_dict() for node in parse(settings).nodes.values())


@contextmanager
def shared(settings: Settings) -> Iterator[Connection]:
    """A connection to the shared warehouse in one transaction: the setting's, else one on the embedded server."""
    if settings.shared_url is None:
        server.ensure_database(settings, SHARED_DB)
    url = server.database_url(settings, SHARED_DB)
    connected = psycopg2.connect(**own.url_parameters(url), application_name="ravenstvo region")
    with closing(connected) as connection, connection:
        yield connection


def collect(
    settings: Settings, origin: Path, *, another: bool = False, wanted: list[Relation] | None = None
) -> Collected:
    """Replace a region's rows in the shared warehouse by those of its own warehouse, in one transaction.

    Args:
        settings: where the shared warehouse is, and the documents.
        origin: home of the region's warehouse, or a file that holds its address.
        another: take the region's code from another warehouse than the one that brought it before.
        wanted: some of the relations; without it all that the documents name.

    Until the end readers see the old rows; a process that dies leaves them as they were. Raises SharedError when the
    region is being calculated or was not yet, when its tables are not those of the documents, when its code has come
    from another warehouse.
    """
    wanted = shared_relations(settings) if wanted is None else wanted
    with _region(origin) as source, source.cursor() as asked, shared(settings) as target, target.cursor() as cursor:
        region = region_of(asked, "") if has_table(asked, "ops.source_file") else ""
        if not region:
            raise SharedError("Файлы этого хранилища ещё без кода региона: выполните в нём «ravenstvo run».")
        calculation_id, code_version, warehouse = _calculation(asked)
        _check(asked, wanted)
        tables.prepare(cursor, wanted)
        _check_warehouse(cursor, region, warehouse, another)
        rows = {relation.name: _bring(source, cursor, relation, region) for relation in wanted}
        for relation in wanted:
            _swap(cursor, relation, region)
        cursor.execute(
            """
            insert into national.collection (region_code, warehouse, calculation_id, code_version, n_rows)
            values (%s, %s, %s, %s, %s)
            on conflict (region_code) do update set
              warehouse = excluded.warehouse, calculation_id = excluded.calculation_id,
              code_version = excluded.code_version, n_rows = excluded.n_rows, collected_at = excluded.collected_at
            """,
            (region, warehouse, calculation_id, code_version, sum(rows.values())),
        )
    return Collected(region, calculation_id, rows)


def forget(settings: Settings, region: str) -> None:
    """Take a region's rows out of the shared warehouse. Raises SharedError when it has none."""
    with shared(settings) as connection, connection.cursor() as cursor:
        if region not in {code for code, *_ in _listed(cursor)}:
            raise SharedError(f"Региона {region} в общем хранилище нет. Список: ravenstvo region status")
        cursor.execute("delete from national.collection where region_code = %s", (region,))
        cursor.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(_schema(region))))


def listed(settings: Settings) -> list[tuple[Any, ...]]:
    """Regions in the shared warehouse: code, calculation, rows, when collected."""
    with shared(settings) as connection, connection.cursor() as cursor:
        return _listed(cursor)


def _listed(cursor: Cursor) -> list[tuple[Any, ...]]:
    if not has_table(cursor, "national.collection"):
        return []
    cursor.execute(
        "select region_code, calculation_id, n_rows, collected_at from national.collection order by region_code"
    )
    return cursor.fetchall()


@contextmanager
def _region(origin: Path) -> Iterator[Connection]:
    """The region's warehouse as it is at one moment, for reading only."""
    if origin.is_dir():
        home = Settings(home=origin, warehouse_url=None)
        if not (home.server_dir / "data").exists():
            raise SharedError(f"В папке {origin} нет хранилища: назовите папку RAVENSTVO_HOME региона")
        server.ensure_running(home)
        url = own.warehouse_url(home)
    elif origin.is_file():
        try:
            there = Settings(warehouse_url=origin.read_text(encoding="utf-8", errors="replace").strip())
        except ValidationError as error:
            told = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise SharedError(f"В файле {origin} — не адрес хранилища региона: {told}") from None
        url = make_url(str(there.warehouse_url))
    else:
        raise SharedError(f"Нет ни папки, ни файла {origin}")
    with closing(psycopg2.connect(**own.url_parameters(url), application_name="ravenstvo region")) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        # Rules of rows would hide some of them without a word; now they are an error.
        connection.cursor().execute("set row_security = off")
        yield connection


def _calculation(cursor: Cursor) -> tuple[str, str, str]:
    cursor.execute(_LAST)
    found = cursor.fetchone()
    if found is None:
        raise SharedError("В этом хранилище ещё ничего не посчитано: выполните в нём «ravenstvo run».")
    calculation_id, code_version, status, warehouse = found
    if status != "done":
        raise SharedError(f"В регионе идёт расчёт {calculation_id}: соберите его, когда он закончится.")
    return calculation_id, code_version, warehouse


def _check(cursor: Cursor, wanted: list[Relation]) -> None:
    """The region's tables must be those of the documents: one version of the program on both sides."""
    problems = []
    for relation in wanted:
        held = tables.columns_of(cursor, relation.schema, relation.name)
        promised = {column.name: column.data_type for column in relation.columns}
        promised |= {REGION: "text"} if relation.has_region else {}
        if not held:
            problems.append(f"нет {relation.schema}.{relation.name}")
        problems += [
            f"{relation.schema}.{relation.name}.{name}: {held.get(name, 'столбца нет')}, а нужен {kind}"
            for name, kind in promised.items()
            if held and held.get(name) != kind
        ]
    if problems:
        more = f"; и ещё {len(problems) - 5}" if len(problems) > 5 else ""
        raise SharedError(
            f"Таблицы региона не те, что ждёт общее хранилище: {'; '.join(problems[:5])}{more}. "
            "Обновите программу там, где она старше, и пересчитайте регион."
        )


def _check_warehouse(cursor: Cursor, region: str, warehouse: str, another: bool) -> None:
    cursor.execute("select warehouse from national.collection where region_code = %s", (region,))
    known = cursor.fetchone()
    if known is not None and known[0] != warehouse and not another:
        raise SharedError(
            f"Код {region} уже принёс другой регион или другое хранилище. Проверьте RAVENSTVO_REGION; если хранилище "
            "этого региона и правда сменилось, повторите с --another-warehouse."
        )


def _bring(source: Connection, cursor: Cursor, relation: Relation, region: str) -> int:
    """Fill a table that will be the region's partition; returns the number of rows."""
    schema, draft = _schema(region), sql.Identifier(_schema(region), f"{relation.name}__new")
    columns = [column.name for column in relation.columns]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    code = sql.Identifier(REGION) if relation.has_region else sql.Literal(region)
    cursor.execute(
        sql.SQL(
            "create schema if not exists {schema}; "
            "create table {draft} (like {parent} including indexes, check ({column} = {region}))"
        ).format(
            schema=sql.Identifier(schema),
            draft=draft,
            parent=tables.table(relation),
            column=sql.Identifier(REGION),
            region=sql.Literal(region),
        )
    )
    n_rows = _stream(
        source,
        cursor,
        sql.SQL("copy (select {}, {} from {}) to stdout").format(
            code, names, sql.Identifier(relation.schema, relation.name)
        ),
        sql.SQL("copy {} ({}, {}) from stdin").format(draft, sql.Identifier(REGION), names),
    )
    cursor.execute(sql.SQL("analyze {}").format(draft))
    return n_rows


def _swap(cursor: Cursor, relation: Relation, region: str) -> None:
    """Let the new partition take the place of the old one. Readers wait from here to the end of the transaction."""
    schema, parent = _schema(region), tables.table(relation)
    draft, kept = sql.Identifier(schema, f"{relation.name}__new"), sql.Identifier(schema, relation.name)
    cursor.execute(sql.SQL("drop table if exists {}").format(kept))
    cursor.execute(sql.SQL("alter table {} rename to {}").format(draft, sql.Identifier(relation.name)))
    cursor.execute(
        sql.SQL("alter table {} attach partition {} for values in ({})").format(parent, kept, sql.Literal(region))
    )


def _stream(source: Connection, cursor: Cursor, out: sql.Composed, into: sql.Composed) -> int:
    """COPY from one server to another as it flows; returns the number of rows. Nothing is held in memory or on disk."""
    read_end, write_end = os.pipe()
    failed: list[BaseException] = []

    def send() -> None:
        try:
            with os.fdopen(write_end, "wb") as pipe, source.cursor() as asked:
                asked.copy_expert(out, pipe)
        except (psycopg2.Error, OSError) as error:
            failed.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with os.fdopen(read_end, "rb") as pipe:
            cursor.copy_expert(into, pipe)
    finally:
        sender.join()
    if failed:
        # The rows that came before it broke look like all of them.
        raise failed[0]
    return cursor.rowcount


def _schema(region: str) -> str:
    return f"region_{region}"
