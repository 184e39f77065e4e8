"""Two regions in one shared warehouse: side by side, never mixed, each seen by its own readers."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors
from ravenstvo.runtime.shared import readers
from ravenstvo.runtime.shared.collect import collect, forget, listed, shared
from ravenstvo.runtime.shared.contract import Relation, relations
from ravenstvo.runtime.shared.tables import SharedError
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect, url_parameters
from ravenstvo.warehouse.migrate import upgrade
from sqlalchemy.engine import make_url

# Of every kind: a mart, facts with and without personal columns, one with a copy in marts and one without, a dimension.
SHARED = ("dim_school", "fct_deficit", "fct_result", "fct_school_procedure", "mart_identification")
PERSONAL = {"person_id", "person_key", "name_key", "pupil_code", "snils_state", "certificate_no", "birth_year"}
# What a description of a column of people says, and the columns that say it of something else.
OF_PEOPLE = ("псевдоним", "СНИЛС", "рожден", "удостоверени", "Код участника")


@dataclass(frozen=True)
class Region:
    """A region's own warehouse and the file with its address."""

    code: str
    settings: Settings
    origin: Path

    def fill(self, share: float, schools: tuple[str, ...] = ("C000001", "C000002")) -> None:
        """Two schools whose codes other regions have too, and their share in a procedure."""
        with connect(self.settings) as connection, connection.cursor() as cursor:
            for table in ("marts.dim_school", "marts.fct_school_procedure", "marts.fct_result", "core.fct_deficit"):
                cursor.execute(f"delete from {table}")
            for school in schools:
                cursor.execute(
                    "insert into marts.dim_school (region_code, school_version_id, school_id, name, is_current) "
                    "values (%s, %s, %s, %s, true)",
                    (self.code, f"{school}:1", school, f"Школа {school} региона {self.code}\t«х»\n\\N"),
                )
                cursor.execute(
                    "insert into marts.fct_school_procedure (region_code, year, school_id, procedure_code, "
                    "share_below_min) values (%s, 2022, %s, 'ege_rus', %s)",
                    (self.code, school, share),
                )
                cursor.execute(
                    "insert into marts.fct_result (region_code, year, school_id, person_key, mark) "
                    "values (%s, 2022, %s, 'псевдоним', null)",
                    (self.code, school),
                )
                cursor.execute(
                    "insert into core.fct_deficit (region_code, school_id, person_id) values (%s, %s, 'псевдоним')",
                    (self.code, school),
                )


@pytest.fixture(scope="module")
def nodes(parsed_project: Path) -> list[dict[str, Any]]:
    manifest = json.loads((parsed_project / "manifest.json").read_text(encoding="utf-8"))
    return list(manifest["nodes"].values())


@pytest.fixture(scope="module")
def wanted(nodes: list[dict[str, Any]]) -> list[Relation]:
    return [relation for relation in relations(nodes) if relation.name in SHARED]


@pytest.fixture(scope="module")
def national(new_warehouse: Callable[[], Settings]) -> Settings:
    """Settings of an empty shared warehouse."""
    own = new_warehouse()
    return Settings(home=own.home, shared_url=own.warehouse_url, warehouse_url=own.warehouse_url)


@pytest.fixture(scope="module")
def regions(
    new_warehouse: Callable[[], Settings], nodes: list[dict[str, Any]], wanted: list[Relation]
) -> dict[str, Region]:
    """Regions 01 and 02 as dbt leaves them: tables with all columns of their documents, a calculation that is done."""
    made = {}
    documents = {(n["schema"], n.get("alias")): n for n in nodes if n["resource_type"] == "model"}
    for code in ("01", "02"):
        settings = new_warehouse()
        upgrade(settings)
        with connect(settings) as connection, connection.cursor() as cursor:
            for relation in wanted:
                columns = documents[relation.schema, relation.name]["columns"].values()
                listing = ", ".join(f"{column['name']} {column['data_type']}" for column in columns)
                cursor.execute(f"create table {relation.schema}.{relation.name} ({listing})")
            cursor.execute(
                "insert into ops.source_file (sha256, name, path, size_bytes, status, region_code) "
                "values (%s, 'a', 'a', 1, 'landed', %s)",
                (code, code),
            )
            cursor.execute(
                "insert into ops.calculation (calculation_id, year, years, status, inputs_hash, code_version, "
                "seeds_hash) values ('2022-1', 2022, '{2022}', 'done', '', 'v', '')"
            )
            cursor.execute(
                "insert into ops.pseudonym_key (version, fingerprint, made_by, reason) values (1, %s, 'я', 'новый')",
                (f"ключ {code}",),
            )
        origin = settings.home / "address"
        origin.write_text(f"{settings.warehouse_url}\n", encoding="utf-8")
        made[code] = Region(code, settings, origin)
    return made


