"""Sends the letters to the senders of files: on demand only, each once for each content."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ravenstvo.errors import ToldError
from ravenstvo.publishing.senders import letters, told
from ravenstvo.publishing.senders.who import fold_name
from ravenstvo.runtime.notifying import outbox
from ravenstvo.settings import Settings, split_addresses

SENT, QUEUED, NO_ADDRESS, READY = "отправлено", "ждёт отправки", "нет адреса", "не отправлено"
REFUSED = "не принято"
STUCK = (QUEUED, REFUSED)
_HEAD = re.compile(r"отправитель|sender", re.IGNORECASE)


class AddressesError(ToldError):
    """The table of addresses cannot be used; the message (Russian) says what is wrong."""


@dataclass(frozen=True)
class Addressed:
    """A letter to a sender: where it goes, and what becomes of it."""

    sender: str
    to: tuple[str, ...]
    state: str
    subject: str
    fingerprint: str
    text: str
    workbook: Path


def addressed(settings: Settings, year: int | None) -> list[Addressed]:
    """The letters of a year as they were last written, with addresses from the table, else from the registers.

    Raises AddressesError when the table cannot be read or names nobody who is told anything.
    """
    table = read_addresses(settings.addresses_file)
    sent, waits = outbox.letters_sent(settings), {one.letter for one in outbox.messages(settings)}
    refused = {one.letter for one in outbox.set_aside(settings)}
    found = []
    for one, letter in zip(told(settings, year), letters(settings, year), strict=True):
        to = table.get(fold_name(one.sender)) or tuple(split_addresses(letter.to))
        # Not the bytes of the workbook: they hold the time that it was made.
        fingerprint = sha256("\n".join([*sorted(to), one.subject, one.digest]).encode()).hexdigest()
        # Of several addresses one may have it while another has refused it.
        known = {QUEUED: waits, REFUSED: refused, SENT: sent}
        state = next((state for state, ones in known.items() if fingerprint in ones), READY if to else NO_ADDRESS)
        found.append(Addressed(one.sender, to, state, letter.subject, fingerprint, letter.body, letter.attachment))
    return found


def queue(settings: Settings, found: list[Addressed]) -> None:
    """Hand letters to the outbox that are not sent yet, with copies of their workbooks; those set aside once more."""
    for one in found:
        if one.state == READY:
            outbox.put_letter(settings, one.to, one.subject, one.text, _html(one), one.workbook, one.fingerprint)
    refused = {one.fingerprint for one in found if one.state == REFUSED}
    outbox.again(settings, lambda message: message.letter in refused)


def read_addresses(path: Path) -> dict[str, tuple[str, ...]]:
    """Addresses by the folded name of the sender; two columns, a row each, with or without a heading.

    Raises AddressesError: the file is no such table, or an address is none.
    """
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise AddressesError(f"{path}: сохраните таблицу в UTF-8 (CSV UTF-8).") from error
    delimiter = ";" if ";" in text else ","
    found: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and _HEAD.fullmatch(cells[0])):
            continue
        to = tuple(split_addresses(" ".join(cells[1:])))
        if not to or not all("@" in one for one in to):
            raise AddressesError(f"{path}, строка {number}: нужны отправитель и адрес, например: РЦОИ;rcoi@example.org")
        found[fold_name(cells[0])] = to
    return found


def lines(found: list[Addressed]) -> Iterator[str]:
    """What becomes of each letter."""
    for one in found:
        to = f" → {', '.join(one.to)}" if one.to else ""
        yield f"  {one.state:<14} {one.sender}{to}"


def summary(settings: Settings, found: list[Addressed]) -> Iterator[str]:
    """How many letters are where, and what to do about those that are not sent."""
    count = {state: sum(one.state == state for one in found) for state in (SENT, READY, QUEUED, REFUSED, NO_ADDRESS)}
    yield f"Писем: {len(found)}; " + ", ".join(f"{state}: {n}" for state, n in count.items() if n) + "."
    if count[NO_ADDRESS]:
        yield f"Адреса — в таблице {settings.addresses_file}: отправитель;адрес, строка на каждого."
    if count[QUEUED]:
        letters_waiting = {one.letter: one.error for one in outbox.messages(settings) if one.letter}
        yield from sorted({f"Не ушло: {letters_waiting[one.fingerprint]}" for one in found if one.state == QUEUED})
    if count[REFUSED]:
        why = {one.letter: one.error for one in outbox.set_aside(settings) if one.letter}
        yield from sorted({f"Не принято: {why[one.fingerprint]}" for one in found if one.state == REFUSED})
        yield f"Исправьте адрес в таблице {settings.addresses_file} и повторите ту же команду."
    others = set(read_addresses(settings.addresses_file)) - {fold_name(one.sender) for one in found}
    if others:
        yield f"Адресов в таблице, которым писать нечего: {len(others)}."


def _html(one: Addressed) -> str:
    """The letter as HTML: its paragraphs, nothing else."""
    blocks = [html.escape(block).replace("\n", "<br>") for block in one.text.strip().split("\n\n")]
    paragraphs = "".join(f"<p>{block}</p>" for block in blocks)
    style = "font:16px/1.5 'Segoe UI','DejaVu Sans',Arial,sans-serif;color:#1c2733;max-width:680px"
    return f'<!DOCTYPE html><html lang="ru"><body style="{style}">{paragraphs}</body></html>'
