"""Nothing is lost, whatever happens: killed at many points, corrected, calculated again as it was.

One home goes through all of it, in the order of the tests.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corrected_files as sent
import psutil
import pytest
from older import make_older
from patient import CALCULATION, INTAKE, Patient, patient
from ravenstvo.calculation import mart_hashes
from ravenstvo.intake.discover import read_inbox
from ravenstvo.intake.landing import land
from ravenstvo.intake.versions import settle
from ravenstvo.publishing.corrected import corrected_lines, corrections_of
from ravenstvo.runtime.as_of import recalculate_as_of
from ravenstvo.runtime.backup import back_up
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.runtime.withdrawal import withdraw
from ravenstvo.sample import generate
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import server
from ravenstvo.warehouse.as_of import warehouse_as_of
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

pytestmark = pytest.mark.slow(seconds=170)

YEAR = 2022
# The shape that a warehouse of an earlier version has: the earliest that knows withdrawn files, of which there is one.
OLDER = "0005"
KILLS = 30
# Seconds from the beginning of a step to its deaths: the first ones in any step on any machine, then later and later.
FIRST, LATER = (0.01, 0.05, 0.14), 5.0

# A file is in landing whole or not at all: as many rows as its part says, each once, and none of nobody's.
_HALF = """
(select part.part_id, part.n_records, count(landed.row_no)
from ops.source_part as part left join landing.{source} as landed using (part_id)
where part.source = '{source}' and part.status = 'landed'
group by part.part_id, part.n_records having part.n_records <> count(landed.row_no)
union all
select landed.part_id, 0, count(*) from landing.{source} as landed left join ops.source_part as part using (part_id)
where part.part_id is null or part.file_id <> landed.file_id
    or part.status not in ('landed', 'withdrawn') group by landed.part_id)
"""
_TWICE = """
(select part_id, row_no, count(*) from landing.{source} group by part_id, row_no{record} having count(*) > 1)
"""
_PARTS_TWICE = """
select file_id, sheet, block_no, content_key from ops.source_part group by 1, 2, 3, 4 having count(*) > 1
"""
# What landing holds, without the numbers that files and parts have in one home.
_LANDED = """
select file.sha256, part.sheet, part.block_no, part.content_key, part.in_force, part.version, count(landed.*),
    sum(hash_record_extended(row(landed.*), 0))
from ops.source_part as part
join ops.source_file as file using (file_id)
left join lateral (select row_no, {columns} from landing.{source} as rows where rows.part_id = part.part_id) as landed
    on true
where part.source = '{source}' and part.status = 'landed'
group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4
"""
# Rows of a mart by school and procedure; only what does not stand on the whole region.
_BY_SCHOOL = """
select school_id, procedure_code, count(*), sum(hash_record_extended(hashed, 0))
from (select {columns} from marts.{mart} where year = %s) as hashed group by 1, 2
"""
_MARTS = {
    "fct_result": ["exam_date", "wave", "is_participant", "primary_score", "mark", "is_below_min"],
    "fct_school_procedure": ["n_participants", "n_below_min", "mean_mark", "n_mark_2", "n_absent"],
    "mart_identification_evidence": ["method_code", "n_participants", "n_below_min", "is_low"],
}

_GUARDED = """
select relation.oid::regclass::text, relowner::regrole::text, relrowsecurity,
    (select array_agg(one::text order by one::text) from unnest(relacl) as one), (
    select array_agg((polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid))::text order by polname)
    from pg_policy where polrelid = relation.oid)
from pg_class as relation
where relnamespace = any(array['landing', 'ops', 'core', 'marts', 'publish', 'vault']::regnamespace[])
    and relkind in ('r', 'v') order by 1
"""


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fewest files that pass through every step; an appeal is kept back."""
    out = tmp_path_factory.mktemp("region") / "входящие"
    generate(out, 3, 8, [YEAR])
    shutil.rmtree(out / "Программы")
    sent.put_aside(out, sent.APPEALS, out.parent / "потом")
    return out


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, inbox: Path) -> Iterator[Patient]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), warehouse_url=None, airflow_url=None, year=YEAR)
    settings.make_home()
    upgrade(settings)
    with patient(settings, inbox, YEAR) as one:
        yield one
    server.stop(settings)


def _offsets(generator: random.Random) -> Iterator[float]:
    """When to kill: soon, then later and later, so that short and long steps die in their beginning, middle and end."""
    yield from FIRST
    after = FIRST[-1]
    while True:
        after *= LATER
        yield after * generator.uniform(0.7, 1.3)


def _check(home: Patient, landed_before: set[int]) -> set[int]:
    """What must hold after any death. Returns the parts that are in: they never go."""
    # Several records of one row are told apart by the column that the source names.
    records = {name: f", {source.record}" if source.record else "" for name, source in load_sources().items()}
    assert home.ask(" union all ".join(_HALF.format(source=name) for name in records)) == []
    assert home.ask(" union all ".join(_TWICE.format(source=name, record=one) for name, one in records.items())) == []
    assert home.ask(_PARTS_TWICE) == []
    assert home.ask("select count(*) from ops.calculation where status = 'running'")[0][0] <= 1
    landed = {part for (part,) in home.ask("select part_id from ops.source_part where status = 'landed'")}
    assert landed >= landed_before
    return landed


