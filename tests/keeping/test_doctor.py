"""The doctor names each trouble of a real installation that is broken, and is content when it is mended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import StringIO
from pathlib import Path

import psutil
import pytest
from approval_region import do
from originals import seal_one
from ravenstvo.runtime.backup import BackupError, back_up, backing_up
from ravenstvo.runtime.doctor import Finding, Level, examination, examine, tell
from ravenstvo.runtime.doctor.examination import CHECKS
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse import keys, server
from ravenstvo.warehouse.connection import outside_transaction, pipeline_login, warehouse_url
from ravenstvo.warehouse.migrate import upgrade

pytestmark = pytest.mark.slow(seconds=15)

AGO = time.time() - 30 * 24 * 3600
WORD = "a-long" + "-secret-word"
Break = Callable[[Settings], AbstractContextManager[Settings | None]]


@pytest.fixture(scope="module")
def small(module_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A warehouse with one landed file, its original, and a calculation that was done; and a backup of it."""
    upgrade(module_warehouse)
    keys.in_force(module_warehouse)
    do(
        module_warehouse,
        "insert into ops.source_file (sha256, name, path, size_bytes, status) values ('0a', 'а', 'а', 1, 'landed');"
        "insert into ops.source_part (file_id, sheet, block_no, status, n_rows_read, n_rows_dropped, n_rows_landed, "
        "n_records) select file_id, 'Лист1', 1, 'landed', 1, 0, 1, 1 from ops.source_file;"
        "insert into landing.school (file_id, part_id, row_no) select file_id, part_id, 1 from ops.source_part;"
        "insert into ops.calculation (calculation_id, year, years, status, finished_at) "
        "values ('2022-one', 2022, '{2022}', 'done', now())",
    )
    seal_one(module_warehouse, tmp_path_factory.mktemp("file"))
    back_up(module_warehouse, None, Terminal(StringIO()))
    return module_warehouse


def _look(settings: Settings, title: str) -> list[Finding]:
    """What the check of a title finds."""
    (check,) = [one for one in CHECKS if one.title == title]
    return examination.looked(check, settings)[0]


@contextmanager
def _sql(settings: Settings, broken: str, mended: str) -> Iterator[None]:
    do(settings, broken)
    try:
        yield
    finally:
        do(settings, mended)


def sql(broken: str, mended: str) -> Break:
    return lambda settings: _sql(settings, broken, mended)


@contextmanager
def _file(path: Path, text: str | None, mode: int, when: float | None) -> Iterator[None]:
    before = path.read_bytes() if path.exists() else None
    modes = path.stat().st_mode if before is not None else 0
    path.parent.mkdir(exist_ok=True)
    if text is not None:
        path.write_text(text)
    path.chmod(mode)
    if when is not None:
        os.utime(path, (when, when))
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
            path.chmod(modes)


def file(name: str, text: str | None = None, mode: int = 0o600, when: float | None = None) -> Break:
    return lambda settings: _file(settings.home / name, text, mode, when)


@contextmanager
def _gone(path: Path) -> Iterator[None]:
    away = path.with_name("away")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


def gone(name: str) -> Break:
    return lambda settings: _gone(settings.home / name)


@contextmanager
def _with(settings: Settings, **others: object) -> Iterator[Settings]:
    yield settings.model_copy(update=others)


def setting(**others: object) -> Break:
    return lambda settings: _with(settings, **others)


@contextmanager
def a_role_is_missing(settings: Settings) -> Iterator[None]:
    with _sql(settings, "alter role auditor rename to auditor_away", "alter role auditor_away rename to auditor"):
        yield


def at_revision(revision: str) -> Break:
    @contextmanager
    def at(settings: Settings) -> Iterator[None]:
        ((now,),) = do(settings, "select version_num from ops.schema_version")
        with _sql(
            settings,
            f"update ops.schema_version set version_num = '{revision}'",
            f"update ops.schema_version set version_num = '{now}'",
        ):
            yield

    return at


@contextmanager
def a_login_has_another_password(settings: Settings) -> Iterator[None]:
    do(settings, f"alter role {pipeline_login(warehouse_url(settings), 'loader')} password 'another'")
    yield
    upgrade(settings, anew=True)


@contextmanager
def an_earlier_state_was_left(settings: Settings) -> Iterator[None]:
    name = f"{warehouse_url(settings).database}_as_of"
    with outside_transaction(settings) as cursor:
        cursor.execute(f'create database "{name}"')
        yield
        cursor.execute(f'drop database "{name}"')


@contextmanager
def a_backup_was_broken_off(settings: Settings) -> Iterator[None]:
    draft = settings.backups / ".base-2022.1.draft"
    draft.mkdir()
    os.utime(draft, (AGO, AGO))
    yield
    draft.rmdir()


@contextmanager
def nobody_answers_at_a_connection(settings: Settings) -> Iterator[None]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with _file(settings.airflow_home / "connections.yaml", f"почта: smtp://a:password@127.0.0.1:{port}\n", 0o600, None):
        yield


