"""Open a file, whatever it is: workbook, CSV, or either of them in a ZIP archive."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from ravenstvo.intake.problems import Problem, RefusedError

WORKBOOKS = (".xlsx", ".xlsm", ".xls")
TABLES = (".csv",)
ARCHIVES = (".zip",)
KNOWN = (*WORKBOOKS, *TABLES, *ARCHIVES)
UNPACKED_LIMIT = 600 * 2**20
MEMBERS_LIMIT = 1_000

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class Sheet:
    """A table of raw cells. ``rows[0]`` is row 1; ``place`` names the archive member, if any."""

    name: str
    rows: list[list[Any]]
    place: str = ""


def _refuse(code: str, message: str, advice: str) -> RefusedError:
    return RefusedError(Problem(code, message, advice))


def _check_archive(data: bytes, what: str) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise _refuse(
            "damaged", f"{what} повреждён: не читается как архив", "Сохраните файл заново и пришлите ещё раз"
        ) from error
    members = archive.infolist()
    if len(members) > MEMBERS_LIMIT or sum(member.file_size for member in members) > UNPACKED_LIMIT:
        raise _refuse(
            "too_large",
            f"{what} после распаковки занимает больше {UNPACKED_LIMIT // 2**20} МБ или {MEMBERS_LIMIT} частей",
            "Разделите данные на несколько файлов",
        )
    return archive


def _open_workbook(data: bytes, suffix: str) -> Iterator[Sheet]:
    if data.startswith(_ZIP):
        _check_archive(data, "Файл Excel")
    elif not data.startswith(_OLE):
        raise _refuse(
            "not_a_workbook",
            f"Файл назван {suffix}, но это не книга Excel",
            "Откройте его в программе, где он создан, и сохраните как «Книга Excel (.xlsx)» или как .csv",
        )
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in workbook.sheet_names:
            yield Sheet(name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False))
    except (CalamineError, OSError, ValueError) as error:
        locked = data.startswith(_OLE) and suffix != ".xls"
        raise _refuse(
            "protected" if locked else "damaged",
            "Книга Excel защищена паролем" if locked else f"Книга Excel не читается: {error}",
            "Снимите пароль и сохраните заново" if locked else "Откройте книгу в Excel, сохраните заново и пришлите",
        ) from error


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-8"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1251", errors="replace")


def _delimiter(text: str) -> str:
    """The separator that gives most columns most often: titles and quoted texts may hold any of them."""
    head = text[:200_000].splitlines()[:60]

    def widths(candidate: str) -> int:
        rows = list(csv.reader(head, delimiter=candidate))
        return sum(len(row) - 1 for row in rows if len(row) > 1)

    return max(";,\t", key=widths)


def _open_table(data: bytes) -> Iterator[Sheet]:
    if b"\x00" in data[:4096]:
        raise _refuse("not_text", "Файл назван .csv, но это не текст", "Сохраните таблицу как CSV (UTF-8)")
    text = _decode(data)
    csv.field_size_limit(16 * 2**20)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise _refuse("damaged", f"Текст CSV не читается: {error}", "Сохраните таблицу как CSV (UTF-8)") from error
    yield Sheet("CSV", rows)


def _open_zip(data: bytes) -> Iterator[Sheet]:
    archive = _check_archive(data, "Архив")
    for member in sorted(archive.infolist(), key=lambda info: info.filename):
        name = member.filename
        suffix = PurePosixPath(name).suffix.lower()
        if member.is_dir() or name.startswith("__MACOSX") or suffix not in (*WORKBOOKS, *TABLES):
            continue
        if member.flag_bits & 1:
            raise _refuse("protected", f"Файл {name} в архиве защищён паролем", "Пришлите архив без пароля")
        for sheet in open_sheets(archive.read(member), suffix):
            yield Sheet(f"{name} · {sheet.name}", sheet.rows, name)


def open_sheets(data: bytes, suffix: str) -> Iterator[Sheet]:
    """Give the tables of a file one after another.

    Args:
        data: bytes of the file.
        suffix: lower-case suffix of its name, one of ``KNOWN``.

    Raises:
        RefusedError: the file is empty, damaged, protected, too large, or not what its name says.
    """
    if not data:
        raise _refuse("empty", "Файл пуст (0 байт)", "Проверьте выгрузку и пришлите файл заново")
    if suffix in ARCHIVES:
        yield from _open_zip(data)
    elif suffix in WORKBOOKS:
        yield from _open_workbook(data, suffix)
    else:
        yield from _open_table(data)
