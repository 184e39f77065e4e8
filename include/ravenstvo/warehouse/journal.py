"""The journal of the vault: who opened an original, changed the key, or let somebody in; only ever added to.

Every entry carries the fingerprint of the one before (a trigger makes it): a changed or missing entry shows.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import cursor as Cursor

from ravenstvo.errors import ToldError

ACTIONS = {
    "restore": "файл расшифрован",
    "expire": "удалён по сроку",
    "rotate_key": "новый ключ псевдонимов",
    "add_reader": "читатель заведён",
    "remove_reader": "читатель убран",
}

_ENTRIES = """
select
    access_id, happened_at, action, person, login, machine_user, file_id, reason,
    previous_hash is distinct from lag(entry_hash, 1, '') over (order by access_id)
        or access_id <> row_number() over (order by access_id)
        or entry_hash <> ops.vault_access_hash(entry) as is_broken
from ops.vault_access as entry
order by access_id
"""


class JournalError(ToldError):
    """An entry lacks who or why; the message (Russian) says how to give them."""


@dataclass(frozen=True)
class Entry:
    """An entry; ``is_broken``: it, or the one before it, is not what was written."""

    access_id: int
    happened_at: datetime
    action: str
    person: str
    login: str
    machine_user: str
    file_id: int | None
    reason: str
    is_broken: bool


def note(
    cursor: Cursor, action: str, person: str, reason: str, file_id: int | None = None, sha256: str | None = None
) -> None:
    """Add an entry within the caller's transaction. Raises JournalError where nobody or no reason is named."""
    if not person.strip() or not reason.strip():
        raise JournalError("Укажите, кто и почему это делает: --by и --reason")
    cursor.execute(
        "insert into ops.vault_access (action, person, machine_user, file_id, sha256, reason) "
        "values (%s, %s, %s, %s, %s, %s)",
        (action, person.strip(), _machine_user(), file_id, sha256, reason.strip()),
    )


def entries(cursor: Cursor) -> list[Entry]:
    """All of them, the oldest first."""
    cursor.execute(_ENTRIES)
    return [Entry(*row) for row in cursor.fetchall()]


def _machine_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"