def test_killed_at_many_points_it_ends_as_if_nothing_had_been(home: Patient, inbox: Path, warehouse: Settings) -> None:
    generator, killed, landed = random.Random(1), Counter[str](), set[int]()
    # The command is repeated from its first step each time, until it has a calculation.
    for name in INTAKE:
        for after in _offsets(generator):
            for earlier in INTAKE[: INTAKE.index(name)]:
                home.step(earlier)
            is_killed = home.step(name, after)["is_killed"]
            killed[name] += is_killed
            landed = _check(home, landed)
            if not is_killed:
                break
    # A task that died is tried again, with the calculation that it had.
    for name in CALCULATION:
        for after in _offsets(generator):
            is_killed = home.step(name, after)["is_killed"]
            killed[name] += is_killed
            landed = _check(home, landed)
            if not is_killed:
                break
    print(f"killed {killed.total()} times: {dict(killed)}")
    assert killed.total() >= KILLS
    done = home.calculation["calculation_id"]
    assert home.ask("select calculation_id from ops.calculation where status = 'done'") == [(done,)]
    assert home.run() is None, "nothing is left to do"
    _expect_landed_as_without_deaths(home, inbox, warehouse)


def _expect_landed_as_without_deaths(home: Patient, inbox: Path, warehouse: Settings) -> None:
    upgrade(warehouse)
    # Pseudonyms are of one key.
    shutil.copy(home.settings.key_file, warehouse.key_file)
    for file in read_inbox(inbox, YEAR, warehouse)["files"]:
        land(file, warehouse)
    settle(warehouse)
    for name, source in load_sources().items():
        columns = ", ".join(f"{column}::text" for column in source.column_names)
        query = _LANDED.format(source=name, columns=columns)
        with connect(warehouse) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            assert home.ask(query) == cursor.fetchall(), name


