"""Put a backup into an empty warehouse and state folder: all of it, checked, or nothing.

The database is filled within one transaction that ends with a comparison of every mart with the backup's manifest: a
restore that is broken off, or whose marts are not the same, leaves the database as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ravenstvo import private_files
from ravenstvo.calculation.lifecycle import turn
from ravenstvo.runtime import airflow_home, processes, readers, services
from ravenstvo.runtime.backup import loading
from ravenstvo.runtime.backup import manifest as described
from ravenstvo.runtime.backup.key_check import check_keys
from ravenstvo.runtime.backup.manifest import BackupError, Manifest, verified
from ravenstvo.runtime.recalculation import alone, terminable
from ravenstvo.runtime.terminal import Stages, Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse import migrate, roles, server
from ravenstvo.warehouse.connection import connect, has_table, outside_transaction
from ravenstvo.warehouse.logins import make_pipeline_logins
from ravenstvo.warehouse.programs import programs_for
from ravenstvo.words import duration, number

_CHECK, _PLACE, _FILES, _DATABASE = "проверка копии", "куда возвращать", "файлы", "база и сверка витрин"
_AIRFLOW, _ROLES, _STATISTICS = "история Airflow", "устройство, роли, пользователи", "статистика"
# Where data are told by their rows, and when those came.
_FILLED = {
    "ops.source_file": "first_seen_at",
    "ops.calculation": "started_at",
    "ops.publication": "approved_at",
    "ops.school_decision": "decided_at",
}


def check(source: Path, terminal: Terminal) -> Manifest:
    """Read a backup to its end and tell what it holds. Raises BackupError for one that is not whole."""
    with terminal.stages([_CHECK]) as stages:
        folder, manifest = _verified(source, stages)
    terminal.say(f"Копия {folder} цела.")
    _tell(terminal, manifest)
    return manifest


def restore(settings: Settings, source: Path, terminal: Terminal, *, replace: bool = False) -> list[str]:
    """Return the state of a backup to this home and its warehouse.

    Args:
        settings: of the home and the warehouse, both empty.
        source: folder of the backup, or its manifest.
        terminal: where to speak.
        replace: whether what is there may be lost. A restore that was broken off is repeated without it, unless
            something has come since.

    Returns what is left for a person to do, in Russian. Raises BackupError and, with nothing touched, DowngradeError
    for a backup of a newer program, PseudonymKeyError and VaultError for damaged keys.
    """
    with terminable(), terminal.stages([_CHECK, _PLACE, _FILES, _DATABASE, _ROLES, _STATISTICS]) as stages:
        folder, manifest = _verified(source, stages)
        migrate.refuse_newer(manifest.revisions)
        todo = check_keys(settings, manifest)
        stages.start(_PLACE)
        _check_services(settings)
        settings.make_home()
        with alone(settings.home):
            # What a restore that was broken off has left takes the place that this one needs.
            shutil.rmtree(_draft(settings), ignore_errors=True)
            _check_space(settings, manifest)
            server.ensure_running(settings)
            if not replace:
                _check_empty(settings, manifest)
            programs = programs_for(
                max(_server_version(settings, manifest), manifest.dump_major * 10_000), ("pg_restore", "psql")
            )
            _note_begun(settings, manifest)
            stages.start(_FILES)
            with _unpacked(settings, folder, manifest) as unpacked:
                stage = stages.start(_DATABASE)
                refused = _make_logins(settings)
                with turn(settings):
                    loading.warehouse(settings, programs, folder / described.WAREHOUSE, manifest, refused, stage)
                _move_in(settings, unpacked)
            if manifest.part(described.AIRFLOW):
                loading.airflow(settings, programs, folder / described.AIRFLOW, stages.start(_AIRFLOW))
            stages.start(_ROLES)
            migrate.upgrade(settings, anew=True)
            made = readers.make_again(settings, f"возврат копии от {manifest.made_at:%d.%m.%Y}")
            if manifest.part(described.AIRFLOW):
                airflow_home.forget_migration(settings)
                airflow_home.prepare(settings)
            stages.start(_STATISTICS)
            with outside_transaction(settings) as cursor:
                cursor.execute("analyze")  # a restored table has none yet
            _end(settings)
    if made:
        todo.append(f"Новые пароли читателей муниципалитетов ({len(made)}): {readers.passwords_file(settings)}")
    terminal.say(f"Возвращено за {duration(stages.seconds)}; все витрины ({len(manifest.marts)}) совпали с описью.")
    _tell(terminal, manifest)
    for line in todo:
        terminal.say(line, "bold")
    if manifest.unfinished:
        terminal.say("Копия сделана посреди расчёта: выполните «ravenstvo run», он посчитает витрины заново.")
    else:
        terminal.say("Проверить: «ravenstvo run» с той же папкой файлов ничего не изменит.")
    return todo


def unfinished(settings: Settings) -> str | None:
    """From which moment a backup is that was begun to be restored here and is not; None when none is."""
    try:
        return str(json.loads(_begun_file(settings).read_text(encoding="utf-8"))["made_at"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _verified(source: Path, stages: Stages) -> tuple[Path, Manifest]:
    stage = stages.start(_CHECK)
    done = 0

    def reached(read: int) -> None:
        nonlocal done
        done = read

    stage.progress = lambda: f"прочитано {number(done / 2**20, 1)} МБ"
    return verified(source, reached)


def _check_services(settings: Settings) -> None:
    if running := [name for name in services.SERVICES if processes.running(services.note(settings, name))]:
        raise BackupError(f"Работают службы Airflow ({', '.join(running)}). Остановите их: make down, и повторите.")


def _check_space(settings: Settings, manifest: Manifest) -> None:
    files = sum(part.size_bytes for part in manifest.parts if part.name in (described.ORIGINALS, described.ROOMS))
    # Where the database lies elsewhere, its disk is not ours to see.
    wanted = 2 * files + (manifest.database_bytes if settings.warehouse_url is None else 0)
    free = shutil.disk_usage(settings.home).free
    if free < wanted:
        raise BackupError(
            f"Для возврата нужно около {number(wanted / 2**20)} МБ, а в {settings.home} свободно "
            f"{number(free / 2**20)} МБ. Ничего не изменено."
        )


def _check_empty(settings: Settings, manifest: Manifest) -> None:
    """Raise BackupError for data that nobody has given up.

    A restore of this backup that was broken off may have returned all of it: then only what is later counts.
    """
    found = []
    is_repeated = unfinished(settings) == manifest.made_at.isoformat()
    with connect(settings) as connection, connection.cursor() as cursor:
        for table, came in _FILLED.items():
            if has_table(cursor, table):
                cursor.execute(
                    f"select count(*) from {table} where not %s or {came} > %s", (is_repeated, manifest.made_at)
                )
                (rows,) = cursor.fetchone() or (0,)
                found += [f"{table}: {rows}"] if rows else []
    rooms = () if is_repeated else (*described.ROOM_NAMES, settings.archive_dir.name)
    found += [str(settings.home / name) for name in rooms if any((settings.home / name).glob("*"))]
    if found:
        raise BackupError(
            f"Здесь уже есть данные ({'; '.join(found)}). Копия возвращается в пустое хранилище и пустую папку "
            "состояния: назовите другие (RAVENSTVO_HOME, RAVENSTVO_WAREHOUSE_URL). Заменить то, что есть, без "
            "возможности отмены: --replace"
        )


def _server_version(settings: Settings, manifest: Manifest) -> int:
    with connect(settings) as connection:
        version: int = connection.server_version
    if version // 10_000 < manifest.server_version // 10_000:
        raise BackupError(
            f"Копия сделана на PostgreSQL {manifest.server_version // 10_000}, а этот сервер — {version // 10_000}. "
            "Ничего не изменено. Нужен сервер не старше."
        )
    return version


def _make_logins(settings: Settings) -> list[str]:
    """Roles that the dump names, and the pipeline's logins. Returns the roles that could not be made."""
    with connect(settings) as connection, connection.cursor() as cursor:
        refused = roles.create_roles(cursor)
    make_pipeline_logins(settings)
    return refused


