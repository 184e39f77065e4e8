"""A backup is whole or is none; it is returned whole into what is empty, or nothing is touched."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from time import sleep

import pytest
from approval_region import CALCULATION, YEAR, do, fill
from originals import SHA256, TEXT, seal_one
from psycopg2 import errors
from ravenstvo.calculation import mart_hashes
from ravenstvo.calculation.approval import approve
from ravenstvo.calculation.lifecycle import CalculationError, turn
from ravenstvo.runtime import readers
from ravenstvo.runtime.backup import BackupError, back_up, backing_up, check, loading, manifest, restore, restoring
from ravenstvo.runtime.backup.pruning import remove_old
from ravenstvo.runtime.terminal import Stage, Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse import keys, logins, programs, server, vault
from ravenstvo.warehouse.connection import connect, warehouse_url
from ravenstvo.warehouse.migrate import upgrade
from ravenstvo.warehouse.one_way import DowngradeError
from sqlalchemy.engine import make_url

pytestmark = pytest.mark.slow(seconds=20)


def _silent() -> Terminal:
    return Terminal(StringIO())


@pytest.fixture(scope="module")
def home(module_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A warehouse with an approved list, an original, a reader, and what people put into the state folder."""
    upgrade(module_warehouse)
    keys.in_force(module_warehouse)
    fill(module_warehouse)
    approve(module_warehouse, YEAR, "Иванова А. А.", "приказ № 1")
    do(
        module_warehouse,
        "alter table marts.mart_identification owner to transformer;"
        "create table marts.dim_municipality as select '041'::text as municipality_code, 'Район' as municipality_name;"
        "alter table marts.dim_municipality owner to transformer;"
        "alter table marts.mart_identification enable row level security;"
        "create policy own on marts.mart_identification to municipality_reader using (municipality_name = 'Район');"
        "grant select on marts.mart_identification to municipality_reader;"
        "insert into ops.source_file (sha256, name, path, size_bytes, status) values ('0a', 'а', 'а', 4, 'landed')",
    )
    readers.add(module_warehouse, "041", "Иванова А. А.", "соглашение")
    seal_one(module_warehouse, tmp_path_factory.mktemp("file"))
    (module_warehouse.layouts_dir / "своя форма.yml").write_text("title: форма")
    (module_warehouse.reports_dir / "2022").mkdir()
    (module_warehouse.reports_dir / "2022" / "report.html").write_text("отчёт")
    return module_warehouse


