"""Database users of the shared warehouse: of one region, or of all."""

from __future__ import annotations

from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from ravenstvo.runtime.readers import drop_login, remember
from ravenstvo.runtime.shared import tables
from ravenstvo.runtime.shared.collect import SHARED_DB, shared
from ravenstvo.runtime.shared.tables import SharedError
from ravenstvo.settings import Settings
from ravenstvo.warehouse import logins
from ravenstvo.warehouse.connection import has_table
from ravenstvo.warehouse.server import database_url

_FIELDS = ["login", "password", "region_code"]
_NOTE = (
    "insert into national.reader_change (login, region_code, action, changed_by, reason) values (%s, %s, %s, %s, %s)"
)


def passwords_file(settings: Settings) -> Path:
    """First passwords of the readers, for the owner of the home only."""
    return settings.home / "region_readers.csv"


def add(settings: Settings, region: str | None, by: str, reason: str) -> str:
    """Make the user of a region (None: of all regions), or give it a new password; returns its login.

    The password goes to ``passwords_file``. Raises SharedError, LoginError.
    """
    _named(by, reason)
    with shared(settings) as connection, connection.cursor() as cursor:
        # The tables come with the first region, and their rules with them.
        tables.prepare(cursor, [])
        login = f"{database_url(settings, SHARED_DB).database}_region_{region or 'all'}"
        password = logins.new_password()
        role = tables.ALL_READER if region is None else tables.REGION_READER
        logins.make_reader(connection, login, role, password, schema=tables.SCHEMA)
        cursor.execute(
            "insert into national.reader (login, region_code) values (%s, %s) on conflict (login) do nothing",
            (login, region),
        )
        cursor.execute(_NOTE, (login, region, "add", by.strip(), reason.strip()))
        remember(passwords_file(settings), _FIELDS, login, {"password": password, "region_code": region or ""})
    return login


def remove(settings: Settings, login: str, by: str, reason: str) -> None:
    """Take the user away. Raises SharedError when it is no reader of the shared warehouse."""
    _named(by, reason)
    with shared(settings) as connection, connection.cursor() as cursor:
        known = dict(_listed(cursor))
        if login not in known:
            raise SharedError(f"Читателя {login} нет. Список: ravenstvo region readers")
        cursor.execute("delete from national.reader where login = %s", (login,))
        cursor.execute(_NOTE, (login, known[login], "remove", by.strip(), reason.strip()))
        drop_login(connection, login)
        remember(passwords_file(settings), _FIELDS, login, None)


def listed(settings: Settings) -> list[tuple[str, str | None]]:
    """Readers and their regions, by login; None: all regions."""
    with shared(settings) as connection, connection.cursor() as cursor:
        return _listed(cursor)


def _listed(cursor: Cursor) -> list[tuple[str, str | None]]:
    if not has_table(cursor, "national.reader"):
        return []
    cursor.execute("select login, region_code from national.reader order by login")
    return cursor.fetchall()


def _named(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise SharedError("Укажите, кто и почему это делает: --by и --reason")
