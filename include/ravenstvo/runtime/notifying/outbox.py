"""What is to be sent, kept in files of the home until it is: the database may be the very thing that failed.

A message is written down before it is sent and removed after, so one whose sender dies is sent again, under the same
number (``Message-ID``), and none is lost. What a server refused for good, or did not take in all the days that it was
tried, is set aside: nobody tries it again until a person asks for it. What was told is remembered: the same cause
within a window is counted instead of told again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ravenstvo import private_files
from ravenstvo.runtime.notifying.papers import Paper
from ravenstvo.settings import Settings

log = logging.getLogger(__name__)

EMAIL, CHAT = "email", "chat"
CHANNEL_TITLES = {EMAIL: "почта", CHAT: "чат"}
WHAT_TO_DO = (
    "Исправьте адрес или подключение и повторите: «ravenstvo notify-test», письма отправителям — "
    "«ravenstvo send-letters»; не нужно — «ravenstvo notify-test --forget»."
)
# What was told longer ago is forgotten.
_REMEMBERED = timedelta(days=400)
# What no server took in so long it will not take. Mail servers give up after five days (RFC 5321, 4.5.4.1); a house
# that is out of its network over the holidays has time to come back.
_TRIED = timedelta(days=14)
# What was set aside longer ago is no news to anybody.
_SET_ASIDE = timedelta(days=60)


@dataclass(frozen=True)
class Message:
    """A message on its way. ``channels`` are those that it has still to go through; ``to`` are addresses of e-mail."""

    number: str
    subject: str
    text: str
    html: str
    brief: str
    to: tuple[str, ...]
    channels: tuple[str, ...]
    written_at: str
    attachment: str | None = None
    """Name that the attached file is sent under; the file lies beside the message."""
    letter: str | None = None
    """Fingerprint of a letter to a sender: noted as sent when it is."""
    n_tries: int = 0
    error: str = ""
    has_it: tuple[str, ...] = ()
    """Digests of the chat services that have it already: of several, one may be away."""
    set_aside_at: str = ""


@dataclass(frozen=True)
class Waiting:
    """A message that could not be sent, for those who look after the house."""

    subject: str
    since: datetime
    channels: tuple[str, ...]
    n_tries: int
    error: str


@dataclass
class Told:
    """When a cause was told last, what it was like, and how often it came again since."""

    at: str
    digest: str = ""
    n_since: int = 0


@dataclass
class Journal:
    """What was told, by cause; letters to senders that were sent, by fingerprint, and when."""

    causes: dict[str, Told] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)


def channels(settings: Settings) -> tuple[str, ...]:
    """Ways that are set up; none means that nothing is told."""
    return (*((EMAIL,) if settings.notify_email else ()), *((CHAT,) if settings.notify_chat else ()))


def tell(settings: Settings, paper: Paper, cause: str) -> bool:
    """Write a message down, unless the same cause was told within the window: then it is counted.

    The first message after the window says how often the cause came meanwhile. Returns whether it was written down;
    False also where no way is set up.
    """
    if not channels(settings):
        return False
    now = datetime.now(UTC)
    with _journal(settings) as journal:
        past = journal.causes.get(cause)
        if past and now - datetime.fromisoformat(past.at) < timedelta(hours=settings.notify_window_hours):
            past.n_since += 1
            log.warning("Об этом уже сообщено %s, повторов: %d. %s", past.at[:16], past.n_since, paper.subject)
            return False
        if past and past.n_since:
            again = f"С прошлого сообщения ({_day(past.at)}) то же повторялось, раз: {past.n_since}."
            paper = replace(paper, lead=(*paper.lead, again))
        _put(settings, _message(settings, paper, now))
        journal.causes[cause] = Told(now.isoformat())
    return True


def put(settings: Settings, paper: Paper) -> None:
    """Write a message down whatever was told before."""
    _put(settings, _message(settings, paper, datetime.now(UTC)))


def tell_change(settings: Settings, paper: Paper | None, topic: str, facts: Any) -> bool:
    """Write a message down when the facts of a topic are not those told last; None: there is nothing to say of them."""
    if not channels(settings):
        return False
    now = datetime.now(UTC)
    digest = hashlib.sha256(json.dumps(facts, ensure_ascii=False, default=str).encode()).hexdigest()
    with _journal(settings) as journal:
        past = journal.causes.get(topic)
        if past and past.digest == digest:
            return False
        journal.causes[topic] = Told(now.isoformat(), digest)
        if paper is not None:
            _put(settings, _message(settings, paper, now))
    return paper is not None


def put_letter(
    settings: Settings, to: tuple[str, ...], subject: str, text: str, html: str, attachment: Path, fingerprint: str
) -> None:
    """Write a letter to a sender down with a copy of its workbook, once for each content."""
    number = fingerprint[:32]
    folder = _folder(settings, "waiting")
    _copy(attachment, _attached(folder, number))
    now = datetime.now(UTC).isoformat()
    _put(settings, Message(number, subject, text, html, "", to, (EMAIL,), now, attachment.name, fingerprint))


def letters_sent(settings: Settings) -> dict[str, str]:
    """Letters to senders that were sent: when, by fingerprint."""
    return _read_journal(settings).letters


def waiting(settings: Settings) -> list[Waiting]:
    """Messages that are not sent yet, the oldest first. Makes nothing and needs no database."""
    return [_shown(one) for one in messages(settings)]


def refused(settings: Settings) -> list[Waiting]:
    """Messages that were set aside, the oldest first. Makes nothing and needs no database."""
    return [_shown(one) for one in set_aside(settings)]


def _shown(one: Message) -> Waiting:
    return Waiting(one.subject, datetime.fromisoformat(one.written_at), one.channels, one.n_tries, one.error)


def waiting_lines(settings: Settings) -> list[str]:
    """What waits to be sent and what was set aside, in Russian; empty when nothing is."""
    lines = []
    if kept := waiting(settings):
        lines.append(
            f"Не отправлено сообщений: {len(kept)}. Они уйдут при следующем запуске или по «ravenstvo notify-test»."
        )
        lines += map(_line, kept)
    if kept := refused(settings):
        lines.append(f"Не принято и отложено сообщений: {len(kept)}. {WHAT_TO_DO}")
        lines += map(_line, kept)
    return lines


def _line(one: Waiting) -> str:
    ways = ", ".join(CHANNEL_TITLES[channel] for channel in one.channels)
    return f"  {_day(one.since.isoformat())} {one.subject} ({ways}): {one.error or 'ещё не отправлялось'}"


def messages(settings: Settings) -> list[Message]:
    """Messages on their way, the oldest first."""
    return _read(settings.outbox_dir / "waiting")


def set_aside(settings: Settings) -> list[Message]:
    """Messages that nobody tries any more, the oldest first."""
    return _read(settings.outbox_dir / "refused")


def _read(folder: Path) -> list[Message]:
    found = [Message(**_tuples(json.loads(path.read_text("utf-8")))) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda one: (one.written_at, one.number))


def attached(settings: Settings, message: Message) -> Path:
    """Where the attached file of a message lies."""
    return _attached(settings.outbox_dir / "waiting", message.number)


def failed(settings: Settings, message: Message, channel: str, error: str) -> None:
    """A try to send was in vain: the message stays, with what was in the way, unless it was tried for too long."""
    tried = replace(message, n_tries=message.n_tries + 1, error=error)
    if datetime.now(UTC) - datetime.fromisoformat(message.written_at) > _TRIED:
        refuse(settings, tried, channel, f"{error}; безуспешных попыток: {tried.n_tries}")
    else:
        _put(settings, tried)


def refuse(settings: Settings, message: Message, channel: str, error: str, *, others_wait: bool = False) -> None:
    """Set a message aside for a channel, or for some of its addresses, that will not take it.

    With ``others_wait`` it stays on its way too, for its other addresses.
    """
    now = datetime.now(UTC)
    before = [one.to for one in set_aside(settings) if (one.number, one.channels) == (message.number, (channel,))]
    to = _all(*before, message.to)
    aside = replace(message, to=to, channels=(channel,), error=error, set_aside_at=now.isoformat())
    folder = _folder(settings, "refused")
    if message.attachment and attached(settings, message).exists():
        _copy(attached(settings, message), _attached(folder, _name_aside(aside)))
    written = json.dumps(asdict(aside), ensure_ascii=False)
    private_files.write(folder / f"{_name_aside(aside)}.json", written, lasting=True)
    log.warning("Не принято и отложено (%s): %s: %s. %s", CHANNEL_TITLES[channel], aside.subject, error, WHAT_TO_DO)
    if not others_wait:
        _done_with(settings, message, channel)
    for old in set_aside(settings):
        if now - datetime.fromisoformat(old.set_aside_at) > _SET_ASIDE:
            _drop(settings, old)


def again(settings: Settings, wanted: Callable[[Message], bool]) -> None:
    """What was set aside and is wanted is tried once more, for as many days as a new message: somebody asked for it.

    A message of the house goes to those of its addresses that are still to be told, or else to those that are now.
    """
    told = tuple(settings.notify_addresses)
    for one in filter(wanted, set_aside(settings)):
        to = one.to if one.letter else tuple(address for address in one.to if address in told) or told
        # It may still be on its way through the other channel, or to other addresses.
        known = [other for other in messages(settings) if other.number == one.number]
        renewed = replace(
            one,
            to=_all(to, *(other.to for other in known)),
            channels=_all(one.channels, *(other.channels for other in known)),
            has_it=_all(one.has_it, *(other.has_it for other in known)),
            written_at=datetime.now(UTC).isoformat(),
            n_tries=0,
            set_aside_at="",
        )
        _put(settings, renewed)
        kept = _attached(settings.outbox_dir / "refused", _name_aside(one))
        if kept.exists():
            _copy(kept, attached(settings, one))
        _drop(settings, one)


def forget_refused(settings: Settings) -> int:
    """Remove what was set aside. Returns how many messages."""
    dropped = set_aside(settings)
    for one in dropped:
        _drop(settings, one)
    return len(dropped)


def _all(*parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))


def _name_aside(message: Message) -> str:
    (channel,) = message.channels
    return f"{message.number}.{channel}"


def _drop(settings: Settings, aside: Message) -> None:
    folder = settings.outbox_dir / "refused"
    (folder / f"{_name_aside(aside)}.json").unlink(missing_ok=True)
    _attached(folder, _name_aside(aside)).unlink(missing_ok=True)


def sent(settings: Settings, message: Message, channel: str) -> Message:
    """A message has gone through a channel; after the last one it is removed, and a letter noted as sent."""
    if message.letter:
        with _journal(settings) as journal:
            journal.letters[message.letter] = datetime.now(UTC).isoformat()
    return _done_with(settings, message, channel)


def _done_with(settings: Settings, message: Message, channel: str) -> Message:
    left = replace(message, channels=tuple(one for one in message.channels if one != channel))
    if left.channels:
        _put(settings, left)
        return left
    _path(settings, message).unlink(missing_ok=True)
    attached(settings, message).unlink(missing_ok=True)
    return left


@contextmanager
def alone(settings: Settings) -> Iterator[bool]:
    """Whether this process is the one that sends: two at once would send everything twice."""
    with (_folder(settings) / "sending.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _message(settings: Settings, paper: Paper, now: datetime) -> Message:
    number = hashlib.sha256(f"{now.isoformat()}{paper.subject}{paper.text()}".encode()).hexdigest()[:32]
    to = tuple(settings.notify_addresses)
    return Message(
        *(number, paper.subject, paper.text(), paper.html(), paper.brief(), to, channels(settings), now.isoformat())
    )


def _put(settings: Settings, message: Message) -> None:
    _folder(settings, "waiting")
    private_files.write(_path(settings, message), json.dumps(asdict(message), ensure_ascii=False), lasting=True)


def _path(settings: Settings, message: Message) -> Path:
    return settings.outbox_dir / "waiting" / f"{message.number}.json"


def _attached(folder: Path, number: str) -> Path:
    return folder / f"{number}.attachment"


def _copy(attachment: Path, target: Path) -> None:
    shutil.copyfile(attachment, target)
    target.chmod(0o600)


def _folder(settings: Settings, *names: str) -> Path:
    folder = settings.outbox_dir
    for name in ("", *names):
        folder = folder / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextmanager
def _journal(settings: Settings) -> Iterator[Journal]:
    """The journal, for one process at a time; written back when the block ends well."""
    with (_folder(settings) / "journal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        journal = _read_journal(settings)
        yield journal
        oldest = (datetime.now(UTC) - _REMEMBERED).isoformat()
        journal.causes = {cause: one for cause, one in journal.causes.items() if one.at > oldest}
        text = json.dumps(asdict(journal), ensure_ascii=False, indent=1)
        private_files.write(settings.outbox_dir / "journal.json", text, lasting=True)


def _read_journal(settings: Settings) -> Journal:
    path = settings.outbox_dir / "journal.json"
    if not path.exists():
        return Journal()
    read = json.loads(path.read_text(encoding="utf-8"))
    return Journal({cause: Told(**one) for cause, one in read["causes"].items()}, read["letters"])


def _tuples(read: dict[str, Any]) -> dict[str, Any]:
    return read | {name: tuple(read[name]) for name in ("to", "channels", "has_it") if name in read}


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%d.%m.%Y %H:%M}"
