"""The errors that are meant for a person."""

from __future__ import annotations

import errno
import socket

_REASONS = {
    errno.ENOENT: "такого места нет",
    errno.EACCES: "нет прав",
    errno.EPERM: "нет прав",
    errno.ENOTDIR: "часть пути — не папка",
    errno.EISDIR: "это папка, а не файл",
    errno.EEXIST: "там уже что-то есть",
    errno.ELOOP: "ссылка ведёт сама на себя",
    errno.ENAMETOOLONG: "имя слишком длинное",
    errno.EROFS: "место только для чтения",
    errno.ENOSPC: "на диске нет места",
    errno.EDQUOT: "исчерпан отведённый объём",
    errno.EFBIG: "файл слишком велик для этого диска",
    errno.EIO: "диск не читается или не пишется",
    errno.ESTALE: "сетевая папка отключилась",
    errno.EMFILE: "открыто слишком много файлов",
    errno.ECONNREFUSED: "соединение не принято",
    errno.ECONNRESET: "соединение оборвано",
    errno.ENETUNREACH: "сеть недоступна",
    errno.EHOSTUNREACH: "узел недоступен",
    errno.ETIMEDOUT: "нет ответа",
}
_OF_A_PLACE = (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EROFS, errno.ENAMETOOLONG)


class ToldError(RuntimeError):
    """Something that a person can mend or has to know: the message (Russian) says what, and what to do.

    The command line tells it without a traceback.
    """


def why(error: OSError) -> str:
    """Why the system refused, in a few words: in Russian as far as the reason is a known one."""
    if isinstance(error, socket.gaierror):
        return "имя узла неизвестно"
    if isinstance(error, TimeoutError):
        return _REASONS[errno.ETIMEDOUT]
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)


def is_of_a_place(error: OSError) -> bool:
    """Whether a path that somebody named is to blame, and not the program that uses it."""
    return error.filename is not None and error.errno in _OF_A_PLACE
