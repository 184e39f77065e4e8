"""Superset on this machine: prepared from the dictionary and ``include/bi``, started, stopped, exported."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import psycopg2
from psycopg2 import errors

from ravenstvo import private_files
from ravenstvo.errors import ToldError
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.bi import access, bundle, exported
from ravenstvo.publishing.bi.identity import DATABASES, LOGINS, READER_ROLES
from ravenstvo.publishing.dictionary import Mart
from ravenstvo.runtime import processes
from ravenstvo.settings import Settings
from ravenstvo.warehouse import logins, migrate, server
from ravenstvo.warehouse.connection import connect, url_parameters, warehouse_url

Say = Callable[[str], None]

_START_SECONDS = 120
_CONFIGURATION = ("superset_config.py", "viewers.py", "stored_sql.py")
_STAMP = "ravenstvo_provisioned"


class BiError(ToldError):
    """Superset cannot be prepared or started; the message (Russian) says what to do or where to look."""


@dataclass(frozen=True)
class _Wanted:
    """What Superset should hold, and the fingerprint of all of it."""

    bundle: bundle.Bundle
    plan: dict[str, Any]
    municipalities: list[access.Municipality]

    @property
    def fingerprint(self) -> str:
        plan = json.dumps(self.plan, sort_keys=True)
        return hashlib.sha256(f"{self.bundle.fingerprint} {plan}".encode()).hexdigest()


def up(settings: Settings, say: Say) -> None:
    """Bring Superset's content up to date, start it where it does not run, say where it is."""
    provision(settings, say)
    note, mark = _note(settings), _mark(settings)
    if processes.running(note) is not None and processes.mark(note) != mark:
        say("Настройки изменились: Superset перезапускается")
        stop(settings)
    if processes.running(note) is None:
        _start(settings, mark)
        say("Superset запускается")
    _wait_until_healthy(settings)
    say(f"Superset: {url(settings)}")
    say(f"Имена и пароли: {_logins_file(settings)}")
    say(f"Журнал: {_log(settings, 'superset')}. Остановить: ravenstvo bi down")


def provision(settings: Settings, say: Say) -> bool:
    """Import connections, datasets, charts, dashboards, roles and users; False when all of it was there already.

    Raises BiError, or DocumentError for the files of ``include/bi``.
    """
    _check_environment(settings)
    settings.make_home()
    settings.bi_dir.mkdir(exist_ok=True, mode=0o700)
    migrate.upgrade(settings)
    wanted = _wanted(settings)
    server.ensure_database(settings, server.BI_DB)
    _write_settings(settings)
    users = _users(settings, wanted.municipalities)
    version = _version(settings)
    stamp = _stamp(settings)
    if stamp == {"fingerprint": wanted.fingerprint, "version": version}:
        return False
    bundle.write(wanted.bundle, settings.bi_dir / "bundle.new")
    before = bundle.read(settings.bi_dir / "bundle")
    plan = wanted.plan | {
        "users": users,
        "prepare": stamp.get("version") != version,
        "keep": bool(stamp),
        "gone": {
            kind: sorted({*bundle.assets(before, kind)} - {*bundle.assets(wanted.bundle.files, kind)})
            for kind in ("datasets", "charts", "dashboards")
        },
        "stamp": {"table": _STAMP, "fingerprint": wanted.fingerprint, "version": version},
    }
    _import(settings, plan, say)
    if stamp:
        _keep_changes(settings, before, say)
    _remember(settings)
    found = wanted.bundle
    say(
        f"Загружено: наборов данных {len(found.marts)}, диаграмм {len(found.documents.charts)}, "
        f"дашбордов {len(found.documents.dashboards)}, муниципалитетов {len(wanted.municipalities)}"
    )
    return True