def _stop_server_during(home: Patient, name: str) -> None:
    """PostgreSQL dies in the middle of a step."""
    postmaster = int((home.settings.server_dir / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
    process = psutil.Process(postmaster)
    killer = threading.Timer(0.5, process.send_signal, [signal.SIGQUIT])
    killer.start()
    answer = home.step(name, may_fail=True)
    killer.join()
    process.wait(timeout=30)
    assert answer["error"] is not None


def _by_school(home: Patient) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    found = {}
    for mart, columns in _MARTS.items():
        query = _BY_SCHOOL.format(mart=mart, columns=", ".join(["school_id", "procedure_code", *columns]))
        found |= {(mart, school, procedure): tuple(rest) for school, procedure, *rest in home.ask(query, YEAR)}
    return found


def test_corrections_change_what_they_concern_and_are_shown(home: Patient, inbox: Path) -> None:
    before = _by_school(home)
    withdraw(home.settings, sent.WITHDRAWN.as_posix(), "Иванова А. А.", "прислан по ошибке")
    lowered = sent.send_lower_mark(inbox)
    logins = sent.send_one_municipality(inbox)
    shutil.move(inbox.parent / "потом" / sent.APPEALS.name, inbox / sent.APPEALS)
    for name in (*INTAKE, "build_seeds", "validate"):
        home.step(name)
    _stop_server_during(home, "build_staging")
    calculation_id = home.run()
    assert calculation_id is not None
    _check(home, set())
    after = _by_school(home)

    concerned = {
        ("oge_math", school)
        for (school,) in home.ask(
            "select school_id from core.int_school_key where key_kind = 'code' and (school_key = %s or school_key in "
            "(select school_code from landing.appeal join ops.source_file using (file_id) where path = %s))",
            *(lowered, sent.APPEALS.as_posix()),
        )
    }
    for procedure, content in (("vpr_math_5", "vpr_result|2022|5|math"), ("vpr_math_6", "vpr_result|2022|6|math")):
        concerned |= {
            (procedure, school)
            for (school,) in home.ask(
                "select distinct school_id from ops.correction join ops.correction_row using (correction_id) "
                "join core.int_school_key using (school_key) where content_key = %s",
                content,
            )
        }
    changed = {
        (procedure, school)
        for mart, school, procedure in before | after
        if before.get((mart, school, procedure)) != after.get((mart, school, procedure))
    }
    assert changed == concerned
    schools = {school for _, school, _ in before}
    assert 0 < len({school for _, school in changed}) < len(schools)

    told = {
        content: rest
        for content, *rest in home.ask(
            "select content_key, files_now, files_gone, n_rows_before = n_rows_now, n_added, n_removed, n_changed, "
            "n_schools from ops.correction where calculation_id = %s",
            calculation_id,
        )
    }
    oge = next(content for content in told if content.startswith("oge_result"))
    assert told.keys() == {oge, "vpr_result|2022|5|math", "vpr_result|2022|6|math"}
    assert told[oge] == [[sent.ITS_VERSION.as_posix()], [sent.OGE.as_posix()], True, 0, 0, 1, 1]
    # Of the region's file only the municipality's rows were replaced, and of them one total is another.
    assert told["vpr_result|2022|5|math"] == [[sent.ITS_PART.as_posix()], [], True, 0, 0, 1, 1]
    assert told["vpr_result|2022|6|math"][:2] == [
        [sent.WITHDRAWN.as_posix().replace("v2", "v1")],
        [sent.WITHDRAWN.as_posix()],
    ]
    cells = home.ask(
        "select row.school_key, row.column_name, row.value_now from ops.correction_row as row "
        "join ops.correction using (correction_id) where content_key = %s order by 1, 2",
        oge,
    )
    assert (lowered, "mark", "2") in cells
    ((vpr_school,),) = home.ask(
        "select distinct school_key from ops.correction_row join ops.correction using (correction_id) "
        "where content_key = %s",
        "vpr_result|2022|5|math",
    )
    assert vpr_school in logins
    assert home.ask("select count(*) from ops.correction_row where column_name in ('person_key', 'name_key')") == [(0,)]
    with connect(home.settings) as connection, connection.cursor() as cursor:
        lines = "\n".join(corrected_lines(corrections_of(cursor, calculation_id)))
    assert f"{sent.ITS_VERSION.as_posix()} вместо {sent.OGE.as_posix()}" in lines
    assert f"школа {lowered}: Отметка — было" in lines
    assert "остальные совпали до строки" in lines


def test_an_earlier_state_is_calculated_again_and_the_marts_stay(
    home: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    """From nothing, without deaths, in a database of its own: it also says what the killed runs should have made."""
    (first,), *_ = home.ask("select calculation_id from ops.calculation where status = 'done' order by finished_at")
    before = _by_school(home)
    compared = recalculate_as_of(home.settings, first, None, Terminal())
    assert compared.recorded.calculation_id == first
    assert compared.unlike_recorded == []
    assert len(compared.recorded_hashes) > 40
    assert "fct_result" in compared.unlike_now
    assert compared.schools, "the list was another one then"
    assert _by_school(home) == before
    assert home.ask("select datname from pg_database where datname like '%as_of'") == []
    folder = next((home.settings.reports_dir / str(YEAR)).glob("Состояние на *"))
    assert {file.name for file in folder.iterdir()} == {"Сравнение.xlsx", f"{YEAR} — Регион.xlsx"}
    said = capsys.readouterr().out
    assert f"витрин {len(compared.recorded_hashes)} из {len(compared.recorded_hashes)}" in said


def test_a_backup_returns_all_of_it_to_another_home_and_an_older_warehouse_is_taken_over(
    home: Patient, inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program lies elsewhere too; what it makes of the landed rows is the same to the row."""
    folder = back_up(home.settings, tmp_path / "копии", Terminal())
    clone = tmp_path / "другая папка"
    for name in ("include", "dags", "plugins", "dbt_project", "expectations"):
        shutil.copytree(PROJECT_ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    there = Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None, year=YEAR)
    there.make_home()
    shutil.copy(home.settings.key_file, there.key_file)
    parsed = there.dbt_target_dir / "partial_parse.msgpack"
    parsed.parent.mkdir(parents=True)
    shutil.copy(home.settings.dbt_target_dir / parsed.name, parsed)
    monkeypatch.setenv("PYTHONPATH", str(clone / "include"))
    monkeypatch.setenv("RAVENSTVO_HOME", str(there.home))
    program = "import ravenstvo; from ravenstvo.cli import main; print(ravenstvo.__file__); main()"
    command = [sys.executable, "-c", program, "restore", str(folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        assert told.returncode == 0, told.stdout + told.stderr
        assert told.stdout.startswith(str(clone))
        with patient(there, inbox, YEAR) as other:
            assert _marts(there) == _marts(home.settings) != {}
            # Which rows a reader sees, who owns what, who may do what.
            assert other.ask(_GUARDED) == home.ask(_GUARDED) != []
            assert other.run() is None, "nothing has changed"
            assert _marts(there) == _marts(home.settings)
            make_older(home.settings, there, OLDER)
            calculation_id = other.run()
            assert calculation_id is not None
            assert _marts(there) == _marts(home.settings)
    finally:
        server.stop(there)


def _marts(settings: Settings) -> dict[str, tuple[int, str]]:
    with connect(settings) as connection, connection.cursor() as cursor:
        return mart_hashes.read(cursor)


def test_an_earlier_state_has_the_decisions_of_its_time(home: Patient, tmp_path: Path) -> None:
    decided = (
        "insert into ops.school_decision (key_kind, school_key, key_written, decision, decided_by, reason, file_name,"
        " file_sha256) values ('code', '%s', '%s', 'new', 'Иванова А. А.', 'проверено', 'книга.xlsx', '')"
        " returning decided_at"
    )
    ((early,),) = home.ask(decided % ("990001", "990001"))
    ((late,),) = home.ask(decided % ("990002", "990002"))
    assert late > early
    with (
        warehouse_as_of(home.settings, early, tmp_path / "прежнее") as there,
        connect(there) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select school_key from ops.school_decision")
        assert cursor.fetchall() == [("990001",)]
