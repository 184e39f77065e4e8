"""The embedded PostgreSQL 18: started from the wheel's own binaries, open to its owner only.

It listens on a unix socket in a private folder (no TCP), asks for a password kept in the state folder, runs
detached from the command that started it, and holds the warehouse and, each in a database of its own, the metadata
of Airflow and Superset.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from psycopg2 import errors
from sqlalchemy.engine import URL, make_url

from ravenstvo.errors import ToldError
from ravenstvo.settings import Settings
from ravenstvo.warehouse import socket_folder
from ravenstvo.warehouse.account import Account, server_account

WAREHOUSE_DB = "ravenstvo"
AIRFLOW_DB = "airflow"
BI_DB = "superset"
SHARED_DB = "ravenstvo_shared"
OWNER = "ravenstvo"
START_SECONDS = 120

_CONFIGURATION = """\
# Written at every start of the embedded server; changes made by hand are lost.
listen_addresses = ''
port = {port}
unix_socket_directories = '"{socket_dir}"'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
work_mem = 64MB
maintenance_work_mem = 256MB
effective_cache_size = 4GB
max_wal_size = 4GB
wal_compression = on
wal_level = minimal
max_wal_senders = 0
random_page_cost = 1.1
jit = off
scram_iterations = 4096
max_parallel_workers_per_gather = {parallel}
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = '../log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_size = 0
log_line_prefix = '%m [%p] %d '
# Statements and COPY contexts can hold pupils' rows: the log must not.
log_min_error_statement = panic
log_error_verbosity = terse
"""


class ServerError(ToldError):
    """The embedded server cannot be started or stopped; the message (Russian) says what to do."""


def ensure_running(settings: Settings) -> None:
    """Make the warehouse's server answer. Does nothing where the warehouse is a PostgreSQL of one's own."""
    if settings.warehouse_url is None:
        start(settings)


def start(settings: Settings) -> None:
    """Start the embedded server, creating it first if need be; quick when it runs already.

    Raises ServerError with a Russian message.
    """
    if is_running(settings):
        return
    settings.make_home()
    with _lock(settings):
        if is_running(settings):
            return
        account = server_account(settings.server_dir)
        _create_cluster(settings, account)
        _start_cluster(settings, account)
        _create_databases(settings)


def stop(settings: Settings) -> bool:
    """Stop the embedded server; False when it was not running."""
    if not settings.server_dir.exists():
        return False
    with _lock(settings):
        pid = _postmaster_pid(settings)
        if pid is None:
            return False
        # SIGINT is PostgreSQL's fast stop: sessions are ended, nothing is lost.
        os.kill(pid, signal.SIGINT)
        try:
            psutil.Process(pid).wait(timeout=60)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired as slow:
            raise ServerError(f"Встроенный PostgreSQL (процесс {pid}) не остановился за 60 с.") from slow
        socket_folder.forget(settings)
        return True


def is_running(settings: Settings) -> bool:
    """Whether the embedded server answers and holds both databases."""
    if not _password_file(settings).exists() or socket_folder.recorded(settings) is None:
        return False
    try:
        connection = _connect(settings, WAREHOUSE_DB)
    except (psycopg2.OperationalError, PermissionError):
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('data_directory')")
            row = cursor.fetchone()
        # A copied home still names the socket of the home that it was copied from.
        return row is not None and (settings.server_dir / "data").samefile(row[0])
    except OSError:
        return False
    finally:
        connection.close()


def database_url(settings: Settings, database: str = WAREHOUSE_DB) -> URL:
    """SQLAlchemy URL of a database: of the embedded server, or of one's own where a URL is set."""
    if (own := _own_url(settings, database)) is not None:
        return own
    socket_dir = socket_folder.recorded(settings)
    if socket_dir is None:
        raise ServerError("Встроенный PostgreSQL не запущен: выполните «make run» или «ravenstvo migrate».")
    return URL.create(
        "postgresql+psycopg2",
        username=OWNER,
        password=_password(settings),
        database=database,
        query={"host": str(socket_dir)},
    )


