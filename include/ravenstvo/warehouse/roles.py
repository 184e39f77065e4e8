"""Database roles: what the pipeline's steps and those who read may do, and nothing besides.

Every role is a group without a login. The pipeline's own logins and those of readers are their members
(``warehouse.logins``); the owner of the database migrates and belongs to none of them.
"""

from __future__ import annotations

import logging

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

log = logging.getLogger(__name__)

LOADER = "loader"
TRANSFORMER = "transformer"
BI_READER = "bi_reader"
PUBLIC_READER = "public_reader"
MUNICIPALITY_READER = "municipality_reader"
AUDITOR = "auditor"

# Roles that the pipeline takes, each with a login of its own.
PIPELINE = (LOADER, TRANSFORMER)
# Roles that read a schema, and that schema: also the search path of their logins.
READERS = {BI_READER: "marts", PUBLIC_READER: "publish", MUNICIPALITY_READER: "marts", AUDITOR: "ops"}

_BUILT = ("seeds", "staging", "core", "marts", "publish")
# What the pipeline notes of its calculations while it builds.
_BOOK = (
    *("calculation", "calculation_base", "calculation_input", "dbt_node_result", "mart_hash", "mart_year_hash"),
    *("setting", "stage_time", "unhashed_year"),
)
# Who looked into the vault, which key is in use, who reads which municipality: the owner writes, auditors read.
_GUARDED = ("pseudonym_key", "reader", "vault_access")
# What people decided: nothing but the owner, on their behalf, writes it.
_DECIDED = ("publication", "region_change", "school_decision", "withdrawal")
_AUDITED = (*_GUARDED, *_DECIDED, "calculation")

_COMMENTS = {
    LOADER: "Загрузка: пишет в landing и ops, читает справочники",
    TRANSFORMER: "Расчёт: читает landing и ops, владеет тем, что строит dbt",
    BI_READER: "Чтение схемы marts и ничего больше",
    PUBLIC_READER: "Чтение схемы publish и ничего больше",
    MUNICIPALITY_READER: "Чтение в marts строк своего муниципалитета",
    AUDITOR: "Чтение журналов: кто открывал исходные файлы, расчёты, утверждения, отзывы",
}

_BUILT_TABLES = """
select relation.oid::regclass::text, relation.relkind
from pg_catalog.pg_class as relation
where relation.relnamespace = any(%s::regnamespace[]) and relation.relkind in ('r', 'p', 'v', 'm')
    and relation.relowner <> %s::regrole
    -- Made by the migrations: the estimates, and what approved lists rest on.
    and relation.relname !~ '^(estimate|history)_' and relation.oid is distinct from to_regclass('core.decision')
"""
# Who may do what, by what it is about; the order in which rights were given does not matter.
_RIGHTS = """
with
ours as (
    select oid, nspname, nspacl, nspowner from pg_catalog.pg_namespace
    where nspname in ('landing', 'ops', 'seeds', 'staging', 'core', 'marts', 'publish', 'vault')
),
held (what, rights) as (
    select 'схема ' || nspname, coalesce(nspacl, acldefault('n', nspowner)) from ours
    union all
    select 'таблица ' || relation.oid::regclass, coalesce(relacl, acldefault('r', relowner))
    from pg_catalog.pg_class as relation inner join ours on relnamespace = ours.oid
    where relkind in ('r', 'p', 'v', 'm')
    union all
    select 'столбец ' || attrelid::regclass || '.' || attname, coalesce(attacl, '{}')
    from pg_catalog.pg_attribute inner join pg_catalog.pg_class as relation on attrelid = relation.oid
    inner join ours on relnamespace = ours.oid
    where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'v', 'm')
    union all
    select 'функция ' || routine.oid::regprocedure, coalesce(proacl, acldefault('f', proowner))
    from pg_catalog.pg_proc as routine inner join ours on pronamespace = ours.oid
    union all
    select 'права на новое в ' || nspname || ' от ' || defaclrole::regrole || ' ' || defaclobjtype::text, defaclacl
    from pg_catalog.pg_default_acl inner join ours on defaclnamespace = ours.oid
)
select what, (select string_agg(one::text, ',' order by one::text) from unnest(rights) as one) from held
"""
_EXCESS = """
select
    case given.grantee when 0 then 'все' else given.grantee::regrole::text end,
    given.privilege_type, relation.oid::regclass::text
from pg_catalog.pg_class as relation
inner join pg_catalog.pg_namespace as namespace on relation.relnamespace = namespace.oid
cross join lateral aclexplode(relation.relacl) as given
where namespace.nspname in ('landing', 'ops', 'seeds', 'staging', 'core', 'marts', 'publish', 'vault')
    and (
        given.grantee = 0
        or given.privilege_type <> 'SELECT' and given.grantee::regrole::text = any(%s)
        or given.grantee::regrole::text = any(%s)
            and namespace.nspname <> (%s::text[])[array_position(%s::text[], given.grantee::regrole::text)]
            and relation.oid <> 'ops.reader_scope'::regclass
    )
order by 1, 3, 2
"""
_ESTIMATES = """
select oid::regclass::text from pg_catalog.pg_class
where relnamespace = 'core'::regnamespace and relkind in ('r', 'p') and relname ~ '^estimate_'
"""


