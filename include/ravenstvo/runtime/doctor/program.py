"""The program itself: Python, packages, settings with secrets, Airflow's connections."""

from __future__ import annotations

import importlib.metadata
import os
import re
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ravenstvo.errors import why
from ravenstvo.runtime.doctor.finding import Finding, ok, some, trouble, warning
from ravenstvo.settings import SECRET, Settings

_LOCKED = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")
_REACH_SECONDS = 5
_PORTS = {"smtp": 587, "sftp": 22, "ssh": 22, "ftp": 21, "http": 80, "https": 443, "aws": 443, "postgres": 5432}


def versions(settings: Settings) -> Iterator[Finding]:
    """Python and the packages, beside what the lock says."""
    title = "Python и пакеты"
    here = {str(canonicalize_name(one.name)): one.version for one in importlib.metadata.distributions() if one.name}
    python = ".".join(map(str, sys.version_info[:3]))
    wanted = importlib.metadata.metadata("ravenstvo").json.get("requires_python") or ""
    if wanted and not Requirement(f"python{wanted}").specifier.contains(python):
        yield trouble(title, f"Python {python}, нужен {wanted}", "make setup с нужным Python")
    required = [Requirement(text) for text in importlib.metadata.requires("ravenstvo") or ()]
    direct = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
    if missing := [one.name for one in direct if canonicalize_name(one.name) not in here]:
        yield trouble(title, f"не установлены: {some(missing)}", "make setup")
    lock = settings.project_root / "requirements.lock"
    if not lock.exists():
        yield warning(title, f"Python {python}; сравнить не с чем: нет {lock}", "верните файл из репозитория")
        return
    locked = {str(canonicalize_name(name)): version for name, version in _locked(lock)}
    others = [
        f"{name} {here[name]} вместо {version}" for name, version in locked.items() if _differs(here, name, version)
    ]
    if others:
        yield warning(title, f"не те версии: {some(others)}", "make setup")
    elif not missing:
        n_same = len(locked.keys() & here.keys())
        yield ok(
            title,
            f"Python {python}, Airflow {here.get('apache-airflow', '?')}; {n_same} пакетов — как в requirements.lock",
        )


def secret_files(settings: Settings) -> Iterator[Finding]:
    """Files with passwords are their owner's alone."""
    title = "файлы с паролями"
    named = [Path(given) for name in SECRET if (given := os.environ.get(f"RAVENSTVO_{name.upper()}_FILE"))]
    # What containers mount there is readable for their user by design, and for nobody outside.
    named = [path for path in named if not path.is_relative_to("/run/secrets")]
    airflow = settings.airflow_home
    own = [settings.home / name for name in ("logins.json", "readers.csv", "region_readers.csv")]
    own.append(settings.server_dir / "password")
    own += [airflow / name for name in ("airflow.cfg", "passwords.json", "connections.yaml", "variables.yaml")]
    own += airflow.glob("*.secret")
    there = [path for path in (*named, *own) if path.exists()]
    is_fine = True
    for path in there:
        if mode := open_to_others(path):
            is_fine = False
            yield trouble(title, f"{path} доступен другим (права {mode})", f"chmod 600 '{path}'")
    if is_fine:
        yield ok(title, f"закрыты: {len(there)}")


def open_to_others(path: Path) -> str | None:
    """The permissions of a file that others may read or write; None of one that they may not."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:04o}" if mode & 0o077 else None


def connections(settings: Settings) -> Iterator[Finding]:
    """Airflow's connections of the home: whether their hosts answer at all. Nobody logs in."""
    title = "подключения (почта, хранилища файлов)"
    path = settings.airflow_home / "connections.yaml"
    if not path.exists():
        yield ok(title, "не заданы")
        return
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        places = {str(name): _place(one) for name, one in given.items()}
    except (yaml.YAMLError, ValueError, AttributeError, OSError) as error:
        # What the file holds may be a password.
        yield trouble(title, f"{path} не читается ({type(error).__name__})", "исправьте файл")
        return
    for name, place in places.items():
        if place is None:
            yield ok(title, f"«{name}»: узел не назван, проверять нечего")
            continue
        host, port = place
        try:
            socket.create_connection((host, port), timeout=_REACH_SECONDS).close()
        except OSError as error:
            seen = f"«{name}»: {host}:{port} не отвечает ({why(error)})"
            yield trouble(title, seen, f"проверьте узел и порт в {path}, сеть и межсетевой экран")
        else:
            yield ok(title, f"«{name}»: {host}:{port} отвечает")


def _place(given: Any) -> tuple[str, int] | None:
    """Host and port of a connection, as Airflow writes it: an address or a table of its parts."""
    if isinstance(given, list):
        given = given[0]
    if isinstance(given, str):
        url = urlsplit(given)
        kind, host, port = url.scheme, url.hostname, url.port
    else:
        kind, host, port = given.get("conn_type", ""), given.get("host"), given.get("port")
        extra = given.get("extra") or given.get("extra_dejson") or {}
        endpoint = extra.get("endpoint_url") if isinstance(extra, dict) else None
        if endpoint:
            url = urlsplit(endpoint)
            kind, host, port = url.scheme, url.hostname, url.port
    if not host:
        return None
    return host, int(port or _PORTS.get(kind, 443))


def _locked(lock: Path) -> Iterator[tuple[str, str]]:
    for line in lock.read_text(encoding="utf-8").splitlines():
        if found := _LOCKED.match(line):
            yield found[1], found[2]


def _differs(here: dict[str, str], name: str, version: str) -> bool:
    # Packages of the lock that only development needs are rightly absent.
    return name in here and here[name] != version
