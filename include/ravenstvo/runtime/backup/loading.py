"""Fill a database from a dump, within one transaction."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from psycopg2 import sql
from sqlalchemy.engine import URL

from ravenstvo.runtime.backup.content import SCHEMAS
from ravenstvo.runtime.backup.manifest import BackupError, Manifest, Mart
from ravenstvo.runtime.terminal import Stage
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import connect, warehouse_url
from ravenstvo.warehouse.migrate import STAMP
from ravenstvo.warehouse.programs import Programs, access, complaint
from ravenstvo.words import number

_PIECE = 1 << 20
_LOCK_SECONDS = 60
# `ravenstvo migrate` gives them anew; in the dump they name the owner, who may be called otherwise here.
_NOT_RESTORED = " DEFAULT ACL "
_DIFFERS = """
do $check$
begin
  if (select (found.n, found.hash) is distinct from ({rows}::bigint, {hash}) from ({query}) as found (n, hash)) then
    raise exception using message = 'витрина ' || {mart} || ' не та, что в описи копии';
  end if;
end
$check$;
"""


def warehouse(
    settings: Settings, programs: Programs, dump: Path, manifest: Manifest, no_roles: list[str], stage: Stage
) -> None:
    """Replace all that the warehouse's database holds; every mart is then compared with the manifest.

    Whatever is not as it should be, the database stays as it was. ``no_roles`` could not be made: the dump may need
    them. Raises BackupError.
    """
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(SCHEMAS)
        dropped = [_drop(name) for (name,) in cursor.fetchall()]
        # Another home's stamp says nothing of the roles and the owners here.
        compared = [_compare(mart, known) for mart, known in manifest.marts.items()]
        forgotten = sql.SQL("delete from ops.setting where name = {};").format(sql.Literal(STAMP))
        before = "".join(one.as_string(connection) for one in dropped)
        after = "".join(one.as_string(connection) for one in [*compared, forgotten])
    try:
        _load(programs, warehouse_url(settings), dump, before, after, stage)
    except BackupError as error:
        if not no_roles:
            raise
        wanted = " ".join(f"create role {role} nologin; grant {role} to … with admin option;" for role in no_roles)
        raise BackupError(f"{error} Ролей нет, и создать их нельзя. Попросите администратора: {wanted}") from error


def airflow(settings: Settings, programs: Programs, dump: Path, stage: Stage) -> None:
    """Replace Airflow's metadata. Raises BackupError; the database stays as it was then."""
    url = server.database_url(settings, server.AIRFLOW_DB)
    _load(programs, url, dump, "drop schema if exists public cascade;\ncreate schema public;\n", "", stage)


def _drop(schema: str) -> sql.Composable:
    return sql.SQL("drop schema {} cascade;\n").format(sql.Identifier(schema))


def _compare(mart: str, known: Mart) -> sql.Composable:
    return sql.SQL(_DIFFERS).format(
        rows=sql.Literal(known.n_rows), hash=sql.Literal(known.hash), query=sql.SQL(known.query), mart=sql.Literal(mart)
    )


def _load(programs: Programs, url: URL, dump: Path, before: str, after: str, stage: Stage) -> None:
    """``before``, the dump and ``after`` as one transaction: psql gets the closing «commit» only when all was sent."""
    sent = 0
    stage.progress = lambda: f"{number(sent / 2**20, 1)} МБ"
    with _contents(programs, dump) as listed, access(url) as (database, environment), _complaints() as said:
        unpack = [programs.path("pg_restore"), "--no-owner", f"--use-list={listed}", "--file=-", str(dump)]
        fill = [programs.path("psql"), "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"]
        with (
            subprocess.Popen(unpack, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said) as source,
            subprocess.Popen(
                [*fill, f"--dbname={database}", "--file=-"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
            ) as target,
        ):
            assert source.stdout is not None and target.stdin is not None
            try:
                target.stdin.write(f"begin;\nset local lock_timeout = '{_LOCK_SECONDS}s';\n{before}".encode())
                while piece := source.stdout.read(_PIECE):
                    target.stdin.write(piece)
                    sent += len(piece)
                if source.wait() == 0:
                    target.stdin.write(f"\n{after}commit;\n".encode())
                target.stdin.close()
            except BrokenPipeError:
                pass  # psql has stopped at an error, which it tells
            finally:
                # Without the closing statement nothing stays; whatever broke this off, neither program goes on.
                source.kill()
                if target.poll() is None and not target.stdin.closed:
                    target.kill()
                # What psql has not taken would be sent once more at the end of the block.
                with suppress(BrokenPipeError):
                    target.stdin.close()
        if source.returncode != 0 or target.returncode != 0:
            said.seek(0)
            raise BackupError(f"База не восстановлена и осталась как была: {complaint(said.read())}")


@contextmanager
def _contents(programs: Programs, dump: Path) -> Iterator[str]:
    """A file with the list of what is restored."""
    told = subprocess.run(
        [programs.path("pg_restore"), "--list", str(dump)], capture_output=True, text=True, check=False
    )
    if told.returncode != 0:
        raise BackupError(f"Часть {dump.name} не читается: {complaint(told.stderr)}")
    with tempfile.NamedTemporaryFile("w", prefix="ravenstvo-", suffix=".list", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in told.stdout.splitlines() if _NOT_RESTORED not in line)
        file.flush()
        yield file.name


@contextmanager
def _complaints() -> Iterator[IO[bytes]]:
    """A file for what programs complain of: a pipe that nobody reads would stop them."""
    with tempfile.TemporaryFile() as file:
        yield file
