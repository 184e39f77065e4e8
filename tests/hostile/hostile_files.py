"""Files that harm, and what must become of each: written anew for every test, good rows beside them."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import xlsxwriter

HEADER = ["ОО", "Муниципалитет", "Код участника", "Вариант", "1 (1б)", "2 (2б)", "Первичный балл", "Отметка"]
LOADED = "loaded"
_UNPACKED = 610 * 2**20
_CENTRAL, _SIZE_AT = b"PK\x01\x02", 24


@dataclass(frozen=True)
class Hostile:
    """A file of the inbox: the problem's code that it is refused with, or ``LOADED`` and how many records it holds."""

    path: str
    outcome: str
    n_records: int = 0


def work(code: int, municipality: object = "Район") -> list[object]:
    """A row of a well-formed protocol."""
    return ["sch220001", municipality, code, 1, 1, 1, 2, 4]


def workbook(rows: list[list[Any]]) -> bytes:
    """A workbook of one sheet; texts stay texts, whatever they begin with."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"strings_to_formulas": False})
    sheet = book.add_worksheet("Лист1")
    for index, row in enumerate(rows):
        sheet.write_row(index, 0, row)
    book.close()
    return data.getvalue()


def table(*rows: list[object], encoding: str = "utf-8") -> bytes:
    """A CSV with the header and rows."""
    return "".join(";".join(map(str, row)) + "\n" for row in (HEADER, *rows)).encode(encoding)


def repacked(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The archive with its members changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            target.writestr(member.filename, change(member.filename, source.read(member)))
    return made.getvalue()


def archive(**members: bytes) -> bytes:
    """A ZIP of members by name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name, data in members.items():
            target.writestr(name, data)
    return made.getvalue()


def _bomb() -> bytes:
    made = io.BytesIO()
    block = bytes(2**20)
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
        target.open("Математика 5.csv", "w") as member,
    ):
        for _ in range(_UNPACKED // len(block)):
            member.write(block)
    return made.getvalue()


def _liar(good: bytes) -> bytes:
    """A workbook whose sheet is far larger than its directory says."""
    swollen = bytearray(repacked(good, lambda name, data: data + b" " * (64 * 2**20) if "sheet1" in name else data))
    at = swollen.find(_CENTRAL)
    while at >= 0:
        struct.pack_into("<I", swollen, at + _SIZE_AT, 1_000)
        at = swollen.find(_CENTRAL, at + 4)
    return bytes(swollen)


def _with_entities(good: bytes) -> bytes:
    """Ten to the ninth letters in one cell, by entities of entities."""
    names = "abcdefghij"
    entities = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names))
    document = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "аааааааааа">{entities}]>'.encode()
    return _shared_strings(good, document, b"&j;")


def _with_file(good: bytes) -> bytes:
    """A cell that asks for a file of the machine."""
    return _shared_strings(
        good, b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', b"&e;"
    )


def _shared_strings(good: bytes, prologue: bytes, entity: bytes) -> bytes:
    def change(name: str, data: bytes) -> bytes:
        if not name.endswith("sharedStrings.xml"):
            return data
        return prologue + data.split(b"?>", 1)[1].replace("Район".encode(), entity)

    return repacked(good, change)


