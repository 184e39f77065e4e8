"""Write a backup: whole, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import URL

import ravenstvo
from ravenstvo import private_files
from ravenstvo.calculation.inputs import code_version
from ravenstvo.errors import why
from ravenstvo.runtime.backup import content
from ravenstvo.runtime.backup import manifest as described
from ravenstvo.runtime.backup.manifest import BackupError, Manifest, Part
from ravenstvo.runtime.recalculation import alone, terminable
from ravenstvo.runtime.terminal import Stages, Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server, vault
from ravenstvo.warehouse.connection import connect, has_table, warehouse_url
from ravenstvo.warehouse.no_space import is_no_space
from ravenstvo.warehouse.programs import Programs, access, complaint, programs_for

TITLES = {
    described.WAREHOUSE: "хранилище",
    described.AIRFLOW: "история Airflow",
    described.ORIGINALS: "исходные файлы",
    described.ROOMS: "папка состояния",
}
_SNAPSHOT, _WHOLE = "снимок хранилища", "отпечатки частей"
# A dump of tables like these takes a fifth to a third of their place.
_DUMP_SHARE = 3
_DRAFT = ".draft"
# Nothing writes one part for so long without a change.
_ABANDONED_AFTER = 3600
_LOCK_SECONDS = 60
# How often a dump that is being made is looked at.
_LOOK_SECONDS = 0.1
# A little slower than the quickest, a third smaller; the package's programs know no other method.
_COMPRESSION = "gzip:3"


def back_up(settings: Settings, out: Path | None, terminal: Terminal, *, with_airflow: bool = False) -> Path:
    """Back the warehouse and what people have put into the state folder up into a new folder.

    Args:
        settings: of the warehouse; nothing in it is changed.
        out: where the new folder lies; None means ``settings.backups``.
        terminal: where to speak.
        with_airflow: whether the history of runs comes too.

    Returns the new folder. Raises BackupError; CalculationError while a stage of a calculation runs; BusyError.
    """
    server.ensure_running(settings)
    _check_there_is_something(settings)
    settings.make_home()
    settings.backups.mkdir(parents=True, exist_ok=True, mode=0o700)
    out = out or settings.backups
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BackupError(f"Папка {out} для копии не создана: {why(error)}.") from error
    with alone(settings.backups, "резервное копирование"), terminable():
        remove_drafts(out)
        titles = [title for name, title in TITLES.items() if with_airflow or name != described.AIRFLOW]
        with _told(out), terminal.stages([_SNAPSHOT, *titles, _WHOLE]) as stages:
            folder, manifest = _write(settings, out, stages, with_airflow)
        _note(settings, folder, manifest)
    _tell(terminal, settings, folder, manifest, stages.seconds)
    return folder


def last(settings: Settings) -> dict[str, str] | None:
    """When the last backup of this home was made and where; None when there was none."""
    try:
        noted: dict[str, str] = json.loads(_last_file(settings).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return noted


def drafts(folder: Path) -> list[Path]:
    """Backups in a folder that were begun and not finished, and that nobody writes any more."""
    return [
        path
        for path in folder.glob(f".*{_DRAFT}")
        if time.time() - max(one.stat().st_mtime for one in (path, *path.glob("*"))) > _ABANDONED_AFTER
    ]


def remove_drafts(folder: Path) -> int:
    """Remove them. Returns how many there were."""
    found = drafts(folder)
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _check_there_is_something(settings: Settings) -> None:
    with connect(settings) as connection, connection.cursor() as cursor:
        if not has_table(cursor, "ops.source_file"):
            raise BackupError("Копировать нечего: хранилище ещё не заведено.")


def _write(settings: Settings, out: Path, stages: Stages, with_airflow: bool) -> tuple[Path, Manifest]:
    stages.start(_SNAPSHOT)
    own_id = content.warehouse_id(settings)
    with content.snapshot(settings) as (snapshot, cursor, let_calculate):
        programs = programs_for(snapshot.server_version, ("pg_dump", "pg_restore"))
        _check_space(settings, out, snapshot)
        name = f"{snapshot.database}-{snapshot.moment:%Y%m%dT%H%M%SZ}"
        with _draft(out, name) as draft:
            _start(stages, described.WAREHOUSE, draft)
            _dump(programs, warehouse_url(settings), draft / described.WAREHOUSE, snapshot.name, let_calculate)
            marts = content.marts(cursor)
            # Calculations need not wait for the rest.
            cursor.connection.rollback()
            if with_airflow:
                _start(stages, described.AIRFLOW, draft)
                _dump(programs, server.database_url(settings, server.AIRFLOW_DB), draft / described.AIRFLOW)
            _start(stages, described.ORIGINALS, draft)
            missing = _pack_originals(settings, snapshot.originals, draft / described.ORIGINALS)
            _start(stages, described.ROOMS, draft)
            _pack_rooms(settings, draft / described.ROOMS)
            stages.start(_WHOLE)
            manifest = Manifest(
                format=described.FORMAT,
                made_at=snapshot.moment,
                program=ravenstvo.__version__,
                code=code_version(settings.project_root),
                revisions=snapshot.revisions,
                server_version=snapshot.server_version,
                dump_major=programs.major,
                database=snapshot.database,
                database_bytes=snapshot.database_bytes,
                warehouse_id=own_id,
                pseudonym_keys=snapshot.pseudonym_keys,
                archive_keys=sorted(set(snapshot.originals.values())),
                n_files=snapshot.n_files,
                calculations=snapshot.calculations,
                unfinished=snapshot.unfinished,
                marts=marts,
                missing_originals=missing,
                parts=_parts(draft),
            )
            described.write(draft, manifest)
            return _finished(draft, out, name), manifest


def _check_space(settings: Settings, out: Path, snapshot: content.Snapshot) -> None:
    originals = (vault.place(settings, sha256) for sha256 in snapshot.originals)
    rooms = (path for name in described.ROOM_NAMES for path in (settings.home / name).rglob("*"))
    files = sum(path.stat().st_size for path in (*originals, *rooms) if path.is_file())
    wanted, free = files + snapshot.table_bytes // _DUMP_SHARE, shutil.disk_usage(out).free
    if free < wanted:
        raise BackupError(
            f"Для копии нужно около {_megabytes(wanted)} МБ, а в {out} свободно {_megabytes(free)} МБ. Ничего не "
            "записано. Освободите место или назовите другую папку: --out"
        )


def _start(stages: Stages, name: str, draft: Path) -> None:
    path = draft / name
    stages.start(TITLES[name]).progress = lambda: f"{_megabytes(path.stat().st_size, 1)} МБ" if path.exists() else ""


def _dump(
    programs: Programs, url: URL, target: Path, snapshot: str | None = None, begun: Callable[[], None] = lambda: None
) -> None:
    """All of a database in PostgreSQL's custom format, on the disk when this returns.

    ``begun`` is called once pg_dump knows what there is and holds it: it writes nothing before.
    """
    _new(target)
    arguments = ["--format=custom", f"--compress={_COMPRESSION}", f"--lock-wait-timeout={_LOCK_SECONDS}s"]
    arguments += ["--no-password", "--encoding=UTF8", f"--file={target}"]
    if snapshot is not None:
        arguments.append(f"--snapshot={snapshot}")
    with access(url) as (database, environment):
        command = [programs.path("pg_dump"), *arguments, f"--dbname={database}"]
        _run(command, environment, lambda: begun() if target.stat().st_size else None)
    # Its list of contents is at its end: one that is cut off does not open.
    _run([programs.path("pg_restore"), "--list", str(target)], None)


def _run(command: list[str], environment: dict[str, str] | None, meanwhile: Callable[[], None] = lambda: None) -> None:
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        said = None
        try:
            while said is None:
                meanwhile()
                with suppress(subprocess.TimeoutExpired):
                    _, said = process.communicate(timeout=_LOOK_SECONDS)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise BackupError(f"{Path(command[0]).name}: {complaint(said)}")


def _pack_originals(settings: Settings, originals: Iterable[str], target: Path) -> int:
    """Sealed originals as they are. Returns how many of them are not in the archive."""
    missing = 0
    with _tar(target, "w") as tar:
        for sha256 in originals:
            path = vault.place(settings, sha256)
            try:
                tar.add(path, str(path.relative_to(settings.archive_dir)), recursive=False)
            except FileNotFoundError:
                missing += 1
    return missing


def _pack_rooms(settings: Settings, target: Path) -> None:
    with _tar(target, "w:gz") as tar:
        for name in (*described.ROOM_NAMES, settings.archive_public_key_file.name):
            if (path := settings.home / name).exists():
                tar.add(path, name, filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Files and folders, without whose they are here."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry if entry.isreg() or entry.isdir() else None


@contextmanager
def _tar(target: Path, mode: str) -> Iterator[tarfile.TarFile]:
    """A new archive, on the disk when the block ends."""
    _new(target)
    with target.open("wb") as file:
        with tarfile.open(fileobj=file, mode=mode) as tar:  # type: ignore[call-overload]
            yield tar
        file.flush()
        os.fsync(file.fileno())


def _new(path: Path) -> None:
    path.touch(mode=0o600, exist_ok=False)


def _parts(draft: Path) -> list[Part]:
    return [
        Part(
            name=name, title=title, size_bytes=(draft / name).stat().st_size, sha256=described.fingerprint(draft / name)
        )
        for name, title in TITLES.items()
        if (draft / name).exists()
    ]


@contextmanager
def _draft(out: Path, name: str) -> Iterator[Path]:
    """A folder under a name that nobody takes for a backup; gone when it was not finished."""
    draft = out / f".{name}.{os.getpid()}{_DRAFT}"
    draft.mkdir(mode=0o700)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _finished(draft: Path, out: Path, name: str) -> Path:
    """Give the draft its name: from now on it is a backup, even if the machine stops."""
    _sync(draft)
    folder, number = out / name, 1
    while folder.exists():
        number += 1
        folder = out / f"{name}-{number}"
    draft.rename(folder)
    _sync(out)
    return folder


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(out: Path) -> Iterator[None]:
    """A disk that is full in the middle, whoever noticed, in words of the folder that the backup is written to."""
    try:
        yield
    except (OSError, BackupError) as error:
        if (isinstance(error, OSError) and is_no_space(error)) or "No space left" in str(error):
            free = shutil.disk_usage(out).free
            raise BackupError(
                f"Копия не записана: в {out} не хватило места, свободно {_megabytes(free)} МБ. Неоконченная копия "
                "удалена, хранилище не тронуто. Освободите место или назовите другую папку: --out"
            ) from error
        if isinstance(error, OSError):
            raise BackupError(f"Копия не записана в {out}: {why(error)}.") from error
        raise


def _last_file(settings: Settings) -> Path:
    return settings.home / "last_backup.json"


def _note(settings: Settings, folder: Path, manifest: Manifest) -> None:
    noted = {"made_at": manifest.made_at.isoformat(), "folder": str(folder)}
    private_files.write(_last_file(settings), json.dumps(noted, ensure_ascii=False))


def _tell(terminal: Terminal, settings: Settings, folder: Path, manifest: Manifest, seconds: float) -> None:
    from ravenstvo.words import counted, duration

    files = counted(manifest.n_files, "файл", "файла", "файлов")
    terminal.say(f"Копия записана за {duration(seconds)}: {files}, витрин {len(manifest.marts)}.")
    for part in manifest.parts:
        terminal.say(f"  {part.title:<16}  {_megabytes(part.size_bytes, 1):>8} МБ  {part.name}")
    terminal.path("Папка", folder)
    if manifest.unfinished:
        terminal.say(
            f"Расчёт {manifest.unfinished} не закончен: витрины копии — между двумя расчётами. После возврата "
            "выполните «ravenstvo run»."
        )
    if manifest.missing_originals:
        terminal.say(f"Исходных файлов, которых в архиве нет, хотя срок не истёк: {manifest.missing_originals}.")
    terminal.say(
        "Ключей в копии нет. Храните их копию в другом месте: "
        f"{settings.key_file}{_version(manifest)}, {settings.archive_key_file}"
    )


def _version(manifest: Manifest) -> str:
    if not manifest.pseudonym_keys:
        return ""
    return f" (версия {len(manifest.pseudonym_keys)}, отпечаток {manifest.pseudonym_keys[-1]})"


def _megabytes(size: float, digits: int = 0) -> str:
    from ravenstvo.words import number

    return number(size / 2**20, digits)