@pytest.fixture(scope="module")
def copy(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return back_up(home, tmp_path_factory.mktemp("копии"), _silent())


@pytest.fixture
def empty(warehouse: Settings) -> Settings:
    return warehouse


def _with_keys(home: Settings, there: Settings) -> None:
    for path, target in ((home.key_file, there.key_file), (home.archive_key_file, there.archive_key_file)):
        target.write_bytes(path.read_bytes())
        target.chmod(0o600)


def _hashes(settings: Settings) -> dict[str, tuple[int, str]]:
    with connect(settings) as connection, connection.cursor() as cursor:
        return mart_hashes.read(cursor)


def _is_untouched(settings: Settings) -> bool:
    schemas = do(settings, "select count(*) from pg_namespace where nspname in ('ops', 'marts', 'landing')")
    files = [path for path in settings.home.rglob("*") if path.is_file() and path.suffix not in (".key", ".lock")]
    # Users of the pipeline hold nothing.
    return schemas == [(0,)] and {path.name for path in files} <= {"logins.json", "restoring.json"}


def _resealed(folder: Path, target: Path, change: Callable[[dict], object]) -> Path:
    """A backup whose manifest says otherwise and vouches for it."""
    target.mkdir()
    for path in folder.iterdir():
        os.link(path, target / path.name)
    told = json.loads((target / manifest.MANIFEST).read_text())
    told.pop("sha256")
    change(told)
    (target / manifest.MANIFEST).unlink()
    manifest.write(target, manifest.Manifest.model_validate(told))
    return target


def test_all_of_it_comes_back(home: Settings, copy: Path, empty: Settings) -> None:
    _with_keys(home, empty)
    do(empty, f'drop role if exists "{warehouse_url(empty).database}_mun_041"')
    restore(empty, copy, _silent())
    assert _hashes(empty) == _hashes(home) != {}
    for table in ("ops.publication", "core.decision", "ops.calculation", "core.history_identification"):
        rows = f"select count(*), sum(hash_record_extended(row(held.*), 0)) from {table} as held"
        assert do(empty, rows) == do(home, rows), table
    # What protects is there too: frozen lists, rows of others, owners, the journal's chain.
    with pytest.raises(errors.RestrictViolation):
        do(empty, "update core.decision set reason = 'x'")
    owner = "select tableowner from pg_tables where tablename = 'mart_identification'"
    assert do(empty, owner) == [("transformer",)]
    policies = "select polname, polroles::regrole[]::text, pg_get_expr(polqual, polrelid) from pg_policy order by 1"
    assert do(empty, policies) == do(home, policies) != []
    # The reader's user is this database's, with a password of its own.
    login = f"{warehouse_url(empty).database}_mun_041"
    assert do(empty, "select login, municipality_code from ops.reader") == [(login, "041")]
    ((password,),) = [
        [line.split(",")[1]] for line in readers.passwords_file(empty).read_text().splitlines() if login in line
    ]
    assert logins.lets_in(empty, login, password)
    assert (empty.layouts_dir / "своя форма.yml").read_text() == "title: форма"
    assert (empty.reports_dir / "2022" / "report.html").read_text() == "отчёт"
    opened = empty.home / "opened"
    vault.unseal(vault.place(empty, SHA256), opened, SHA256, empty)
    assert opened.read_bytes() == TEXT
    assert not upgrade(empty), "nothing is left to do"
    # A second time it would be over data.
    with pytest.raises(BackupError, match="--replace"):
        restore(empty, copy, _silent())
    do(
        empty,
        "drop table marts.mart_identification; create table marts.later as select 1 as one",
    )
    restore(empty, copy, _silent(), replace=True)
    assert _hashes(empty) == _hashes(home)
    assert do(empty, "select to_regclass('marts.later')") == [(None,)]
    do(empty, f'drop owned by "{login}"; drop role "{login}"')


def test_no_key_and_no_password_is_in_it(home: Settings, copy: Path) -> None:
    secrets = [home.key_file.read_text().split()[1], home.archive_key_file.read_text().strip()]
    secrets += json.loads((home.home / "logins.json").read_text()).values()
    secrets += [line.split(",")[1] for line in readers.passwords_file(home).read_text().splitlines()[1:]]
    with tarfile.open(copy / manifest.ROOMS) as rooms:
        names = rooms.getnames()
    assert {name.partition("/")[0] for name in names} == {"layouts", "decisions", "reports", "archive.pub"}
    dumped = _as_text(home, copy / manifest.WAREHOUSE)
    for secret in secrets:
        assert secret not in dumped
        assert not any(secret.encode() in path.read_bytes() for path in copy.iterdir())
        assert not any(bytes.fromhex(secret) in path.read_bytes() for path in copy.iterdir())
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in copy.iterdir()} == {0o600}


def _as_text(home: Settings, dump: Path) -> str:
    import subprocess

    with connect(home) as connection:
        found = programs.programs_for(connection.server_version, ("pg_restore",))
    told = subprocess.run([found.path("pg_restore"), "--file=-", str(dump)], capture_output=True, text=True, check=True)
    return told.stdout


