from __future__ import annotations

import contextlib
import os
import secrets
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect
from sqlalchemy.engine import make_url

pytestmark = pytest.mark.slow(seconds=40)

LONG = "очень длинный путь с пробелами/" * 4

NOBODY = 65534
WORDS = ("0123456789" + "abcdef", "fedcba" + "9876543210")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="нужен root")


def _settings(home: Path) -> Settings:
    return Settings(home=home, warehouse_url=None, airflow_url=None)


def _answer(settings: Settings, statement: str) -> object:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def _pid(settings: Settings) -> int:
    return int((settings.server_dir / "data" / "postmaster.pid").read_text().splitlines()[0])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "состояние с пробелом"
    server.stop(_settings(tmp_path / "состояние с пробелом"))


def test_starts_answers_and_stops(home: Path) -> None:
    settings = _settings(home)
    assert not server.is_running(settings)
    server.start(settings)
    assert _answer(settings, "select current_setting('server_version_num')::int / 10000") == 18
    pid = _pid(settings)
    server.start(settings)
    assert _pid(settings) == pid
    assert server.stop(settings)
    assert not server.is_running(settings)
    assert not psutil.pid_exists(pid)
    assert not server.stop(settings)


def test_keeps_data_between_starts_and_knows_cyrillic(home: Path) -> None:
    settings = _settings(home)
    server.start(settings)
    with connect(settings) as connection:
        connection.cursor().execute("create table kept as select 'ЁЖ' as word")
    server.stop(settings)
    server.start(settings)
    assert _answer(settings, "select lower(word) from kept") == "ёж"


@pytest.mark.parametrize("damage", ["killed", "killed, pid reused", "broken off while being made"])
def test_comes_back_after_a_crash(home: Path, damage: str) -> None:
    settings = _settings(home)
    if damage == "broken off while being made":
        settings.make_home()
        (settings.server_dir / "data.new").mkdir(parents=True)
        (settings.server_dir / "data.new" / "PG_VERSION").write_text("18")
    server.start(settings)
    if damage.startswith("killed"):
        with connect(settings) as connection:
            connection.cursor().execute("create table kept as select 1 as one")
        pid = _pid(settings)
        os.kill(pid, signal.SIGKILL)
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.05)
        if damage == "killed, pid reused":
            for file in (settings.server_dir / "data" / "postmaster.pid", *_socket_locks(settings)):
                lines = file.read_text().splitlines()
                file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        server.start(settings)
        assert _answer(settings, "select one from kept") == 1
    assert server.is_running(settings)


def _socket_locks(settings: Settings) -> list[Path]:
    return list(Path((settings.server_dir / "socket_dir").read_text()).glob(".s.PGSQL.*.lock"))


def test_a_long_path_gets_a_short_private_socket_folder(tmp_path: Path) -> None:
    settings = _settings(tmp_path / LONG / "состояние")
    server.start(settings)
    try:
        folder = Path((settings.server_dir / "socket_dir").read_text())
        assert not folder.is_relative_to(settings.home)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert _answer(settings, "select 1") == 1
    finally:
        server.stop(settings)
    assert not folder.exists()


def test_a_copied_home_has_a_server_of_its_own(home: Path, tmp_path: Path) -> None:
    original, copy = _settings(home), _settings(tmp_path / "копия")
    server.start(original)
    server.stop(original)
    subprocess.run(["cp", "-a", str(home), str(copy.home)], check=True)
    server.start(original)
    assert not server.is_running(copy)
    server.start(copy)
    assert _pid(copy) != _pid(original)
    assert server.stop(copy)
    assert server.is_running(original)


def test_a_short_path_keeps_the_socket_at_home(embedded: Settings) -> None:
    assert Path((embedded.server_dir / "socket_dir").read_text()).is_relative_to(embedded.home)


def test_lets_in_nobody_without_the_password(embedded: Settings) -> None:
    socket_dir = (embedded.server_dir / "socket_dir").read_text()
    for password in ("", "wrong"):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(
                host=socket_dir, user="ravenstvo", dbname="ravenstvo", password=password, passfile="/dev/null"
            )
    with connect(embedded) as connection, connection.cursor() as cursor:
        cursor.execute("select type, auth_method from pg_hba_file_rules")
        assert cursor.fetchall() == [("local", "scram-sha-256")]
        cursor.execute("show listen_addresses")
        assert cursor.fetchone() == ("",)


