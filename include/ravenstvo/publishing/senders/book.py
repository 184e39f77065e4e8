"""The workbook of a sender: what is wrong, line by line, and the rejected rows to be corrected and sent back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ravenstvo.layouts import ORIGIN, PERSON, Layout
from ravenstvo.layouts.returned import load_common
from ravenstvo.publishing.senders.collect import ERROR, REJECTED, WARNING, Rejected, Report, as_written
from ravenstvo.publishing.senders.letter import about
from ravenstvo.publishing.sheets import Book, Column, Link, Page, inert, print_pages, workbook
from ravenstvo.publishing.template_fields import PROGRAMMES, YES_NO, load_hints
from ravenstvo.publishing.template_lists import Choice, load_choices
from ravenstvo.publishing.templates import list_ranges, write_lists
from ravenstvo.row_height import row_height
from ravenstvo.sources import load_sources
from ravenstvo.words import counted

SUMMARY, FINDINGS = "Сводка", "Что исправить"
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SHEET_NAME = re.compile(r"[\[\]:*?/\\']+")
_SHEET_NAME_LENGTH = 31
_BUTTON = 4
# Of a long line of plain text more characters fit than a width counts.
_PLAIN = 1.2
_LOOKS = {ERROR: "bad", REJECTED: "bad", WARNING: "warn"}
_SUMMARY = (("№", 6), ("Вид замечания", 20), ("Что не так", 60), ("Сколько", 12), ("Что сделать", 60), ("Где", 46))
_FILES = ("№", "Сведения", "Файл", "Отклонено строк", "Принято строк")
_FINDINGS = (
    Column("Вид замечания", 18, _LOOKS),
    Column("Файл", 38),
    Column("Лист", 20),
    Column("Строка", 10),
    Column("Столбец", 24),
    Column("Значение", 20),
    Column("Почему", 56),
    Column("Что сделать", 56),
    Column("Исправить на листе", 24),
)
_HEAD_ROW = 1
# What a column of a person looks like where nothing is asked for.
_BLANK = "blank"
_WHY_WIDTH, _KEY_WIDTH, _TEXT_WIDTH = 50, 16, 30
_BESIDE_WIDTHS = (_WHY_WIDTH, 34, 16, 12)
_WHOLE, _NUMBER = re.compile(r"-?(0|[1-9]\d{0,8})\Z"), re.compile(r"-?(0|[1-9]\d{0,8})\.\d{0,5}[1-9]\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_NOTE = (
    "Исправьте выделенные ячейки и пришлите эту книгу обратно. Лишние строки удалите: они останутся неучтёнными. "
    "Последний столбец не меняйте."
)
_PEOPLE_NOTE = " Столбцы о человеке пусты намеренно: заполняйте их, только если замечание к ним."


def shown(text: str) -> str:
    """A text as a cell shows it: without marks that turn its direction."""
    return _INVISIBLE.sub("", text)


def write_book(target: Path, report: Report, seeds: Path, made_at: datetime) -> None:
    """Write the workbook of a sender.

    Args:
        target: where to; it is put there whole.
        report: what the sender is told.
        seeds: folder of the dbt seeds, which hold the lists to choose from.
        made_at: the time that the workbook says it was made.
    """
    sheets = _sheets(report)
    with workbook(target, f"Замечания: {shown(report.sender.title)}", made_at) as book:
        _write_summary(book, report, made_at)
        _write_findings(book, report, sheets)
        lists = _lists(sheets, seeds)
        ranges = list_ranges({name: choice for name, (_title, choice) in lists.items()})
        for sheet in sheets:
            _write_rows(book, sheet, ranges)
        write_lists(book, lists)


# -- summary -----------------------------------------------------------------------------------------------------------


def _write_summary(book: Book, report: Report, made_at: datetime) -> None:
    sheet = book.book.add_worksheet(SUMMARY)
    widths = [width for _, width in _SUMMARY]
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    title = f"Замечания: {shown(report.sender.title)}"
    sheet.write_string(0, 0, inert(f"{title}, {report.year} год" if report.year else title), book.title)
    row = 1
    plain = book.format()
    for text in _lines(report, made_at):
        sheet.set_row(row, row_height([text], [round(sum(widths) * _PLAIN)]))
        sheet.merge_range(row, 0, row, len(widths) - 1, inert(text), plain)
        row += 1
    row = _line(book, sheet, row + 1, [title for title, _ in _SUMMARY], widths, book.head)
    for number, remark in enumerate(report.remarks, start=1):
        n_rows = remark.n_rows if remark.n_rows is not None else ""
        cells = [number, remark.kind, shown(remark.what), n_rows, remark.advice, shown(remark.where)]
        row = _line(book, sheet, row, cells, widths)
    first, last = row - len(report.remarks), max(row - 1, 1)
    for word, look in _LOOKS.items():
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": book.look_of(look)}
        sheet.conditional_format(first, 1, last, 1, rule)
    if report.files:
        row = _line(book, sheet, row + 1, _FILES, widths, book.head)
        for number, (path, counts) in enumerate(sorted(report.files.items()), start=1):
            warned = f", из них с предупреждением {counts.n_warned}" if counts.n_warned else ""
            accepted = f"{counts.n_accepted}{warned}"
            titles = ", ".join(one for one in counts.titles if one)
            cells = [number, titles, shown(path), counts.n_rejected, accepted]
            row = _line(book, sheet, row, cells, widths)
    print_pages(sheet, Page(title, "Сводка замечаний"))


def _lines(report: Report, made_at: datetime) -> Iterator[str]:
    """What stands above the table: how much came and what became of it, and what to do."""
    yield f"Книга составлена {made_at:%d.%m.%Y}. {about(report)}"
    if report.rejected:
        yield f"1. На листе «{FINDINGS}» — каждое замечание: файл, лист, строка, столбец, что не так и что делать."
        yield (
            "2. Исправьте строки на листах после него: ячейки с ошибками выделены. Столбец «Ключ строки» не меняйте: "
            "по нему программа узнаёт, вместо какой строки встанет исправленная. Новые строки присылайте своим файлом."
        )
        yield (
            "3. Сохраните и пришлите эту же книгу. Исправленные строки встанут на место отклонённых, остальные строки "
            "ваших файлов останутся как есть. Весь файл присылать заново не нужно."
        )
        if report.has_people:
            yield (
                "СНИЛС, имён, документов и дат рождения здесь нет: они не хранятся. Пустые столбцы о человеке программа"
                " дополнит сама по исходной строке. Впишите их, только если замечание к ним или вы меняете код школы "
                "или год, — тогда пересылайте книгу по защищённому каналу."
            )
    if any(remark.kind == ERROR for remark in report.remarks):
        yield "Файлы, которые не загружены, исправьте и пришлите целиком."
    yield "Строки с предупреждениями приняты. Проверьте их; если всё верно, ничего присылать не нужно."
    if report.n_unlisted:
        rows = counted(report.n_unlisted, "строка", "строки", "строк")
        yield f"Отклонено слишком много: ещё {rows} в книгу не вошли. Исправьте свой файл и пришлите его целиком."


def _line(book: Book, sheet: Any, row: int, cells: Sequence[Any], widths: Sequence[int], look: Any = None) -> int:
    sheet.set_row(row, row_height(cells, widths))
    for place, cell in enumerate(cells):
        book.write(sheet, row, place, cell, look or (book.middle if isinstance(cell, int) else None))
    return row + 1


# -- findings ----------------------------------------------------------------------------------------------------------


def _write_findings(book: Book, report: Report, sheets: list[_Sheet]) -> None:
    rows = {place: (sheet.name, row) for sheet in sheets for place, row in sheet.rows.items()}
    lines = (
        [
            one.kind,
            shown(one.path),
            shown(one.sheet),
            int(one.row) if one.row.isdigit() else one.row,
            shown(one.column),
            shown(one.value),
            shown(one.why),
            one.advice,
            Link(rows[one.place][0], *rows[one.place]) if one.place in rows else "",
        ]
        for one in report.findings
    )
    page = Page(f"Замечания: {shown(report.sender.title)}", "Что исправить")
    book.table(FINDINGS, _FINDINGS, lines, n_frozen=1, n_printed=len(_FINDINGS) - 1, page=page)


# -- rows to be sent back ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sheet:
    """A sheet of rejected rows of one form; ``rows`` tells where each of them stands."""

    name: str
    layout: Layout
    rejected: list[tuple[tuple[int, int, str], Rejected]]

    @property
    def rows(self) -> dict[tuple[int, int, str], int]:
        """Index of the sheet's row by the place of the rejected row."""
        return {place: row for row, (place, _rejected) in enumerate(self.rejected, start=_HEAD_ROW + 1)}