@contextmanager
def an_older_lock(settings: Settings) -> Iterator[Settings]:
    class Elsewhere(Settings):
        @property
        def project_root(self) -> Path:
            return settings.home / "project"

    with _file(settings.home / "project" / "requirements.lock", "psycopg2-binary==0.1 \\\n", 0o600, None):
        yield Elsewhere(**settings.model_dump())


BROKEN: dict[str, tuple[Break, str, Level, str]] = {
    "another package": (an_older_lock, "Python и пакеты", Level.WARNING, "psycopg2-binary"),
    "little memory": (setting(readers=10_000), "память", Level.WARNING, "RAVENSTVO_READERS"),
    "clock of the machine": (
        file("logs/runs/later.log", "", when=time.time() + 9999),
        *("часы машины", Level.TROUBLE, "часы отстают"),
    ),
    "no inbox": (setting(inbox="/nowhere"), "папка с файлами", Level.TROUBLE, "/nowhere"),
    "open passwords": (file("logins.json", mode=0o644), "файлы с паролями", Level.TROUBLE, "0644"),
    "open key": (file("pseudonym.key", mode=0o640), "файлы ключей", Level.TROUBLE, "0640"),
    "another half": (file("archive.key", "ab" * 32), "файлы ключей", Level.TROUBLE, "не подходят"),
    "damaged key": (file("archive.key", "x"), "файлы ключей", Level.TROUBLE, ""),
    "another key": (file("pseudonym.key", f"1 {'ab' * 32}\n"), "ключ псевдонимов", Level.TROUBLE, "не тот"),
    "no key": (gone("pseudonym.key"), "ключ псевдонимов", Level.TROUBLE, "нужна версия 1"),
    "originals gone": (gone("archive"), "архив исходных файлов", Level.TROUBLE, "1 из 1"),
    "originals due": (
        sql(
            "update vault.original set archived_at = now() - interval '90 days'",
            "update vault.original set archived_at = now()",
        ),
        *("архив исходных файлов", Level.WARNING, "истёк"),
    ),
    "pending migration": (at_revision("0005"), "устройство хранилища", Level.WARNING, "ещё не внесены"),
    "unknown migration": (at_revision("9999"), "устройство хранилища", Level.TROUBLE, "9999"),
    "moments of the future": (
        sql(
            "update ops.calculation set finished_at = now() + interval '3 days'",
            "update ops.calculation set finished_at = now()",
        ),
        *("часы базы", Level.TROUBLE, "3 дн."),
    ),
    "no role": (a_role_is_missing, "роли и права", Level.TROUBLE, "auditor"),
    "a right is gone": (
        sql(
            "revoke insert on landing.school from loader; revoke usage on schema publish from public_reader",
            "grant insert on landing.school to loader; grant usage on schema publish to public_reader",
        ),
        *("роли и права", Level.TROUBLE, "landing.school"),
    ),
    "a right too many": (
        sql("grant select on landing.school to bi_reader", "revoke select on landing.school from bi_reader"),
        *("роли и права", Level.TROUBLE, "bi_reader — SELECT на landing.school"),
    ),
    "a login": (a_login_has_another_password, "пользователи расчёта", Level.TROUBLE, "_loader не входит"),
    "a calculation of nobody": (
        sql(
            "insert into ops.calculation (calculation_id, year, years, status, started_at) "
            "values ('2022-two', 2022, '{2022}', 'running', now() - interval '1 hour')",
            "delete from ops.calculation where calculation_id = '2022-two'",
        ),
        *("расчёты", Level.WARNING, "никого нет"),
    ),
    "a calculation failed": (
        sql(
            "insert into ops.calculation (calculation_id, year, years, status, message) "
            "values ('2022-two', 2022, '{2022}', 'failed', 'причина')",
            "delete from ops.calculation where calculation_id = '2022-two'",
        ),
        *("расчёты", Level.WARNING, "причина"),
    ),
    "rows of no part": (
        sql(
            "insert into landing.school (file_id, part_id, row_no) values (7, 777, 1)",
            "delete from landing.school where part_id = 777",
        ),
        *("остатки в базе", Level.TROUBLE, "landing.school"),
    ),
    "a second database": (an_earlier_state_was_left, "остатки в базе", Level.WARNING, "_as_of"),
    "a service that is gone": (
        file("pids/scheduler.json", json.dumps({"pid": 1, "started": 1.0})),
        *("остатки в папке состояния", Level.WARNING, "scheduler"),
    ),
    "a reading broken off": (
        file("spool/1.copy", "", when=AGO),
        *("остатки в папке состояния", Level.WARNING, "остатки чтения файлов: 1"),
    ),
    "a backup broken off": (
        a_backup_was_broken_off,
        *("остатки в папке состояния", Level.WARNING, "недописанные копии: 1"),
    ),
    "a restore broken off": (
        file("restoring.json", json.dumps({"made_at": "2022-06-01"})),
        *("остатки в папке состояния", Level.TROUBLE, "2022-06-01"),
    ),
    "an old backup": (
        file("last_backup.json", json.dumps({"made_at": "2022-06-01T00:00:00+00:00", "folder": "/nowhere"})),
        *("резервная копия", Level.WARNING, "дн. назад"),
    ),
    "no backup": (gone("last_backup.json"), "резервная копия", Level.WARNING, "ни одной"),
    "a connection": (nobody_answers_at_a_connection, "подключения", Level.TROUBLE, "не отвечает"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_names_what_is_broken(small: Settings, name: str) -> None:
    break_it, title, level, words = BROKEN[name]
    assert {one.level for one in _look(small, title)} == {Level.OK}
    with break_it(small) as other:
        found = _look(other or small, title)
        assert max(one.level for one in found) == level
        told = " ".join(f"{one.seen} {one.advice}" for one in found)
        assert words in told
        assert all(one.advice for one in found if one.level >= Level.WARNING)
        assert "secret" not in told
    assert {one.level for one in _look(small, title)} == {Level.OK}


def test_a_line_for_each_check_and_a_status(small: Settings) -> None:
    told = StringIO()
    # Airflow's metadata would lie on an embedded server, which this home has none of.
    assert tell(small, Terminal(told)) == 3
    lines = told.getvalue().splitlines()
    assert [line[0] for line in lines[:-1]].count("!") == 1
    assert {check.title for check in CHECKS} == {line[2:].partition(":")[0].partition(" (")[0] for line in lines[:-1]}
    with _file(small.key_file, "x", 0o600, None):
        assert tell(small, Terminal(StringIO())) == 1


def test_it_looks_and_changes_nothing(small: Settings) -> None:
    """Above all when it tries what the rights should be."""
    rights = "select array_agg(relacl::text order by oid), (select count(*) from ops.setting) from pg_class"
    before = do(small, rights), sorted(small.home.rglob("*"))
    list(examine(small))
    assert (do(small, rights), sorted(small.home.rglob("*"))) == before


def test_with_the_database_down_it_goes_on(small: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"postgresql://owner:{WORD}@127.0.0.1:{free.getsockname()[1]}/base"
        found = list(examine(Settings(home=small.home, warehouse_url=url)))
    titles = {one.title: one for one in found}
    assert titles["хранилище"].level == Level.TROUBLE
    assert titles["роли и права"].level == Level.UNKNOWN
    assert titles["файлы ключей"].level == Level.OK
    assert {check.title for check in CHECKS} <= {one.title.partition(" (")[0] for one in found}
    assert not any(WORD in one.seen + one.advice for one in found)


def test_what_hangs_is_told_after_a_while(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes a connection and never says a word."""
    monkeypatch.setattr(examination, "CHECK_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://owner:{WORD}@127.0.0.1:{silent.getsockname()[1]}/base"
        check = next(one for one in CHECKS if one.title == "хранилище")
        found, answered = examination.looked(check, Settings(home=small.home, warehouse_url=url))
    assert not answered
    assert [one.level for one in found] == [Level.TROUBLE]
    assert "нет ответа" in found[0].seen


def test_an_embedded_server_that_was_killed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None)
    (new,) = _look(settings, "хранилище")
    assert (new.level, "ещё не заведена" in new.seen) == (Level.WARNING, True)
    server.start(settings)
    try:
        postmaster = int((settings.server_dir / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        assert [one.level for one in _look(settings, "хранилище")] == [Level.OK]
        process = psutil.Process(postmaster)
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=30)
        (down,) = _look(settings, "хранилище")
        assert (down.level, "не запущен" in down.seen) == (Level.TROUBLE, True)
    finally:
        server.stop(settings)


def test_a_disk_without_room(small: Settings, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("a disk of one's own takes an administrator")
    try:
        tiny = Settings(home=disk / "home", warehouse_url=small.warehouse_url, backups=disk / "copies")
        (disk / "home").mkdir(mode=0o700)
        (disk / "full").write_bytes(b"\0" * (2**20 - 4096))
        room = next(one for one in _look(tiny, "диск") if one.title == "диск (папка состояния)")
        assert room.level == Level.TROUBLE
        (written,) = _look(tiny, "папка состояния")
        assert (written.level, "нет места" in written.seen) == (Level.TROUBLE, True)
        os.truncate(disk / "full", 2**20 - 2**17)
        with pytest.raises(BackupError, match="Ничего не записано"):
            back_up(small, disk / "copies", Terminal(StringIO()))
        # Whoever judged the need too low is told as well, and nothing half-written is left.
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(backing_up, "_check_space", lambda *given: None)
            with pytest.raises(BackupError, match="не хватило места"):
                back_up(small, disk / "copies", Terminal(StringIO()))
        assert list((disk / "copies").iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