def create_roles(cursor: Cursor) -> list[str]:
    """Create the roles without any rights: what a backup grants and whom its rules name must be there before.

    Returns the roles that the user may not create.
    """
    refused = []
    for role in (TRANSFORMER, LOADER, *READERS):
        cursor.execute("savepoint roles")
        try:
            _create(cursor, role)
        except errors.InsufficientPrivilege:
            cursor.execute("rollback to savepoint roles")
            refused.append(role)
    return refused


def make_roles(connection: Connection) -> bool:
    """Create the roles and their rights; the rights also hold for tables made later.

    Returns False, with a warning, where the user of one's own server may not create roles.
    """
    made = {role: _attempt(connection, role) for role in (TRANSFORMER, LOADER, *READERS)}
    with connection.cursor() as cursor:
        _close_database(cursor)
    return all(made.values())


def exists(cursor: Cursor, role: str) -> bool:
    """Whether the server has this role."""
    cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
    return cursor.fetchone() is not None


def lacking(cursor: Cursor) -> list[str]:
    """What ``make_roles`` would change, in Russian: rights that somebody has taken away, tables that are another's.

    It is tried within the caller's transaction, which has to be rolled back. Roles that are not there are left out.
    """
    before = _held(cursor)
    others = []
    for role in (TRANSFORMER, LOADER, *READERS):
        if not exists(cursor, role):
            continue
        for statement in _rights(cursor, role):
            if " owner to " in statement:  # would wait for whoever reads the table
                others.append(f"владелец: {statement}")
            else:
                cursor.execute(statement)
    after = _held(cursor)
    return others + sorted(what for what, rights in after.items() if before.get(what) != rights)


def excess(cursor: Cursor) -> list[str]:
    """Rights that nobody should have, in Russian: everybody's, readers' that change or go beyond their schema."""
    readers = list(READERS)
    cursor.execute(_EXCESS, (readers, readers, list(READERS.values()), readers))
    return [f"{role} — {right} на {table}" for role, right, table in cursor.fetchall()]


def _held(cursor: Cursor) -> dict[str, str]:
    cursor.execute(_RIGHTS)
    return dict(cursor.fetchall())


