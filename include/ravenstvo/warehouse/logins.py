"""Database users for programs that only read: each may log in and is a member of one reading role."""

from __future__ import annotations

import secrets

from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import READERS

STATEMENT_SECONDS = 60


class LoginError(RuntimeError):
    """A reading user cannot be made; the message (Russian) says what to ask the administrator for."""


def make_login(settings: Settings, login: str, role: str, password: str) -> None:
    """Create the user or give it this password; it reads the schema of ``role`` (``roles.READERS``), nothing else.

    Its transactions are read-only and its statements end after STATEMENT_SECONDS. Raises LoginError.
    """
    with connect(settings) as connection:
        try:
            _make(connection, login, role, password)
        except (errors.InsufficientPrivilege, errors.UndefinedObject) as error:
            raise LoginError(
                f"Пользователь базы {login} не создан: {str(error).strip().splitlines()[0]}. Попросите администратора "
                f"сервера выполнить: create role {login} login; grant {role} to {login}; — и дать пользователю "
                f"хранилища право менять его пароль: grant {login} to … with admin option."
            ) from error


def new_password() -> str:
    """A random password that needs no quoting anywhere."""
    return secrets.token_hex(24)


def _make(connection: Connection, login: str, role: str, password: str) -> None:
    user, group, schema = sql.Identifier(login), sql.Identifier(role), sql.Identifier(READERS[role])
    # The server gets the password's digest only: it cannot appear in its log.
    digest = encrypt_password(password, login, scope=connection, algorithm="scram-sha-256")
    options = (
        sql.SQL("alter role {user} login password {digest}").format(user=user, digest=sql.Literal(digest)),
        sql.SQL("alter role {user} set default_transaction_read_only = on").format(user=user),
        sql.SQL("alter role {user} set statement_timeout = {limit}").format(
            user=user, limit=sql.Literal(f"{STATEMENT_SECONDS}s")
        ),
        sql.SQL("alter role {user} set search_path = {schema}").format(user=user, schema=schema),
    )
    with connection.cursor() as cursor:
        # Two commands may come at once, from whichever database of the server.
        cursor.execute("select pg_advisory_xact_lock(hashtext('ravenstvo.logins'))")
        cursor.execute("select 1 from pg_roles where rolname = %s", (login,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("create role {user} login").format(user=user))
        for option in options:
            cursor.execute(option)
        cursor.execute("select pg_has_role(%s, %s, 'member')", (login, role))
        row = cursor.fetchone()
        if row is None or not row[0]:
            cursor.execute(sql.SQL("grant {group} to {user}").format(group=group, user=user))
