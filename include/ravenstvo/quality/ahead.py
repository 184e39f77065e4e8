"""Check tables made ahead: while one source is validated, the tables of the next ones are made."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import psycopg2

from ravenstvo.quality.checks import build_check_table, make_reference
from ravenstvo.quality.parts import Pending, versions_of
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.roles import LOADER

# As many as dbt has threads.
_AT_ONCE = 2
_MOMENT = 0.1  # s


class Made(NamedTuple):
    """A check table that is there."""

    source: str
    part_ids: list[int]
    versions: dict[int, str]
    """The parts as they were when their rows were read: see ``versions_of``."""
    n_checked: int


@contextmanager
def check_tables(settings: Settings, pending: Sequence[Pending]) -> Iterator[Iterator[Made]]:
    """Make the check tables of these sources in the given order, and give each as soon as it is there.

    What all are compared with is made once in a connection: none of the sources may be a register of the others. Every
    table is committed at once. Leaving the block ends what is still being made. An error of a table is raised where
    the next one is asked for.
    """
    waiting: queue.SimpleQueue[Pending] = queue.SimpleQueue()
    for one in pending:
        waiting.put(one)
    made: queue.SimpleQueue[Made | Exception] = queue.SimpleQueue()
    connections: list[Any] = []
    is_left = threading.Event()

    def work() -> None:
        try:
            with connect(settings, LOADER) as connection, connection.cursor() as cursor:
                connections.append(connection)
                make_reference(cursor)
                while not is_left.is_set():
                    try:
                        source, part_ids = waiting.get_nowait()
                    except queue.Empty:
                        return
                    # Read before the rows: what is noted of the parts from now on is not missed.
                    versions = versions_of(cursor, part_ids)
                    n_checked = build_check_table(cursor, source, part_ids)
                    connection.commit()
                    made.put(Made(source, part_ids, versions, n_checked))
        except Exception as error:  # noqa: BLE001 - whatever it is, who asks for the table is told
            made.put(error)

    def given() -> Iterator[Made]:
        for _ in pending:
            one = made.get()
            if isinstance(one, Exception):
                raise one
            yield one

    threads = [threading.Thread(target=work) for _ in range(min(_AT_ONCE, len(pending)))]
    for thread in threads:
        thread.start()
    try:
        yield given()
    finally:
        is_left.set()
        for thread in threads:
            # Again and again: what was between two statements has the next one before it.
            while thread.is_alive():
                _cancel(connections)
                thread.join(_MOMENT)


def _cancel(connections: list[Any]) -> None:
    for connection in connections:
        # One that has ended by itself cannot be told.
        with suppress(psycopg2.Error):
            connection.cancel()
