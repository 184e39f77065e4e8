"""Airflow's own folder: configuration, secrets, metadata database."""

from __future__ import annotations

import base64
import configparser
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import psycopg2
from psycopg2 import errors
from sqlalchemy.engine import URL

from ravenstvo import private_files
from ravenstvo.errors import ToldError
from ravenstvo.passwords import weakness
from ravenstvo.runtime import empty_metadata, executors, observability
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server
from ravenstvo.warehouse.connection import url_parameters

ADMIN = "admin"
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class AirflowError(ToldError):
    """Airflow cannot be prepared; the message (Russian) says where to look."""


def prepare(settings: Settings) -> dict[str, str]:
    """Write the configuration and bring the metadata database up to date.

    Returns the environment in which every Airflow command of this home runs. Quick when nothing changed.
    """
    if settings.executor == executors.CELERY and settings.broker_url is None:
        raise AirflowError(
            "Задан RAVENSTVO_EXECUTOR=CeleryExecutor, но не сказано, где Redis. Запишите его адрес "
            "(redis://пользователь:пароль@узел:6379/0) в файл и назовите файл: RAVENSTVO_BROKER_URL_FILE=/путь"
        )
    _check_passwords(settings)
    server.ensure_database(settings, server.AIRFLOW_DB)
    settings.make_home()
    private_files.write(settings.airflow_home / "airflow.cfg", _configuration(settings))
    _write_passwords(settings)
    environment = _environment(settings)
    _migrate_metadata(settings, environment)
    return environment


def command(*arguments: str) -> list[str]:
    """Airflow's command line of this Python environment."""
    return [sys.executable, "-m", "airflow", *arguments]


def api_url(settings: Settings) -> str:
    """Address at which services and tasks reach the web server; people may not."""
    return settings.api_url or f"http://127.0.0.1:{settings.api_port}"


def web_url(settings: Settings) -> str:
    """Address at which people open the web interface."""
    return settings.public_url or api_url(settings)


def passwords_file(settings: Settings) -> Path:
    """Where the password of the web interface is."""
    return settings.airflow_home / "passwords.json"


