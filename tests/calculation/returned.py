"""An inbox in which some rows are wrong, and a person who corrects them in the workbooks that come back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
from ravenstvo.publishing.senders import letters
from ravenstvo.settings import Settings

_VPR = "ВПР/2022/7/Математика.xlsx"
_STAFF = "Программы/Педагогический состав/Педагогический состав 2022.xlsx"
_SERVICE = "Программы/Услуги и сопровождение/Услуги и сопровождение 2022.xlsx"
_OGE = "2022/ОГЭ/математика.csv"


@dataclass
class Fault:
    """A cell that is made wrong; ``also`` are personal cells of the row that must be filled in again."""

    path: str
    sheet: str
    row: int
    header: str
    wrong: object
    also: tuple[str, ...] = ()
    right: dict[str, object] = field(default_factory=dict)


def faults() -> list[Fault]:
    """What is made wrong: a score, a repeated row, a post, a number of insurance, a day, a mark, a school."""
    return [
        Fault(_VPR, "Протокол", 3, "Итого баллов", 999),
        Fault(_VPR, "Протокол", 10, "Код", None),
        Fault(_STAFF, "Педагогический состав", 2, "Должность", "космонавт"),
        Fault(_STAFF, "Педагогический состав", 3, "СНИЛС", "980-000-020 00"),
        Fault(_SERVICE, "Услуги и сопровождение", 2, "Дата", "31.02.2022"),
        Fault(_OGE, "CSV", 3, "Оценка", "9"),
        Fault(_OGE, "CSV", 5, "Код ОО", "школа", also=("Фамилия", "Имя", "Отчество", "Серия", "Номер")),
    ]


def plant(inbox: Path, wrong: Iterable[Fault]) -> None:
    """Write the faults into the files of an inbox, and note what stood there."""
    for fault in wrong:
        path = inbox / fault.path
        if path.suffix == ".csv":
            _plant_text(path, fault)
            continue
        book = openpyxl.load_workbook(path)
        sheet = book[fault.sheet]
        columns = {cell.value: cell.column for cell in sheet[1]}
        cell = sheet.cell(fault.row, columns[fault.header])
        fault.right[fault.header] = cell.value
        # A row without a value of its own repeats the one above it.
        above = sheet.cell(fault.row - 1, columns[fault.header]).value
        cell.value = above if fault.wrong is None else fault.wrong
        if fault.wrong is None:
            for header in ("Пользователь", "Школа", "Муниципалитет"):
                sheet.cell(fault.row, columns[header]).value = sheet.cell(fault.row - 1, columns[header]).value
        book.save(path)


def _plant_text(path: Path, fault: Fault) -> None:
    lines = path.read_bytes().decode("cp1251").split("\n")
    headers = lines[1].strip().split(";")
    cells = lines[fault.row - 1].rstrip("\r").split(";")
    fault.right = {header: cells[headers.index(header)] for header in (fault.header, *fault.also)}
    cells[headers.index(fault.header)] = str(fault.wrong)
    lines[fault.row - 1] = ";".join(cells) + "\r" * lines[fault.row - 1].endswith("\r")
    path.write_bytes("\n".join(lines).encode("cp1251"))


def correct(settings: Settings, year: int, wrong: Iterable[Fault], inbox: Path) -> int:
    """Correct the rows in the workbooks of the senders and send them back. Returns how many were corrected."""
    known = {(fault.path, fault.sheet, str(fault.row)): fault for fault in wrong}
    n_corrected = 0
    for letter in letters(settings, year):
        book = openpyxl.load_workbook(letter.attachment)
        for sheet in book.worksheets[2:]:
            if sheet.sheet_state != "visible":
                continue
            headers = {re.sub(r" ·.*", "", str(cell.value)): cell.column for cell in sheet[2]}
            for row in range(sheet.max_row, 2, -1):
                place = [sheet.cell(row, headers[f"Исходн{end}"]).value for end in ("ый файл", "ый лист", "ая строка")]
                fault = known.get(tuple(place))
                if fault is None:
                    sheet.delete_rows(row)  # wrong in the region of the sample too
                    continue
                for header, value in fault.right.items():
                    sheet.cell(row, headers[_HEADERS.get(header, header)]).value = value
                n_corrected += 1
        (inbox / "возврат").mkdir(exist_ok=True)
        book.save(inbox / "возврат" / letter.attachment.name)
    return n_corrected


# Headers of the form that stand for another spelling in the file.
_HEADERS: dict[str, str] = {}