@pytest.fixture
def both(national: Settings, regions: dict[str, Region], wanted: list[Relation]) -> Callable[[str], list[Any]]:
    """Both regions collected; asks the shared warehouse as its owner."""
    for code, region in regions.items():
        region.fill(int(code) / 10)
        collect(national, region.origin, wanted=wanted)

    def ask(statement: str) -> list[Any]:
        with shared(national) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    return ask


def test_an_empty_shared_warehouse_has_no_region(new_warehouse: Callable[[], Settings]) -> None:
    own = new_warehouse()
    bare = Settings(home=own.home, shared_url=own.warehouse_url, warehouse_url=own.warehouse_url)
    assert listed(bare) == []
    with pytest.raises(SharedError, match="02"):
        forget(bare, "02")


SHARES = "select region_code, school_id, share_below_min from national.fct_school_procedure order by 1, 2"
TWO_REGIONS = [("01", "C000001", 0.1), ("01", "C000002", 0.1), ("02", "C000001", 0.2), ("02", "C000002", 0.2)]


def test_no_column_of_people_is_shared(nodes: list[dict[str, Any]]) -> None:
    documents = {(n["schema"], n.get("alias")): n for n in nodes if n["resource_type"] == "model"}
    found = relations(nodes)
    assert len(found) > 70
    assert {"fct_result", "fct_staff", "mart_identification"} <= {relation.name for relation in found}
    for relation in found:
        columns = documents[relation.schema, relation.name]["columns"]
        shared_names = {column.name for column in relation.columns}
        assert not shared_names & PERSONAL
        of_people = [name for name in shared_names if any(word in columns[name]["description"] for word in OF_PEOPLE)]
        # Counts of pupils by year of birth, and what a rule does with people without a number.
        assert [name for name in of_people if columns[name]["data_type"] == "text"] == [], relation.name


def test_regions_with_the_same_codes_lie_side_by_side(both: Callable[[str], list[Any]]) -> None:
    assert both(SHARES) == TWO_REGIONS
    joined = "national.fct_school_procedure inner join national.dim_school using (region_code, school_id)"
    assert both(f"select count(*) from {joined}") == [(4,)]
    assert both("select name from national.dim_school where region_code = '02' and school_id = 'C000001'") == [
        ("Школа C000001 региона 02\t«х»\n\\N",)
    ]
    with pytest.raises(errors.UniqueViolation):
        both("insert into national.dim_school select * from national.dim_school limit 1 returning 1")


def test_a_region_is_replaced_as_a_whole_and_may_be_taken_out(
    both: Callable[[str], list[Any]], national: Settings, regions: dict[str, Region], wanted: list[Relation]
) -> None:
    before = both("select * from national.fct_school_procedure order by 1, 3")
    collect(national, regions["02"].origin, wanted=wanted)
    assert both("select * from national.fct_school_procedure order by 1, 3") == before

    regions["02"].fill(0.5, schools=("C000003",))
    collected = collect(national, regions["02"].origin, wanted=wanted)
    assert (collected.region_code, collected.rows["fct_school_procedure"]) == ("02", 1)
    assert both(SHARES) == [*TWO_REGIONS[:2], ("02", "C000003", 0.5)]

    forget(national, "02")
    assert both(SHARES) == TWO_REGIONS[:2]
    assert [region for region, *_ in listed(national)] == ["01"]
    with pytest.raises(SharedError, match="02"):
        forget(national, "02")


def test_killed_in_the_middle_it_leaves_the_old_rows(
    both: Callable[[str], list[Any]], national: Settings, regions: dict[str, Region], wanted: list[Relation]
) -> None:
    regions["01"].fill(0.9)
    url = make_url(str(national.shared_url))
    with psycopg2.connect(**url_parameters(url)) as reading, reading.cursor() as cursor:
        # Somebody reads: all rows have come, and the last table to be swapped waits.
        cursor.execute("lock table national.mart_identification in access share mode")
        # A process of its own: a copy of this one could hold the locks of other tests' threads, which it does not have.
        process = multiprocessing.get_context("spawn").Process(
            target=collect, args=(national, regions["01"].origin), kwargs={"wanted": wanted}
        )
        process.start()
        until = time.monotonic() + 120
        while process.is_alive() and time.monotonic() < until:
            cursor.execute(
                "select pg_sleep(0.05); select count(*) from pg_locks where not granted "
                "and relation = 'national.mart_identification'::regclass "
                "and database = (select oid from pg_database where datname = current_database())"
            )
            if cursor.fetchone() == (1,):
                break
        else:
            pytest.fail(f"it did not come to the end of its copying: exit code {process.exitcode}")
        process.kill()
        process.join()
        assert process.exitcode == -9
    reading.close()
    assert both(SHARES) == TWO_REGIONS
    collect(national, regions["01"].origin, wanted=wanted)
    assert both(SHARES)[0] == ("01", "C000001", 0.9)


