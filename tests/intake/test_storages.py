"""Inboxes in storages: real S3 and SFTP servers, connections that drop, files that change, names of all kinds."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from ravenstvo.runtime import looks, tasks
from ravenstvo.runtime import storage as storages
from ravenstvo.runtime.storage import NotFetchedError, Storage, StorageError
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from storage_servers import LOGIN, PASSWORD, Door, s3_server, sftp_server

NAME = "2021/Район «Северный»/ВПР 5 класс #1.xlsx"
BODY = os.urandom(600_000)


@dataclass
class Place:
    """A storage with an address, the door before it, and how to put a file into it."""

    address: str
    door: Door
    put: Callable[[str, bytes], Any]


@pytest.fixture(autouse=True)
def no_loop() -> Iterator[None]:
    """A browser that other tests have opened leaves a loop in this thread, beside which S3 cannot be asked."""
    left = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(left)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    # The server's own lines, and what asyncssh leaves of connections that are dropped on purpose.
    for noisy in ("werkzeug", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    folder = tmp_path_factory.mktemp("sftp")
    (folder / "приём").mkdir()

    def write(name: str, body: bytes) -> None:
        path = folder / "приём" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    known_hosts = tmp_path_factory.mktemp("keys") / "known_hosts"
    with (
        s3_server() as (s3_port, client),
        sftp_server(folder) as (sftp_port, key),
        pytest.MonkeyPatch.context() as patch,
    ):
        doors = {"s3": Door(s3_port), "sftp": Door(sftp_port)}
        known_hosts.write_text(f"[127.0.0.1]:{doors['sftp'].port} {key}\n")
        client.create_bucket(Bucket="inbox")
        client.create_bucket(Bucket="empty")
        connections = {
            "store": {
                "conn_type": "aws",
                "login": LOGIN,
                "password": PASSWORD,
                "extra": {"endpoint_url": f"http://127.0.0.1:{doors['s3'].port}"},
            },
            "files": {
                "conn_type": "sftp",
                "host": "127.0.0.1",
                "port": doors["sftp"].port,
                "login": LOGIN,
                "password": PASSWORD,
                "extra": {"known_hosts": str(known_hosts)},
            },
        }
        for name, connection in connections.items():
            patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
        wrong = connections["files"] | {"password": "another"}
        patch.setenv("AIRFLOW_CONN_WRONG", json.dumps(wrong))
        patch.setenv("AIRFLOW_CONN_STRANGER", json.dumps(connections["files"] | {"extra": {"known_hosts": os.devnull}}))
        patch.setattr(storages, "_PAUSE", 0.05)
        yield {
            "s3": Place(
                "s3://store@inbox/2021/приём",
                doors["s3"],
                lambda name, body: client.put_object(Bucket="inbox", Key=f"2021/приём/{name}", Body=body),
            ),
            "sftp": Place("sftp://files@/приём", doors["sftp"], write),
        }
        for door in doors.values():
            door.close()


@pytest.fixture(params=["s3", "sftp"])
def place(servers: dict[str, Place], request: pytest.FixtureRequest) -> Place:
    servers[request.param].put(NAME, BODY)
    return servers[request.param]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None)


def _named(storage: Storage, name: str = NAME) -> Any:
    (item,) = [item for item in storage.items() if item.name == name]
    return item


def test_a_file_comes_whole_though_the_connection_drops(place: Place, settings: Settings, tmp_path: Path) -> None:
    storage = Storage(place.address, settings)
    item = _named(storage)
    assert (item.size, item.problem) == (len(BODY), None)
    before = place.door.n_dropped
    place.door.drop_after, place.door.n_drops = 200_000, 1
    path = storage.fetch(item, tmp_path)
    assert place.door.n_dropped == before + 1
    assert path == tmp_path / NAME
    assert path.read_bytes() == BODY
    assert abs(path.stat().st_mtime - item.modified) < 1
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_nothing_is_left_of_a_file_that_never_comes_whole(place: Place, settings: Settings, tmp_path: Path) -> None:
    storage = Storage(place.address, settings)
    item = _named(storage)
    place.door.drop_after, place.door.n_drops = 5_000, 1000
    try:
        with pytest.raises(NotFetchedError, match="не забран из хранилища"):
            storage.fetch(item, tmp_path)
    finally:
        place.door.n_drops = 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert storage.fetch(item, tmp_path).read_bytes() == BODY


def test_a_file_that_is_replaced_while_it_is_fetched_does_not_come(
    place: Place, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(place.address, settings)
    item = _named(storage)
    get = Storage._get

    def replaced(self: Storage, *given: Any) -> None:
        get(self, *given)
        place.put(NAME, BODY[::-1] + b"!")

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "_get", replaced)
        with pytest.raises(NotFetchedError, match="изменился, пока его забирали"):
            storage.fetch(item, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert storage.fetch(_named(storage), tmp_path).read_bytes() == BODY[::-1] + b"!"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://nobody@inbox/2021", "такого подключения нет"),
        ("s3://store@none/2021", "нет такой корзины или папки"),
        ("sftp://files@/нет такой", "нет такой корзины или папки"),
        ("sftp://wrong@/приём", "хранилище не пускает"),
        ("sftp://stranger@/приём", "ключ сервера неизвестен"),
    ],
)
def test_what_is_wrong_with_a_storage_is_told(
    servers: dict[str, Place], settings: Settings, address: str, said: str
) -> None:
    with pytest.raises(StorageError, match=said) as told:
        Storage(address, settings).items()
    assert address in str(told.value)
    assert PASSWORD not in str(told.value)


def test_an_empty_bucket_is_an_empty_inbox(servers: dict[str, Place], settings: Settings) -> None:
    assert Storage("s3://store@empty", settings).items() == []
    assert Storage("s3://store@empty/2022/приём", settings).items() == []


@pytest.mark.parametrize("address", ["s3://down@inbox", "sftp://down@/приём"])
def test_a_storage_that_does_not_answer_is_told(
    servers: dict[str, Place], settings: Settings, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    down = {"conn_type": "sftp", "host": "127.0.0.1", "port": port, "login": LOGIN, "password": PASSWORD}
    down["extra"] = {"endpoint_url": f"http://127.0.0.1:{port}", "no_host_key_check": True}
    monkeypatch.setenv("AIRFLOW_CONN_DOWN", json.dumps(down))
    with pytest.raises(StorageError, match="хранилище не отвечает") as told:
        Storage(address, settings).items()
    assert "connections.yaml" in str(told.value)


@pytest.mark.parametrize("name", ["../снаружи.xlsx", "папка//файл.xlsx", "я" * 130 + ".xlsx"])
def test_a_name_that_no_file_can_have_is_told(servers: dict[str, Place], settings: Settings, name: str) -> None:
    servers["s3"].put(name, b"1")
    problems = {item.name: item.problem for item in Storage(servers["s3"].address, settings).items()}
    assert [problem for found, problem in problems.items() if name.startswith(found)] != [None]


def test_what_lies_in_a_storage_lands_and_leaves_no_copy_behind(
    servers: dict[str, Place], warehouse: Settings, vpr: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The way of source_intake, then that of a run by hand: what is in is neither fetched nor read again."""
    place, name = servers["sftp"], "2021/5/Математика, район № 1.xlsx"
    address = place.address.replace("приём", "школы")
    monkeypatch.setenv("RAVENSTVO_HOME", str(warehouse.home))
    monkeypatch.setenv("RAVENSTVO_WAREHOUSE_URL", str(warehouse.warehouse_url))
    monkeypatch.setenv("RAVENSTVO_INBOX", address)
    monkeypatch.setenv("RAVENSTVO_INBOX_SETTLE_SECONDS", "1")
    fetched: list[str] = []
    fetch = Storage.fetch
    monkeypatch.setattr(Storage, "fetch", lambda self, item, to: fetched.append(item.name) or fetch(self, item, to))

    clock = [looks.time.time()]
    monkeypatch.setattr(looks.time, "time", lambda: clock[0])

    def look() -> list[dict[str, Any]]:
        landed = []
        for _ in range(2):
            landed += [tasks.land(file) for file in tasks.look({})]
            clock[0] += 60
        return landed

    place.put(f"../школы/{name}", _book(tmp_path, vpr(("sch220001", 7), ("sch220002", 9))))
    place.put("../школы/Пустая.csv", b"")
    landed = look()
    assert {one["path"]: (one["status"], one["rows"]) for one in landed} == {
        name: ("landed", 2),
        "Пустая.csv": ("refused", 0),
    }
    assert tasks.arrived(landed) == {"vpr_result": ["2021"]}
    assert sorted(fetched) == [name, "Пустая.csv"]
    assert [path for path in warehouse.inboxes_dir.rglob("*") if path.suffix != ".json"] == []

    assert look() == [], "neither what landed nor what was refused is taken twice"
    assert tasks.read_inbox({"year": 2021}, None)["n_known"] == 1
    assert fetched[2:] == ["Пустая.csv"], "a person who asks for it has what was refused read once more"

    # A row more each time: SFTP tells times in whole seconds, and of one size and time a file counts as the same.
    place.put(f"../школы/{name}", _book(tmp_path, vpr(("sch220001", 8), ("sch220002", 9), ("sch220003", 7))))
    (landed,) = look()
    assert (landed["status"], landed["rows"], landed["brought"]) == ("landed", 3, [["vpr_result", 2021]])
    with connect(warehouse) as connection, connection.cursor() as cursor:
        tasks.arrived([landed])
        cursor.execute(
            "select primary_score from landing.vpr_result join ops.source_part using (part_id) where in_force"
        )
        assert sorted(cursor.fetchall()) == [("7",), ("8",), ("9",)]

    latest = (("sch220001", 5), ("sch220002", 9), ("sch220003", 7), ("sch220004", 6))
    place.put(f"../школы/{name}", _book(tmp_path, vpr(*latest)))
    assert tasks.read_inbox({}, "2021", "scheduled")["files"] == [], "it may still change, and will be looked at again"
    ordered = {one["path"] for one in tasks.read_inbox({}, "2021", "backfill")["files"]}
    assert ordered == {name, "Пустая.csv"}, "a person has ordered years of what there is"


def _book(folder: Path, rows: list[list[Any]]) -> bytes:
    path = folder / "книга.xlsx"
    book = xlsxwriter.Workbook(path)
    for index, row in enumerate(rows):
        (book.get_worksheet_by_name("Лист1") or book.add_worksheet("Лист1")).write_row(index, 0, row)
    book.close()
    return path.read_bytes()
