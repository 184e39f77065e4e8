"""Database roles for readers: groups without a login, to be granted to real users."""

from __future__ import annotations

import logging

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection

log = logging.getLogger(__name__)

BI_READER = "bi_reader"
# The role and the one schema that it reads.
READERS = {BI_READER: "marts", "public_reader": "publish"}


def make_roles(connection: Connection) -> bool:
    """Create the reading roles and their rights; the rights also hold for tables made later by this user.

    Returns False, with a warning, where the user of one's own server may not create roles.
    """
    with connection.cursor() as cursor:
        for role, schema in READERS.items():
            cursor.execute("savepoint roles")
            try:
                cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
                if cursor.fetchone() is None:
                    cursor.execute(f"create role {role} nologin")
                cursor.execute(f"comment on role {role} is 'Чтение схемы {schema} и ничего больше'")
            except (errors.DuplicateObject, errors.UniqueViolation):
                cursor.execute("rollback to savepoint roles")  # another database of this server was quicker
            except (errors.InsufficientPrivilege, psycopg2.ProgrammingError):
                cursor.execute("rollback to savepoint roles")
                log.warning(
                    "Роль %s не создана: у пользователя базы нет права создавать роли. Попросите администратора "
                    "выполнить «create role %s nologin» и запустите «ravenstvo migrate» ещё раз.",
                    role,
                    role,
                )
                return False
            cursor.execute(f"grant usage on schema {schema} to {role}")
            cursor.execute(f"grant select on all tables in schema {schema} to {role}")
            cursor.execute(f"alter default privileges in schema {schema} grant select on tables to {role}")
    return True
