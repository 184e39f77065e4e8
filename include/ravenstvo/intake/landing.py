"""Land a read file: one transaction, in which all of it comes in or nothing does."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from ravenstvo import logs
from ravenstvo.intake.discover import DESCRIPTION
from ravenstvo.intake.problems import Problem
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import keys, regions, vault
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import LOADER

log = logging.getLogger(__name__)

_CHUNK = 1 << 20
# Cleaned cells hold no control characters, so neither separator nor quote can stand in a value.
_COPY = "copy {} ({}) from stdin with (format csv, delimiter E'\\t', quote E'\\x01', null '')"


_PROBLEM = ("sheet", "row", "column", "value", "code", "severity", "message", "advice")


class _Numbered(io.RawIOBase):
    """A spool file whose every line is led by the numbers of its file and part, which reading could not know."""

    def __init__(self, path: Path, prefix: bytes) -> None:
        self._chunks = self._lead(path, prefix)
        self._rest = b""

    @staticmethod
    def _lead(path: Path, prefix: bytes) -> Iterator[bytes]:
        with path.open("rb") as file:
            at_start = True
            while chunk := file.read(_CHUNK):
                body = chunk.replace(b"\n", b"\n" + prefix)
                if at_start:
                    body = prefix + body
                at_start = chunk.endswith(b"\n")
                yield body[: -len(prefix)] if at_start else body

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (chunk := next(self._chunks, None)) is not None:
            self._rest += chunk
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def _check_key(connection: Connection, version: int) -> None:
    """Keep the key as it is to the end of the transaction; it may have been changed since the file was read."""
    with connection.cursor() as cursor:
        cursor.execute(keys.LANDS)
        if keys.version_in_force(cursor) != version:
            raise keys.PseudonymKeyError("Ключ псевдонимов сменили, пока файлы читались: запустите загрузку ещё раз.")


def _enter_file(connection: Connection, file: dict[str, Any], status: str, region: str) -> tuple[int, str]:
    """Enter the file, or find it; returns its number and the status it had before (blank when it is new)."""
    with connection.cursor() as cursor:
        regions.settle(cursor, region)
        cursor.execute(
            """
            insert into ops.source_file
              (sha256, name, path, size_bytes, modified_at, first_seen_at, status, region_code)
            values (%s, %s, %s, %s, %s, %s, 'refused', %s)
            on conflict (sha256) do nothing
            returning file_id
            """,
            (
                file["sha256"],
                PurePosixPath(file["path"]).name,
                file["path"],
                file["size_bytes"],
                file["modified_at"],
                file["loaded_at"],
                region,
            ),
        )
        new = cursor.fetchone()
        # The row lock makes a second run that lands the same file wait for the first one's end.
        cursor.execute("select file_id, status from ops.source_file where sha256 = %s for update", (file["sha256"],))
        file_id, before = cursor.fetchone()  # type: ignore[misc]
        cursor.execute(
            "update ops.source_file set status = %s, message = %s where file_id = %s",
            (status, "; ".join(p["message"] for p in file["problems"] if p["severity"] == "error") or None, file_id),
        )
    return file_id, "" if new else before


def _enter_problems(connection: Connection, file_id: int, file: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("delete from ops.file_problem where file_id = %s", (file_id,))
        execute_values(
            cursor,
            """
            insert into ops.file_problem
              (file_id, path, sheet, row_no, column_name, value, code, severity, message, advice, found_at)
            values %s
            """,
            [(file_id, file["path"], *(p[name] for name in _PROBLEM), file["loaded_at"]) for p in file["problems"]],
        )


def _enter_part(connection: Connection, file_id: int, file: dict[str, Any], part: dict[str, Any], status: str) -> int:
    facts = part["facts"]
    landed = status == "landed"
    values = {
        "file_id": file_id,
        **{name: part[name] for name in ("sheet", "block_no", "source", "layout", "header_row", "n_rows_read")},
        **{name: part[name] for name in ("n_rows_landed", "n_records", "n_blanks_as_zero", "scope_kind", "scope_key")},
        **{name: part[name] for name in ("year", "grade", "exam_date")},
        **{name: facts.get(name) for name in ("exam", "subject", "wave")},
        "n_rows_dropped": sum(part["dropped"].values()),
        "content_key": part["content_key"] or None,
        "corrects_key": part["corrects_key"] or None,
        "given_columns": part["given_columns"] or None,
        "item_labels": part["item_labels"] or None,
        "restored_codes": part["restored_codes"] or None,
        "status": status,
        "landed_at": file["loaded_at"] if landed else None,
    }
    statement = sql.SQL("insert into ops.source_part ({}) values ({}) returning part_id").format(
        sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(map(sql.Placeholder, values))
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        part_id: int = cursor.fetchone()[0]  # type: ignore[index]
        dropped = [(part_id, reason, n) for reason, n in part["dropped"].items() if n]
        execute_values(cursor, "insert into ops.dropped_row (part_id, reason, n_rows) values %s", dropped)
        if landed:
            totals = [
                (part_id, t["total_name"], t["column_name"], t["stated"], t["computed"], t["agrees"], t["row_no"])
                for t in part["totals"]
            ]
            execute_values(
                cursor,
                "insert into ops.control_total"
                " (part_id, total_name, column_name, stated, computed, agrees, row_no) values %s",
                totals,
            )
    return part_id


def _copy(connection: Connection, part: dict[str, Any], spool: Path, file_id: int, part_id: int) -> int:
    source = load_sources()[part["source"]]
    columns = ["file_id", "part_id", "row_no", *source.column_names]
    statement = sql.SQL(_COPY).format(
        sql.Identifier("landing", source.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor:
        cursor.copy_expert(statement, _Numbered(spool / part["spool"], f"{file_id}\t{part_id}\t".encode()))
        if cursor.rowcount != part["n_records"]:
            raise RuntimeError(f"{source.name}: COPY took {cursor.rowcount} rows, {part['n_records']} were read")
        return cursor.rowcount


def _land_parts(connection: Connection, file_id: int, file: dict[str, Any], spool: Path) -> int:
    """Enter the parts; those of later years wait. Parts that an earlier run landed stay as they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from ops.dropped_row where part_id in"
            " (select part_id from ops.source_part where file_id = %s and status = 'waiting')",
            (file_id,),
        )
        cursor.execute("delete from ops.source_part where file_id = %s and status = 'waiting'", (file_id,))
        cursor.execute(
            "select sheet, block_no, coalesce(content_key, ''), coalesce(corrects_key, '') from ops.source_part "
            "where file_id = %s",
            (file_id,),
        )
        entered = set(cursor.fetchall())
    n_rows = 0
    for part in file["parts"]:
        if (part["sheet"], part["block_no"], part["content_key"], part["corrects_key"]) in entered:
            continue
        later = (part["year"] or 0) > file["campaign_year"]
        status = "not_data" if part["source"] is None else "waiting" if later else "landed"
        part_id = _enter_part(connection, file_id, file, part, status)
        if status == "landed" and part["spool"]:
            n_rows += _copy(connection, part, spool, file_id, part_id)
    return n_rows