def test_a_password_is_neither_an_argument_nor_in_the_environment(home: Settings) -> None:
    password = "a:long\\secret word"
    url = warehouse_url(home).set(password=password)
    with programs.access(url) as (database, environment):
        assert "secret" not in database
        assert not any("secret" in value for value in environment.values())
        path = Path(environment["PGPASSFILE"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == "*:*:*:*:a\\:long\\\\secret word\n"
    assert not path.exists()


@pytest.mark.parametrize("name", [manifest.WAREHOUSE, manifest.ORIGINALS, manifest.ROOMS, manifest.MANIFEST])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_backup_is_told_before_anything_is_touched(
    copy: Path, tmp_path: Path, empty: Settings, name: str, damage: str
) -> None:
    broken = _resealed(copy, tmp_path / "broken", lambda told: None)
    content = (broken / name).read_bytes()
    (broken / name).unlink()
    if damage == "cut":
        (broken / name).write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        middle = len(content) // 2
        (broken / name).write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with pytest.raises(BackupError, match=name):
        check(broken, _silent())
    if name == manifest.WAREHOUSE:
        with pytest.raises(BackupError, match=name):
            restore(empty, broken, _silent())
        assert _is_untouched(empty)


@pytest.mark.parametrize("damage", ["mart", "dump"])
def test_what_does_not_come_to_its_end_leaves_nothing(
    home: Settings, copy: Path, tmp_path: Path, empty: Settings, damage: str
) -> None:
    _with_keys(home, empty)

    def change(told: dict) -> None:
        if damage == "mart":
            told["marts"]["mart_identification"]["hash"] = "0" * 32
            return
        # Blocks of rows that do not unpack: pg_restore notices when it comes to them.
        dump = tmp_path / "broken" / manifest.WAREHOUSE
        content = bytearray(dump.read_bytes())
        dump.unlink()
        content[-2000:] = b"\xff" * 2000
        dump.write_bytes(content)
        part = next(one for one in told["parts"] if one["name"] == manifest.WAREHOUSE)
        part["sha256"] = manifest.fingerprint(dump)

    broken = _resealed(copy, tmp_path / "broken", change)
    with pytest.raises(BackupError, match="mart_identification" if damage == "mart" else "осталась как была"):
        restore(empty, broken, _silent())
    assert _is_untouched(empty)
    # The whole one is returned without being asked whether anything may be lost.
    if damage == "mart":
        restore(empty, copy, _silent())
        assert _hashes(empty) == _hashes(home)


def test_a_table_that_somebody_reads_is_told_and_stays(
    home: Settings, copy: Path, empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psql stops at its first statement, long before it has been sent all of them."""
    _with_keys(home, empty)
    do(empty, "create schema marts; create table marts.read as select 1 as one")
    monkeypatch.setattr(loading, "_LOCK_SECONDS", 0.2)
    with connect(empty) as connection, connection.cursor() as cursor:
        cursor.execute("lock table marts.read in access share mode")
        with pytest.raises(BackupError, match="осталась как была: canceling statement due to lock timeout"):
            restore(empty, copy, _silent())
    assert do(empty, "select one from marts.read") == [(1,)]


def _killed_at(name: str, settings: Settings, copy: Path) -> None:
    def die(*given: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(restoring, name, die)
    restore(settings, copy, _silent(), replace=True)


def test_killed_it_leaves_all_or_nothing_and_is_repeated(home: Settings, copy: Path, empty: Settings) -> None:
    _with_keys(home, empty)
    do(empty, "create schema marts; create table marts.read as select 1 as one")
    spawn = multiprocessing.get_context("spawn")
    waits = "select count(*) from pg_locks where not granted and relation = 'marts.read'::regclass"
    # While psql is at work: it waits for somebody who reads.
    with connect(empty) as connection, connection.cursor() as cursor:
        cursor.execute("lock table marts.read in access share mode")
        process = spawn.Process(target=_killed_at, args=("_move_in", empty, copy))
        process.start()
        while process.is_alive() and do(empty, waits) != [(1,)]:
            sleep(0.05)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    restoring_still = "select count(*) from pg_stat_activity where datname = current_database() and query ~ '^drop'"
    while do(empty, restoring_still) != [(0,)]:
        sleep(0.05)
    assert do(empty, "select one from marts.read") == [(1,)]
    assert restoring.unfinished(empty)
    # When the database is there and the files are not.
    process = spawn.Process(target=_killed_at, args=("_move_in", empty, copy))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert _hashes(empty) == _hashes(home)
    assert not vault.place(empty, SHA256).exists()
    assert (empty.home / "restoring").exists()
    # What somebody has done since is not taken for what the restore has left.
    file = "insert into ops.source_file (sha256, name, path, size_bytes, status) values ('0b', 'б', 'б', 1, 'waiting')"
    do(empty, file)
    with pytest.raises(BackupError, match=r"ops.source_file: 1\).*--replace"):
        restore(empty, copy, _silent())
    do(empty, "delete from ops.source_file where sha256 = '0b'")
    restore(empty, copy, _silent())
    assert _hashes(empty) == _hashes(home)
    assert vault.place(empty, SHA256).exists()
    assert restoring.unfinished(empty) is None and not (empty.home / "restoring").exists()


def test_a_server_that_does_not_let_psql_in_is_told(copy: Path) -> None:
    found = programs.programs_for(manifest.read(copy)[1].server_version, ("pg_restore", "psql"))
    nowhere = make_url("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(BackupError, match=r"осталась как была: .*refused"):
        loading._load(found, nowhere, copy / manifest.WAREHOUSE, "", "", Stage("база"))


def test_another_key_is_refused_and_a_missing_one_is_named(home: Settings, copy: Path, empty: Settings) -> None:
    wanted = keys.fingerprint(keys.read(home.key_file)[0])
    empty.key_file.write_text(f"1 {'ab' * 32}\n")
    with pytest.raises(BackupError, match=f"версии 1 с отпечатком {wanted}"):
        restore(empty, copy, _silent())
    empty.key_file.unlink()
    empty.archive_key_file.write_text("ab" * 32)
    with pytest.raises(BackupError, match="RAVENSTVO_ARCHIVE_KEY_FILE"):
        restore(empty, copy, _silent())
    empty.archive_key_file.unlink()
    assert _is_untouched(empty)
    todo = restore(empty, copy, _silent())
    assert any(wanted in line for line in todo)
    with pytest.raises(keys.PseudonymKeyError):
        keys.in_force(empty)


def test_a_backup_of_a_newer_program_or_server_is_refused(copy: Path, tmp_path: Path, empty: Settings) -> None:
    newer = _resealed(copy, tmp_path / "program", lambda told: told.update(revisions=["9999"]))
    with pytest.raises(DowngradeError, match="9999"):
        restore(empty, newer, _silent())
    newer = _resealed(copy, tmp_path / "server", lambda told: told.update(server_version=990001, pseudonym_keys=[]))
    with pytest.raises(BackupError, match="PostgreSQL 99"):
        restore(empty, newer, _silent())
    with pytest.raises(BackupError, match="не резервная копия"):
        restore(empty, tmp_path, _silent())
    assert _is_untouched(empty)
    with pytest.raises(programs.ProgramError, match="PostgreSQL 99"):
        programs.programs_for(990001, ("pg_dump", "pg_restore"))


def test_it_waits_for_no_stage_and_tells_of_a_broken_calculation(home: Settings, tmp_path: Path) -> None:
    with turn(home), pytest.raises(CalculationError):
        back_up(home, tmp_path, _silent())
    assert list(tmp_path.iterdir()) == []
    columns = "calculation_id, year, years, status"
    do(home, f"insert into ops.calculation ({columns}) values ('cut', 2022, '{{2022}}', 'running')")
    try:
        told = StringIO()
        folder = back_up(home, tmp_path, Terminal(told))
    finally:
        do(home, "delete from ops.calculation where calculation_id = 'cut'")
    assert manifest.read(folder)[1].unfinished == "cut"
    assert manifest.read(folder)[1].calculations[YEAR] == CALCULATION
    assert "cut не закончен" in told.getvalue()


def test_a_mart_that_is_read_stays_until_it_is_dumped(home: Settings) -> None:
    """Between the moment of the snapshot and pg_dump nobody drops a table: a calculation waits."""
    from ravenstvo.runtime.backup.content import snapshot

    with snapshot(home) as (held, *_), connect(home) as connection, connection.cursor() as cursor:
        assert held.calculations[YEAR] == CALCULATION
        cursor.execute("set local lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            cursor.execute("drop table marts.mart_identification")


def test_a_stage_that_begins_meanwhile_waits_and_holds_up_nothing(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wants to drop what pg_dump has yet to read: whoever asks for a table after it would wait behind it."""
    do(home, "create view marts.seen as select 1 as one; create table marts.kept as select 1 as one")

    def stage() -> None:
        with turn(home, 60), connect(home) as connection, connection.cursor() as cursor:
            cursor.execute("set local lock_timeout = '20s'; drop view marts.seen; drop table marts.kept")

    with ThreadPoolExecutor() as pool:
        begun = []
        # Called when the moment is taken, and before pg_dump is.
        monkeypatch.setattr(backing_up, "_check_space", lambda *given: (begun.append(pool.submit(stage)), sleep(0.5)))
        folder = back_up(home, tmp_path, _silent())
        begun[0].result()
    assert do(home, "select to_regclass('marts.seen'), to_regclass('marts.kept')") == [(None, None)]
    assert {"seen", "kept"} <= manifest.read(folder)[1].marts.keys()
    dumped = _as_text(home, folder / manifest.WAREHOUSE)
    assert "CREATE VIEW marts.seen" in dumped and "CREATE TABLE marts.kept" in dumped


def test_only_the_latest_of_this_warehouse_are_kept(home: Settings, copy: Path) -> None:
    few = home.model_copy(update={"backups_kept": 2})
    made = [back_up(few, None, _silent()) for _ in range(3)]
    stranger = _resealed(copy, few.backups / "another", lambda told: told.update(warehouse_id="another"))
    own = few.backups / "notes"
    own.mkdir()
    assert remove_old(few) == 1
    assert {path for path in few.backups.iterdir() if path.is_dir()} == {*made[1:], stranger, own}


def test_an_empty_server_has_nothing_to_back_up(empty: Settings) -> None:
    with pytest.raises(BackupError, match="нечего"):
        back_up(empty, None, _silent())
    assert server.is_running(empty) is False
