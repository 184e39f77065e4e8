"""A real task of Airflow fails while the mail server is away; the letter arrives when it is back, once."""

from __future__ import annotations

import email
import email.policy
import json
import smtplib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from apprise import Apprise
from ravenstvo.runtime import airflow_home
from ravenstvo.runtime.doctor.leftovers import messages
from ravenstvo.runtime.notifying import channels, outbox, sending
from ravenstvo.runtime.notifying.papers import Paper
from ravenstvo.settings import Settings
from ravenstvo.warehouse import server

pytestmark = pytest.mark.slow(seconds=30)

PAPER = Paper("Равенство: проверка", ("Сообщения доходят.",))

# Tasks that fail after they have been tried again, three of them alike.
DAG = """
from airflow.sdk import dag, get_current_context, task
from ravenstvo.runtime.notifying.watched import watched


@dag(schedule=None, **watched(late_after_hours=1))
def failing():
    @task(retries=1, retry_delay=0, map_index_template="{{ file_name }}")
    def land(path):
        get_current_context()["file_name"] = path
        raise RuntimeError("Нет связи с хранилищем")

    land.expand(path=["1.xlsx", "2.xlsx", "3.xlsx"])


failing()
"""


@dataclass
class Servers:
    """A mail server that can be away, and a service of messages; what they were given."""

    smtp_port: int
    mails: list[EmailMessage] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """What the mail server answers to addresses that it does not take."""
    unread: set[str] = field(default_factory=set)
    """Titles of messages that the service of messages does not take."""

    async def handle_RCPT(
        self, _server: object, _session: object, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 OK"

    @contextmanager
    def mail(self, size_limit: int | None = None) -> Iterator[None]:
        controller = Controller(
            self, hostname="127.0.0.1", port=self.smtp_port, data_size_limit=size_limit, enable_SMTPUTF8=False
        )
        controller.start()
        yield
        controller.stop()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Servers, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        known = Servers(free.getsockname()[1])

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            is_taken = self.path == "/well" or post["title"] not in known.unread
            if is_taken:
                known.posts.append({"path": self.path, **post})
            self.send_response(200 if is_taken else 400)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    http = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield known, http.server_port
    http.shutdown()


@pytest.fixture(scope="module")
def settings(servers: tuple[Servers, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home with connections in Airflow's file, and a DAG of its own."""
    known, http_port = servers
    made = Settings(
        home=tmp_path_factory.mktemp("house") / "home",
        warehouse_url=None,
        airflow_url=None,
        notify_email="centre@example.org, boss@example.org",
        notify_chat="chat",
    )
    made.make_home()
    smtp = {"from_email": "house@example.org", "disable_ssl": True, "disable_tls": True, "timeout": 5}
    connections = {
        "smtp_default": {"conn_type": "smtp", "host": "127.0.0.1", "port": known.smtp_port, "extra": smtp},
        "chat": {"conn_type": "apprise", "extra": {"config": {"path": f"json://127.0.0.1:{http_port}/"}}},
    }
    (made.airflow_home / "connections.yaml").write_text(json.dumps(connections))
    server.start(made)
    yield made
    server.stop(made)


def test_a_failed_run_is_told_once_when_the_mail_server_is_back(
    settings: Settings, servers: tuple[Servers, int], tmp_path: Path
) -> None:
    known, _ = servers
    (tmp_path / "failing.py").write_text(DAG, "utf-8")
    environment = airflow_home.prepare(settings) | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        "RAVENSTVO_NOTIFY_EMAIL": str(settings.notify_email),
        "RAVENSTVO_NOTIFY_CHAT": "chat",
    }
    command = airflow_home.command("dags", "test", "failing")
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    # Run and callbacks fare as they would without a mail server.
    assert "Marking run" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    assert "Callback failed" not in ran.stdout + ran.stderr
    assert "Не отправлено (почта): сервер не отвечает" in ran.stdout + ran.stderr
    assert known.mails == []
    # The chat has it: counts and steps, no names of files.
    (post,) = known.posts
    assert post["title"] == "Равенство: не выполнено: failing (загрузка файлов)"
    assert "xlsx" not in post["message"]
    (kept,) = outbox.waiting(settings)
    assert kept.channels == (outbox.EMAIL,)
    assert kept.error.startswith("сервер не отвечает")

    workbook = tmp_path / "Район — замечания.xlsx"
    workbook.write_bytes(b"PK book")
    outbox.put_letter(
        settings, ("edu@example.org",), "Исправьте", "Уважаемые коллеги!\n", "<p>!</p>", workbook, "f" * 64
    )
    workbook.unlink()
    with known.mail():
        assert sending.send_waiting(settings) == []
        assert sending.send_waiting(settings) == []
    assert outbox.waiting_lines(settings) == []
    told, letter = known.mails
    assert (told["To"], told["From"]) == ("centre@example.org, boss@example.org", "house@example.org")
    assert told["Subject"] == "Равенство: не выполнено: failing (загрузка файлов)"
    text = told.get_body(("plain",))
    assert text is not None
    assert "загрузка файлов: Нет связи с хранилищем" in text.get_content()
    assert "Файлы: 1.xlsx; 2.xlsx; 3.xlsx" in text.get_content()
    assert told.get_body(("html",)) is not None
    (book,) = letter.iter_attachments()
    assert (letter["To"], book.get_filename(), book.get_content()) == ("edu@example.org", workbook.name, b"PK book")
    assert set(outbox.letters_sent(settings)) == {"f" * 64}
    assert len(known.posts) == 1


@pytest.fixture
def send(servers: tuple[Servers, int]) -> Callable[[Settings], None]:
    """Sends what waits to the mail server, without Airflow and its connections."""
    known, _ = servers

    @contextmanager
    def opened(settings: Settings) -> Iterator[channels.Send]:
        with smtplib.SMTP("127.0.0.1", known.smtp_port) as client:
            yield lambda message: channels._send(client, settings, message, "house@example.org")

    known.mails.clear()
    return lambda settings: channels._through(settings, outbox.EMAIL, opened)


def test_an_address_refused_for_good_is_set_aside_and_one_to_wait_for_waits(
    servers: tuple[Servers, int], settings: Settings, send: Callable[[Settings], None], tmp_path: Path
) -> None:
    known, _ = servers
    known.refused = {"boss@example.org": "550 No such user", "edu@example.org": "450 Try again later"}
    told = f"{settings.notify_email}, edu@example.org"
    house = settings.model_copy(update={"home": tmp_path, "notify_email": told, "notify_chat": None})
    book = tmp_path / "книга.xlsx"
    book.write_bytes(b"PK book")
    outbox.put_letter(house, tuple(house.notify_addresses), "Исправьте", "!\n", "<p>!</p>", book, "f" * 64)
    with known.mail():
        for n_tries in (1, 2):
            send(house)
            (left,) = outbox.messages(house)
            assert (left.to, left.n_tries) == (("edu@example.org",), n_tries)
            assert left.error == "почтовый сервер просит подождать с письмами для: edu@example.org"
            (aside,) = outbox.set_aside(house)
            assert aside.to == ("boss@example.org",)
            assert aside.error == "почтовый сервер не принял адреса: boss@example.org"
            assert len(known.mails) == 1
        lines = "\n".join(outbox.waiting_lines(house))
        assert "Не принято и отложено сообщений: 1" in lines
        assert "отложено 1" in next(messages(house)).seen
        # A person has the address mended and asks for it: both hear of it, nobody twice.
        known.refused = {}
        outbox.again(house, lambda message: message.letter == "f" * 64)
        send(house)
    assert [[part.get_content() for part in mail.iter_attachments()] for mail in known.mails] == [[b"PK book"]] * 2
    assert [mail["To"] for mail in known.mails][1:] == ["boss@example.org, edu@example.org"]
    assert outbox.waiting_lines(house) == []


def test_letters_that_cannot_be_taken_keep_no_other_from_being_sent(
    servers: tuple[Servers, int], settings: Settings, send: Callable[[Settings], None], tmp_path: Path
) -> None:
    known, _ = servers
    house = settings.model_copy(update={"home": tmp_path / "home"})
    book = tmp_path / "большая.xlsx"
    book.write_bytes(b"0" * 100_000)
    small = tmp_path / "малая.xlsx"
    small.write_bytes(b"0")
    for to, attached, fingerprint in (("edu@example.org", book, "f"), ("отдел@школа.рф", small, "e")):
        outbox.put_letter(house, (to,), "Исправьте", "Уважаемые коллеги!\n", "<p>!</p>", attached, fingerprint * 64)
    outbox.put(house, PAPER)
    with known.mail(size_limit=50_000):
        send(house)
        assert [mail["Subject"] for mail in known.mails] == [PAPER.subject]
        assert {one.letter: one.error for one in outbox.set_aside(house)} == {
            "f" * 64: "почтовый сервер не принял письмо: оно слишком велико или ящик полон",
            "e" * 64: "почтовый сервер знает только адреса латиницей",
        }
        (told,) = outbox.messages(house)
        assert told.channels == (outbox.CHAT,)
    # The server takes more now, and somebody asks for the one letter.
    outbox.again(house, lambda message: message.letter == "f" * 64)
    with known.mail():
        send(house)
    (attached,) = known.mails[-1].iter_attachments()
    assert attached.get_content() == book.read_bytes()
    assert set(outbox.letters_sent(house)) == {"f" * 64}
    assert outbox.forget_refused(house) == 1
    assert [path.name for path in (house.outbox_dir / "refused").iterdir()] == []


def test_a_chat_that_refuses_a_message_gets_the_next_and_the_other_gets_each_once(
    servers: tuple[Servers, int], tmp_path: Path
) -> None:
    known, port = servers
    house = Settings(home=tmp_path, warehouse_url=None, airflow_url=None, notify_chat="chat")
    strange = [Paper(f"странное {n}", ("Не принимают.",)) for n in range(4)]
    known.unread = {paper.subject for paper in strange}
    services = {path: Apprise(f"json://127.0.0.1:{port}/{path}") for path in ("well", "strict")}

    @contextmanager
    def opened(_: Settings) -> Iterator[channels.Send]:
        yield lambda message: channels._post(services, message)

    def posted() -> list[tuple[str, str]]:
        known.posts.clear()
        channels._through(house, outbox.CHAT, opened)
        return [(post["path"], post["title"]) for post in known.posts]

    for paper in strange:
        outbox.put(house, paper)
    # The service may be away: after three the fourth is left for the next time.
    assert posted() == [("/well", paper.subject) for paper in strange[:3]]
    outbox.put(house, PAPER)
    assert posted() == [("/well", strange[3].subject), ("/well", PAPER.subject), ("/strict", PAPER.subject)]
    assert posted() == []
    assert {one.error for one in outbox.messages(house)} == {"служба сообщений не приняла (ответ 400)"}

    old = (datetime.now(UTC) - timedelta(days=15)).isoformat()
    for path in (house.outbox_dir / "waiting").glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"written_at": old}), "utf-8")
    posted(), posted()
    assert outbox.messages(house) == []
    aside = outbox.set_aside(house)
    assert len(aside) == 4
    assert all(one.error.endswith(f"безуспешных попыток: {one.n_tries}") for one in aside)


def test_what_is_in_the_way_is_said_in_russian(settings: Settings) -> None:
    """Without a connection, and with a sender that nobody named, a message waits and says why."""
    lost = settings.model_copy(update={"notify_smtp": "lost", "notify_chat": None})
    _whom, left = _tested(lost, "lost")
    assert [one.error for one in left] == ["подключения Airflow с таким именем нет: airflow/connections.yaml"]


def _tested(settings: Settings, connection: str) -> tuple[list[str], list[outbox.Message]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAVENSTVO_HOME", str(settings.home))
        patch.setenv("RAVENSTVO_NOTIFY_SMTP", connection)
        return sending.test_message(settings)
