"""What each role may and may not do: by trying it, with a login of its own, on tables as dbt makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors
from ravenstvo.settings import Settings
from ravenstvo.warehouse import journal, logins, roles
from ravenstvo.warehouse.connection import connect, parameters
from ravenstvo.warehouse.migrate import upgrade

PASSWORD = "0" * 48
Try = Callable[[str, str], list[tuple[Any, ...]]]

# As `dbt` leaves them: built by the pipeline after the roles were made.
_BUILT = """
create table seeds.subject as select 'rus' as subject_code;
create view staging.stg_school as select school_code from landing.school;
create table core.fct as select 1 as one;
create table marts.mart as select 1 as one;
create table marts.kept as select 1 as one;
create table publish.publish_it as select 1 as one;
"""
# And once more: one table replaced by another under its name, one that stays and gets new rows.
_REBUILT = """
create table marts.mart__dbt_tmp as select 1 as one;
drop table marts.mart cascade;
alter table marts.mart__dbt_tmp rename to mart;
delete from marts.kept; insert into marts.kept values (1);
"""

READS = "select one from {}"
MAY = {
    "loader": (
        "insert into landing.school (file_id, part_id, row_no) values (1, 1, 1)",
        "select count(*) from landing.school",
        "insert into ops.setting values ('tried', '1')",
        "update ops.setting set value = '2' where name = 'tried'",
        "create unlogged table ops.check_tried as select 1 as one",
        "drop table ops.check_tried",
        "create temp table tried as select 1",
        "select * from seeds.subject",
        "select version from ops.pseudonym_key",
        "insert into ops.vault_access (action, person, machine_user, reason) values ('expire', 'я', 'm', 'срок')",
    ),
    "transformer": (
        "select count(*) from landing.school",
        "analyze landing.school",
        "create table marts.tried as select 1 as one",
        "drop table marts.tried",
        "create view staging.tried as select 1 as one",
        "drop view staging.tried",
        "create table publish.tried (one int)",
        "drop table publish.tried",
        "delete from core.estimate_marker",
        "insert into ops.setting values ('tried too', '1')",
        "delete from ops.setting where name = 'tried too'",
    ),
    "bi_reader": ("select one from marts.mart", "select one from marts.kept"),
    "public_reader": ("select one from publish.publish_it",),
    "municipality_reader": ("select 1",),
    "auditor": ("select count(*) from ops.vault_access", "select count(*) from ops.withdrawal"),
}
MAY_NOT = {
    "loader": (
        "update landing.school set school_code = '1'",
        "delete from landing.school",
        "drop table landing.school",
        "create table landing.mine (one int)",
        "select one from marts.mart",
        "select one from core.fct",
        "select * from staging.stg_school",
        "select * from ops.vault_access",
        "update ops.vault_access set person = 'не я'",
        "insert into ops.vault_access (access_id, action, person, machine_user, reason, happened_at, login, "
        "previous_hash, entry_hash) values (7, 'expire', 'я', 'm', 'срок', now(), 'x', '', '')",
        "insert into ops.reader (login, municipality_code, added_by) values ('x', '1', 'я')",
        "insert into ops.pseudonym_key (version, fingerprint, made_by, reason) values (9, 'x', 'x', 'x')",
        "delete from ops.publication",
        "delete from ops.withdrawal",
        "delete from ops.school_decision",
        "delete from vault.original",
        "insert into seeds.subject values ('x')",
    ),
    "transformer": (
        "insert into landing.school (file_id, part_id, row_no) values (1, 1, 1)",
        "truncate landing.school",
        "create table landing.mine (one int)",
        "update ops.source_file set name = 'x'",
        "delete from ops.publication",
        "create table ops.mine (one int)",
        "select * from ops.vault_access",
        "select * from ops.reader",
        "select * from vault.original",
        "delete from core.decision",
        "alter table core.decision disable trigger all",
        "update core.history_identification set year = 1",
        "create schema mine",
    ),
    "bi_reader": (
        *map(READS.format, ("core.fct", "publish.publish_it")),
        "select * from staging.stg_school",
        "select * from landing.school",
        "select * from ops.source_file",
        "select * from ops.reader_scope",
        "select * from vault.original",
        "insert into marts.mart values (2)",
        "drop table marts.mart",
        "create table marts.mine (one int)",
    ),
    "public_reader": (
        *map(READS.format, ("marts.mart", "core.fct")),
        "select * from landing.school",
        "select * from ops.source_file",
        "delete from publish.publish_it",
    ),
    # A mart that nobody has given a rule is closed to it.
    "municipality_reader": (
        *map(READS.format, ("marts.mart", "core.fct", "publish.publish_it")),
        "select * from ops.reader",
        "select * from ops.reader_scope",
        "insert into ops.reader (login, municipality_code, added_by) values (current_user, '1', 'x')",
        "alter table marts.mart disable row level security",
    ),
    "auditor": (
        "select one from marts.mart",
        "select * from ops.source_file",
        "select * from landing.school",
        "select * from vault.original",
        "insert into ops.vault_access (action, person, machine_user, reason) values ('expire', 'я', 'm', 'срок')",
        "update ops.vault_access set person = 'не я'",
        "delete from ops.vault_access",
        "truncate ops.vault_access",
        "alter table ops.vault_access disable trigger all",
    ),
}
# Ways out of a role, for every one of them.
ESCAPES = (
    "set role {owner}",
    "set session authorization {owner}",
    "select rolpassword from pg_authid",
    "select * from pg_user_mapping",
    "copy (select 1) to program 'id'",
    "copy (select 1) to '/tmp/ravenstvo_tried'",
    "create temp table t (x text); copy t from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
    "alter role current_user createrole",
    "create role mine",
    "create extension vector schema public",
    "create table public.mine (one int)",
    "set log_statement = 'none'",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{owner}'",
    "set session_replication_role = replica",
    "do $$ begin execute 'set role {owner}'; end $$",
)


@pytest.fixture(scope="module")
def attempt(module_warehouse: Settings) -> Iterator[Try]:
    """A statement of a role, in a transaction that is kept. Readers' logins start as read-only: here they do not."""
    upgrade(module_warehouse)
    for role in roles.READERS:
        logins.make_login(module_warehouse, f"try_{role}", role, PASSWORD)
    with connect(module_warehouse, roles.TRANSFORMER) as connection:
        connection.cursor().execute(_BUILT)
    own = {role: parameters(module_warehouse, role) for role in roles.PIPELINE}
    base = parameters(module_warehouse)

    def run(role: str, statement: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(**own.get(role, base | {"user": f"try_{role}", "password": PASSWORD}))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("set transaction read write")
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    yield run
    with connect(module_warehouse) as connection:
        for role in roles.READERS:
            connection.cursor().execute(f"drop role try_{role}")


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_do_its_work(attempt: Try, role: str) -> None:
    for statement in MAY[role]:
        attempt(role, statement)


@pytest.mark.parametrize("role", MAY_NOT)
def test_a_role_may_do_nothing_else(attempt: Try, role: str, module_warehouse: Settings) -> None:
    owner = parameters(module_warehouse)["user"]
    for statement in (*MAY_NOT[role], *(escape.format(owner=owner) for escape in ESCAPES)):
        with pytest.raises(psycopg2.Error) as refused:
            attempt(role, statement)
        assert isinstance(refused.value, errors.InsufficientPrivilege), statement
    for other in {*MAY} - {role}:
        with pytest.raises(errors.InsufficientPrivilege):
            attempt(role, f"set role {other}")


@pytest.mark.parametrize("role", roles.READERS)
def test_a_reader_keeps_to_its_schema_whatever_the_search_path_is(attempt: Try, role: str) -> None:
    with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedTable)):
        attempt(role, "set local search_path = core, ops, landing, staging, vault; select * from fct")
    with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedTable)):
        attempt(role, "select query_to_xml('select * from landing.school', true, false, '')")