def _sheets(report: Report) -> list[_Sheet]:
    """Sheets by layout, in the order of their names; the rows of each by file, sheet and number."""
    by_layout: dict[str, list[tuple[tuple[int, int, str], Rejected]]] = {}
    layouts = {one.part.layout.name: one.part.layout for one in report.rejected.values()}
    for place, one in report.rejected.items():
        by_layout.setdefault(one.part.layout.name, []).append((place, one))
    names: Counter[str] = Counter()
    sheets = []
    for layout in sorted(layouts.values(), key=lambda one: (load_sources()[one.source].title, one.name)):
        title = _SHEET_NAME.sub(" ", load_sources()[layout.source].title)
        names[title] += 1
        number = f" ({names[title]})" if names[title] > 1 else ""
        name = f"{title[: _SHEET_NAME_LENGTH - len(number)].strip()}{number}"
        rows = sorted(
            by_layout[layout.name],
            key=lambda one: (one[1].part.file.path, one[1].part.sheet, one[1].row_no, one[1].record),
        )
        sheets.append(_Sheet(name, layout, rows))
    return sheets


def _lists(sheets: list[_Sheet], seeds: Path) -> dict[str, tuple[str, Choice]]:
    """Lists that columns of the sheets choose from: name → title of a column and the list."""
    used: dict[str, str] = {}
    for sheet in sheets:
        for name, mapped in sheet.layout.columns.items():
            if wanted := _list_of(sheet.layout, name):
                used.setdefault(wanted, mapped.header[0])
    choices = load_choices(used, seeds) if used else {}
    return {name: (used[name], choices[name]) for name in sorted(choices)}


