"""What a system's own message means for the person who ran the command, and what to do."""

from __future__ import annotations

import re
import shutil

from ravenstvo.settings import Settings
from ravenstvo.warehouse.no_space import NoSpaceError

_NO_SPACE = re.compile(
    r"No space left on device|Disk quota exceeded|could not (extend|write to|resize) (file|block|shared memory)"
    r"|\[Errno (28|122|27)\]|кончилось место",
    re.IGNORECASE,
)
_SERVER_GONE = re.compile(
    r"server closed the connection|terminating connection|connection (already|has been) closed|connection refused"
    r"|connection to server .* failed|system is (starting up|shutting down|in recovery|not yet accepting)"
    r"|could not receive data from server|no connection to the server|lost synchronization",
    re.IGNORECASE,
)
_LAST_LINES = 40
_NOTHING_LEFT = 16 * 2**20  # a segment of the server's log of changes


def explained(settings: Settings, message: str) -> str:
    """The message in words that help; as it is when nothing is known of it.

    A server without room for its own log of changes goes down: then its journal knows why.
    """
    is_gone = _SERVER_GONE.search(message)
    if _NO_SPACE.search(message) or (is_gone and (_is_full(settings) or _NO_SPACE.search(_said_by_server(settings)))):
        return str(NoSpaceError(settings.home))
    if is_gone:
        how = "встроенный PostgreSQL запустится сам" if settings.warehouse_url is None else "когда база снова отвечает"
        return (
            f"База данных остановилась во время работы. Повторите ту же команду ({how}): ничего не потеряно, "
            "загруженные файлы заново не читаются."
        )
    return message


def _is_full(settings: Settings) -> bool:
    return settings.warehouse_url is None and shutil.disk_usage(settings.home).free < _NOTHING_LEFT


def _said_by_server(settings: Settings) -> str:
    logs = sorted((settings.server_dir / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    return "\n".join(logs[-1].read_text(errors="replace").splitlines()[-_LAST_LINES:]) if logs else ""
