"""A new key of the pseudonyms: what is landed is made over to it, all or nothing, and another key is told from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from ravenstvo.intake.pseudonym import Person, Pseudonyms, Worker
from ravenstvo.runtime import key_rotation
from ravenstvo.settings import Settings
from ravenstvo.sources import load_sources
from ravenstvo.warehouse import keys
from ravenstvo.warehouse.connection import connect, parameters
from ravenstvo.warehouse.migrate import upgrade

PUPIL = Person("Выдуманова", "Анна", "Петровна", "1234 567890")
WORKER = Worker(snils="112-233-445 95", full_name="Выдуманов Пётр Ильич", birth_date="1980-02-03")
NOBODY = Person()
BY = ("Иванова А. А.", "плановая смена")


def _do(settings: Settings, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def _made(gate: Pseudonyms) -> dict[str, tuple[Any, ...]]:
    """What landing holds of these persons under the keys of a gate."""
    worker = gate.worker(WORKER)
    keyless = tuple(key or None for key in gate.keys(NOBODY, "101001", "2022", "")[:2])
    return {
        "ege_result": (*gate.keys(PUPIL, "101001", "2022", "7")[:2], *keyless),
        "staff": (worker["person_key"], worker["name_key"]),
        "event_participant": (worker["person_key"],),
    }


def _landed(settings: Settings) -> dict[str, tuple[Any, ...]]:
    pupils = _do(settings, "select person_key, name_key from landing.ege_result order by row_no")
    return {
        "ege_result": tuple(key for row in pupils for key in row),
        "staff": _do(settings, "select person_key, name_key from landing.staff")[0],
        "event_participant": _do(settings, "select person_key from landing.event_participant")[0],
    }


@pytest.fixture
def filled(warehouse: Settings) -> Settings:
    """A warehouse with rows of a pupil, of nobody, and of a worker in two registers, under the first key."""
    upgrade(warehouse)
    made = _made(Pseudonyms(*keys.in_force(warehouse)))
    row = "(file_id, part_id, row_no, person_key, name_key) values (1, 1, %s, %s, %s)"
    _do(warehouse, f"insert into landing.ege_result {row}", 1, *made["ege_result"][:2])
    _do(warehouse, f"insert into landing.ege_result {row}", 2, *made["ege_result"][2:])
    _do(warehouse, f"insert into landing.staff {row}", 1, *made["staff"])
    _do(
        warehouse,
        "insert into landing.event_participant (file_id, part_id, row_no, person_key) values (1, 1, 1, %s)",
        *made["event_participant"],
    )
    return warehouse


def test_no_pseudonym_of_a_source_is_passed_over() -> None:
    made = {name: {"person_key", "name_key"} & {*source.column_names} for name, source in load_sources().items()}
    assert {name: {*columns} for name, columns in key_rotation.pseudonyms().items()} == {
        name: columns for name, columns in made.items() if columns
    }


def test_rows_are_made_over_to_what_new_files_will_bring(filled: Settings) -> None:
    before = _landed(filled)
    for version in (2, 3):
        done = key_rotation.rotate(filled, *BY)
        in_force = keys.in_force(filled)
        assert (done.version, len(in_force), len({*in_force})) == (version, version, version)
        assert (done.n_pseudonyms, done.n_rows) == (4, 3)
        # A file read from now on meets the rows that are there: persons of different registers and years stay linked.
        assert _landed(filled) == _made(Pseudonyms(*in_force))
    after = _landed(filled)
    changed = {*sum(after.values(), ())} - {None}
    assert changed.isdisjoint(sum(before.values(), ())) and len(changed) == 4
    assert after["staff"][0] == after["event_participant"][0]
    assert after["ege_result"][2:] == (None, None)
    assert filled.key_file.stat().st_mode & 0o777 == 0o600
    # Neither the keys nor the pairs of old and new are left in the database; the journal tells who and why.
    dump = str(_do(filled, "select * from ops.pseudonym_key")) + str(_do(filled, "select * from ops.vault_access"))
    assert not any(key.hex() in dump for key in keys.in_force(filled))
    assert _do(filled, "select to_regclass('renewed')") == [(None,)]
    assert _do(filled, "select action, person from ops.vault_access") == [("rotate_key", BY[0])] * 2


def test_one_killed_in_the_middle_is_asked_for_again(filled: Settings) -> None:
    """Killed while it waits for the last table: the key is in the file by then, the rows are half made over."""
    before, (first,) = _landed(filled), keys.in_force(filled)
    holder = psycopg2.connect(**parameters(filled))
    holder.cursor().execute("lock table landing.staff in access exclusive mode")
    # Union of all pseudonyms reads the table first: reading is let through once the file holds the key.
    code = (
        "from ravenstvo.runtime import key_rotation as k; from ravenstvo.settings import get_settings as s; "
        f"k.rotate(s(), *{BY!r})"
    )
    environment = os.environ | {
        "RAVENSTVO_HOME": str(filled.home),
        "RAVENSTVO_WAREHOUSE_URL": str(filled.warehouse_url),
    }
    rotating = subprocess.Popen([sys.executable, "-c", code], env=environment)
    waits = "select exists (select from pg_locks where not granted and relation = 'landing.staff'::regclass)"
    deadline = time.monotonic() + 60
    while _do(filled, waits) != [(True,)] and time.monotonic() < deadline:
        time.sleep(0.05)
    rotating.send_signal(signal.SIGKILL)
    assert rotating.wait() == -signal.SIGKILL
    holder.rollback()
    holder.close()

    assert key_rotation.state(filled).is_unfinished
    assert keys.in_force(filled) == [first] and _landed(filled) == before
    waiting = keys.read(filled.key_file)[1]
    assert key_rotation.rotate(filled, *BY).version == 2
    assert keys.in_force(filled) == [first, waiting]
    assert not key_rotation.state(filled).is_unfinished
    assert _landed(filled) == _made(Pseudonyms(first, waiting))


def test_a_lost_or_another_key_is_refused_and_the_right_one_let_in(filled: Settings) -> None:
    key_rotation.rotate(filled, *BY)
    right = filled.key_file.read_text(encoding="ascii")
    first, second = right.splitlines(keepends=True)
    wrong = {
        None: "нет, а в хранилище есть записи",
        f"{first}2 {'ab' * 32}\n": "не тот, под которым загружены записи .версия 2",
        f"1 {'ab' * 32}\n{second}": "не тот, под которым загружены записи .версия 1",
        first: "не тот, под которым загружены записи .версия 2",
        f"{first}2 {'ab' * 4}\n": "короче 32 байт",
        f"{first}3 {second.split()[1]}\n": "не все версии",
        "not hexadecimal": "повреждён",
    }
    for text, told in wrong.items():
        filled.key_file.unlink()
        if text is not None:
            filled.key_file.write_text(text, encoding="ascii")
        with pytest.raises(keys.PseudonymKeyError, match=told):
            keys.in_force(filled)
        with pytest.raises(keys.PseudonymKeyError, match=told):
            key_rotation.rotate(filled, *BY)
        if text is None:
            filled.key_file.touch()
    filled.key_file.write_text(right, encoding="ascii")
    assert len(keys.in_force(filled)) == 2


def test_a_key_of_before_versions_is_version_one(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    path.write_text("ab" * 32, encoding="ascii")
    assert keys.read(path) == [bytes.fromhex("ab" * 32)]
    second = keys.follow(path, 2)
    assert keys.read(path) == [bytes.fromhex("ab" * 32), second]


def test_a_name_hashed_with_one_key_alone_is_not_found(filled: Settings) -> None:
    """A first key that got known does not open the rows of the second."""
    (first,) = keys.in_force(filled)
    key_rotation.rotate(filled, *BY)
    _, second = keys.in_force(filled)
    landed = {*sum(_landed(filled).values(), ())}
    for guess in (Pseudonyms(first), Pseudonyms(second)):
        assert landed.isdisjoint({*sum(_made(guess).values(), ())} - {None})
