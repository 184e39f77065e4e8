"""Bring a warehouse to the shape that this version of the program needs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg2
from psycopg2 import errors

from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import landing, roles
from ravenstvo.warehouse.connection import connect, engine
from ravenstvo.warehouse.logins import make_pipeline_logins
from ravenstvo.warehouse.server import ensure_running

MIGRATIONS = Path(__file__).parent / "migrations"

# Held while migrating, so that two commands do not migrate one warehouse at once.
_LOCK = "select pg_advisory_lock(hashtext('ravenstvo.migrate'))"
_STAMP = "schema"


def upgrade(settings: Settings) -> bool:
    """Apply the migrations of ``ops``, make landing tables, roles and the pipeline's logins.

    True when there was anything to do but the logins.
    Repeatable; a few milliseconds when the warehouse is up to date.
    """
    ensure_running(settings)
    has_changed = _upgrade(settings)
    make_pipeline_logins(settings)
    return has_changed


def _upgrade(settings: Settings) -> bool:
    wanted = _fingerprint()
    if _stamp(settings) == wanted:
        return False
    with connect(settings) as guard:
        guard.cursor().execute(_LOCK)
        if _stamp(settings) == wanted:
            return False
        _migrate(settings)
        with connect(settings) as connection, connection.cursor() as cursor:
            landing.make_tables(cursor, load_sources())
            roles_made = roles.make_roles(connection)
            if roles_made:  # without them the next run tries again
                cursor.execute(
                    "insert into ops.setting (name, value) values (%s, %s) "
                    "on conflict (name) do update set value = excluded.value",
                    (_STAMP, wanted),
                )
    return True


def _migrate(settings: Settings) -> None:
    # Alembic is slow to import, and nearly always there is nothing to migrate.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine(settings).begin() as connection:
        # Alembic's own table lies in ops, before the first migration makes the rest.
        connection.exec_driver_sql("create schema if not exists ops")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.exec_driver_sql("comment on table ops.schema_version is 'Версия устройства хранилища'")
        connection.exec_driver_sql("comment on column ops.schema_version.version_num is 'Номер изменения'")


def _stamp(settings: Settings) -> str | None:
    try:
        with connect(settings) as connection, connection.cursor() as cursor:
            cursor.execute("select value from ops.setting where name = %s", (_STAMP,))
            row = cursor.fetchone()
    except (errors.UndefinedTable, errors.InvalidSchemaName, psycopg2.ProgrammingError):
        return None
    return row[0] if row else None


def _fingerprint() -> str:
    """Of the migrations, of the landing tables' columns, and of the roles' rights."""
    digest = hashlib.sha256(landing.fingerprint(load_sources()).encode())
    digest.update(Path(roles.__file__).read_bytes())
    for path in sorted((MIGRATIONS / "versions").glob("*.*")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