def export(settings: Settings, say: Say, folder: Path | None = None) -> None:
    """Write charts and dashboards as Superset holds them back into ``include/bi``, or a copy of it."""
    _check_environment(settings)
    server.ensure_running(settings)
    server.ensure_database(settings, server.BI_DB)
    if not _stamp(settings):
        raise BiError("В Superset ещё ничего не загружено: выполните «make bi».")
    dump = settings.bi_dir / "export.json"
    _run_script(settings, "export", [str(dump), access.ADMIN], lambda _: None)
    content = json.loads(dump.read_text(encoding="utf-8"))
    dump.unlink()
    wanted = _wanted(settings).bundle
    target = folder or _folder(settings)
    done = exported.write(target, content, _touchable(wanted.files), wanted.marts, new=True)
    for line in done.refused:
        say(f"Не выгружено: {line}")
    for file in done.files:
        say(f"Записано: {target / file}")
    if not done.files:
        say("Изменений нет.")


def run_in_foreground(settings: Settings) -> NoReturn:
    """Become Superset: what a container or a process manager starts. Its content must have been provisioned.

    It sees its own folder and no more: neither the keys of the home nor the warehouse's owner.
    """
    _check_environment(settings)
    if not (settings.bi_dir / "settings.json").exists():
        raise BiError(f"В {settings.bi_dir} нет настроек Superset: сначала выполните «ravenstvo bi provision».")
    os.chdir(settings.bi_dir)
    command = _command(settings)
    os.execve(command[0], command, _environment(settings))


def stop(settings: Settings) -> bool:
    """Stop Superset of this home; False when it did not run."""
    return bool(processes.stop([_note(settings)]))


def down(settings: Settings, say: Say) -> None:
    """Stop Superset and say so. The warehouse's server stays."""
    say("Superset остановлен." if stop(settings) else "Superset не работал.")


def status(settings: Settings, say: Say) -> None:
    """Say whether Superset runs and where."""
    process = processes.running(_note(settings))
    if process is None:
        say("Superset не работает. Запустить: make bi")
    elif not is_healthy(settings):
        say(f"Superset запускается (процесс {process.pid}). Журнал: {_log(settings, 'superset')}")
    else:
        say(f"Superset работает: {url(settings)} (процесс {process.pid})")
    if _logins_file(settings).exists():
        say(f"Имена и пароли: {_logins_file(settings)}")


def url(settings: Settings) -> str:
    """Where Superset is, for a person at this machine."""
    host = "127.0.0.1" if settings.bi_host in ("0.0.0.0", "::") else settings.bi_host
    return f"http://{host}:{settings.bi_port}"


def _import(settings: Settings, plan: dict[str, Any], say: Say) -> None:
    """Run the import; the plan, which holds first passwords, does not outlive it."""
    file = settings.bi_dir / "plan.json"
    private_files.write(file, json.dumps(plan, ensure_ascii=False))
    try:
        _run_script(settings, "provision", [str(settings.bi_dir)], say)
    finally:
        file.unlink()


