"""What is told and what is not told again: messages kept in files, without a database or a server."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from ravenstvo.runtime.notifying import outbox
from ravenstvo.runtime.notifying.channels import as_email
from ravenstvo.runtime.notifying.failures import Note, failure_paper
from ravenstvo.runtime.notifying.letters import AddressesError, read_addresses
from ravenstvo.runtime.notifying.papers import Paper, Part, clean
from ravenstvo.settings import Settings

CENTRE = "centre@example.org, boss@example.org"
PAPER = Paper("Равенство: не выполнено", ("Не выполнено: <расчёт>.",), (Part("Где", ("файл «a».xlsx",)),))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, warehouse_url=None, airflow_url=None, notify_email=CENTRE, notify_chat="chat")
    made.make_home()
    return made


def _failed(task: str, error: object, *, file: str = "", year: int | None = 2031, place: int = -1) -> Note:
    ti = SimpleNamespace(dag_id="annual_recalculation", run_id="run", task_id=task, map_index=place)
    context: dict[str, Any] = {"ti": ti, "file_name": file, "params": {"year": year}, "exception": error}
    return Note.of(context)


def test_nothing_is_kept_where_nobody_is_to_be_told(tmp_path: Path) -> None:
    nobody = Settings(home=tmp_path, warehouse_url=None, airflow_url=None)
    assert not outbox.tell(nobody, PAPER, "cause")
    assert not outbox.tell_change(nobody, PAPER, "topic", [1])
    assert outbox.waiting(nobody) == []
    assert not (tmp_path / "outbox").exists()


def test_a_cause_is_told_once_in_a_window_and_then_counted(settings: Settings) -> None:
    assert [outbox.tell(settings, PAPER, "cause") for _ in range(3)] == [True, False, False]
    assert outbox.tell(settings, PAPER, "another cause")
    assert len(outbox.waiting(settings)) == 2
    # The window is over: the next message says how often it came meanwhile.
    later = settings.model_copy(update={"notify_window_hours": 0})
    assert outbox.tell(later, PAPER, "cause")
    texts = [one.text for one in outbox.messages(settings)]
    assert sum("то же повторялось, раз: 2" in text for text in texts) == 1


def test_a_change_is_told_when_the_facts_are_others(settings: Settings) -> None:
    facts = [["ВПР", "Первый район"]]
    assert outbox.tell_change(settings, PAPER, "deliveries", facts)
    assert not outbox.tell_change(settings, PAPER, "deliveries", facts)
    # Everything has come: nothing to say, and what lacks after that is news again.
    assert not outbox.tell_change(settings, None, "deliveries", [])
    assert outbox.tell_change(settings, PAPER, "deliveries", facts)
    assert len(outbox.waiting(settings)) == 2


def test_a_message_stays_until_every_channel_has_it(settings: Settings) -> None:
    outbox.tell(settings, PAPER, "cause")
    (message,) = outbox.messages(settings)
    outbox.failed(settings, message, outbox.EMAIL, "сервер не отвечает")
    (kept,) = outbox.waiting(settings)
    assert (kept.error, kept.n_tries, kept.channels) == ("сервер не отвечает", 1, (outbox.EMAIL, outbox.CHAT))
    assert "почта, чат): сервер не отвечает" in "\n".join(outbox.waiting_lines(settings))
    left = outbox.sent(settings, outbox.messages(settings)[0], outbox.CHAT)
    assert outbox.waiting(settings)[0].channels == (outbox.EMAIL,)
    outbox.sent(settings, left, outbox.EMAIL)
    assert outbox.waiting_lines(settings) == []
    private = [path for path in settings.outbox_dir.rglob("*") if path.is_file() and path.suffix == ".json"]
    assert private
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)


def test_a_message_of_the_house_set_aside_goes_to_those_who_are_to_be_told_now(settings: Settings) -> None:
    outbox.put(settings, PAPER)
    (message,) = outbox.messages(settings)
    outbox.refuse(settings, message, outbox.EMAIL, "адреса нет")
    outbox.refuse(settings, outbox.messages(settings)[0], outbox.CHAT, "не читает")
    assert outbox.messages(settings) == []
    assert [one.channels for one in outbox.refused(settings)] == [(outbox.CHAT,), (outbox.EMAIL,)]
    mended = settings.model_copy(update={"notify_email": "chief@example.org"})
    outbox.again(mended, lambda one: not one.letter)
    (renewed,) = outbox.messages(settings)
    assert (renewed.number, renewed.to, renewed.n_tries) == (message.number, ("chief@example.org",), 0)
    assert set(renewed.channels) == {outbox.EMAIL, outbox.CHAT}
    assert outbox.refused(settings) == []


def test_an_email_says_the_same_as_text_and_as_html(settings: Settings) -> None:
    outbox.tell(settings, PAPER, "cause")
    mail = as_email(settings, outbox.messages(settings)[0], "Центр <house@example.org>")
    assert (mail["To"], mail["Message-ID"][-13:]) == (CENTRE, "@example.org>")
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content() == "Не выполнено: <расчёт>.\n\nГде:\n  • файл «a».xlsx\n"
    assert "<p>Не выполнено: &lt;расчёт&gt;.</p>" in html.get_content()
    assert "http" not in html.get_content()
    # A chat is a stranger's house: no names of files.
    assert "a».xlsx" not in outbox.messages(settings)[0].brief


def test_the_letter_of_a_failed_run_says_what_whom_and_what_to_do(settings: Settings) -> None:
    quoted = 'invalid input syntax for type integer: "Иванов"'
    notes = [
        *(_failed("land", RuntimeError("Файл не загружен"), file=f"{n}.xlsx", place=n) for n in range(12)),
        _failed("build_core", psycopg2.DataError(quoted)),
        _failed("validate", psycopg2.OperationalError("server closed the connection unexpectedly")),
        _failed("estimate", None),
    ]
    text = failure_paper(settings, "annual_recalculation", "run", notes, "").text()
    assert "Не выполнено: расчёт 2031 года (загрузка файлов, звезда, проверка строк, оценки)." in text
    assert text.count("Файл не загружен") == 1
    assert "Файлы: 0.xlsx; 1.xlsx" in text
    assert "… и ещё 2" in text
    assert "Тех, кто прислал эти файлы" in text
    assert "ravenstvo run --year 2031" in text
    assert "База данных остановилась" in text
    assert "задача прервалась, не сказав почему" in text
    assert "числами не пользуйтесь" in text
    assert "DataError" in text
    assert "Иванов" not in text
    unbuilt = failure_paper(settings, "annual_recalculation", "run", notes[:1], "").text()
    assert "остались такими, какими были" in unbuilt


def test_a_letter_leads_to_where_people_open_airflow(settings: Settings) -> None:
    behind_a_proxy = {"api_url": "http://api-server:8080", "public_url": "https://ravenstvo.region.example"}
    failed = [_failed("land", RuntimeError("Файл не загружен"))]
    text = failure_paper(settings.model_copy(update=behind_a_proxy), "annual_recalculation", "run", failed, "").text()
    assert "https://ravenstvo.region.example/dags/annual_recalculation/runs/run" in text
    assert "api-server" not in text


def test_what_a_person_is_known_by_stays_in_the_house() -> None:
    assert clean('Key (snils)=(112-233-445 95) "Петров"\n второй') == 'Key (snils)=(…) "…" второй'


def test_addresses_of_senders(tmp_path: Path) -> None:
    table = tmp_path / "addresses.csv"
    assert read_addresses(table) == {}
    table.write_text("Отправитель;Почта\nПервый  район;a@example.org, b@example.org\n\n", "utf-8-sig")
    assert read_addresses(table) == {"первый район": ("a@example.org", "b@example.org")}
    table.write_text("РЦОИ,exams@example.org\n", "utf-8")
    assert read_addresses(table) == {"рцои": ("exams@example.org",)}
    table.write_text("РЦОИ;по телефону\n", "utf-8")
    with pytest.raises(AddressesError, match="строка 1"):
        read_addresses(table)


def test_a_wrong_address_is_refused_when_it_is_set(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="не адрес"):
        Settings(home=tmp_path, notify_email="centre")


def test_a_message_written_by_hand_is_read_as_it_was(settings: Settings) -> None:
    """What waits survives the process that wrote it."""
    outbox.put(settings, PAPER)
    (path,) = (settings.outbox_dir / "waiting").glob("*.json")
    assert json.loads(path.read_text("utf-8"))["to"] == ["centre@example.org", "boss@example.org"]
    assert outbox.messages(settings)[0].to == ("centre@example.org", "boss@example.org")
