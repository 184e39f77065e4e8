from __future__ import annotations

import time

import psycopg2
import pytest
from psycopg2 import errors
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade


def _rows(settings: Settings, statement: str) -> list[tuple]:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _do(settings: Settings, statement: str) -> None:
    with connect(settings) as connection:
        connection.cursor().execute(statement)


def test_a_second_upgrade_changes_nothing_and_is_quick(warehouse: Settings) -> None:
    shape = "select table_schema, table_name, column_name, data_type from information_schema.columns order by 1, 2, 3"
    assert upgrade(warehouse)
    before = _rows(warehouse, shape)
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        assert not upgrade(warehouse)
        seconds.append(time.monotonic() - started)
    # The machine may be busy with other tests: the quickest time is the one that the upgrade itself takes.
    assert min(seconds) < 0.5
    assert _rows(warehouse, shape) == before


def test_every_source_has_its_landing_table(warehouse: Settings) -> None:
    upgrade(warehouse)
    query = "select table_name, column_name, data_type from information_schema.columns where table_schema = 'landing'"
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in _rows(warehouse, query):
        columns.setdefault(table, {})[column] = kind
    assert set(columns) == set(load_sources())
    for name, source in load_sources().items():
        assert set(columns[name]) == {"file_id", "part_id", "row_no", *source.column_names}
        kinds = {columns[name][column] for column in source.column_names}
        assert kinds <= {"text", "json"}


def test_a_column_new_in_its_document_is_added_to_a_filled_table(warehouse: Settings) -> None:
    upgrade(warehouse)
    _do(warehouse, "alter table landing.school drop column inn")
    _do(warehouse, "insert into landing.school (file_id, part_id, row_no, school_code) values (1, 1, 1, '101001')")
    _do(warehouse, "delete from ops.setting")
    assert upgrade(warehouse)
    assert _rows(warehouse, "select school_code, inn from landing.school") == [("101001", None)]


def test_every_table_and_column_of_the_bookkeeping_is_described(warehouse: Settings) -> None:
    upgrade(warehouse)
    bare = _rows(
        warehouse,
        """
        select c.relname, a.attname from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped
        where c.relnamespace in ('ops'::regnamespace, 'landing'::regnamespace) and c.relkind in ('r', 'v')
          and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)
        """,
    )
    assert bare == []


def test_bi_reader_reads_marts_and_nothing_else(warehouse: Settings) -> None:
    upgrade(warehouse)
    # A table made after the roles, as dbt makes it; and one in every other schema.
    schemas = ("landing", "ops", "seeds", "staging", "core", "publish", "vault")
    _do(warehouse, "create table marts.later as select 1 as one")
    for schema in schemas:
        _do(warehouse, f"create table {schema}.closed as select 1 as one")

    def as_reader(statement: str) -> list[tuple]:
        return _rows(warehouse, f"set local role bi_reader; {statement}")

    assert as_reader("select one from marts.later") == [(1,)]
    for schema in schemas:
        with pytest.raises(errors.InsufficientPrivilege):
            as_reader(f"select one from {schema}.closed")
    for statement in (
        "insert into marts.later values (2)",
        "drop table marts.later",
        "create table marts.mine as select 1 as one",
        "create table public.mine as select 1 as one",
    ):
        with pytest.raises(psycopg2.Error) as refused:
            as_reader(f"{statement} returning 1" if statement.startswith("insert") else statement)
        assert isinstance(refused.value, errors.InsufficientPrivilege), statement


def test_a_user_who_may_not_create_roles_is_warned_and_goes_on(
    warehouse: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    database = _rows(warehouse, "select current_database()")[0][0]
    # The roles are common to all databases of the server: they must not be there yet for this user.
    _do(warehouse, f"create role owner_{database} login password 'secret'")
    _do(warehouse, f'grant create on database "{database}" to owner_{database}')
    from sqlalchemy.engine import make_url

    own = make_url(warehouse.warehouse_url).set(username=f"owner_{database}", password="secret")
    limited = Settings(home=warehouse.home, warehouse_url=own.render_as_string(hide_password=False), airflow_url=None)
    for role in ("bi_reader", "public_reader"):
        _do(warehouse, f"do $$ begin alter role {role} rename to {role}_away; exception when others then null; end $$")
    try:
        assert upgrade(limited)
        assert "bi_reader" in caplog.text
        assert _rows(limited, "select count(*) from ops.source_file") == [(0,)]
        assert _rows(limited, "select count(*) from landing.vpr_result") == [(0,)]
    finally:
        for role in ("bi_reader", "public_reader"):
            _do(
                warehouse,
                f"do $$ begin alter role {role}_away rename to {role}; exception when others then null; end $$",
            )
        _do(warehouse, f"drop owned by owner_{database} cascade; drop role owner_{database}")
