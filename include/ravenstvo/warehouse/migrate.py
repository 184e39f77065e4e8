"""Bring a warehouse to the shape that this version of the program needs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import errors

from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import landing, one_way, roles
from ravenstvo.warehouse.connection import connect, engine
from ravenstvo.warehouse.logins import make_pipeline_logins
from ravenstvo.warehouse.server import ensure_running

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

# Held while migrating, so that two commands do not migrate one warehouse at once.
_LOCK = "select pg_advisory_lock(hashtext('ravenstvo.migrate'))"
# Under which a warehouse keeps what it was made like.
STAMP = "schema"


@dataclass(frozen=True)
class Shape:
    """What a warehouse is like: its revisions, those of them that this program does not know, whether it is as wanted.

    ``is_current`` is about all that ``upgrade`` makes: tables, columns of landing, roles.
    """

    revisions: list[str]
    unknown: list[str]
    newest_known: str
    is_current: bool


def upgrade(settings: Settings, *, anew: bool = False) -> bool:
    """Apply the migrations of ``ops``, make landing tables, roles and the pipeline's logins.

    True when there was anything to do but the logins. Repeatable; a few milliseconds when the warehouse is up to date.
    ``anew``: look at all of it even then: somebody may have taken a role or a right away.
    Raises DowngradeError, with nothing touched, for a warehouse that a newer program has made.
    """
    ensure_running(settings)
    has_changed = _upgrade(settings, anew)
    make_pipeline_logins(settings)
    return has_changed


def shape(settings: Settings) -> Shape:
    """What the warehouse is like now; only looks."""
    found = revisions(settings)
    known = _known_revisions()
    unknown = [one for one in found if one not in known]
    return Shape(found, unknown, max(known), _stamp(settings) == _fingerprint())


def _upgrade(settings: Settings, anew: bool) -> bool:
    wanted = _fingerprint()
    if not anew and _stamp(settings) == wanted:
        return False
    with connect(settings) as guard:
        guard.cursor().execute(_LOCK)
        if not anew and _stamp(settings) == wanted:
            return False
        refuse_newer(revisions(settings))
        _migrate(settings)
        with connect(settings) as connection, connection.cursor() as cursor:
            landing.make_tables(cursor, load_sources())
            roles_made = roles.make_roles(connection)
            if roles_made:  # without them the next run tries again
                cursor.execute(
                    "insert into ops.setting (name, value) values (%s, %s) "
                    "on conflict (name) do update set value = excluded.value",
                    (STAMP, wanted),
                )
    return True


def _migrate(settings: Settings) -> None:
    # Alembic is slow to import, and nearly always there is nothing to migrate.
    from alembic import command

    config = alembic_config()
    with engine(settings).begin() as connection:
        # Alembic's own table lies in ops, before the first migration makes the rest.
        connection.exec_driver_sql("create schema if not exists ops")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.exec_driver_sql("comment on table ops.schema_version is 'Версия устройства хранилища'")
        connection.exec_driver_sql("comment on column ops.schema_version.version_num is 'Номер изменения'")


def alembic_config() -> Config:
    """Alembic's settings for the migrations; a connection goes into its ``attributes``."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def refuse_newer(revisions: list[str]) -> None:
    """Raise DowngradeError where a revision is none of this program's."""
    known = _known_revisions()
    if unknown := [one for one in revisions if one not in known]:
        raise one_way.newer(unknown, max(known))


def _known_revisions() -> set[str]:
    """By the names of the files: reading them as programs takes Alembic."""
    return {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}


def revisions(settings: Settings) -> list[str]:
    """At which revisions the warehouse is: one, or none before the first migration."""
    try:
        with connect(settings) as connection, connection.cursor() as cursor:
            cursor.execute("select version_num from ops.schema_version order by version_num")
            return [revision for (revision,) in cursor.fetchall()]
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return []


def _stamp(settings: Settings) -> str | None:
    try:
        with connect(settings) as connection, connection.cursor() as cursor:
            cursor.execute("select value from ops.setting where name = %s", (STAMP,))
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