def _keep_changes(settings: Settings, given: dict[str, str], say: Say) -> None:
    """Keep what people had changed in the interface, and the import has overwritten, as files beside the state."""
    file, documents = settings.bi_dir / "before.json", settings.bi_dir / "imported"
    content = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    done = exported.write(documents, content, _touchable(given), _marts(settings), new=False)
    if done.files:
        kept = settings.bi_dir / "replaced" / time.strftime("%Y-%m-%d-%H%M%S")
        for name in done.files:
            (kept / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(documents / name, kept / name)
        say(f"Изменения, сделанные в Superset и не выгруженные, заменены; их копия: {kept}")


def _touchable(files: dict[str, str]) -> dict[str, Any]:
    """What people may change in Superset, of a bundle: charts and dashboards by uuid."""
    return bundle.assets(files, "charts") | bundle.assets(files, "dashboards")


def _remember(settings: Settings) -> None:
    """What is imported now: the bundle, and the documents that it was made from."""
    folder = settings.bi_dir
    shutil.rmtree(folder / "bundle", ignore_errors=True)
    (folder / "bundle.new").rename(folder / "bundle")
    shutil.rmtree(folder / "imported", ignore_errors=True)
    for kind in ("charts", "dashboards"):
        shutil.copytree(_folder(settings) / kind, folder / "imported" / kind)


# --- What it should hold --------------------------------------------------------------------------------------------


def _wanted(settings: Settings) -> _Wanted:
    marts = _marts(settings)
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute("select municipality_code, municipality_name from marts.dim_municipality order by 1")
        municipalities = [access.Municipality(code, name) for code, name in cursor.fetchall() if code]
    made = bundle.build(_folder(settings), marts, warehouse_url(settings).database or "")
    roles = {item.uuid: item.roles for item in made.documents.dashboards.values()}
    return _Wanted(made, access.plan(marts, municipalities, roles, settings.bi_anonymous), municipalities)


def _marts(settings: Settings) -> dict[str, Mart]:
    """The dictionary, without what the last run has not made yet."""
    try:
        known = dictionary.load(settings.dbt_target_dir)
    except FileNotFoundError as error:
        raise BiError("Хранилище пусто: сначала выполните «make run».") from error
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select n.nspname, c.relname, array_agg(a.attname::text) from pg_class c "
            "join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid "
            "where n.nspname = any(%s) and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'm', 'p') "
            "group by 1, 2",
            (list(DATABASES),),
        )
        made = {(schema, table): set(columns) for schema, table, columns in cursor.fetchall()}
    marts = {
        name: replace(mart, columns=tuple(c for c in mart.columns if c.name in made[mart.schema, name]))
        for name, mart in known.items()
        if (mart.schema, name) in made
    }
    if "dim_municipality" not in marts:
        raise BiError("В хранилище нет витрин: сначала выполните «make run».")
    return marts


# --- Secrets and users ----------------------------------------------------------------------------------------------


def _write_settings(settings: Settings) -> None:
    """Secrets and addresses for superset_config; makes the database users of the connections."""
    secret = settings.bi_dir / "secret.json"
    known = json.loads(secret.read_text()) if secret.exists() else {}
    known = {"secret_key": secrets.token_hex(32)} | {login: logins.new_password() for login in LOGINS.values()} | known
    private_files.write(secret, json.dumps(known))
    address = warehouse_url(settings)
    connections = {}
    for schema, login in LOGINS.items():
        password = known[login]
        if not logins.lets_in(settings, login, password):
            logins.make_login(settings, login, READER_ROLES[schema], password)
        place = {"host": address.host, "port": address.port, "query": dict(address.query)}
        connections[login] = place | {"password": password}
    content = {
        "secret_key": known["secret_key"],
        "metadata_url": server.database_url(settings, server.BI_DB).render_as_string(hide_password=False),
        "connections": connections,
    }
    private_files.write(settings.bi_dir / "settings.json", json.dumps(content, indent=1))


def _users(settings: Settings, municipalities: list[access.Municipality]) -> list[dict[str, Any]]:
    """Users with the passwords that they are made with; a password that was changed since is not known here."""
    file = _logins_file(settings)
    known = {}
    if file.exists():
        with file.open(encoding="utf-8", newline="") as lines:
            known = {row["login"]: row["password"] for row in csv.DictReader(lines)}
    users = access.users(municipalities)
    for user in users:
        user["password"] = known.get(user["login"]) or secrets.token_urlsafe(12)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["login", "password", "name"])
    table.writerows([user["login"], user["password"], user["name"]] for user in users)
    private_files.write(file, text.getvalue())
    return users


# --- Superset's own processes ---------------------------------------------------------------------------------------


def _check_environment(settings: Settings) -> None:
    if not _python(settings).exists():
        raise BiError(f"Окружения Superset нет ({settings.bi_environment}): выполните «make bi».")