def test_what_is_not_as_promised_is_refused(
    both: Callable[[str], list[Any]], national: Settings, regions: dict[str, Region], wanted: list[Relation]
) -> None:
    with connect(regions["01"].settings) as connection:
        connection.cursor().execute("alter table core.fct_deficit rename stage to stage_")
    with pytest.raises(SharedError, match=r"core\.fct_deficit\.stage: столбца нет"):
        collect(national, regions["01"].origin, wanted=wanted)
    with connect(regions["01"].settings) as connection:
        connection.cursor().execute(
            "alter table core.fct_deficit rename stage_ to stage; update ops.calculation set status = 'running'"
        )
    with pytest.raises(SharedError, match="идёт расчёт"):
        collect(national, regions["01"].origin, wanted=wanted)
    with connect(regions["01"].settings) as connection:
        connection.cursor().execute(
            "update ops.calculation set status = 'done'; update ops.source_file set region_code = '02'"
        )
    with pytest.raises(SharedError, match="Код 02 уже принёс другой регион"):
        collect(national, regions["01"].origin, wanted=wanted)
    # A row that names another region than the warehouse's files.
    with connect(regions["01"].settings) as connection:
        connection.cursor().execute("update ops.source_file set region_code = '03'")
    with pytest.raises(errors.CheckViolation):
        collect(national, regions["01"].origin, wanted=wanted)
    with connect(regions["01"].settings) as connection:
        connection.cursor().execute("update ops.source_file set region_code = '01'")
    assert both(SHARES) == TWO_REGIONS


def test_what_is_no_region_is_told_and_left_alone(national: Settings, new_warehouse: Callable[[], Settings]) -> None:
    folder = national.home / "не та папка"
    folder.mkdir()
    address = national.home / "address"
    with pytest.raises(SharedError, match="нет хранилища"):
        collect(national, folder, wanted=[])
    assert list(folder.iterdir()) == []
    for wrong in ("not an address", "mysql://a:password@c/d", "postgresql://a:" + "hunter-2" + "@host:port/base"):
        address.write_text(wrong, encoding="utf-8")
        with pytest.raises(SharedError, match="нужен адрес PostgreSQL") as told:
            collect(national, address, wanted=[])
        assert "hunter" not in str(told.value)
    address.write_text(str(new_warehouse().warehouse_url), encoding="utf-8")
    with pytest.raises(SharedError, match="выполните в нём «ravenstvo run»"):
        collect(national, address, wanted=[])


VIEWS = """
create or replace view national.invoked with (security_invoker) as
select school.region_code, school.name, fact.share_below_min
from national.dim_school as school
inner join national.fct_school_procedure as fact using (region_code, school_id);
grant select on national.invoked to national_reader, region_reader
"""
SEES = (
    "select distinct region_code from dim_school",
    "select distinct region_code from national.fct_result",
    "select distinct region_code from fct_deficit union select region_code from fct_school_procedure",
    "select distinct a.region_code from dim_school as a join fct_school_procedure as b using (school_id)",
    "select distinct b.region_code from dim_school as a left join fct_school_procedure as b using (school_id)",
    "select distinct region_code from invoked",
    "select distinct region_code from (select * from dim_school order by name) as inner_one",
    "with listed as materialized (select * from fct_result) select distinct region_code from listed",
    "select region_code from collection",
)
SEES_NOT = (
    "select * from region_01.dim_school",
    "select * from region_02.dim_school",
    "select * from national.reader",
    "select * from national.reader_change",
    "select person_key from fct_result",
    "set default_transaction_read_only = off; begin read write; delete from dim_school",
    "set role national_reader; select * from dim_school",
    "set row_security = off; select * from dim_school",
)


@pytest.mark.parametrize("code", ["01", "02", None])
def test_a_reader_sees_its_region_whatever_it_asks(
    both: Callable[[str], list[Any]], national: Settings, code: str | None
) -> None:
    with shared(national) as connection:
        connection.cursor().execute(VIEWS)
    login = readers.add(national, code, "Иванова", "сводный отчёт")
    assert (login, code) in readers.listed(national)
    password = next(
        line.split(",")[1]
        for line in readers.passwords_file(national).read_text(encoding="utf-8").splitlines()
        if line.startswith(f"{login},")
    )
    expected = {(code,)} if code else {("01",), ("02",)}
    own = url_parameters(make_url(str(national.shared_url))) | {"user": login, "password": password}
    connection = psycopg2.connect(**own)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in SEES:
            cursor.execute(statement)
            assert set(cursor.fetchall()) == expected, statement
        for statement in SEES_NOT:
            if code is None and "set role" in statement:
                continue
            with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedColumn)):
                cursor.execute(statement)
            cursor.execute("rollback; reset all")
    connection.close()
    readers.remove(national, login, "Иванова", "отчёт сдан")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(**own)
    with pytest.raises(SharedError, match="--by"):
        readers.add(national, code, "", "")
