"""Blank workbooks to fill in, one for each register that people send: what they ask for comes from the documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell

from ravenstvo.publishing.sheets import Book, workbook
from ravenstvo.publishing.template_fields import Field, Template, load_hints, load_templates
from ravenstvo.publishing.template_instructions import advice, bounds, write_instructions
from ravenstvo.publishing.template_lists import Choice, TemplateError, load_choices
from ravenstvo.row_height import row_height

LISTS = "Списки"
LIST_HEAD = ("Список для выбора", "Значение из списка")
EXAMPLE = "Пример: "
# The first time that a .zip can hold: a workbook without a day of its own has the same bytes whenever it is written.
_CREATED = datetime(1980, 1, 1)
# What a spreadsheet program takes: characters of a title and of a text of a hint.
_TITLE_LENGTH, _TEXT_LENGTH = 32, 255
# A heading leaves room for the button of the filter.
_BUTTON = 4
_HEAD_ROW, _EXAMPLE_ROW = 0, 1
_SCHOOL_DIGITS, _SNILS_DIGITS = 6, 11
_WARN_ONLY = ("suggestion", "school")


def write_templates(folder: Path, seeds: Path) -> list[Path]:
    """Write one blank workbook for every template.

    Args:
        folder: where to write; it is made when it is not there. Workbooks of the same names are replaced.
        seeds: folder of the dbt seeds, which hold the lists.

    Returns:
        Paths of the workbooks, in the order of their names.

    Raises:
        TemplateError: the folder is a file, or a list is missing; then nothing is written.
    """
    if folder.exists() and not folder.is_dir():
        raise TemplateError(f"{folder} — это файл, а нужна папка")
    templates = load_templates().values()
    choices = load_choices({f.values for template in templates for f in template.fields if f.values}, seeds)
    return sorted(_write(folder / f"{template.title}.xlsx", template, choices) for template in templates)


def _write(target: Path, template: Template, choices: dict[str, Choice]) -> Path:
    with workbook(target, f"{template.title}: шаблон для заполнения", _CREATED) as book:
        used = {field.values: field.title for field in reversed(template.fields) if field.values}
        ranges = list_ranges({name: choices[name] for name in sorted(used)})
        _write_data(book, template, choices, ranges)
        write_instructions(book, template, choices)
        write_lists(book, {name: (used[name], choices[name]) for name in sorted(used)})
    return target


# -- the sheet to fill in ----------------------------------------------------------------------------------------------


def _write_data(book: Book, template: Template, choices: dict[str, Choice], ranges: dict[str, str]) -> None:
    sheet, fields, hints = book.book.add_worksheet(template.title), template.fields, load_hints()
    widths = [_width(field) for field in fields]
    headings = {need: book.head_of(need) for need in ("required", "one_of", "optional")}
    sheet.set_row(_HEAD_ROW, row_height([field.title for field in fields], [width - _BUTTON for width in widths]))
    for place, field in enumerate(fields):
        look = {"num_format": hints.kinds[field.kind].format, "align": "left", "valign": "top", "text_wrap": True}
        sheet.set_column(place, place, widths[place], book.book.add_format(look))
        sheet.write_string(_HEAD_ROW, place, field.title, headings[field.need])
    _write_example(book, sheet, [example_of(field, choices) for field in fields], fields, widths)
    for place, field in enumerate(fields):
        cells = (_EXAMPLE_ROW, place, hints.rows, place)
        if sheet.data_validation(*cells, _hint(field, place, ranges)) != 0:
            raise ValueError(f"{template.source.name}: подсказка столбца {field.title} не записана")
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{hints.rows + 1}"})
    sheet.freeze_panes(_EXAMPLE_ROW, 0)
    sheet.set_selection(_EXAMPLE_ROW + 1, 0, _EXAMPLE_ROW + 1, 0)
    sheet.autofilter(_HEAD_ROW, 0, hints.rows, len(fields) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEAD_ROW)


def _width(field: Field) -> int:
    """Characters of a column: what its kind needs, and no word of its heading broken."""
    longest = max(map(len, field.title.split()))
    return max(load_hints().kinds[field.kind].width, longest + _BUTTON)


def example_of(field: Field, choices: dict[str, Choice]) -> Any:
    """What the example row shows in a column; a programme is one that exists."""
    if field.kind == "programme" and field.values:
        return choices[field.values].example
    return field.example_value


def _write_example(
    book: Book, sheet: Any, values: Sequence[Any], fields: Sequence[Field], widths: Sequence[int]
) -> None:
    """The row that shows what a filled row looks like; reading knows it by the word it begins with."""
    shown = [f"{EXAMPLE}{fields[0].example if fields[0].kind != 'programme' else values[0]}", *values[1:]]
    sheet.set_row(_EXAMPLE_ROW, row_height(shown, widths))
    for place, (value, field) in enumerate(zip(shown, fields, strict=True)):
        look = book.example_of(load_hints().kinds[field.kind].format)
        if isinstance(value, datetime):
            sheet.write_datetime(_EXAMPLE_ROW, place, value, look)
        elif isinstance(value, int | float):
            sheet.write_number(_EXAMPLE_ROW, place, value, look)
        else:
            sheet.write_string(_EXAMPLE_ROW, place, value or "", look)


# -- what a cell takes -------------------------------------------------------------------------------------------------


def _hint(field: Field, place: int, ranges: dict[str, str]) -> dict[str, Any]:
    """Rule of a column's cells, with what is said before and after they are filled in."""
    text = load_hints().kinds[field.kind]
    hint = {
        **_rule(field, place, ranges),
        "input_title": _cut(field.title, _TITLE_LENGTH),
        "input_message": _cut(advice(field), _TEXT_LENGTH),
    }
    if text.error:
        first, last = bounds(field)
        hint["error_title"] = "Проверьте значение"
        hint["error_message"] = text.error.format(first=first, last=last)
        hint["error_type"] = "warning" if field.kind in _WARN_ONLY else "stop"
    return hint