def _run_script(settings: Settings, name: str, arguments: list[str], say: Say) -> None:
    """Run a script of ``include/bi`` to its end; its printed lines are progress, its log goes to a file."""
    log = _log(settings, name)
    log.parent.mkdir(exist_ok=True, mode=0o700)
    command = [str(_python(settings)), str(_folder(settings) / f"{name}.py"), *arguments]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, env=_environment(settings), cwd=settings.bi_dir, stdout=subprocess.PIPE, stderr=output, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            say(line.rstrip())
        failed = process.wait() != 0
    if failed:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        raise BiError(f"Superset не подготовлен: {lines[-1] if lines else 'причина не названа'}. Подробности: {log}")


def _start(settings: Settings, mark: str) -> None:
    if not processes.port_is_free(settings.bi_host, settings.bi_port):
        raise BiError(f"Порт {settings.bi_port} занят. Задайте другой: RAVENSTVO_BI_PORT=8089 make bi")
    log = _log(settings, "superset")
    log.parent.mkdir(exist_ok=True, mode=0o700)
    processes.start(_note(settings), _command(settings), _environment(settings), settings.bi_dir, log, mark)


def _command(settings: Settings) -> list[str]:
    # No --preload: the workers must not share connections to the metadata.
    return [
        *(str(_python(settings)), "-m", "gunicorn", "--workers", str(settings.bi_workers)),
        *("--worker-class", "gthread", "--threads", "8", "--timeout", "120", "--keep-alive", "5"),
        # A link may carry the longest name, each letter as six signs, twice.
        *("--limit-request-line", "8190"),
        *("--bind", f"{settings.bi_host}:{settings.bi_port}", "superset.app:create_app()"),
    ]


def _wait_until_healthy(settings: Settings) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_healthy(settings):
        if processes.running(_note(settings)) is None:
            raise BiError(f"Superset не запустился. Подробности: {_log(settings, 'superset')}")
        if time.monotonic() > deadline:
            raise BiError(f"Superset не готов за {_START_SECONDS} с. Подробности: {_log(settings, 'superset')}")
        time.sleep(0.2)


def is_healthy(settings: Settings) -> bool:
    """Whether Superset answers."""
    try:
        with urllib.request.urlopen(f"{url(settings)}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _environment(settings: Settings) -> dict[str, str]:
    """The caller's environment without what is meant for other Pythons or another Superset."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "SUPERSET", "FLASK", "VIRTUAL"))
    }
    return kept | {
        "SUPERSET_CONFIG_PATH": str(_folder(settings) / "superset_config.py"),
        "SUPERSET_HOME": str(settings.bi_dir),
        "RAVENSTVO_BI_DIR": str(settings.bi_dir),
        "PYTHONPATH": str(_folder(settings)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
    }


def _mark(settings: Settings) -> str:
    """Changes when a running Superset must be started anew."""
    files = (settings.bi_dir / "settings.json", *(_folder(settings) / name for name in _CONFIGURATION))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files))
    digest.update(f"{_version(settings)} {settings.bi_host} {settings.bi_port} {settings.bi_workers}".encode())
    return digest.hexdigest()


def _version(settings: Settings) -> str:
    """Of the environment: its lock."""
    return hashlib.sha256((_folder(settings) / "requirements.lock").read_bytes()).hexdigest()


def _stamp(settings: Settings) -> dict[str, str]:
    """What the metadata say about the last import; empty when there was none."""
    connection = psycopg2.connect(**url_parameters(server.database_url(settings, server.BI_DB)))
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"select fingerprint, version from {_STAMP}")
            row = cursor.fetchone()
            return {"fingerprint": row[0], "version": row[1]} if row else {}
    except errors.UndefinedTable:
        return {}
    finally:
        connection.close()


def _folder(settings: Settings) -> Path:
    return settings.project_root / "include" / "bi"


def _python(settings: Settings) -> Path:
    return settings.bi_environment / "bin" / "python"


def _logins_file(settings: Settings) -> Path:
    return settings.bi_dir / "logins.csv"


def _log(settings: Settings, name: str) -> Path:
    return settings.bi_dir / "logs" / f"{name}.log"


def _note(settings: Settings) -> Path:
    return settings.home / "pids" / "superset.json"
