from __future__ import annotations

import time

import psycopg2
import pytest
from psycopg2 import errors
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import landing, roles
from ravenstvo.warehouse.connection import connect, engine
from ravenstvo.warehouse.migrate import MIGRATIONS, alembic_config, shape, upgrade
from ravenstvo.warehouse.one_way import DowngradeError


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


# What a warehouse is made of, but for the order in which columns came.
_MADE_OF = """
select 'column', attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod), attnotnull::text,
    pg_get_expr(adbin, adrelid)
from pg_attribute join pg_class as relation on attrelid = relation.oid
left join pg_attrdef on adrelid = attrelid and adnum = attnum
where relnamespace = any(array['ops', 'landing', 'core', 'vault']::regnamespace[]) and attnum > 0
    and not attisdropped and relkind in ('r', 'v')
union all
select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
from pg_constraint where connamespace = any(array['ops', 'landing', 'core', 'vault']::regnamespace[]) and contype <> 'n'
union all
select 'index', tablename, indexname, indexdef, '', '' from pg_indexes where schemaname in ('ops', 'core', 'vault')
union all
select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '' from pg_trigger where not tgisinternal
union all
select 'function', proname, '', pg_get_functiondef(oid), '', '' from pg_proc where pronamespace = 'ops'::regnamespace
order by 1, 2, 3, 4
"""
_OLD_ROWS = """
insert into ops.source_file (sha256, name, path, size_bytes, status) values ('0a', 'а', 'а', 1, 'landed');
insert into ops.source_part (file_id, sheet, block_no, source, year, content_key, scope_kind, status, n_rows_read,
  n_rows_dropped, n_rows_landed, n_records, in_force, landed_at)
select file_id, 'Лист1', 1, 'vpr_result', 2022, 'vpr_result|2022', 'region', 'landed', 1, 0, 1, 1, true, now()
from ops.source_file;
insert into landing.vpr_result (file_id, part_id, row_no, mark) select file_id, part_id, 7, '4' from ops.source_part;
insert into ops.calculation (calculation_id, year, years, status) values ('2022-old', 2022, '{2022}', 'done');
insert into ops.stage_time values ('2022-old', 'marts', 1.5);
"""
_KEPT_ROWS = """
select sha256, part.status, in_force, row_no, mark, calculation_id, seconds
from ops.source_file join ops.source_part as part using (file_id) join landing.vpr_result using (part_id),
    ops.calculation join ops.stage_time using (calculation_id)
"""
_REVISIONS = sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _older(settings: Settings, revision: str) -> None:
    """A warehouse as the program made it when this was the last migration; without roles, and one source to land."""
    from alembic import command

    config = alembic_config()
    with engine(settings).begin() as connection:
        connection.exec_driver_sql("create schema ops")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    with connect(settings) as connection, connection.cursor() as cursor:
        landing.make_tables(cursor, {"vpr_result": load_sources()["vpr_result"]})


def _lacking(settings: Settings) -> list[str]:
    with connect(settings) as connection, connection.cursor() as cursor:
        lacking = roles.lacking(cursor)
        connection.rollback()
    return lacking


def test_a_warehouse_of_any_earlier_version_becomes_what_a_new_one_is(
    warehouse: Settings, module_warehouse: Settings
) -> None:
    upgrade(module_warehouse)
    wanted = _rows(module_warehouse, _MADE_OF)
    assert _lacking(module_warehouse) == []
    for revision in _REVISIONS[:-1]:
        _older(warehouse, revision)
        _do(warehouse, _OLD_ROWS)
        before = shape(warehouse)
        assert (before.revisions, before.unknown, before.is_current) == ([revision], [], False)
        assert upgrade(warehouse)
        assert _rows(warehouse, _MADE_OF) == wanted, revision
        assert _rows(warehouse, _KEPT_ROWS) == [("0a", "landed", True, 7, "4", "2022-old", 1.5)], revision
        assert shape(warehouse).is_current
        assert _lacking(warehouse) == [], revision
        for (schema,) in _rows(warehouse, "select nspname from pg_namespace where nspname !~ '^(pg_|info|public)'"):
            _do(warehouse, f"drop schema {schema} cascade")


def test_there_is_no_way_back(warehouse: Settings) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    upgrade(warehouse)
    config = alembic_config()
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    # The program tells a warehouse's revision from those it knows by the names of the files.
    assert sorted(script.revision for script in scripts) == _REVISIONS
    for script in scripts:
        with pytest.raises(DowngradeError, match="не переводится назад"):
            script.module.downgrade()
    with pytest.raises(DowngradeError), engine(warehouse).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
    assert shape(warehouse).is_current


def test_a_warehouse_of_a_newer_program_is_left_alone(warehouse: Settings) -> None:
    upgrade(warehouse)
    newest = _REVISIONS[-1]
    # As a newer program leaves it: its own revision, its own stamp, columns and rights of its own.
    _do(warehouse, "update ops.schema_version set version_num = '9999'")
    _do(warehouse, "update ops.setting set value = 'newer' where name = 'schema'")
    _do(warehouse, "alter table landing.school drop column inn; revoke select on ops.calculation from loader")
    stamps = "select name, value from ops.setting order by name"
    before = _rows(warehouse, _MADE_OF), _rows(warehouse, stamps), _lacking(warehouse)
    for anew in (False, True):
        with pytest.raises(DowngradeError, match=f"9999, а эта программа знает устройство по {newest}"):
            upgrade(warehouse, anew=anew)
    assert (_rows(warehouse, _MADE_OF), _rows(warehouse, stamps), _lacking(warehouse)) == before
