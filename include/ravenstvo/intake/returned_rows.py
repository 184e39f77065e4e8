"""Rows of the workbook of remarks that came back corrected: which rows they are, and where they belong."""

from __future__ import annotations

from collections.abc import Iterable

from ravenstvo.intake.cells import clean
from ravenstvo.intake.mapping import Mapper, Record
from ravenstvo.intake.opening import Sheet
from ravenstvo.intake.parts import Sorter
from ravenstvo.intake.problems import Problem
from ravenstvo.layouts import ORIGIN
from ravenstvo.layouts.returned import load_common, parse_key

_LISTED = 20
_RETURN = "Оставляйте столбец «{key}» таким, каким он пришёл; новые строки присылайте обычным файлом"


def sort_returned(sheet: Sheet, mapper: Mapper, mapped: Iterable[tuple[int, Record]], sorter: Sorter) -> list[Problem]:
    """Give the rows of a sheet to the sorter, each under the number that it had in the original file.

    Rows whose key says nothing, and of several with one key all but the last, are dropped and counted in the mapper's
    tally. Returns what the sender is told of them.
    """
    position = mapper.fit.columns[ORIGIN][0]
    record_at = mapper.source.column_names.index(mapper.source.record) if mapper.source.record else None
    rows, last = [], {}
    for number, record in mapped:
        text = clean(sheet.rows[number - 1][position]) if position < len(sheet.rows[number - 1]) else ""
        key = parse_key(text, record[record_at] if record_at is not None else "")
        rows.append((number, record, key, text))
        last[text] = number
    strange, repeated = [], []
    for number, record, key, text in rows:
        if key is None:
            strange.append(number)
        elif last[text] != number:
            repeated.append(number)
        else:
            part, row_no = key
            sorter.write(row_no, record, part)
    mapper.tally.dropped["no_origin"] += len(strange)
    mapper.tally.dropped["repeated"] += len(repeated)
    advice = _RETURN.format(key=load_common().key)
    return [
        *_told(
            "returned_key", "Не понять, вместо какой строки эта: ключ строки пуст или изменён", advice, sheet, strange
        ),
        *_told("returned_twice", "Ниже на листе есть строка с тем же ключом, загружена она", advice, sheet, repeated),
    ]


def _told(code: str, message: str, advice: str, sheet: Sheet, numbers: list[int]) -> list[Problem]:
    """A warning for each row, or after the first ones a single warning for all the others."""
    told = [
        Problem(code, message, advice, severity="warning", sheet=sheet.name, row=number) for number in numbers[:_LISTED]
    ]
    if rest := numbers[_LISTED:]:
        more = f"{message}: ещё строк — {len(rest)}"
        told.append(Problem(code, more, advice, severity="warning", sheet=sheet.name, row=rest[0]))
    return told
