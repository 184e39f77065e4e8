"""Warehouses only go forward: what an older program would have to take away, a person may have decided on."""

from __future__ import annotations

from ravenstvo.errors import ToldError


class DowngradeError(ToldError):
    """The warehouse is, or would be, made older than it is; the message (Russian) says what to do."""


def downgrade() -> None:
    """What every migration does on the way back. Raises DowngradeError."""
    raise DowngradeError(
        "Хранилище не переводится назад: прежняя версия программы не знает того, что в нём уже записано. Верните "
        "резервную копию, сделанную прежней версией: ravenstvo restore ПАПКА"
    )


def newer(revisions: list[str], newest_known: str) -> DowngradeError:
    """What to say of a warehouse at revisions that this program does not know."""
    return DowngradeError(
        f"Хранилище сделано более новой версией программы: его устройство — {', '.join(revisions)}, а эта программа "
        f"знает устройство по {newest_known}. Ничего не изменено. Запустите ту версию программы, которой пользовались "
        "последней, или верните резервную копию, сделанную этой версией: ravenstvo restore ПАПКА"
    )
