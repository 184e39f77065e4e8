"""``ravenstvo key``: a new key for the pseudonyms, and the rows that are there made over to it.

Names are not in the warehouse, so a pseudonym cannot be made anew from them; it is made of the one before
(``warehouse.keys``). What links a person over years and registers stays linked, and what was linked to nobody stays so.
The database never sees a key: the new pseudonyms are computed here and copied in.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ravenstvo.calculation.lifecycle import turn
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import journal, keys
from ravenstvo.warehouse.connection import connect


@dataclass(frozen=True)
class Rotation:
    """The version in force now, and how many pseudonyms and rows were made over."""

    version: int
    n_pseudonyms: int
    n_rows: int


@dataclass(frozen=True)
class KeyState:
    """Versions and fingerprints of the keys in force, and whether the file waits with one that is not."""

    fingerprints: list[str]
    is_unfinished: bool


def state(settings: Settings) -> KeyState:
    """Which keys are in force. Raises PseudonymKeyError as a run does."""
    in_force = keys.in_force(settings)
    return KeyState([keys.fingerprint(key) for key in in_force], len(keys.read(settings.key_file)) > len(in_force))


def rotate(settings: Settings, by: str, reason: str) -> Rotation:
    """Put a new key in force; all of it happens, or nothing does.

    The key is in the file before the database knows of it: a change that was broken off, wherever, goes on with that
    key when it is asked for again, and until then everything works with the one before.

    Raises:
        PseudonymKeyError: the key in force is lost or another one, or the file cannot be written.
        JournalError: nobody or no reason named.
        CalculationError: a calculation is at work.
    """
    if not by.strip() or not reason.strip():
        raise journal.JournalError("Укажите, кто и почему это делает: --by и --reason")
    in_force = keys.in_force(settings)
    version = len(in_force) + 1
    with turn(settings), connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(keys.CHANGES)
        if keys.version_in_force(cursor) != version - 1:
            raise keys.PseudonymKeyError("Тем временем ключ уже сменили: ravenstvo key status")
        key = keys.follow(settings.key_file, version)
        n_pseudonyms = _prepare(cursor, key)
        n_rows = sum(_make_over(cursor, source, columns) for source, columns in pseudonyms().items())
        keys.enter(cursor, version, key, by.strip(), reason.strip())
        journal.note(cursor, "rotate_key", by, f"версия {version}: {reason.strip()}")
    return Rotation(version, n_pseudonyms, n_rows)


def pseudonyms() -> dict[str, list[str]]:
    """Columns of landing that hold pseudonyms, by source."""
    found = {
        name: [column.name for column in source.columns if column.kind == "pseudonym"]
        for name, source in load_sources().items()
    }
    return {name: columns for name, columns in found.items() if columns}


def _prepare(cursor: Cursor, key: bytes) -> int:
    """Every pseudonym beside its next one, in a table that ends with the transaction."""
    every = sql.SQL(" union ").join(
        sql.SQL("select {column} from {table} where {column} is not null").format(
            column=sql.Identifier(column), table=sql.Identifier("landing", source)
        )
        for source, columns in pseudonyms().items()
        for column in columns
    )
    cursor.execute("create temporary table renewed (old text primary key, new text not null) on commit drop")
    text = io.StringIO()
    cursor.execute(every)
    n_pseudonyms = 0
    for (old,) in cursor:
        text.write(f"{old}\t{keys.renew(key, old)}\n")
        n_pseudonyms += 1
    text.seek(0)
    cursor.copy_expert("copy renewed from stdin", text)
    cursor.execute("analyze renewed")
    return n_pseudonyms


def _make_over(cursor: Cursor, source: str, columns: list[str]) -> int:
    """One statement a table. Returns the number of its rows that held a pseudonym."""
    table = sql.Identifier("landing", source)
    given = [sql.Identifier(column) for column in columns]
    cursor.execute(
        sql.SQL("update {table} as landed set {sets} where {any_given}").format(
            table=table,
            sets=sql.SQL(", ").join(
                sql.SQL("{c} = (select new from renewed where old = landed.{c})").format(c=c) for c in given
            ),
            any_given=sql.SQL(" or ").join(sql.SQL("landed.{c} is not null").format(c=c) for c in given),
        )
    )
    return cursor.rowcount
