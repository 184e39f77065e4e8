"""Cards of schools to be printed: a page for each school, its verdict, conditions, support and procedures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ravenstvo.publishing.export_data import Territory, YearData
from ravenstvo.publishing.export_sheets import CARD_EVIDENCE, CARD_FIELDS, CARDS, Field, Row
from ravenstvo.publishing.sheets import DAY, LOOKS, Amount, Book, Page, inert, print_pages
from ravenstvo.row_height import row_height

_LABEL, _CELL, _LAST = 31, 10, 7
_SCALE = 70
# A sheet may have so many page breaks; the cards after them follow one another.
_MOST_BREAKS = 1_000
# Lines of a card besides its facts and procedures: name, place, three headings, heading of the table, note, two blanks.
_FIXED = 9
_NOTE = (
    "Вывод метода и решение стоят рядом и друг друга не меняют. Доля у школы с немногими участниками случайна: "
    "смотрите на границы и на разряд надёжности; как их читать, сказано на первом листе."
)
_PAIRED, _BELOW = ("Вывод", "Условия"), "Методы и поддержка"


def card_places(rows: Sequence[Row], evidence: Mapping[str, Sequence[Row]]) -> dict[str, int]:
    """Key of a school → the row on which its card begins."""
    places, at = {}, 0
    for row in rows:
        school = row.value("mart_identification_methods", "school_id")
        places[school] = at
        at += _height(len(evidence.get(school, ())))
    return places


def write_cards(
    book: Book,
    data: YearData,
    territory: Territory,
    rows: Sequence[Row],
    evidence: Mapping[str, Sequence[Row]],
    page: Page,
) -> None:
    """Write the sheet of cards; ``evidence`` are the rows of procedures by school."""
    sheet = book.book.add_worksheet(CARDS)
    sheet.set_column(0, 0, _LABEL)
    sheet.set_column(1, _LAST, _CELL)
    sheet.hide_gridlines(2)
    sheet.set_portrait()
    print_pages(sheet, page)
    sheet.set_print_scale(_SCALE)
    card = _Card(book, sheet, data, territory)
    breaks = []
    for row in rows:
        card.write(row, evidence.get(row.value("mart_identification_methods", "school_id"), ()))
        breaks.append(card.at)
    sheet.set_h_pagebreaks(breaks[:-1][:_MOST_BREAKS])
    if not rows:
        sheet.write_string(0, 0, "Школ, о которых делаются карточки, нет.", book.format(italic=True, text_wrap=False))


def _height(n_procedures: int) -> int:
    n_pairs = max(len(CARD_FIELDS[name]) for name in _PAIRED)
    return _FIXED + n_pairs + len(CARD_FIELDS[_BELOW]) + max(n_procedures, 1)


class _Card:
    """Writes cards one under another; ``at`` is the next row."""

    def __init__(self, book: Book, sheet: Any, data: YearData, territory: Territory) -> None:
        self.book, self.sheet, self.data, self.territory, self.at = book, sheet, data, territory, 0
        line: dict[str, Any] = {"bottom": 4, "bottom_color": "#A6A6A6"}
        self.name = book.format(bold=True, font_size=14, valign="vcenter")
        self.place = book.format(font_color="#595959")
        self.section = book.format(bold=True, bg_color="#D9E2EF")
        self.head = book.format(bold=True, font_size=9, bg_color="#EEF2F8", bottom=1)
        self.label = book.format(font_color="#404040", **line)
        self.note = book.format(italic=True, font_size=9, font_color="#595959")
        self.formats: dict[tuple[str | None, str, bool], Any] = {}
        self.line = line

    def write(self, row: Row, evidence: Sequence[Row]) -> None:
        """Write a card and leave ``at`` below it."""
        first = self.at
        self._head(row)
        self._sections(_PAIRED)
        left, right = (CARD_FIELDS[name] for name in _PAIRED)
        for place in range(max(len(left), len(right))):
            if place < len(left):
                self._fact(row, left[place], (0, 0), (1, 2))
            if place < len(right):
                self._fact(row, right[place], (3, 5), (6, 7))
            self.at += 1
        self._sections((_BELOW,))
        for field in CARD_FIELDS[_BELOW]:
            self.sheet.set_row(self.at, self._needed(row, field))
            self._fact(row, field, (0, 0), (1, _LAST))
            self.at += 1
        self._sections(("Основания: процедуры метода перечня",))
        self._table(evidence)
        self.sheet.set_row(self.at, 26)
        self._merged(0, _LAST, _NOTE, self.note)
        self.at = first + _height(len(evidence))

    def _head(self, row: Row) -> None:
        name = row.value("mart_identification_methods", "school_name") or "Школа без названия"
        self.sheet.set_row(self.at, max(20, 1.3 * row_height([name], [85])))
        self._merged(0, _LAST, name, self.name)
        code = row.value("mart_identification_methods", "school_code")
        login = row.value("mart_identification_methods", "login")
        kind = row.value("mart_school_card", "school_kind")
        municipality = row.value("mart_identification_methods", "municipality_name")
        told = [f"{self.data.year} год", municipality or "муниципалитет не указан", kind]
        told += [f"код {code}" if code else None, f"логин {login}" if login else None]
        self.at += 1
        self._merged(0, _LAST, " · ".join(one for one in told if one), self.place)
        self.at += 2

    def _sections(self, names: Sequence[str]) -> None:
        if len(names) > 1:
            self._merged(0, 2, names[0], self.section)
            self._merged(3, _LAST, names[1], self.section)
        else:
            self._merged(0, _LAST, names[0], self.section)
        self.at += 1

    def _fact(self, row: Row, field: Field, label: tuple[int, int], value: tuple[int, int]) -> None:
        self._merged(*label, field.title(self.data), self.label)
        shown = field.cell(self.data, row, self.territory)
        self._merged(*value, "—" if shown in (None, "") else shown, None, field.look(row))

    def _needed(self, row: Row, field: Field) -> int:
        """Height of a line whose value is as wide as the card."""
        return row_height([field.cell(self.data, row, self.territory)], [_CELL * _LAST])

    def _table(self, evidence: Sequence[Row]) -> None:
        self.sheet.set_row(self.at, 45)
        for place, field in enumerate(CARD_EVIDENCE):
            self.sheet.write_string(self.at, place, field.title(self.data), self.head)
        self.at += 1
        for row in evidence:
            for place, field in enumerate(CARD_EVIDENCE):
                shown = field.cell(self.data, row, self.territory)
                self._merged(place, place, "—" if shown is None else shown, None, field.look(row), place > 0)
            self.at += 1
        if not evidence:
            self._merged(0, _LAST, "Процедур метода перечня у школы нет.", self.note)
            self.at += 1

    def _merged(
        self, first: int, last: int, value: Any, look: Any = None, tint: str | None = None, is_right: bool = False
    ) -> None:
        """Write a value across columns; without ``look`` the format is that of its kind and ``tint``."""
        if isinstance(value, Amount):
            number_format, value = value.number_format, value.value
        elif isinstance(value, str):
            number_format, value = "@", inert(value)
        else:
            number_format = DAY
        look = look or self._format(tint, number_format, is_right)
        if first == last:
            writing: Callable[..., Any] = self.sheet.write_string if isinstance(value, str) else self.sheet.write_number
            writing(self.at, first, value, look)
        else:
            self.sheet.merge_range(self.at, first, self.at, last, value, look)

    def _format(self, tint: str | None, number_format: str, is_right: bool) -> Any:
        key = (tint, number_format, is_right)
        if key not in self.formats:
            look = {**self.line, **(LOOKS[tint] if tint else {}), "align": "right" if is_right else "left"}
            self.formats[key] = self.book.format(num_format=number_format, **look)
        return self.formats[key]