def _list_of(layout: Layout, name: str) -> str | None:
    column = next((one for one in load_sources()[layout.source].columns if one.name == name), None)
    if column is None:
        return None
    return {"flag": YES_NO, "programme": PROGRAMMES}.get(column.kind, column.values)


def _write_rows(book: Book, told: _Sheet, ranges: dict[str, str]) -> None:
    sheet, layout = book.book.add_worksheet(told.name), told.layout
    names = [name for name in layout.columns if name != ORIGIN]
    kinds = {name: _kind(layout, name) for name in names}
    widths = [_WHY_WIDTH, *(_width(layout, name, kinds[name]) for name in names), *_BESIDE_WIDTHS[1:], _KEY_WIDTH]
    _write_heads(book, sheet, layout, names, widths)
    columns = {column.name: column for column in load_sources()[layout.source].columns}
    looks = _row_looks(book, set(kinds.values()))
    for row, (_place, one) in enumerate(told.rejected, start=_HEAD_ROW + 1):
        reason = shown("\n".join(one.why))
        cells = [as_written(name, one.values.get(name, ""), columns.get(name)) for name in names]
        sheet.set_row(row, row_height([reason, *cells], widths))
        sheet.write_string(row, 0, inert(reason), looks["why", False])
        for place, (name, cell) in enumerate(zip(names, cells, strict=True), start=1):
            kind = _BLANK if name.startswith(PERSON) and name not in one.marks else kinds[name]
            _write_value(sheet, row, place, kind, one.values.get(name, ""), cell, looks[kind, name in one.marks])
        origin = (shown(one.part.file.path), shown(one.part.sheet), str(one.row_no), one.key)
        for place, text in enumerate(origin, start=len(names) + 1):
            sheet.write_string(row, place, inert(text), looks["origin", False])
    last = _HEAD_ROW + len(told.rejected)
    for place, name in enumerate(names, start=1):
        if (wanted := _list_of(layout, name)) in ranges:
            rule = {"validate": "list", "source": ranges[wanted], "error_type": "warning"}
            sheet.data_validation(_HEAD_ROW + 1, place, last, place, rule)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
    sheet.freeze_panes(_HEAD_ROW + 1, 1)
    sheet.autofilter(_HEAD_ROW, 0, last, len(widths) - 1)
    sheet.set_tab_color("#C0504D")
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEAD_ROW)
    print_pages(sheet, Page(told.name, "Строки для исправления"))


