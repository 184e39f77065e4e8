"""What senders send again: a newer version, an appeal, one municipality of a region's file."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl

OGE, ITS_VERSION = Path("2022/ОГЭ/математика.csv"), Path("2022/ОГЭ/математика исправленная.csv")
APPEALS = Path("2022/ОГЭ/апелляции.xlsx")
VPR, ITS_PART = Path("ВПР/2022/5/Математика.xlsx"), Path("ВПР/2022/5/Математика дослано.xlsx")
WITHDRAWN = Path("ВПР/2022/6/Математика 6 класс v2.xlsx")
_MUNICIPALITY, _TOTAL = "Муниципалитет", "Итого баллов"


def put_aside(inbox: Path, file: Path, store: Path) -> None:
    """Keep a file back: it comes later."""
    store.mkdir(exist_ok=True)
    shutil.move(inbox / file, store / file.name)


def send_lower_mark(inbox: Path) -> str:
    """Send an ОГЭ protocol again with one passing mark turned into a fail. Returns the school's code."""
    lines = (inbox / OGE).read_bytes().decode("cp1251").split("\n")
    place = next(place for place, line in enumerate(lines) if line.strip().endswith((";3", ";4", ";5")))
    cells = lines[place].strip().split(";")
    cells[-2:] = ["3", "2"]
    lines[place] = ";".join(cells) + "\r" * lines[place].endswith("\r")
    (inbox / ITS_VERSION).write_bytes("\n".join(lines).encode("cp1251"))
    return cells[1].zfill(6)


def send_one_municipality(inbox: Path) -> set[str]:
    """Send the rows of one municipality with several schools again, one total changed. Returns the schools' logins."""
    book = openpyxl.load_workbook(inbox / VPR)
    sheet = book["Протокол"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    schools: dict[str, set[str]] = {}
    for row in sheet.iter_rows(min_row=2, values_only=True):
        schools.setdefault(row[columns[_MUNICIPALITY] - 1], set()).add(row[0])
    municipality = next(name for name, logins in schools.items() if len(logins) > 1)
    for number in range(sheet.max_row, 1, -1):
        if sheet.cell(number, columns[_MUNICIPALITY]).value != municipality:
            sheet.delete_rows(number)
    totals = (sheet.cell(number, columns[_TOTAL]) for number in range(2, sheet.max_row))
    total = next(cell for cell in totals if cell.value)
    total.value -= 1
    book.save(inbox / ITS_PART)
    return schools[municipality]