def ensure_database(settings: Settings, database: str) -> None:
    """Make one of the databases, for its owner only: on the embedded server, or on one's own where a URL names it.

    On one's own the warehouse's owner makes it, and the user whose database it is, when both are on one server.
    Raises ServerError where that owner may not.
    """
    url = _own_url(settings, database)
    if url is None:
        start(settings)
        _create_database(_connect(settings, "postgres"), database)
        return
    try:
        psycopg2.connect(**url_parameters(url)).close()
    except psycopg2.OperationalError:
        warehouse = _own_url(settings, WAREHOUSE_DB)
        if warehouse is None or _place(warehouse) != _place(url):
            raise
        try:
            _create_database(psycopg2.connect(**url_parameters(warehouse)), str(url.database), url)
        except errors.InsufficientPrivilege as error:
            raise ServerError(
                f"На сервере {url.host} нет базы {url.database} или её пользователя, а {warehouse.username} не вправе "
                f"их создать. Создайте: create role \"{url.username}\" login password '…'; "
                f'create database "{url.database}" owner "{url.username}";'
            ) from error


def _own_url(settings: Settings, database: str) -> URL | None:
    """Address of a database on a server of one's own; None where it is on the embedded one."""
    own = {
        WAREHOUSE_DB: settings.warehouse_url,
        AIRFLOW_DB: settings.airflow_url,
        BI_DB: settings.bi_url,
        SHARED_DB: settings.shared_url,
    }.get(database)
    return None if own is None else make_url(own)


def url_parameters(url: URL) -> dict[str, Any]:
    """Connection parameters of a URL in the names of libpq."""
    return url.translate_connect_args(username="user", database="dbname") | dict(url.query)


def _place(url: URL) -> tuple[Any, Any]:
    """Which server a URL means."""
    given = url_parameters(url)
    return given.get("host"), given.get("port")


def _create_database(connection: psycopg2.extensions.connection, database: str, owner: URL | None = None) -> None:
    """Make a database that is not there, and its owner's login where it is not that of the connection."""
    with closing(connection):
        connection.autocommit = True
        with connection.cursor() as cursor:
            if owner is not None:
                cursor.execute("select 1 from pg_roles where rolname = %s", (owner.username,))
                if cursor.fetchone() is None:
                    cursor.execute(f'create role "{owner.username}" login password %s', (str(owner.password),))
            cursor.execute("select 1 from pg_database where datname = %s", (database,))
            if cursor.fetchone() is None:
                whose = f' owner "{owner.username}"' if owner else ""
                cursor.execute(f'create database "{database}"{whose}')
                cursor.execute(f'revoke connect on database "{database}" from public')


def _password_file(settings: Settings) -> Path:
    return settings.server_dir / "password"


def _password(settings: Settings) -> str:
    try:
        return _password_file(settings).read_text().strip()
    except PermissionError as error:
        raise ServerError(
            f"Папка состояния {settings.home} принадлежит другому пользователю. "
            "Задайте свою: RAVENSTVO_HOME=/путь/к/папке"
        ) from error


