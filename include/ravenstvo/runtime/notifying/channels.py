"""Sends what the outbox holds: e-mail by Airflow's SMTP connection, chats and webhooks by its Apprise connection.

Runs where Airflow knows its connections: in its tasks and callbacks, or in a process that has Airflow's environment
(``python -m ravenstvo.runtime.notifying.channels``).
"""

from __future__ import annotations

import logging
import re
import smtplib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from email.utils import formatdate
from hashlib import sha256
from typing import Any

from ravenstvo.errors import ToldError
from ravenstvo.runtime.notifying import outbox
from ravenstvo.runtime.notifying.outbox import CHANNEL_TITLES, CHAT, EMAIL, Message
from ravenstvo.runtime.notifying.papers import clean
from ravenstvo.settings import Settings, get_settings

log = logging.getLogger(__name__)

# Sends a message; raises _RefusedError where this one was not taken, anything else where the channel cannot be used.
Send = Callable[[Message], None]
# Messages in a row that a chat did not take before the rest are left for another time: a mail server that is away says
# so, of a chat nobody knows, and each try costs the time of a connection.
_IN_A_ROW = 3
# Replies of a mail server: from here on it will not take the same again (RFC 5321, 4.2.1).
_FOR_GOOD = 500
_TOO_LARGE = 552
_HTTP_STATUS = re.compile(r"error=(\d{3})\b")


_Refused = tuple[Message, BaseException]


class SendingError(ToldError):
    """A channel cannot be used; the message (Russian) says what to set up."""


class _RefusedError(Exception):
    """A message was not taken, or not by all: the next one may be.

    ``later`` is the message for those who are to be tried again, ``never`` for those who refused it for good; each with
    what was in the way.
    """

    def __init__(self, *, later: _Refused | None = None, never: _Refused | None = None) -> None:
        super().__init__()
        self.later, self.never = later, never


def deliver(settings: Settings) -> int:
    """Send everything that waits. Returns how many messages are still waiting.

    A channel that fails is not tried again for the other messages of this call, except where it only refused one
    message: that is set aside where it was refused for good. Never raises for what a server says or does not say.
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
    if channel == CHAT:
        # Those that were tried least go first, so that what is never taken cannot keep a new message waiting.
        due.sort(key=lambda one: one.n_tries)
    n_in_a_row = 0
    try:
        if due:
            with opened(settings) as send:
                while due and not (channel == CHAT and n_in_a_row == _IN_A_ROW):
                    n_in_a_row = 0 if _sent(settings, channel, send, due[0]) else n_in_a_row + 1
                    due.pop(0)
    except Exception as error:  # noqa: BLE001
        # Whatever a server, a network or a connection does must not fail the run that tells of itself.
        log.warning("Не отправлено (%s): %s", CHANNEL_TITLES[channel], _told(error))
        for message in due:
            outbox.failed(settings, message, channel, _told(error))


def _sent(settings: Settings, channel: str, send: Send, message: Message) -> bool:
    """Whether a channel took a message. Where not, it waits or is set aside, and the channel can still be used."""
    try:
        send(message)
    except _RefusedError as refused:
        if refused.never:
            for_good, reason = refused.never
            outbox.refuse(settings, for_good, channel, _told(reason), others_wait=refused.later is not None)
        if refused.later:
            kept, reason = refused.later
            log.warning("%s: %s", kept.subject, _told(reason))
            outbox.failed(settings, kept, channel, _told(reason))
        return False
    outbox.sent(settings, message, channel)
    return True


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
    try:
        refused = client.send_message(as_email(settings, message, sender))
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except (ValueError, FileNotFoundError, smtplib.SMTPNotSupportedError) as error:
        # Not a letter that can be written: an address that mail does not know, a workbook that is gone.
        raise _RefusedError(never=(message, error)) from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        # Of a sender that the server does not like the house has to hear, not the message; 552 speaks of its size.
        is_for_good = error.smtp_code >= _FOR_GOOD and (
            error.smtp_code == _TOO_LARGE or not isinstance(error, smtplib.SMTPSenderRefused)
        )
        raise _RefusedError(**{"never" if is_for_good else "later": (message, error)}) from error
    if refused:
        raise _of_addresses(message, refused)


def _of_addresses(message: Message, refused: dict[str, tuple[int, bytes]]) -> _RefusedError:
    """Of several addresses some may have been accepted, some be asked to wait (4xx), some not exist (5xx)."""
    never = {one: reply for one, reply in refused.items() if reply[0] >= _FOR_GOOD}
    later = {one: reply for one, reply in refused.items() if one not in never}
    never_part, later_part = (
        (replace(message, to=tuple(one for one in message.to if one in part)), smtplib.SMTPRecipientsRefused(part))
        if part
        else None
        for part in (never, later)
    )
    return _RefusedError(never=never_part, later=later_part)


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
    added = apprise.Apprise()
    # The hook's own way to send does not tell whether it was sent.
    hook.set_config_from_conn(hook.get_connection(hook.apprise_conn_id), added)
    services = {sha256(one.url(privacy=False).encode()).hexdigest()[:16]: apprise.Apprise(one) for one in added}
    if not services:
        raise SendingError(f"в подключении {settings.notify_chat} нет ни одного адреса, который понимает Apprise")
    yield lambda message: _post(services, message)


def _post(services: Mapping[str, Any], message: Message) -> None:
    """To each service that does not have the message yet, so that those that are well do not get it again and again.

    Whether a refusal is for good no status tells (Telegram's 400 is a text that it cannot read and a chat that it does
    not know): what was not taken is tried again, as long as the outbox keeps it.
    """
    due = {name: service for name, service in services.items() if name not in message.has_it}
    done = {name: service.notify(title=message.subject, body=message.brief) for name, service in due.items()}
    if all(done.values()):
        return
    said = [entry.message for result in done.values() for one in result for entry in one.logs()]
    status = next((found[1] for found in map(_HTTP_STATUS.search, said) if found), None)
    answer = f" (ответ {status})" if status else " или не отвечает"
    took = tuple(name for name, result in done.items() if result)
    left = replace(message, has_it=(*message.has_it, *took))
    raise _RefusedError(later=(left, SendingError(f"служба сообщений не приняла{answer}")))


def _told(error: BaseException) -> str:
    """What was in the way, in Russian where it is known, without what the server quotes of the letter."""
    name = type(error).__name__
    match error:
        case SendingError():
            return str(error)
        case smtplib.SMTPAuthenticationError():
            return "почтовый сервер не принял имя или пароль подключения"
        case smtplib.SMTPRecipientsRefused() if all(code < _FOR_GOOD for code, _ in error.recipients.values()):
            return f"почтовый сервер просит подождать с письмами для: {', '.join(error.recipients)}"
        case smtplib.SMTPRecipientsRefused():
            return f"почтовый сервер не принял адреса: {', '.join(error.recipients)}"
        case smtplib.SMTPResponseException(smtp_code=552):
            return "почтовый сервер не принял письмо: оно слишком велико или ящик полон"
        case smtplib.SMTPSenderRefused():
            return f"почтовый сервер не принял адрес отправителя {error.sender}"
        case smtplib.SMTPNotSupportedError():
            return "почтовый сервер знает только адреса латиницей"
        case ValueError() | FileNotFoundError():
            return f"письмо не составить ({name}): {clean(str(error))}"
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
