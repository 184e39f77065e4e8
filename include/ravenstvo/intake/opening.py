"""Open a file, whatever it is: workbook, CSV, or either of them in a ZIP archive."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from ravenstvo.intake.problems import Problem, RefusedError

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TABLES = (".csv", ".tsv")
ARCHIVES = (".zip",)
KNOWN = (*WORKBOOKS, *TABLES, *ARCHIVES)
UNREAD_ARCHIVES = (".rar", ".7z", ".gz", ".tar", ".tgz")
UNREAD = (*UNREAD_ARCHIVES, ".doc", ".docx", ".rtf", ".odt", ".dbf", ".mdb", ".accdb", ".numbers", ".sav")
"""Kinds that may hold results and are not read: they are named to the sender, never passed over in silence."""
UNPACKED_LIMIT = 600 * 2**20
MEMBERS_LIMIT = 1_000

_UTF8_NAME = 0x800
_CODE_PAGES = ("cp1251", "cp866", "koi8-r")
_COMMON = "оеаинтсрвл"
_SAMPLE = 100_000
_ROWS_OF_WIDTH = 60
_COLUMNS_OF_A_TABLE = 4
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
    """Text of a file in UTF-8, UTF-16 with its mark, or a Russian code page; of mixed lines each in its own."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    lines = data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
    told = [(line, _is_utf8(line)) for line in lines]
    sample = b"".join(line for line, is_utf8 in told if not is_utf8)[:_SAMPLE]
    page = max(_CODE_PAGES, key=lambda one: _letters(sample.decode(one, errors="replace")))
    if not any(is_utf8 and not line.isascii() for line, is_utf8 in told):
        return data.decode(page, errors="replace")
    return "".join(line.decode("utf-8" if is_utf8 else page, errors="replace") for line, is_utf8 in told)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _letters(text: str) -> int:
    """How much a text looks Russian: its commonest letters, small more than capital."""
    return 2 * sum(text.count(letter) for letter in _COMMON) + sum(text.count(letter.upper()) for letter in _COMMON)


def _delimiter(text: str) -> str:
    """The separator that gives most columns most often: titles and quoted texts may hold any of them."""
    head = text[:200_000].splitlines()[:60]

    def widths(candidate: str) -> int:
        rows = list(csv.reader(head, delimiter=candidate))
        return sum(len(row) - 1 for row in rows if len(row) > 1)

    return max(";,\t", key=widths)


def _open_table(data: bytes) -> Iterator[Sheet]:
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\x00" in data[:4096] and not utf16:
        raise _refuse("not_text", "Файл назван .csv, но это не текст", "Сохраните таблицу как CSV (UTF-8)")
    text = _decode(data)
    csv.field_size_limit(16 * 2**20)
    try:
        delimiter = _delimiter(text)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise _refuse("damaged", f"Текст CSV не читается: {error}", "Сохраните таблицу как CSV (UTF-8)") from error
    if '"' in text:
        _check_quotes(rows, delimiter)
    yield Sheet("CSV", rows)


def _check_quotes(rows: list[list[str]], delimiter: str) -> None:
    """Stop at a quotation mark that is never closed: it would swallow the lines below it."""
    width = max((len(row) for row in rows[:_ROWS_OF_WIDTH]), default=0)
    if width < _COLUMNS_OF_A_TABLE:
        return
    for number, row in enumerate(rows, start=1):
        for position, cell in enumerate(row):
            if "\n" in cell and any(line.count(delimiter) >= (width - 1) / 2 for line in cell.splitlines()):
                raise RefusedError(
                    Problem(
                        "open_quote",
                        "Кавычка открыта и не закрыта: дальше строки слились в одну ячейку",
                        "Закройте или уберите кавычку, лучше — сохраните таблицу как .xlsx",
                        row=number,
                        column=f"{position + 1}-й",
                    )
                )


def _member_name(member: zipfile.ZipInfo) -> str:
    """Name of an archive's member; without the mark of UTF-8 it is in the Russian code page, not the American one."""
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("cp866")
    except UnicodeError:
        return member.filename


def _open_zip(data: bytes) -> Iterator[Sheet]:
    archive = _check_archive(data, "Архив")
    n_tables = 0
    for member in sorted(archive.infolist(), key=_member_name):
        name = _member_name(member)
        suffix = PurePosixPath(name).suffix.lower()
        if member.is_dir() or name.startswith("__MACOSX"):
            continue
        if suffix in (*ARCHIVES, *UNREAD):
            raise _refuse(
                "not_read",
                f"В архиве лежит {name}: такие файлы не читаются, и данные из него пропали бы",
                "Распакуйте вложенный архив и пришлите таблицы файлами .xlsx или .csv в одном архиве .zip",
            )
        if suffix not in (*WORKBOOKS, *TABLES):
            continue
        n_tables += 1
        if member.flag_bits & 1:
            raise _refuse("protected", f"Файл {name} в архиве защищён паролем", "Пришлите архив без пароля")
        for sheet in open_sheets(archive.read(member), suffix):
            yield Sheet(f"{name} · {sheet.name}", sheet.rows, name)
    if not n_tables:
        raise _refuse(
            "no_tables", f"В архиве нет таблиц ({', '.join((*WORKBOOKS, *TABLES))})", "Проверьте, тот ли это архив"
        )


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
