"""``ravenstvo reader``: database users that see the rows of one municipality in the marts, and no others."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from ravenstvo import private_files
from ravenstvo.errors import ToldError
from ravenstvo.settings import Settings
from ravenstvo.warehouse import journal, logins
from ravenstvo.warehouse.connection import connect, has_table, warehouse_url
from ravenstvo.warehouse.roles import MUNICIPALITY_READER, exists

_FIELDS = ["login", "password", "municipality_code"]


class ReaderError(ToldError):
    """The reader cannot be made or removed; the message (Russian) says why."""


@dataclass(frozen=True)
class Reader:
    """A database user and the municipality whose rows it sees."""

    login: str
    municipality_code: str
    municipality_name: str | None


def passwords_file(settings: Settings) -> Path:
    """First passwords of the readers, for the owner of the home only."""
    return settings.home / "readers.csv"


def add(settings: Settings, municipality: str, by: str, reason: str) -> Reader:
    """Make the user of a municipality, or give it a new password; the password goes to ``passwords_file``.

    Raises ReaderError, LoginError; JournalError when nobody or no reason is named.
    """
    with connect(settings) as connection, connection.cursor() as cursor:
        code, name = _municipality(cursor, municipality)
        login = _login(settings, code)
        password = logins.new_password()
        logins.make_reader(connection, login, MUNICIPALITY_READER, password)
        cursor.execute(
            "insert into ops.reader (login, municipality_code, added_by) values (%s, %s, %s) "
            "on conflict (login) do update set municipality_code = excluded.municipality_code",
            (login, code, by),
        )
        journal.note(cursor, "add_reader", by, f"{login}: {reason.strip()}" if reason.strip() else "")
        remember(passwords_file(settings), _FIELDS, login, {"password": password, "municipality_code": code})
    return Reader(login, code, name)


def remove(settings: Settings, login: str, by: str, reason: str) -> None:
    """Take the user away. Raises ReaderError when it is no reader; JournalError as ``add``."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.reader where login = %s", (login,))
        if not cursor.rowcount:
            raise ReaderError(f"Читателя {login} нет. Список: ravenstvo reader list")
        journal.note(cursor, "remove_reader", by, f"{login}: {reason.strip()}" if reason.strip() else "")
        drop_login(connection, login)
        remember(passwords_file(settings), _FIELDS, login, None)


def make_again(settings: Settings, reason: str) -> list[str]:
    """Make the users of the readers that a restored warehouse knows and its server does not; with new passwords.

    Their names follow the name of the database. Returns the users made.
    """
    made = []
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute("select login, municipality_code from ops.reader order by login")
        for known, code in cursor.fetchall():
            login = _login(settings, code)
            cursor.execute("update ops.reader set login = %s where login = %s", (login, known))
            if exists(cursor, login):
                continue
            password = logins.new_password()
            logins.make_reader(connection, login, MUNICIPALITY_READER, password)
            journal.note(cursor, "add_reader", "ravenstvo", f"{login}: {reason}")
            remember(passwords_file(settings), _FIELDS, login, {"password": password, "municipality_code": code})
            made.append(login)
    return made


def listed(settings: Settings) -> list[Reader]:
    """Readers and their municipalities, by login."""
    with connect(settings) as connection, connection.cursor() as cursor:
        names = _names(cursor)
        cursor.execute("select login, municipality_code from ops.reader order by login")
        return [Reader(login, code, names.get(code)) for login, code in cursor.fetchall()]


def _login(settings: Settings, municipality_code: str) -> str:
    return f"{warehouse_url(settings).database}_mun_{municipality_code}"


def drop_login(connection: Connection, login: str) -> None:
    """End the sessions of a database user and take it away."""
    with connection.cursor() as cursor:
        # Its sessions end at once: a dropped user's would go on.
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (login,))
        cursor.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))


def _names(cursor: Cursor) -> dict[str, str]:
    if not has_table(cursor, "marts.dim_municipality"):
        raise ReaderError("В хранилище нет витрин: сначала выполните «make run».")
    cursor.execute("select municipality_code, municipality_name from marts.dim_municipality")
    return dict(cursor.fetchall())


def _municipality(cursor: Cursor, given: str) -> tuple[str, str]:
    names = _names(cursor)
    found = [code for code, name in names.items() if given.strip().lower() in (code.lower(), (name or "").lower())]
    if len(found) != 1:
        known = ", ".join(f"{code} {name}" for code, name in sorted(names.items()))
        raise ReaderError(f"Муниципалитета «{given}» нет. Назовите код или название целиком: {known}")
    return found[0], names[found[0]]


def remember(path: Path, fields: list[str], login: str, row: dict[str, str] | None) -> None:
    """Note a login's password in a file of the home, or take it out: fields ``login`` and those of the row."""
    known = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as lines:
            known = {one["login"]: one for one in csv.DictReader(lines)}
    known.pop(login, None)
    if row is not None:
        known[login] = {"login": login} | row
    text = io.StringIO()
    table = csv.DictWriter(text, fields, lineterminator="\n")
    table.writeheader()
    table.writerows(known[name] for name in sorted(known))
    private_files.write(path, text.getvalue())
