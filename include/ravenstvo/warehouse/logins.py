"""Database users of the programs: each may log in and is a member of one role."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from ravenstvo import private_files
from ravenstvo.errors import ToldError
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import (
    connect,
    known_passwords,
    parameters,
    passwords_file,
    pipeline_login,
    warehouse_url,
)
from ravenstvo.warehouse.roles import PIPELINE, READERS

log = logging.getLogger(__name__)

STATEMENT_SECONDS = 60


class LoginError(ToldError):
    """A user cannot be made; the message (Russian) says what to ask the administrator for."""


def make_login(settings: Settings, login: str, role: str, password: str) -> None:
    """Create the user or give it this password; it reads the schema of ``role`` (``roles.READERS``), nothing else.

    Its transactions are read-only and its statements end after STATEMENT_SECONDS. Raises LoginError.
    """
    with connect(settings) as connection:
        make_reader(connection, login, role, password)


def make_reader(connection: Connection, login: str, role: str, password: str, schema: str | None = None) -> None:
    """The same within a transaction of the caller; ``schema`` where the role is none of a warehouse's own."""
    # The server gets the password's digest only: it cannot appear in its log.
    digest = encrypt_password(password, login, scope=connection, algorithm="scram-sha-256")
    _make(
        connection,
        *(login, role, digest),
        default_transaction_read_only="on",
        statement_timeout=f"{STATEMENT_SECONDS}s",
        search_path=schema or READERS[role],
    )


def make_pipeline_logins(settings: Settings) -> bool:
    """Have the pipeline's roles log in with a user and a password of their own; milliseconds when they can already.

    Passwords are this home's. False, with a warning, where the owner may not create users: then the owner does it all.
    """
    owner = warehouse_url(settings)
    for role in PIPELINE:
        if getattr(settings, f"{role}_url") is not None:
            continue
        login, known = pipeline_login(owner, role), known_passwords(settings)
        password = known.get(login) or new_password()
        if login in known and lets_in(settings, login, password):
            continue
        try:
            with connect(settings) as connection:
                # What it makes belongs to the group, so that another login can go on with it.
                _make(connection, login, role, _digest_of_random(password), role=role)
        except LoginError as error:
            log.warning("Все шаги расчёта работают от имени владельца базы. %s", error)
            return False
        private_files.write(passwords_file(settings), json.dumps(known | {login: password}))
    return True


def lets_in(settings: Settings, login: str, password: str) -> bool:
    """Whether the warehouse knows the user by this password."""
    try:
        psycopg2.connect(**parameters(settings) | {"user": login, "password": password}).close()
    except psycopg2.OperationalError:
        return False
    return True


def new_password() -> str:
    """A random password that needs no quoting anywhere."""
    return secrets.token_hex(24)


def _digest_of_random(password: str) -> str:
    """What the server keeps of a password that is random (RFC 5803): hashed once.

    Hashing thousands of times, as for passwords that people think of, would protect nothing and double the cost of
    each of the hundreds of connections of a run.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    client_key, server_key = (hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key"))
    kept = (base64.b64encode(part).decode() for part in (salt, hashlib.sha256(client_key).digest(), server_key))
    return "SCRAM-SHA-256$1:{}${}:{}".format(*kept)


def _make(connection: Connection, login: str, group: str, digest: str, **options: str) -> None:
    try:
        _set_up(connection, login, group, digest, options)
    except (errors.InsufficientPrivilege, errors.UndefinedObject) as error:
        raise LoginError(
            f"Пользователь базы {login} не создан: {str(error).strip().splitlines()[0]}. Попросите администратора "
            f"сервера выполнить: create role {login} login; grant {group} to {login}; — и дать пользователю "
            f"хранилища право менять его пароль: grant {login} to … with admin option."
        ) from error


def _set_up(connection: Connection, login: str, group: str, digest: str, options: dict[str, str]) -> None:
    user = sql.Identifier(login)
    with connection.cursor() as cursor:
        # Two commands may come at once, from whichever database of the server.
        cursor.execute("select pg_advisory_xact_lock(hashtext('ravenstvo.logins'))")
        cursor.execute("select 1 from pg_roles where rolname = %s", (login,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("create role {user} login").format(user=user))
        cursor.execute(sql.SQL("alter role {} login password {}").format(user, sql.Literal(digest)))
        # Before the options: the server asks at once whether the user may take the role.
        cursor.execute("select pg_has_role(%s, %s, 'member')", (login, group))
        row = cursor.fetchone()
        if row is None or not row[0]:
            cursor.execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), user))
        for name, value in options.items():
            cursor.execute(sql.SQL("alter role {} set {} = {}").format(user, sql.Identifier(name), sql.Literal(value)))