def test_state_is_private(embedded: Settings) -> None:
    folder = embedded.server_dir
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    for name in ("data", "log", "run"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700, name
    for room in (embedded.reports_dir, embedded.spool_dir, embedded.logs_dir):
        assert stat.S_IMODE(room.stat().st_mode) == 0o700, room


def test_nothing_is_traded_for_speed(embedded: Settings) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert _answer(embedded, f"select current_setting('{name}')") == "on", name


def test_starts_at_once_from_many_processes(home: Path) -> None:
    code = "from ravenstvo.warehouse import server; from ravenstvo.settings import get_settings as s; server.start(s())"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAVENSTVO_")} | {
        "RAVENSTVO_HOME": str(home)
    }
    started = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(3)]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    assert server.is_running(_settings(home))


@as_root
def test_a_home_closed_to_others_needs_no_new_permissions(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    settings = _settings(closed / "home")
    server.start(settings)
    try:
        assert _answer(settings, "select 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert psutil.Process(_pid(settings)).uids().real != 0
    finally:
        server.stop(settings)


@as_root
def test_an_ordinary_user_has_a_server_of_his_own(tmp_path: Path, embedded: Settings) -> None:
    """Beside root's server, on the same machine."""
    home = tmp_path / "ordinary"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    code = (
        "from ravenstvo.warehouse import server; from ravenstvo.settings import get_settings as s\n"
        "from ravenstvo.warehouse.connection import connect\n"
        "server.start(s())\n"
        "with connect(s()) as c: c.cursor().execute('select 1')\n"
        "print(s().home.stat().st_uid, server.is_running(s()), server.stop(s()))\n"
    )
    # The one right more than an ordinary user's lets the test pass through closed folders to this interpreter.
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    become += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAVENSTVO_")}
    done = subprocess.run(
        [*become, sys.executable, "-c", code],
        env=environment | {"RAVENSTVO_HOME": str(home / "home"), "HOME": str(home)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"{NOBODY} True True\n"), done.stderr
    assert server.is_running(embedded)


@as_root
def test_another_user_reads_no_secret_and_does_not_reach_the_socket(embedded: Settings) -> None:
    socket_dir = (embedded.server_dir / "socket_dir").read_text()
    for command in (["cat", str(embedded.server_dir / "password")], ["ls", socket_dir], ["ls", str(embedded.home)]):
        done = subprocess.run(command, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=False)
        assert done.returncode != 0, command


def _owned(warehouse: Settings, user: str, maker: str | None = None) -> Settings:
    """Settings whose Airflow's database and its user are not there yet; ``maker`` is to make them."""
    url = make_url(warehouse.warehouse_url or "")
    own = url.set(username=user, password=secrets.token_hex(12), database=user)
    by = url if maker is None else url.set(username=maker, password=WORDS[0])
    given = {"warehouse_url": by.render_as_string(hide_password=False)}
    return Settings(home=warehouse.home, **given, airflow_url=own.render_as_string(hide_password=False))


def test_a_database_of_ones_own_server_is_made_with_its_owner(warehouse: Settings) -> None:
    user = f"user_{secrets.token_hex(4)}"
    settings = _owned(warehouse, user)
    try:
        for _ in range(2):
            server.ensure_database(settings, server.AIRFLOW_DB)
        url = make_url(settings.airflow_url or "")
        with contextlib.closing(psycopg2.connect(**server.url_parameters(url))) as connection:
            cursor = connection.cursor()
            cursor.execute("select pg_get_userbyid(datdba) from pg_database where datname = current_database()")
            assert cursor.fetchone() == (user,)
        # A password that is wrong stays wrong: the user is there already.
        wrong = url.set(password=WORDS[1])
        changed = {"airflow_url": wrong.render_as_string(hide_password=False)}
        server.ensure_database(settings.model_copy(update=changed), server.AIRFLOW_DB)
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(**server.url_parameters(wrong))
    finally:
        _as_owner(warehouse, f'drop database if exists "{user}"', f'drop role if exists "{user}"')


def test_whoever_may_not_make_a_database_is_told_what_to_ask_for(warehouse: Settings) -> None:
    maker = f"maker_{secrets.token_hex(4)}"
    _as_owner(warehouse, f"create role \"{maker}\" login password '{WORDS[0]}'")
    try:
        with pytest.raises(server.ServerError, match=r'Создайте: create role "user_x" login'):
            server.ensure_database(_owned(warehouse, "user_x", maker), server.AIRFLOW_DB)
    finally:
        _as_owner(warehouse, f'drop role "{maker}"')


def _as_owner(warehouse: Settings, *statements: str) -> None:
    connection = psycopg2.connect(**server.url_parameters(make_url(warehouse.warehouse_url or "")))
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