def _environment(settings: Settings) -> dict[str, str]:
    """The caller's environment with this home, and without Airflow settings meant for another installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return kept | {
        "AIRFLOW_HOME": str(settings.airflow_home),
        "RAVENSTVO_HOME": str(settings.home),
        # Tasks that Airflow starts find the same programs as this command.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **observability.environment(settings),
    }


def _configuration(settings: Settings) -> str:
    url = server.database_url(settings, server.AIRFLOW_DB)
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": settings.project_root / "dags",
            "plugins_folder": settings.project_root / "plugins",
            "load_examples": False,
            "dags_are_paused_at_creation": False,
            "fernet_key": base64.urlsafe_b64encode(
                hashlib.sha256(_secret(settings, "fernet").encode()).digest()
            ).decode(),
            "simple_auth_manager_users": f"{ADMIN}:admin",
            "simple_auth_manager_passwords_file": passwords_file(settings),
            "execution_api_server_url": f"{api_url(settings)}/execution/",
        },
        "database": {
            "sql_alchemy_conn": url.render_as_string(hide_password=False),
            # Airflow works without its asynchronous connection; asyncpg, which it needs, may be absent.
            "sql_alchemy_conn_async": _async_url(url) if importlib.util.find_spec("asyncpg") else "",
            "load_default_connections": False,
        },
        "logging": {"base_log_folder": settings.logs_dir / "airflow"} | observability.logging_options(settings),
        "metrics": observability.metrics_options(settings),
        "openlineage": observability.lineage_options(settings),
        "api": {
            "host": settings.api_host,
            "port": settings.api_port,
            # Where people are led to, as after a login; services reach it otherwise.
            "base_url": web_url(settings),
            "workers": 1,
            "expose_config": False,
            "secret_key": _secret(settings, "api"),
        },
        "api_auth": {"jwt_secret": _secret(settings, "jwt")},
        "dag_processor": {"refresh_interval": 60, "min_file_process_interval": 60},
        "secrets": _connections(settings),
        "usage_data_collection": {"enabled": False},
    }
    for name, more in executors.options(settings).items():
        sections[name] = sections.get(name, {}) | more
    parser = configparser.RawConfigParser()
    for name, options in sections.items():
        parser[name] = {option: str(value).replace("%", "%%") for option, value in options.items()}
    text = io.StringIO()
    text.write("# Written by ravenstvo at every start; changes made by hand are lost.\n")
    parser.write(text)
    return text.getvalue()


def _async_url(url: URL) -> str:
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def _secret(settings: Settings, name: str) -> str:
    """A random secret of this home, made once."""
    path = settings.airflow_home / f"{name}.secret"
    if not path.exists():
        private_files.write(path, secrets.token_hex(32))
    return path.read_text()


def _write_passwords(settings: Settings) -> None:
    path = passwords_file(settings)
    if not path.exists():
        private_files.write(path, json.dumps({ADMIN: secrets.token_urlsafe(12)}))


def _check_passwords(settings: Settings) -> None:
    """A web interface that other machines reach is not opened with a password that everybody knows."""
    path = passwords_file(settings)
    if settings.api_host in _THIS_MACHINE or not path.exists():
        return
    for user, password in json.loads(path.read_text(encoding="utf-8")).items():
        if why := weakness(str(password), user):
            raise AirflowError(
                f"Пароль пользователя {user} в файле {path} {why}, а Airflow открыт другим машинам "
                f"(RAVENSTVO_API_HOST={settings.api_host}). Задайте случайный или удалите файл: он появится заново."
            )


def _connections(settings: Settings) -> dict[str, object]:
    """Airflow's connections and variables come from files of its home, where there are any."""
    files = {
        argument: settings.airflow_home / name
        for argument, name in (("connections_file_path", "connections.yaml"), ("variables_file_path", "variables.yaml"))
    }
    found = {argument: str(path) for argument, path in files.items() if path.exists()}
    if not found:
        return {}
    return {"backend": "airflow.secrets.local_filesystem.LocalFilesystemBackend", "backend_kwargs": json.dumps(found)}


def _migrate_metadata(settings: Settings, environment: dict[str, str]) -> None:
    """``airflow db migrate`` takes seconds: a stamp holds the program's version and the revision that it left."""
    version = importlib.metadata.version("apache-airflow-core")
    stamp = _stamp(settings)
    revision = _metadata_revision(settings)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == f"{version} {revision}":
        return
    if revision is None and empty_metadata.restore(settings):
        stamp.write_text(f"{version} {_metadata_revision(settings)}", encoding="utf-8")
        return
    log = settings.logs_dir / "airflow-db-migrate.log"
    with log.open("w") as output:
        done = subprocess.run(
            command("db", "migrate"), env=environment, cwd=settings.home, stdout=output, stderr=output, check=False
        )
    if done.returncode != 0:
        raise AirflowError(f"База метаданных Airflow не подготовлена. Подробности: {log}")
    stamp.write_text(f"{version} {_metadata_revision(settings)}", encoding="utf-8")
    if revision is None:
        empty_metadata.keep(settings)


def forget_migration(settings: Settings) -> None:
    """Have the next preparation look at the metadata database again: it is another one now."""
    _stamp(settings).unlink(missing_ok=True)


def _stamp(settings: Settings) -> Path:
    return settings.airflow_home / "migrated"


def _metadata_revision(settings: Settings) -> str | None:
    """Revision that the metadata database is at; None when it is empty."""
    url = server.database_url(settings, server.AIRFLOW_DB)
    connection = psycopg2.connect(**url_parameters(url))
    try:
        with connection.cursor() as cursor:
            cursor.execute("select version_num from alembic_version")
            row = cursor.fetchone()
            return str(row[0]) if row else None
    except errors.UndefinedTable:
        return None
    finally:
        connection.close()