def _connect(settings: Settings, database: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(
        host=str(socket_folder.recorded(settings)),
        user=OWNER,
        password=_password(settings),
        dbname=database,
        connect_timeout=10,
    )


@contextmanager
def _lock(settings: Settings) -> Iterator[None]:
    """Let one process at a time start or stop the server of this home."""
    try:
        settings.server_dir.mkdir(exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        handle = os.open(settings.server_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise ServerError(
            f"Нет прав на папку состояния {settings.home}. Задайте свою: RAVENSTVO_HOME=/путь/к/папке"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create_cluster(settings: Settings, account: Account) -> None:
    """Create the data folder once, by way of a temporary name: a broken-off creation leaves nothing half-made."""
    data = settings.server_dir / "data"
    if data.exists():
        return
    draft = settings.server_dir / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    account.make_private_dir(draft)
    account.make_private_dir(settings.server_dir / "log")
    password_file = _password_file(settings)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(secrets.token_hex(24))
    # The server's account may not read the owner's copy: it gets one for the moment of creation.
    handover = settings.server_dir / "password.new"
    handover.unlink(missing_ok=True)
    handover.touch(mode=0o600)
    handover.write_text(_password(settings))
    account.give(handover)
    try:
        account.run(
            "initdb",
            *("--pgdata", str(draft), "--username", OWNER, "--pwfile", str(handover)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"),
            # libc's C would leave Cyrillic letters out of lower() and of regular expressions.
            *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            # The owner's password is random, so that slow hashing would protect nothing and cost every connection
            # as much as all the rest of it. Passwords that come later are hashed as usual.
            *("--set", "scram_iterations=1"),
        )
    finally:
        handover.unlink(missing_ok=True)
    hba = draft / "pg_hba.conf"
    hba.write_text("# Owner only: unix socket and password.\nlocal all all scram-sha-256\n")
    with (draft / "postgresql.conf").open("a") as configuration:
        configuration.write("\ninclude 'ravenstvo.conf'\n")
    draft.rename(data)


def _start_cluster(settings: Settings, account: Account) -> None:
    data = settings.server_dir / "data"
    spawned = None
    if _postmaster_pid(settings) is None:
        socket_dir = socket_folder.choose(settings, account)
        _clear_stale_files(data, socket_dir)
        configuration = data / "ravenstvo.conf"
        configuration.write_text(
            _CONFIGURATION.format(port=socket_folder.PORT, socket_dir=socket_dir, parallel=_parallel_workers()),
            encoding="utf-8",
        )
        account.give(configuration)
        spawned = account.spawn("postgres", "-D", str(data), log=settings.server_dir / "log" / "start.log")
    _wait_until_answers(settings, spawned)


def _wait_until_answers(settings: Settings, spawned: subprocess.Popen[bytes] | None) -> None:
    """Wait for the server, whether this process started it or found it: recovery after a crash may take a while."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _connect(settings, "postgres").close()
            return
        except psycopg2.OperationalError as error:
            gone = _postmaster_pid(settings) is None if spawned is None else spawned.poll() is not None
            if gone or time.monotonic() > deadline:
                raise ServerError(
                    "Встроенный PostgreSQL не запустился. Причина в журналах папки "
                    f"{settings.server_dir / 'log'}: {last_complaint(settings)}"
                ) from error
        time.sleep(0.05)


def last_complaint(settings: Settings) -> str:
    """The last line of the server's logs that says why it could not go on."""
    logs = sorted((settings.server_dir / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    lines = [line for path in logs for line in path.read_text(errors="replace").splitlines() if "FATAL" in line]
    # Who came while it was starting or stopping was told so; that is no reason.
    lines = [line for line in lines if "the database system is" not in line]
    return lines[-1] if lines else "записей об ошибке нет"


def _create_databases(settings: Settings) -> None:
    """The warehouse comes last: where it exists, everything does."""
    connection = _connect(settings, "postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for database in (AIRFLOW_DB, WAREHOUSE_DB):
                cursor.execute("select 1 from pg_database where datname = %s", (database,))
                if cursor.fetchone() is None:
                    cursor.execute(f'create database "{database}"')
            # Readers of the warehouse have no business elsewhere on its server.
            cursor.execute(f'revoke connect on database "{AIRFLOW_DB}", postgres from public')
            # Dozens of task states a second are worth less than the disk's time: a crash of the machine may take the
            # last of them, and the run is repeated. The warehouse itself stays durable.
            cursor.execute(f'alter database "{AIRFLOW_DB}" set synchronous_commit = off')
    finally:
        connection.close()


def _postmaster_pid(settings: Settings) -> int | None:
    """Pid of the running server of this home; None when the pid file is absent, stale, or of another process."""
    data = settings.server_dir / "data"
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
        # A pid that was given out again belongs to another program.
        ours = process.name() == "postgres" and str(data) in process.cmdline()
        return process.pid if ours and process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _clear_stale_files(data: Path, socket_dir: Path) -> None:
    """Remove what a killed server left, when its pid may meanwhile be another process's (PostgreSQL would refuse)."""
    for leftover in (data / "postmaster.pid", *socket_folder.leftovers(socket_dir)):
        leftover.unlink(missing_ok=True)


def _parallel_workers() -> int:
    """Processes that help with one query: dbt asks two at a time, and each has its share of the processors.

    They need shared memory that small containers (64 MB) do not have.
    """
    share = (os.cpu_count() or 1) // 2 - 1
    try:
        return min(2, max(0, share)) if shutil.disk_usage("/dev/shm").free > 256 * 2**20 else 0
    except OSError:
        return 0