def _write_heads(book: Book, sheet: Any, layout: Layout, names: list[str], widths: Sequence[int]) -> None:
    """What to do, and the headers: the form's own, and beside them those that only a person needs."""
    beside = load_common().beside
    own = [layout.columns[name].header[0] for name in names]
    heads = [beside[0], *own, *beside[1:], layout.columns[ORIGIN].header[0]]
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    note = _NOTE + (_PEOPLE_NOTE if layout.person else "")
    sheet.write_string(0, 0, inert(note), book.book.add_format({"bold": True}))
    sheet.set_row(_HEAD_ROW, row_height(heads, [width - _BUTTON for width in widths]))
    quiet = book.format(bold=True, bg_color="#ECECEC", font_color="#595959", border=1)
    for place, head in enumerate(heads):
        sheet.write_string(_HEAD_ROW, place, inert(head), book.head if 0 < place <= len(names) else quiet)


def _row_looks(book: Book, kinds: set[str]) -> dict[tuple[str, bool], Any]:
    """Formats by kind of column, and whether the cell is to be corrected."""
    hints = load_hints().kinds
    edge = {"border": 1, "border_color": "#D0D0D0"}
    wrong = {"bg_color": "#F6CBB0", "font_color": "#6B2A00", "bold": True, "border": 1, "border_color": "#C0504D"}
    looks = {
        (kind, is_wrong): book.format(
            num_format=hints[kind].format if kind in hints else "@", align="left", **(wrong if is_wrong else edge)
        )
        for kind in kinds
        for is_wrong in (False, True)
    }
    looks["why", False] = book.format(num_format="@", bg_color="#FBE7BF", **edge)
    looks["origin", False] = book.format(num_format="@", font_color="#595959")
    looks[_BLANK, False] = book.format(num_format="@", bg_color="#F2F2F2", **edge)
    return looks


def _kind(layout: Layout, name: str) -> str:
    if name.startswith(PERSON):
        said = load_hints().people.get(name)
        return said.kind if said else "text"
    return next((one.kind for one in load_sources()[layout.source].columns if one.name == name), "text")


def _width(layout: Layout, name: str, kind: str) -> int:
    """Characters of a column: what its kind needs, and no word of its heading broken."""
    hints = load_hints().kinds
    longest = max(map(len, layout.columns[name].header[0].split()))
    return min(_TEXT_WIDTH, max(hints[kind].width if kind in hints and kind != "text" else 12, longest + _BUTTON))


def _write_value(sheet: Any, row: int, place: int, kind: str, value: str, told: str, look: Any) -> None:
    """A day or a number as such when reading would give back the same; everything else as text."""
    if kind == "date" and _DAY.match(value) and (day := _day(value)):
        sheet.write_datetime(row, place, day, look)
    elif kind in ("whole", "year", "number") and (_WHOLE.match(value) or _NUMBER.match(value)):
        sheet.write_number(row, place, float(value), look)
    else:
        sheet.write_string(row, place, inert(shown(told)), look)


def _day(value: str) -> datetime | None:
    try:
        day = datetime.fromisoformat(value)
    except ValueError:
        return None
    return day if day.year >= 1900 else None
