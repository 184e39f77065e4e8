"""The machine: disk, memory, clock, folders."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

import ravenstvo
from ravenstvo.errors import why
from ravenstvo.runtime.doctor.finding import Finding, ok, trouble, warning
from ravenstvo.settings import Settings, is_remote
from ravenstvo.warehouse.no_space import is_no_space

_MEGABYTE = 2**20
# A run of a small region takes a quarter of this; PostgreSQL stops where it cannot write its log of changes.
_LEAST_FREE, _GOOD_FREE = 256 * _MEGABYTE, 2048 * _MEGABYTE
_LEAST_FILES = 2000
_PROBE = 64 * 1024
_REST_MEMORY = 1024 * _MEGABYTE
# Clocks of two machines that are set by the network differ by less.
_CLOCK_SECONDS = 60
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def disk(settings: Settings) -> Iterator[Finding]:
    """Room on every disk that is written to."""
    seen: set[int] = set()
    for what, folder in (
        ("папка состояния", settings.home),
        ("копии", settings.backups),
        ("временная папка", Path(tempfile.gettempdir())),
    ):
        there = nearest(folder)
        device = there.stat().st_dev
        if device not in seen:
            seen.add(device)
            yield _room(f"диск ({what})", there)


def _room(title: str, folder: Path) -> Finding:
    free, counts = shutil.disk_usage(folder).free, os.statvfs(folder)
    seen = f"{folder}: свободно {free // _MEGABYTE} МБ"
    advice = "освободите место или перенесите папку на другой диск (RAVENSTVO_HOME, RAVENSTVO_BACKUPS)"
    if free < _LEAST_FREE:
        return trouble(title, f"{seen}, меньше {_LEAST_FREE // _MEGABYTE} МБ: расчёт остановится", advice)
    if counts.f_files and counts.f_favail < _LEAST_FILES:
        return trouble(title, f"{folder}: можно завести ещё только {counts.f_favail} файлов (inodes)", advice)
    if free < _GOOD_FREE:
        return warning(title, f"{seen}, меньше {_GOOD_FREE // _MEGABYTE} МБ", advice)
    return ok(title, seen)


def home(settings: Settings) -> Iterator[Finding]:
    """The state folder can be written to, and others cannot look into it."""
    title = "папка состояния"
    if not settings.home.exists():
        yield warning(title, f"{settings.home} ещё нет", "её заведёт первый запуск: make run")
        return
    try:
        with tempfile.TemporaryFile(dir=settings.home) as probe:
            probe.write(b"\0" * _PROBE)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        advice = (
            "освободите место" if is_no_space(error) else f"верните себе права: chown, chmod u+rwx '{settings.home}'"
        )
        yield trouble(title, f"в {settings.home} нельзя записать файл: {why(error)}", advice)
        return
    mode = settings.home.stat().st_mode
    # Root's server runs under an account of its own that passes through the folder: 0711.
    if mode & (0o066 if os.geteuid() == 0 else 0o077):
        yield trouble(
            title, f"{settings.home} открыта другим (права {mode & 0o777:04o})", f"chmod 711 '{settings.home}'"
        )
        return
    yield ok(title, str(settings.home))


def memory(settings: Settings) -> Iterator[Finding]:
    """Memory for the reading processes beside the rest."""
    title = "память"
    machine = psutil.virtual_memory()
    total = machine.total
    with suppress(OSError, ValueError):
        total = min(total, int(_CGROUP.read_text()))
    wanted = settings.readers * settings.read_memory_mb * _MEGABYTE + _REST_MEMORY
    seen = f"всего {total // _MEGABYTE} МБ, свободно {machine.available // _MEGABYTE} МБ"
    advice = "уменьшите RAVENSTVO_READERS или RAVENSTVO_READ_MEMORY_MB, либо добавьте памяти"
    if total < wanted:
        yield warning(title, f"{seen}; чтению с остальным может понадобиться {wanted // _MEGABYTE} МБ", advice)
    elif machine.available < _REST_MEMORY // 2:
        yield warning(title, seen, "закройте другие программы или добавьте памяти")
    else:
        yield ok(title, seen)


def clock(settings: Settings) -> Iterator[Finding]:
    """Files that were there before cannot be younger than now."""
    title = "часы машины"
    now = time.time()
    known = [Path(ravenstvo.__file__), settings.project_root / "pyproject.toml", settings.home / "last_backup.json"]
    known += (settings.logs_dir / "runs").glob("*.log")
    latest = max((path.stat().st_mtime for path in known if path.exists()), default=now)
    said = f"{datetime.fromtimestamp(now, UTC):%d.%m.%Y %H:%M:%S} UTC"
    if latest > now + _CLOCK_SECONDS:
        later = datetime.fromtimestamp(latest, UTC)
        yield trouble(
            title, f"{said}, а файлы программы и журналы — от {later:%d.%m.%Y %H:%M} UTC: часы отстают", SET_CLOCK
        )
    else:
        yield ok(title, said)


SET_CLOCK = "установите время: timedatectl set-ntp true"


def inbox(settings: Settings) -> Iterator[Finding]:
    """The inbox is there and can be read."""
    title = "папка с файлами"
    if settings.inbox is None:
        yield ok(title, "не задана: учебный регион или --inbox")
        return
    if is_remote(settings.inbox):
        yield from _storage(settings, settings.inbox, title)
        return
    folder = Path(settings.inbox)
    if not folder.is_dir():
        yield trouble(title, f"{folder}: такой папки нет", "исправьте RAVENSTVO_INBOX или подключите диск")
    else:
        try:
            count = sum(1 for _ in os.scandir(folder))
        except OSError as error:
            yield trouble(title, f"{folder} не читается: {why(error)}", f"дайте права на чтение: chmod u+rx '{folder}'")
        else:
            yield ok(title, f"{folder}: {count}")


def _storage(settings: Settings, address: str, title: str) -> Iterator[Finding]:
    from ravenstvo.runtime.storage import Storage, StorageError

    try:
        count = len(Storage(address, settings).items())
    except StorageError as error:
        yield trouble(title, str(error), "проверьте RAVENSTVO_INBOX и airflow/connections.yaml")
    else:
        yield ok(title, f"{address}: {count}")


def nearest(folder: Path) -> Path:
    """The folder itself, or the nearest above it that there is."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