def _attempt(connection: Connection, role: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("savepoint roles")
        try:
            _create(cursor, role)
            for statement in _rights(cursor, role):
                cursor.execute(statement)
        except (errors.InsufficientPrivilege, psycopg2.ProgrammingError) as error:
            cursor.execute("rollback to savepoint roles")
            log.warning(
                "Роль %s не создана или не получила своих прав (%s). Попросите администратора выполнить «create role "
                "%s nologin; grant %s to %s with admin option» и запустите «ravenstvo migrate» ещё раз.",
                *(role, str(error).strip().splitlines()[0], role, role, connection.info.user),
            )
            return False
        return True


def _create(cursor: Cursor, role: str) -> None:
    if not exists(cursor, role):
        cursor.execute("savepoint creation")
        try:
            cursor.execute(f"create role {role} nologin")
        except (errors.DuplicateObject, errors.UniqueViolation):
            cursor.execute("rollback to savepoint creation")  # another database of this server was quicker
    # Whoever is no superuser says so of roles that it has made itself only.
    cursor.execute("select rolsuper from pg_roles where rolname = current_user")
    is_superuser = cursor.fetchone() == (True,)
    if is_superuser:
        cursor.execute(f"comment on role {role} is '{_COMMENTS[role]}'")
    elif role == TRANSFORMER:
        # The owner reads and migrates what dbt builds.
        cursor.execute("select pg_has_role(current_user, %s, 'usage')", (role,))
        if cursor.fetchone() != (True,):
            cursor.execute(f"grant {role} to current_user")


def _rights(cursor: Cursor, role: str) -> list[str]:
    rights = {
        LOADER: _loader,
        TRANSFORMER: _transformer,
        MUNICIPALITY_READER: _municipality_reader,
        AUDITOR: _auditor,
    }.get(role)
    return rights(cursor) if rights else _reader(cursor, role)


def _loader(cursor: Cursor) -> list[str]:
    """Landing is only added to. In ops it also makes and drops the tables that are checked."""
    rights = [
        "grant usage on schema landing, seeds, vault to loader",
        "grant usage, create on schema ops to loader",
        "grant select, insert on all tables in schema landing to loader",
        "alter default privileges in schema landing grant select, insert on tables to loader",
        "grant select, insert, update, delete on all tables in schema ops to loader",
        "alter default privileges in schema ops grant select, insert, update, delete on tables to loader",
        f"revoke all on {_of_ops(*_GUARDED, *_DECIDED)} from loader",
        f"grant select on {_of_ops('pseudonym_key', *_DECIDED)} to loader",
        # Which files were removed when their time had come; number, time and user of an entry are not its to choose.
        "grant insert (action, person, machine_user, file_id, sha256, reason) on ops.vault_access to loader",
        "grant insert on vault.deid_run to loader",
        "grant select, insert on vault.original to loader",
        "grant update (stored_bytes, key_fingerprint, archived_at, removed_at) on vault.original to loader",
        "grant select on all tables in schema seeds to loader",
        "alter default privileges in schema seeds grant select on tables to loader",
    ]
    if exists(cursor, TRANSFORMER):
        rights.append(
            f"alter default privileges for role {TRANSFORMER} in schema seeds grant select on tables to loader"
        )
    return rights


def _transformer(cursor: Cursor) -> list[str]:
    rights = [
        f"grant usage, create on schema {', '.join(_BUILT)} to transformer",
        "grant usage on schema landing, ops to transformer",
        "grant select on all tables in schema landing, ops to transformer",
        "alter default privileges in schema landing grant select on tables to transformer",
        "alter default privileges in schema ops grant select on tables to transformer",
        f"revoke all on {_of_ops(*_GUARDED)} from transformer",
        "grant select on ops.pseudonym_key, ops.reader_scope to transformer",
        f"grant insert, update, delete on {_of_ops(*_BOOK)} to transformer",
        "grant select, insert, delete on core.history_identification, core.history_evidence to transformer",
        "grant select on core.decision to transformer",
    ]
    cursor.execute(_ESTIMATES)
    rights += [f"grant select, insert, update, delete on {table} to transformer" for (table,) in cursor.fetchall()]
    if cursor.connection.server_version >= 170000:
        # Fresh statistics of what was copied in.
        rights.append("grant maintain on all tables in schema landing, ops to transformer")
        rights += [
            f"alter default privileges in schema {schema} grant maintain on tables to transformer"
            for schema in ("landing", "ops")
        ]
    # What an earlier version of the program has built as the owner.
    cursor.execute(_BUILT_TABLES, (list(_BUILT), TRANSFORMER))
    kinds = {"v": "view", "m": "materialized view"}
    rights += [f"alter {kinds.get(kind, 'table')} {table} owner to transformer" for table, kind in cursor.fetchall()]
    return rights


def _reader(cursor: Cursor, role: str) -> list[str]:
    schema = READERS[role]
    rights = [
        f"grant usage on schema {schema} to {role}",
        f"grant select on all tables in schema {schema} to {role}",
        f"alter default privileges in schema {schema} grant select on tables to {role}",
    ]
    if exists(cursor, TRANSFORMER):
        rights.append(
            f"alter default privileges for role {TRANSFORMER} in schema {schema} grant select on tables to {role}"
        )
    return rights


def _municipality_reader(cursor: Cursor) -> list[str]:
    """Tables of marts are opened to it one by one, each with the rule of its rows: dbt's macro ``guard_rows``."""
    return [
        "grant usage on schema marts to municipality_reader",
        "grant select on ops.reader_scope to municipality_reader",
        "grant execute on function ops.own_municipality_name(), ops.own_schools() to municipality_reader",
    ]


def _auditor(cursor: Cursor) -> list[str]:
    return ["grant usage on schema ops to auditor", f"grant select on {_of_ops(*_AUDITED)} to auditor"]


def _of_ops(*tables: str) -> str:
    return ", ".join(f"ops.{table}" for table in tables)


def _close_database(cursor: Cursor) -> None:
    """Only the roles may enter the database, and only the pipeline makes temporary tables."""
    cursor.execute("select quote_ident(current_database())")
    (database,) = cursor.fetchone()  # type: ignore[misc]
    roles = [role for role in (*PIPELINE, *READERS) if exists(cursor, role)]
    pipeline = [role for role in PIPELINE if role in roles]
    cursor.execute("savepoint database")
    try:
        cursor.execute(f"revoke connect, temporary on database {database} from public")
        if roles:
            cursor.execute(f"grant connect on database {database} to {', '.join(roles)}")
        if pipeline:
            cursor.execute(f"grant temporary on database {database} to {', '.join(pipeline)}")
    except errors.InsufficientPrivilege:
        cursor.execute("rollback to savepoint database")  # the database is another's: its rights are not ours to give
