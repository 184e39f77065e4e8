"""The product's own log: JSON lines in ``logs/ravenstvo.jsonl``, each with the numbers of what it speaks of.

Lines go through the standard library's loggers, so that they are in Airflow's task logs too. What a calculation or a
file is known by is bound once (``structlog.contextvars``) and stands in every line until the work on it ends. Only
fields that are named here are written, and no traceback: the texts of other programs' errors may quote a row.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import structlog

from ravenstvo.settings import Settings

_PRODUCT = "ravenstvo"
_MAX_BYTES = 10 * 2**20
_KEPT = 5
_LONGEST = 300
# What a line may say besides its text; numbers of something begin with n_.
_FIELDS = frozenset(
    {
        *("timestamp", "level", "logger", "event"),
        *("dag_id", "run_id", "task_id", "try_number", "map_index", "calculation_id", "year", "stage"),
        *("file", "path_hash", "file_id", "source", "status", "codes", "seconds", "error", "message"),
    }
)


def path(settings: Settings) -> Path:
    """The file of the latest lines; fuller ones lie beside it with a number."""
    return settings.logs_dir / "ravenstvo.jsonl"


def begin(settings: Settings) -> None:
    """Write the lines of this process to the home's file from now on; to call it again changes nothing.

    A home that is not there is not made by its log.
    """
    if not settings.logs_dir.is_dir():
        return
    logger = logging.getLogger(_PRODUCT)
    logger.setLevel(settings.log_level)
    target = path(settings)
    kept = [handler for handler in logger.handlers if isinstance(handler, _LinesHandler)]
    if [handler.target for handler in kept] == [target]:
        return
    for handler in kept:
        logger.removeHandler(handler)
    logger.addHandler(_LinesHandler(target))


def bound(**ids: Any) -> AbstractContextManager[None]:
    """Put ids into every line of a block, those of Airflow's log of the task among them."""
    return structlog.contextvars.bound_contextvars(**{name: value for name, value in ids.items() if value is not None})


def bound_now() -> dict[str, Any]:
    """The ids that are bound here: to be handed to another thread or process. What Airflow binds stays here."""
    return {name: value for name, value in structlog.contextvars.get_contextvars().items() if name in _FIELDS}


def file_ids(path_in_inbox: str) -> dict[str, str]:
    """What a file is known by in the log: its name, and a hash of its path in the inbox, the same every time."""
    digest = hashlib.sha256(path_in_inbox.encode("utf-8", errors="replace")).hexdigest()
    return {"file": PurePosixPath(path_in_inbox).name, "path_hash": digest[:12]}


def say(logger: logging.Logger, text: str, level: int = logging.INFO, **fields: Any) -> None:
    """Write a line with its fields."""
    with bound(**fields):
        logger.log(level, text)


def append_line(target: Path, line: str, max_bytes: int = _MAX_BYTES, kept: int = _KEPT) -> None:
    """Add a line to a file of the owner's; a full file is put aside under a number, the oldest of ``kept`` goes.

    Several processes may write at once: a line is never torn and never lost. Raises OSError.
    """
    data = line.encode("utf-8", errors="backslashreplace") + b"\n"
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(target.with_name(f".{target.name}.lock")):
        with suppress(FileNotFoundError):
            if target.stat().st_size + len(data) > max_bytes:
                _put_aside(target, kept)
        descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


def _put_aside(target: Path, kept: int) -> None:
    for number in range(kept, 1, -1):
        with suppress(FileNotFoundError):
            target.with_name(f"{target.name}.{number - 1}").replace(target.with_name(f"{target.name}.{number}"))
    target.replace(target.with_name(f"{target.name}.1"))


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class _LinesHandler(logging.Handler):
    """Writes records to the file; a disk that is full is told by the work that it stops, not by its log."""

    def __init__(self, target: Path) -> None:
        super().__init__()
        self.target = target
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                ],
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    _only_known,
                    structlog.processors.JSONRenderer(ensure_ascii=False),
                ],
            )
        )

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            append_line(self.target, self.format(record))


def _only_known(_logger: Any, _method: str, said: MutableMapping[str, Any]) -> dict[str, Any]:
    first = ("timestamp", "level", "event")
    names = [*first, *sorted(name for name in said if name not in first)]
    return {name: _short(said[name]) for name in names if name in said and (name in _FIELDS or name.startswith("n_"))}


def _short(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return str(value)[:_LONGEST]