def _begun_file(settings: Settings) -> Path:
    return settings.home / "restoring.json"


def _note_begun(settings: Settings, manifest: Manifest) -> None:
    private_files.write(_begun_file(settings), json.dumps({"made_at": manifest.made_at.isoformat()}), lasting=True)


def _end(settings: Settings) -> None:
    _begun_file(settings).unlink(missing_ok=True)


def _draft(settings: Settings) -> Path:
    return settings.home / "restoring"


@contextmanager
def _unpacked(settings: Settings, folder: Path, manifest: Manifest) -> Iterator[Path]:
    """The files of the backup beside the places where they belong."""
    draft = _draft(settings)
    draft.mkdir(mode=0o700)
    try:
        for name, into in ((described.ROOMS, draft), (described.ORIGINALS, draft / settings.archive_dir.name)):
            into.mkdir(exist_ok=True, mode=0o700)
            if manifest.part(name):
                with tarfile.open(folder / name) as tar:
                    tar.extractall(into, filter="data")
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _move_in(settings: Settings, unpacked: Path) -> None:
    """Put rooms in the places of those that are there; originals come beside others, which are named by content."""
    for name in described.ROOM_NAMES:
        if (unpacked / name).exists():
            shutil.rmtree(settings.home / name, ignore_errors=True)
            (unpacked / name).chmod(0o700)
            (unpacked / name).replace(settings.home / name)
    public = settings.archive_public_key_file
    if (unpacked / public.name).exists():
        (unpacked / public.name).replace(public)
    archived = unpacked / settings.archive_dir.name
    for path in archived.glob("*/*"):
        target = settings.archive_dir / path.relative_to(archived)
        for parent in (target.parent.parent, target.parent):
            parent.mkdir(exist_ok=True, mode=0o700)
        path.chmod(0o600)
        os.replace(path, target)


def _tell(terminal: Terminal, manifest: Manifest) -> None:
    years = f"{min(manifest.calculations)}–{max(manifest.calculations)}" if manifest.calculations else "нет"
    terminal.say(
        f"  от {manifest.made_at:%d.%m.%Y %H:%M} UTC · программа {manifest.code} · устройство "
        f"{', '.join(manifest.revisions)} · файлов {manifest.n_files} · годы {years} · "
        f"{number(manifest.size_bytes / 2**20, 1)} МБ"
    )
    if manifest.pseudonym_keys:
        terminal.say(
            f"  ключ псевдонимов: версия {len(manifest.pseudonym_keys)}, отпечаток {manifest.pseudonym_keys[-1]}; "
            f"ключ архива: {', '.join(manifest.archive_keys) or 'не нужен'}"
        )