def _archive(settings: Settings, file: dict[str, Any]) -> tuple[int, str] | None:
    """Seal the original, before its rows come in. Returns its size there and the key's fingerprint.

    None where there is no archive; or the file is gone or changed since it was read, which its sender is told.
    """
    if not settings.archive_days:
        return None
    try:
        public = vault.public_key(settings)
        path = Path(os.fsdecode(bytes.fromhex(file["full_path"])))
        n_bytes = vault.seal(path, vault.place(settings, file["sha256"]), file["sha256"], public)
    except vault.ChangedError as error:
        advice = "Храните исходный файл сами: программа его не сохранила"
        file["problems"].append(
            Problem("not_archived", f"{error}: в архив он не помещён", advice, severity="warning").as_dict()
        )
        return None
    return n_bytes, vault.fingerprint(public)


def _enter_original(connection: Connection, file_id: int, file: dict[str, Any], archived: tuple[int, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            insert into vault.original (file_id, sha256, size_bytes, stored_bytes, key_fingerprint)
            values (%s, %s, %s, %s, %s)
            on conflict (file_id) do update set
              stored_bytes = excluded.stored_bytes, key_fingerprint = excluded.key_fingerprint,
              archived_at = excluded.archived_at, removed_at = null
            """,
            (file_id, file["sha256"], file["size_bytes"], *archived),
        )


def _enter_run(connection: Connection, file_id: int, key_version: int, n_rows: int) -> None:
    """Note that the rows of a file were made nameless, and with which key: operations on personal data are recorded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into vault.deid_run (file_id, key_version, n_records) values (%s, %s, %s)",
            (file_id, key_version, n_rows),
        )


def land(descriptor: dict[str, str], settings: Settings) -> dict[str, Any]:
    """Land one file that ``read_inbox`` has read.

    Args:
        descriptor: ``{"path", "spool"}``.
        settings: where the spool and the warehouse are.

    Returns:
        ``path``, ``status`` (landed, waiting, refused, known), ``rows`` — records that came in, and ``brought`` — the
        sources and years (None: a register) of a file that has come.
    """
    started = time.monotonic()
    spool = settings.spool_dir / descriptor["spool"]
    if not (spool / DESCRIPTION).exists():
        # The same task ran before, and was killed after its transaction had ended: who waits for the file was not told.
        brought = _brought(settings, descriptor["spool"])
        return {"path": descriptor["path"], "status": "known", "rows": 0, "brought": brought}
    file: dict[str, Any] = json.loads((spool / DESCRIPTION).read_text(encoding="utf-8"))
    due = [part for part in file["parts"] if part["source"] and (part["year"] or 0) <= file["campaign_year"]]
    status = "refused" if file["refused"] else "landed" if due else "waiting"
    n_rows = 0
    archived = _archive(settings, file) if status == "landed" else None
    with connect(settings, LOADER) as connection:
        _check_key(connection, file["key_version"])
        file_id, before = _enter_file(connection, file, status, settings.region)
        _enter_problems(connection, file_id, file)
        if status != "refused":
            n_rows = _land_parts(connection, file_id, file, spool)
        if n_rows:
            _enter_run(connection, file_id, file["key_version"], n_rows)
        if archived is not None:
            _enter_original(connection, file_id, file, archived)
    shutil.rmtree(spool, ignore_errors=True)
    known = before == "landed" and not n_rows
    brought = _brought(settings, descriptor["spool"]) if status == "landed" and not known else []
    done = {"path": file["path"], "status": "known" if known else status, "rows": n_rows, "brought": brought}
    _log(file, file_id, done, time.monotonic() - started)
    return done


def _brought(settings: Settings, spool: str) -> list[list[Any]]:
    """Sources and years of the landed parts of a file that was read into this spool."""
    with connect(settings, LOADER) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select distinct source, year from ops.source_part join ops.source_file using (file_id) "
            "where starts_with(sha256, %s) and source_part.status = 'landed' order by source, year",
            (spool.partition("-")[0],),
        )
        return [[source, year] for source, year in cursor.fetchall()]


def original(descriptor: dict[str, str], settings: Settings) -> Path | None:
    """The file that was read into this spool; None when it has landed already."""
    try:
        description = (settings.spool_dir / descriptor["spool"] / DESCRIPTION).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return Path(os.fsdecode(bytes.fromhex(json.loads(description)["full_path"])))


def _log(file: dict[str, Any], file_id: int, done: dict[str, Any], seconds: float) -> None:
    is_refused = done["status"] == "refused"
    logs.say(
        log,
        "Файл отклонён" if is_refused else "Файл загружен",
        logging.WARNING if is_refused else logging.INFO,
        **logs.file_ids(file["path"]),
        file_id=file_id,
        status=done["status"],
        n_rows=done["rows"],
        codes=sorted({problem["code"] for problem in file["problems"]}),
        seconds=round(seconds, 2),
    )