def _formatted(n_rows: int) -> bytes:
    """One row of data and very many rows that hold a format only."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"constant_memory": True, "in_memory": False})
    sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, work(50_000))
    for row in range(2, n_rows):
        sheet.write_blank(row, 0, None, bold)
    book.close()
    return data.getvalue()


def _far_cell() -> bytes:
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, work(50_000))
    sheet.write(1_048_575, 16_383, " ")
    book.close()
    return data.getvalue()


def _dos_archive(data: bytes) -> bytes:
    """An archive as Windows packs it: names in the Russian DOS page, without a mark."""
    name = "Математика 5 ДОС.xlsx".encode("cp866")
    stand_in = "x" * len(name)
    return archive(**{stand_in: data}).replace(stand_in.encode(), name)


def write_hostile(inbox: Path) -> Iterator[Hostile]:
    """Write the files under ``2023/5`` of the inbox, one after another, and say what must become of each."""
    folder = inbox / "2023" / "5"
    folder.mkdir(parents=True)
    good = workbook([HEADER, *(work(50_000 + n) for n in range(20))])
    injected = [
        work(50_000, "'; drop table landing.vpr_result; --"),
        work(50_001, "a\tb\\N\\.\r\nc"),
        work(50_002, "Рай\u202eон\u2066"),
        work(50_003, '=HYPERLINK("http://x";"y")'),
        work(50_004, "{{ 7*7 }} ${x} %s %(a)s"),
    ]
    files: dict[str, tuple[bytes, str, int]] = {
        "Математика 5 хорошая.xlsx": (good, LOADED, 20),
        "Математика 5 вставки.xlsx": (workbook([HEADER, *injected]), LOADED, 5),
        "Математика 5 сущности.xlsx": (_with_entities(good), "damaged", 0),
        "Математика 5 внешняя.xlsx": (_with_file(good), "damaged", 0),
        "Математика 5 лжёт о размере.xlsx": (_liar(good), "damaged", 0),
        "Математика 5 обрезана.xlsx": (good[: len(good) // 2], "damaged", 0),
        "Математика 5 под паролем.xlsx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4_000), "protected", 0),
        "Математика 5 мусор.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + zlib.compress(good), "damaged", 0),
        "Математика 5 страница.xls": (b"<html><table><tr><td>x</td></tr></table></html>", "not_a_workbook", 0),
        "Математика 5 оформление.xlsx": (_formatted(300_000), LOADED, 1),
        "Математика 5 дальняя ячейка.xlsx": (_far_cell(), "reader_died", 0),
        "Математика 5 широкая.xlsx": (
            workbook([HEADER + [f"столбец {n}" for n in range(5_000)], work(50_000)]),
            "no_layout",
            0,
        ),
        "Математика 5 ячейка 20 МБ.csv": (table(work(50_000, "Р" * 20_000_000)), "damaged", 0),
        "Математика 5 NUL.csv": (table(work(50_000, "\x00")), "not_text", 0),
        "Математика 5 UTF-16.csv": (table(work(50_000), encoding="utf-16"), LOADED, 1),
        "Математика 5 Windows.csv": (table(work(50_000), encoding="cp1251"), LOADED, 1),
        "Математика 5 ДОС.csv": (table(work(50_000), encoding="cp866"), LOADED, 1),
        "Математика 5 КОИ-8.csv": (table(work(50_000), encoding="koi8-r"), LOADED, 1),
        "Математика 5 две кодировки.csv": (
            table() + ";".join(map(str, work(50_000))).encode("cp1251") + b"\n",
            LOADED,
            1,
        ),
        "Математика 5 суррогаты.csv": (table(work(50_000)).replace(b"50000", b"\xed\xa0\x8050000"), LOADED, 1),
        "Математика 5 кавычка.csv": (table(*(work(50_000 + n, '"Район') for n in range(30))), "open_quote", 0),
        "Математика 5 пустая.xlsx": (b"", "empty", 0),
        "бомба.zip": (_bomb(), "too_large", 0),
        "чужой путь.zip": (archive(**{"../../../наружу/Математика 5.xlsx": good}), LOADED, 20),
        "матрёшка.zip": (archive(**{"внутри.zip": archive(**{"Математика 5.xlsx": good})}), "not_read", 0),
        "без таблиц.zip": (archive(**{"читай.txt": b"x"}), "no_tables", 0),
        "имена ДОС.zip": (_dos_archive(good), LOADED, 20),
        "архив.rar": (b"Rar!\x1a\x07\x00", "not_read", 0),
        "отчёт.docx": (good[:100], "not_read", 0),
    }
    for name, (data, outcome, n_records) in files.items():
        (folder / name).write_bytes(data)
        yield Hostile(f"2023/5/{name}", outcome, n_records)
    (folder / "папка.xlsx").mkdir()
    os.symlink("/etc/passwd", folder / "ссылка.csv")
    yield Hostile("2023/5/ссылка.csv", "link_outside")
    os.symlink("/etc", folder / "каталог")
    yield Hostile("2023/5/каталог", "link_outside")
    os.symlink("сама.csv", folder / "сама.csv")
    yield Hostile("2023/5/сама.csv", "not_opened")
    os.mkfifo(folder / "труба.csv")
    yield Hostile("2023/5/труба.csv", "not_a_file")
    named = os.fsencode(folder) + "/Математика 5 имя.csv".encode("cp1251")
    Path(os.fsdecode(named)).write_bytes(table(work(50_000)))
    yield Hostile("2023/5/Математика 5 имя.csv", LOADED, 1)
    (folder / "Математика 5\nстрока.csv").write_bytes(table(work(50_001)))
    yield Hostile("2023/5/Математика 5 строка.csv", LOADED, 1)
