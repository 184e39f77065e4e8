"""Looks into a folder: what is complete, what is left and why, what was taken."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from ravenstvo.intake.discover import KnownFile
from ravenstvo.runtime import looks
from ravenstvo.runtime.inboxes import Gathered, InboxError, discard_fetched, gather, told
from ravenstvo.settings import Settings, inbox_address

NAME = "Район «Северный»/ВПР 5 класс.xlsx"
Look = Callable[..., Gathered]


def _book(text: str = "таблица") -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("xl/workbook.xml", text * 500)
    return body.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "входящие" / "Район «Северный»").mkdir(parents=True)
    return Settings(home=tmp_path / "home", inbox=str(tmp_path / "входящие"), warehouse_url=None, airflow_url=None)


@pytest.fixture
def look(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Look:
    """A look some seconds after the one before; ``known`` are contents that the warehouse has, with their status."""
    clock = [1_700_000_000.0]

    def once(after: float = 600, known: dict[bytes, str] | None = None) -> Gathered:
        clock[0] += after
        monkeypatch.setattr(looks.time, "time", lambda: clock[0])
        contents = {
            hashlib.sha256(body).hexdigest(): KnownFile(status, 2021, None) for body, status in (known or {}).items()
        }
        assert settings.inbox is not None
        return gather(settings, settings.inbox, contents, None, patiently=True)

    return once


def _inbox(settings: Settings) -> Path:
    return Path(str(settings.inbox))


def test_a_file_is_taken_when_two_looks_find_it_the_same(settings: Settings, look: Look) -> None:
    path, body = _inbox(settings) / NAME, _book()
    path.write_bytes(body[:100])
    first = look()
    assert (first.only, first.left) == (set(), {NAME: "ещё меняется или только что появился"})
    path.write_bytes(body)
    assert look().only == set(), "it has grown since"
    assert look(after=settings.inbox_settle_seconds - 1).only == set(), "too soon to tell"
    assert look(after=1).only == {path}


def test_what_was_taken_is_not_taken_again_until_it_changes(settings: Settings, look: Look) -> None:
    path, body = _inbox(settings) / NAME, _book()
    path.write_bytes(body)
    look()
    assert look().only == {path}
    assert look().only == {path}, "it was handed on and never landed"
    for status in ("landed", "waiting", "withdrawn", "refused"):
        done = look(known={body: status})
        assert (done.only, done.left) == (set(), {}), status
        assert done.elsewhere == {hashlib.sha256(body).hexdigest()}
    path.write_bytes(_book("исправлено"))
    assert look(known={body: "landed"}).left, "it is another file now"
    assert look(known={body: "landed"}).only == {path}


def test_an_archive_without_its_end_is_waited_for_and_then_refused(settings: Settings, look: Look) -> None:
    path = _inbox(settings) / NAME
    path.write_bytes(_book()[:-30])
    look()
    waiting = look()
    assert waiting.only == set()
    assert "архив не закрыт" in waiting.left[NAME]
    path.write_bytes(_book())
    look()
    assert look().only == {path}
    path.write_bytes(_book()[:-30])
    look()
    # Who would never be told of a file that nobody finishes?
    assert look(after=settings.inbox_patience_minutes * 60 + 1).only == {path}


def test_an_inbox_is_watched_while_looks_leave_what_still_changes(settings: Settings, look: Look) -> None:
    """Else a run of the calendar would leave what nobody comes back for."""
    address = str(settings.inbox)
    seen_by_a_run = looks.Looks(settings, address)
    seen_by_a_run.see({NAME: "1"})
    seen_by_a_run.save(patiently=False)
    assert looks.Looks(settings, address).sights
    assert not looks.Looks(settings, address).is_watched
    look()
    assert looks.Looks(settings, address).is_watched
    looks.Looks(settings, address).save(patiently=False)
    assert looks.Looks(settings, address).is_watched
    later = looks.time.time() + 2 * 24 * 3600
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks.time, "time", lambda: later)
        assert not looks.Looks(settings, address).is_watched


def test_names_of_unfinished_and_hidden_files_are_left(settings: Settings, look: Look) -> None:
    inbox = _inbox(settings)
    for name in ("ВПР.xlsx.part", "отчёт.crdownload", "~$ВПР.xlsx", ".скрытый.xlsx", "читай меня.txt"):
        (inbox / name).write_bytes(b"1")
    look()
    second = look()
    assert second.only == set()
    assert set(second.left) == {"ВПР.xlsx.part", "отчёт.crdownload"}
    (line,) = told(second)
    assert line.endswith(" — имя недописанного файла: ВПР.xlsx.part; отчёт.crdownload")


def test_a_name_that_is_no_text_and_a_link_are_handed_on(settings: Settings, look: Look, tmp_path: Path) -> None:
    inbox = _inbox(settings)
    windows = inbox / os.fsdecode("ВПР.csv".encode("cp1251"))
    windows.write_text("а;б\n1;2\n")
    outside = tmp_path / "снаружи.csv"
    outside.write_text("1")
    (inbox / "ссылка.csv").symlink_to(outside)
    look()
    assert look().only == {windows, inbox / "ссылка.csv"}


def test_a_clock_that_was_moved_back_only_delays(settings: Settings, look: Look) -> None:
    path = _inbox(settings) / NAME
    path.write_bytes(_book())
    look()
    assert look(after=-86400).only == set()
    assert look().only == {path}


def test_an_inbox_that_is_not_there_is_told(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="Нет папки с файлами"):
        gather(settings, str(tmp_path / "нет"), {}, None, patiently=True)


def test_tasks_that_end_at_once_leave_nothing_of_what_was_fetched(settings: Settings) -> None:
    room = settings.inboxes_dir / "fetched-1"
    paths = [room / "входящие" / name for name in ("1.xlsx", "2.xlsx")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    discard_fetched(settings, paths[0])
    assert paths[1].exists()
    for path in paths:  # of the first one even the folder has gone when it is done once more
        discard_fetched(settings, path)
    discard_fetched(settings, paths[0])
    assert list(settings.inboxes_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://key:password-7@inbox/2021", "не должно быть пароля"),
        ("s3://inbox/2021", "имя подключения"),
        ("ftp://files@/приём", "не поддерживается"),
    ],
)
def test_an_address_that_cannot_be_is_refused(address: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        Settings(inbox=address)
    assert "password-7" not in str(refused.value)


def test_a_folder_is_relative_to_the_caller_and_a_storage_stays() -> None:
    assert inbox_address("входящие файлы") == str(Path.cwd() / "входящие файлы")
    assert inbox_address("sftp://files@/приём/2021") == "sftp://files@/приём/2021"