def _rule(field: Field, place: int, ranges: dict[str, str]) -> dict[str, Any]:
    years = load_hints().years
    if field.values:
        return {"validate": "list", "source": ranges[field.values]}
    between = {"criteria": "between"}
    rules: dict[str, dict[str, Any]] = {
        "date": {"validate": "date", **between, "minimum": field.first_date, "maximum": field.last_date},
        "year": {"validate": "integer", **between, "minimum": years.first, "maximum": years.last},
        "whole": {"validate": "integer", "criteria": ">=", "value": 0},
        "number": {"validate": "decimal", "criteria": ">=", "value": 0},
        "school": {"validate": "custom", "value": _digits(place, _SCHOOL_DIGITS)},
        "snils": {"validate": "custom", "value": _digits(place, _SNILS_DIGITS)},
    }
    return rules.get(field.kind, {"validate": "any"})


def _digits(place: int, n_digits: int) -> str:
    """Formula: so many digits, not counting hyphens and blanks."""
    cell = xl_rowcol_to_cell(_EXAMPLE_ROW, place)
    bare = f'SUBSTITUTE(SUBSTITUTE({cell},"-","")," ","")'
    return f"=AND(LEN({bare})={n_digits},ISNUMBER(VALUE({bare})))"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


# -- the sheet of lists ------------------------------------------------------------------------------------------------


def list_ranges(choices: dict[str, Choice]) -> dict[str, str]:
    """Where each list stands on its sheet: one under another, below the heading."""
    ranges, first = {}, 2
    for name, choice in choices.items():
        last = first + len(choice.values) - 1
        ranges[name] = f"='{LISTS}'!$B${first}:$B${last}"
        first = last + 1
    return ranges


def write_lists(book: Book, lists: dict[str, tuple[str, Choice]]) -> None:
    """A hidden sheet: a list of a rule may be longer than a rule may be."""
    if not lists:
        return
    sheet = book.book.add_worksheet(LISTS)
    sheet.set_column(0, 1, 40)
    sheet.write_row(0, 0, LIST_HEAD, book.head)
    row = 1
    for title, choice in lists.values():
        for value in choice.values:
            sheet.write_string(row, 0, title)
            sheet.write_string(row, 1, value)
            row += 1
    sheet.hide()
