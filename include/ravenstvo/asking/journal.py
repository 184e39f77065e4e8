"""The journal of the vault for a person: who did what and why, and whether the journal is whole."""

from __future__ import annotations

from psycopg2.extensions import connection as Connection

from ravenstvo.warehouse import journal


def journal_lines(connection: Connection) -> tuple[list[str], bool]:
    """A line for each entry and a verdict at the end; False when an entry was changed or is missing."""
    with connection.cursor() as cursor:
        entries = journal.entries(cursor)
    lines = [_line(entry) for entry in entries]
    broken = [str(entry.access_id) for entry in entries if entry.is_broken]
    if broken:
        lines.append(f"Журнал повреждён: записи изменены или пропали, первая — у номера {broken[0]}.")
    else:
        lines.append(f"Записей: {len(entries)}. Журнал цел." if entries else "Записей нет.")
    return lines, not broken


def _line(entry: journal.Entry) -> str:
    file = f" · файл {entry.file_id}" if entry.file_id is not None else ""
    who = f"{entry.person} ({entry.machine_user}, база: {entry.login})"
    when = f"{entry.happened_at.astimezone():%Y-%m-%d %H:%M:%S}"
    mark = " · ПОВРЕЖДЕНА" if entry.is_broken else ""
    return f"{entry.access_id} · {when} · {journal.ACTIONS[entry.action]}{file} · {who} · {entry.reason}{mark}"
