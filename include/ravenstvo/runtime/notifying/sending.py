"""Sending from the command line: Airflow's connections are known only where its environment is."""

from __future__ import annotations

import subprocess
import sys

from ravenstvo.errors import ToldError
from ravenstvo.runtime import airflow_home
from ravenstvo.runtime.notifying import channels, outbox
from ravenstvo.runtime.notifying.outbox import Message
from ravenstvo.runtime.notifying.papers import Paper, Part, subject
from ravenstvo.settings import Settings

# With it the process also knows the connections that were entered in Airflow's web interface.
_KNOWS_ALL = {"_AIRFLOW_PROCESS_CONTEXT": "server"}


class NotifyError(ToldError):
    """A message cannot be sent; the message (Russian) says what to set up."""


def send_waiting(settings: Settings) -> list[Message]:
    """Send what waits, in a process of Airflow's. Returns what still waits, each with what was in the way."""
    if not outbox.messages(settings):
        return []
    environment = airflow_home.prepare(settings) | _KNOWS_ALL
    command = [sys.executable, "-m", channels.__name__]
    done = subprocess.run(command, env=environment, cwd=settings.home, capture_output=True, text=True, check=False)
    left = outbox.messages(settings)
    if done.returncode not in (0, 1) or (done.returncode == 1 and not left):
        *_, last = ("причина не названа", *done.stderr.strip().splitlines())
        raise NotifyError(f"Отправка прервалась: {last}")
    return left


def test_message(settings: Settings) -> tuple[list[str], list[Message]]:
    """Send a message that says only that messages arrive, what else waits, and what was set aside, once more.

    Letters to senders that were set aside stay there: ``send-letters`` sends them. Returns whom the message went to,
    and what still waits. Raises NotifyError where nobody is to be told.
    """
    if not outbox.channels(settings):
        raise NotifyError(
            "Некому сообщать: задайте RAVENSTVO_NOTIFY_EMAIL или RAVENSTVO_NOTIFY_CHAT (docs/running.md)."
        )
    paper = Paper(
        subject("проверка сообщений"),
        ("Сообщения этой установки доходят. Делать ничего не нужно.",),
        (Part("О чём сообщают", _TOLD_OF), Part("Откуда", (f"Папка состояния: {settings.home}",))),
    )
    outbox.put(settings, paper)
    outbox.again(settings, lambda one: not one.letter)
    whom = [f"почта: {', '.join(settings.notify_addresses)}"] if settings.notify_email else []
    whom += [f"чат: подключение {settings.notify_chat}"] if settings.notify_chat else []
    return whom, send_waiting(settings)


_TOLD_OF = (
    "расчёт не выполнен или идёт слишком долго",
    "расчёт выполнен, но файлы отклонены или сведения не пришли в срок",
    "срок сведений прошёл или близок, а их нет",
)
