"""Sends what the outbox holds: e-mail by Airflow's SMTP connection, chats and webhooks by its Apprise connection.

Runs where Airflow knows its connections: in its tasks and callbacks, or in a process that has Airflow's environment
(``python -m ravenstvo.runtime.notifying.channels``).
"""

from __future__ import annotations

import logging
import smtplib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from ravenstvo.errors import ToldError
from ravenstvo.runtime.notifying import outbox
from ravenstvo.runtime.notifying.outbox import CHANNEL_TITLES, CHAT, EMAIL, Message
from ravenstvo.runtime.notifying.papers import clean
from ravenstvo.settings import Settings, get_settings

log = logging.getLogger(__name__)

Send = Callable[[Message], None]
# What a mail server says of one letter: its addresses, its size, its content. The next one may be to its liking.
_REFUSED = (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError)


class SendingError(ToldError):
    """A channel cannot be used; the message (Russian) says what to set up."""


def deliver(settings: Settings) -> int:
    """Send everything that waits. Returns how many messages are still waiting.

    A channel that fails is not tried again for the other messages of this call, except where it only refused one
    letter. Never raises for what a server says or does not say.
    """
    with outbox.alone(settings) as is_ours:
        if is_ours:
            _through(settings, EMAIL, _email)
            if settings.notify_chat:
                _through(settings, CHAT, _chat)
            else:
                _forget_chat(settings)
    n_left = len(outbox.messages(settings))
    if n_left:
        log.warning("Не отправлено сообщений: %d; они уйдут при следующей возможности.", n_left)
    return n_left


def _through(settings: Settings, channel: str, opened: Any) -> None:
    due = [one for one in outbox.messages(settings) if channel in one.channels]
    if not due:
        return
    left = list(due)
    try:
        with opened(settings) as send:
            while left:
                try:
                    send(left[0])
                except _REFUSED as error:
                    outbox.failed(settings, _for_the_refused(left[0], error), _told(error))
                    log.warning("%s: %s", left[0].subject, _told(error))
                else:
                    outbox.sent(settings, left[0], channel)
                left.pop(0)
    except Exception as error:  # noqa: BLE001
        # Whatever a server, a network or a connection does must not fail the run that tells of itself.
        log.warning("Не отправлено (%s): %s", CHANNEL_TITLES[channel], _told(error))
        for message in left:
            outbox.failed(settings, message, _told(error))


def _for_the_refused(message: Message, error: smtplib.SMTPException) -> Message:
    """The message for those who do not have it: of several addresses some may have been accepted."""
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return message
    return replace(message, to=tuple(one for one in message.to if one in error.recipients) or message.to)


def _forget_chat(settings: Settings) -> None:
    """Nothing waits for a chat that is not set up any more."""
    for message in outbox.messages(settings):
        if CHAT in message.channels:
            outbox.sent(settings, message, CHAT)


@contextmanager
def _email(settings: Settings) -> Iterator[Send]:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    hook = SmtpHook(smtp_conn_id=settings.notify_smtp)
    with hook:
        if not hook.from_email:
            raise SendingError(f"в подключении {settings.notify_smtp} не назван отправитель (extra: from_email)")
        # The hook's own way to send knows HTML only; its client is logged in already.
        client: Any = hook._smtp_client
        yield lambda message: _send(client, settings, message, str(hook.from_email))


def _send(client: smtplib.SMTP, settings: Settings, message: Message, sender: str) -> None:
    refused = client.send_message(as_email(settings, message, sender))
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


def as_email(settings: Settings, message: Message, sender: str) -> EmailMessage:
    """The message as an e-mail: text, the same as HTML, and the attached workbook."""
    mail = EmailMessage()
    mail["Subject"] = message.subject
    mail["From"] = sender
    mail["To"] = ", ".join(message.to)
    mail["Date"] = formatdate(localtime=True)
    # The same letter sent twice, because nobody knew whether the first had arrived, is known for one.
    mail["Message-ID"] = f"<{message.number}@{sender.rpartition('@')[2].strip('> ') or 'ravenstvo'}>"
    # Nobody is to answer that they are on holiday.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    if message.attachment:
        mail.add_attachment(
            outbox.attached(settings, message).read_bytes(),
            maintype="application",
            subtype="vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            filename=message.attachment,
        )
    return mail


@contextmanager
def _chat(settings: Settings) -> Iterator[Send]:
    import apprise
    from airflow.providers.apprise.hooks.apprise import AppriseHook

    hook = AppriseHook(apprise_conn_id=str(settings.notify_chat))
    services = apprise.Apprise()
    # The hook's own way to send does not tell whether it was sent.
    hook.set_config_from_conn(hook.get_connection(hook.apprise_conn_id), services)
    if not len(services):
        raise SendingError(f"в подключении {settings.notify_chat} нет ни одного адреса, который понимает Apprise")

    def send(message: Message) -> None:
        if not services.notify(title=message.subject, body=message.brief, tag="all"):
            raise SendingError("служба сообщений не приняла или не отвечает")

    yield send


def _told(error: BaseException) -> str:
    """What was in the way, in Russian where it is known, without what the server quotes of the letter."""
    name = type(error).__name__
    match error:
        case SendingError():
            return str(error)
        case smtplib.SMTPAuthenticationError():
            return "почтовый сервер не принял имя или пароль подключения"
        case smtplib.SMTPRecipientsRefused():
            return f"почтовый сервер не принял адреса: {', '.join(error.recipients)}"
        case smtplib.SMTPResponseException(smtp_code=552):
            return "почтовый сервер не принял письмо: оно слишком велико или ящик полон"
        case smtplib.SMTPSenderRefused():
            return f"почтовый сервер не принял адрес отправителя {error.sender}"
        case smtplib.SMTPException():
            return f"почтовый сервер ответил ошибкой ({name}): {clean(str(error))}"
        case OSError():
            return f"сервер не отвечает ({clean(str(error)) or name})"
        case _ if "isn't defined" in str(error) or "connection is not found" in str(error):
            return "подключения Airflow с таким именем нет: airflow/connections.yaml"
        case _:
            return f"{name}: {clean(str(error))}"


if __name__ == "__main__":
    sys.exit(1 if deliver(get_settings()) else 0)
