"""Workbooks of a year for those who live in a spreadsheet: the region's, and one for each municipality."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor

from ravenstvo.publishing import dictionary
from ravenstvo.publishing.export_cards import card_places, write_cards
from ravenstvo.publishing.export_cover import COVER, label, told_calculation, told_state, write_cover
from ravenstvo.publishing.export_data import REGION, ExportError, Territory, YearData, load_year
from ravenstvo.publishing.export_sheets import (
    CARDS,
    DICTIONARY,
    EVIDENCE,
    LIST,
    RULES,
    SHEETS,
    Row,
    Sheet,
    is_listed,
    of_territory,
)
from ravenstvo.publishing.sheets import Book, Column, Link, Page, workbook
from ravenstvo.settings import Settings

# What no file system that people copy workbooks to takes in a name, and how long a name may be.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_NAME_LENGTH = 80
_CARDS_QUESTION = {
    True: "Страница для печати о каждой школе муниципалитета.",
    False: "Страница для печати о каждой школе перечня; карточки остальных школ — в книгах муниципалитетов.",
}
_DICTIONARY_QUESTION = "Что значит каждый столбец каждого листа и из какой витрины он взят."
_DICTIONARY = (
    *(Column("Лист", 20), Column("Столбец", 34), Column("Что это", 80), Column("Единица", 34)),
    *(Column("Витрина и столбец", 50), Column("Что за витрина", 40)),
)
_LIST_CODE = 1
_SCHOOL = ("mart_identification_methods", "school_id")


@dataclass(frozen=True)
class Export:
    """Workbooks to be written: ``data`` is read, ``territories`` are whom they are for."""

    data: YearData
    territories: Sequence[Territory]

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        """Rows of each sheet for the whole region, made once."""
        return {sheet.name: sheet.rows(self.data) for sheet in (*SHEETS, RULES)}

    def write(self, folder: Path) -> Iterator[Path]:
        """Write the workbooks into a folder, one at a step; those of the same names are replaced.

        Raises ExportError when the folder is a file.
        """
        if folder.exists() and not folder.is_dir():
            raise ExportError(f"{folder} — это файл, а нужна папка.")
        for territory, name in zip(self.territories, file_names(self.data.year, self.territories), strict=True):
            yield _write(folder / name, self, territory)


def prepare(cursor: Cursor, settings: Settings, year: int, municipality: str | None = None) -> Export:
    """Read the marts of a year.

    Args:
        cursor: of the warehouse; only ``marts`` is read.
        settings: where dbt left the documents of the marts.
        year: the campaign year.
        municipality: code or name; only its workbook is written then. Without it the region's and everybody's.

    Raises:
        ExportError: nothing is calculated for the year, or no such municipality; the message names those there are.
    """
    try:
        documents = dictionary.load(settings.dbt_target_dir)
    except FileNotFoundError:
        raise ExportError("Описаний витрин нет: выполните «ravenstvo run» и повторите.") from None
    data = load_year(cursor, year, documents)
    territories = [REGION, *data.territories] if municipality is None else [_find(data, municipality)]
    return Export(data, territories)


def workbooks_dir(settings: Settings, year: int) -> Path:
    """Where the workbooks of a year lie."""
    return settings.reports_dir / str(year) / "workbooks"


def file_names(year: int, territories: Sequence[Territory]) -> list[str]:
    """A safe name for each workbook; names that would be the same are told apart by codes, then by numbers."""
    used: set[str] = set()
    names = []
    for territory in territories:
        whole = " ".join(_UNSAFE.sub(" ", territory.name).split()).strip(". ")[:_NAME_LENGTH].strip(". ")
        code = " ".join(_UNSAFE.sub(" ", territory.key or "").split())[:_NAME_LENGTH]
        stems = [f"{year} — {whole}", f"{year} — {whole} ({code})"]
        numbered = (f"{stems[1]} {number}" for number in range(2, len(territories) + 2))
        stem = next(one for one in (*stems, *numbered) if one.casefold() not in used)
        used.add(stem.casefold())
        names.append(f"{stem}.xlsx")
    return names


def _find(data: YearData, asked: str) -> Territory:
    wanted = asked.strip().casefold()
    by_key = [one for one in data.territories if wanted == (one.key or "").casefold()]
    by_name = [one for one in data.territories if wanted == one.name.casefold()]
    by_part = [one for one in data.territories if wanted and wanted in one.name.casefold()]
    found = by_key or by_name or by_part
    if len(found) == 1:
        return found[0]
    there_are = "; ".join(f"{one.key} {one.name}" for one in (found or data.territories)) or "нет ни одного"
    what = (
        "Муниципалитетов с таким названием несколько" if found else f"Муниципалитета «{asked}» в {data.year} году нет"
    )
    raise ExportError(f"{what}. Назовите код или название: {there_are}.")


def _write(target: Path, export: Export, territory: Territory) -> Path:
    data = export.data
    rows = {name: of_territory(found, territory) for name, found in export.rows.items()}
    schools = rows[LIST]
    carded = schools if territory.key else [row for row in schools if is_listed(row)]
    evidence = _by_school(rows[EVIDENCE])
    title = f"{label(data)}, {data.year} год, {territory.name}"
    properties = {
        "subject": told_state(data)[0][:250],
        "author": "Ravenstvo",
        "comments": f"Расчёт {told_calculation(data)}",
    }
    with workbook(target, title[:250], data.calculated_at, **properties) as book:
        _write_sheets(book, export, territory, rows, carded, evidence)
    return target


def _write_sheets(
    book: Book,
    export: Export,
    territory: Territory,
    rows: Mapping[str, list[Row]],
    carded: list[Row],
    evidence: Mapping[str, list[Row]],
) -> None:
    data = export.data
    cards = card_places(carded, evidence)
    links = _Links(cards, _first_rows(rows[EVIDENCE]))
    defined = list(_definitions(data))
    told = [(sheet.name, len(rows[sheet.name]), sheet.question) for sheet in SHEETS]
    told.append((CARDS, len(carded), _CARDS_QUESTION[territory.key is not None]))
    told += [(DICTIONARY, len(defined), _DICTIONARY_QUESTION), (RULES.name, len(rows[RULES.name]), RULES.question)]
    both = (rows[LIST], export.rows[LIST])
    write_cover(book, data, territory, both, told, SHEETS, _page(data, territory, COVER))
    for sheet in SHEETS:
        _write_sheet(book, data, territory, sheet, rows[sheet.name], links)
    write_cards(book, data, territory, carded, evidence, _page(data, territory, CARDS))
    book.table(DICTIONARY, _DICTIONARY, defined, page=_page(data, territory, DICTIONARY))
    _write_sheet(book, data, territory, RULES, rows[RULES.name], links)


def _write_sheet(
    book: Book, data: YearData, territory: Territory, sheet: Sheet, rows: list[Row], links: _Links
) -> None:
    cells = sheet.cells(data, rows, territory)
    if sheet.name == LIST:
        cells = (links.linked(row, shown) for row, shown in zip(rows, cells, strict=True))
    page = _page(data, territory, sheet.name)
    book.table(
        sheet.name,
        sheet.columns(data),
        cells,
        n_frozen=sheet.n_frozen,
        n_printed=sheet.n_printed,
        page=page,
        empty=sheet.empty,
    )


@dataclass(frozen=True)
class _Links:
    """Where the card of a school and its first procedure stand."""

    cards: Mapping[str, int]
    evidence: Mapping[str, int]

    def linked(self, row: Row, cells: list[Any]) -> list[Any]:
        """Cells of the list, the code of a school leading to its card or, without one, to its procedures."""
        school = row.value(*_SCHOOL)
        if school in self.cards:
            link = Link(cells[_LIST_CODE], CARDS, self.cards[school])
        elif school in self.evidence:
            link = Link(cells[_LIST_CODE], EVIDENCE, self.evidence[school])
        else:
            return cells
        return [*cells[:_LIST_CODE], link, *cells[_LIST_CODE + 1 :]]


def _by_school(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.value(*_SCHOOL), []).append(row)
    return found


def _first_rows(rows: Sequence[Row]) -> dict[str, int]:
    """Key of a school → the first of its rows below the heading."""
    found: dict[str, int] = {}
    for place, row in enumerate(rows, start=1):
        found.setdefault(row.value(*_SCHOOL), place)
    return found


def _definitions(data: YearData) -> Iterator[Sequence[str]]:
    """Every column of every sheet, from the documents of the marts."""
    for sheet in (*SHEETS, RULES):
        for field in sheet.fields:
            document = data.columns[field.mart, field.column]
            mart = data.documents[field.mart].title
            yield (
                sheet.name,
                document.title,
                document.description,
                field.unit(data),
                f"{field.mart}.{field.column}",
                mart,
            )
        for extra in sheet.extras(data):
            mart = data.documents[extra.source.split(".")[0]].title
            words = " / ".join(extra.looks)
            yield sheet.name, extra.title, extra.description, words, extra.source, mart


def _page(data: YearData, territory: Territory, sheet: str) -> Page:
    state = "утверждён" if data.marts["mart_identification_published"] else "не утверждён"
    return Page(
        f"{sheet} — {territory.name}, {data.year} год",
        f"Источник: витрины Ravenstvo, расчёт {told_calculation(data)}. Перечень {state}",
    )