def test_what_dbt_builds_anew_is_readable_without_a_hand(attempt: Try) -> None:
    attempt("transformer", _REBUILT)
    assert attempt("bi_reader", "select one from marts.mart natural join marts.kept") == [(1,)]
    assert attempt("loader", "select * from seeds.subject") == [("rus",)]


def test_the_pipeline_works_under_its_own_logins_and_they_own_nothing_by_name(module_warehouse: Settings) -> None:
    upgrade(module_warehouse)
    for role in roles.PIPELINE:
        with connect(module_warehouse, role) as connection, connection.cursor() as cursor:
            cursor.execute("select current_user, session_user, rolsuper from pg_roles where rolname = session_user")
            database = connection.info.dbname
            assert cursor.fetchone() == (role, f"{database}_{role}", False)


def test_a_password_that_another_home_has_changed_is_set_again(module_warehouse: Settings) -> None:
    upgrade(module_warehouse)
    with connect(module_warehouse) as connection:
        login = parameters(module_warehouse, roles.LOADER)["user"]
        connection.cursor().execute(f"alter role \"{login}\" password 'another'")
    with pytest.raises(psycopg2.OperationalError), connect(module_warehouse, roles.LOADER):
        pass
    upgrade(module_warehouse)
    with connect(module_warehouse, roles.LOADER):
        pass


def test_the_journal_shows_what_was_done_to_it(module_warehouse: Settings) -> None:
    upgrade(module_warehouse)

    def note(reason: str) -> None:
        with connect(module_warehouse) as connection, connection.cursor() as cursor:
            journal.note(cursor, "restore", "Иванова А. А.", reason, 1)

    def broken() -> list[bool]:
        with connect(module_warehouse) as connection, connection.cursor() as cursor:
            return [entry.is_broken for entry in journal.entries(cursor)]

    note("первая")
    note("вторая")
    note("третья")
    assert not any(broken())
    # The owner is refused too; whoever takes the trigger away leaves a trace.
    for statement in (
        "update ops.vault_access set reason = 'x'",
        "delete from ops.vault_access",
        "truncate ops.vault_access",
    ):
        with pytest.raises(errors.RestrictViolation), connect(module_warehouse) as connection:
            connection.cursor().execute(statement)
    last = len(broken())
    with connect(module_warehouse) as connection:
        connection.cursor().execute(
            "alter table ops.vault_access disable trigger keep;"
            f"update ops.vault_access set reason = 'другая' where access_id = {last - 1}"
        )
    assert broken()[-2:] == [True, False]
    with connect(module_warehouse) as connection:
        connection.cursor().execute(
            f"delete from ops.vault_access where access_id = {last - 1};"
            "alter table ops.vault_access enable trigger keep"
        )
    assert broken()[-1]
    with pytest.raises(journal.JournalError, match="--by"):
        note(" ")
