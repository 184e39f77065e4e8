"""Every check in its turn: none may raise, none may hang, and one that cannot be made is told too."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from ravenstvo.runtime.doctor import database, leftovers, machine, program, secrets
from ravenstvo.runtime.doctor.asking import first_line
from ravenstvo.runtime.doctor.finding import Check, Finding, Level, trouble
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import Settings
from ravenstvo.words import counted

CHECK_SECONDS = 30

CHECKS = (
    Check("Python и пакеты", program.versions),
    Check("диск", machine.disk),
    Check("папка состояния", machine.home),
    Check("память", machine.memory),
    Check("часы машины", machine.clock),
    Check("папка с файлами", machine.inbox),
    Check("файлы с паролями", program.secret_files),
    Check("файлы ключей", secrets.key_files),
    Check("хранилище", database.warehouse),
    Check("база Airflow", database.airflow),
    Check("устройство хранилища", database.shape, asks_warehouse=True),
    Check("часы базы", database.clock, asks_warehouse=True),
    Check("роли и права", database.rights, asks_warehouse=True),
    Check("пользователи расчёта", database.logins, asks_warehouse=True),
    Check("ключ псевдонимов", secrets.pseudonyms, asks_warehouse=True),
    Check("архив исходных файлов", secrets.originals, asks_warehouse=True),
    Check("журнал доступа", database.journal_chain, asks_warehouse=True),
    Check("расчёты", leftovers.calculations, asks_warehouse=True),
    Check("остатки в базе", leftovers.database, asks_warehouse=True),
    Check("остатки в папке состояния", leftovers.files),
    Check("резервная копия", leftovers.backups),
    Check("подключения", program.connections),
    Check("сообщения", leftovers.messages),
    Check("службы Airflow", leftovers.services_health),
)

_MARKS = {
    Level.OK: ("✓", "green"),
    Level.UNKNOWN: ("·", "dim"),
    Level.WARNING: ("!", "yellow"),
    Level.TROUBLE: ("✗", "bold red"),
}
# Exit statuses.
FINE, BAD, NOT_QUITE = 0, 1, 3


def examine(settings: Settings) -> Iterator[Finding]:
    """What every check finds, as they come."""
    is_down = False
    for check in CHECKS:
        if check.asks_warehouse and is_down:
            yield Finding(Level.UNKNOWN, check.title, "не проверено: хранилище не отвечает")
            continue
        found, is_up = looked(check, settings)
        is_down = is_down or not is_up
        yield from found


def tell(settings: Settings, terminal: Terminal) -> int:
    """A line for each finding. Returns the exit status: 0 — all is well, 3 — warnings only, 1 — something is wrong."""
    worst, counts = Level.OK, dict.fromkeys(Level, 0)
    for finding in examine(settings):
        mark, style = _MARKS[finding.level]
        advice = f" → {finding.advice}" if finding.advice else ""
        terminal.say(f"{mark} {finding.title}: {finding.seen}{advice}", style if finding.level != Level.OK else "")
        worst = max(worst, finding.level)
        counts[finding.level] += 1
    if worst == Level.OK:
        terminal.say("Всё в порядке.", "bold")
        return FINE
    troubles = counted(counts[Level.TROUBLE], "неполадка", "неполадки", "неполадок")
    warnings = counted(counts[Level.WARNING], "замечание", "замечания", "замечаний")
    terminal.say(f"Итого: {troubles}, {warnings}. Что делать — после стрелки.", "bold")
    return BAD if worst == Level.TROUBLE else NOT_QUITE


def looked(check: Check, settings: Settings) -> tuple[list[Finding], bool]:
    """Findings of a check, and whether the warehouse answered, as far as this check has asked."""
    found: list[Finding] = []
    answered = True

    def look() -> None:
        nonlocal answered
        try:
            found.extend(check.look(settings))
        except database.DownError as down:
            answered = False
            found.append(down.finding)
        except Exception as error:  # noqa: BLE001 - whatever is broken here is what the doctor is asked for
            seen = f"проверить не удалось: {first_line(error)}"
            found.append(trouble(check.title, seen, "устраните причину и повторите ravenstvo doctor"))

    # What hangs (a network disk that is gone) hangs alone: a thread that does not keep the command from ending.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(CHECK_SECONDS)
    if thread.is_alive():
        seen = f"нет ответа за {CHECK_SECONDS} с"
        advice = "проверьте диск и сеть, на которых это лежит"
        return [trouble(check.title, seen, advice)], check.look is not database.warehouse
    return found, answered
