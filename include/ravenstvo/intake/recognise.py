"""Find the header of a sheet and the layout it belongs to, whatever the file is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz, process

from ravenstvo.intake.cells import clean
from ravenstvo.intake.facts import Facts, complete_subject
from ravenstvo.intake.problems import Problem, RefusedError
from ravenstvo.layouts import Layout, load_layouts, normalise_header
from ravenstvo.layouts.returned import load_returned

HEADER_WITHIN = 25
_NEAR_ENOUGH = 70
_WORTH_NAMING = 1 / 3
# More strange headers than any form has known ones: the rest need not be looked at.
_HOPELESS = 300
Row = Sequence[Any]


@dataclass
class Fit:
    """A layout laid over a header: which cells hold what.

    ``columns`` and ``records`` give cell positions from 0; a position is followed by the unnamed columns to its right
    where headers were merged. ``header`` and ``first_data`` are indexes of rows.
    """

    layout: Layout
    header: int
    first_data: int
    columns: dict[str, tuple[int, ...]] = field(default_factory=dict)
    items: list[tuple[str, int]] = field(default_factory=list)
    records: dict[str, dict[str, int]] = field(default_factory=dict)
    unknown: list[tuple[int, str]] = field(default_factory=list)
    unnamed: list[int] = field(default_factory=list)
    facts: Facts = field(default_factory=dict)
    n_known: int = 0

    @property
    def missing(self) -> list[str]:
        """Canonical columns that the layout needs and the header lacks."""
        lacking = self.layout.required - set(self.columns)
        if self.layout.unpivot and not self.records:
            lacking |= {self.layout.unpivot.present}
        return sorted(lacking)

    @property
    def is_exact(self) -> bool:
        """Whether everything needed is there and nothing is strange."""
        return not self.missing and not self.unknown


def _headers(rows: Sequence[Row], index: int, n_rows: int) -> list[tuple[str, str]]:
    """Pairs of (parent, child) header texts of the row at ``index``; in a one-row header the parent is blank."""
    top = [clean(cell) for cell in rows[index]]
    if n_rows == 1:
        return [("", text) for text in top]
    if index + 1 >= len(rows):
        return []
    below = [clean(cell) for cell in rows[index + 1]]
    width = max(len(top), len(below))
    top += [""] * (width - len(top))
    below += [""] * (width - len(below))
    pairs, parent = [], ""
    for text, child in zip(top, below, strict=True):
        parent = text or (parent if child else "")
        pairs.append((parent, child))
    return pairs


def _child_column(layout: Layout, text: str) -> str | None:
    """Canonical column that a child (or parent) header of a wide sheet means."""
    if layout.unpivot is None or not text:
        return None
    for column, spellings in layout.unpivot.children.items():
        for spelling in spellings:
            pattern = spelling[1:] if spelling.startswith("~") else re.escape(normalise_header(spelling)) + r"\Z"
            if re.match(pattern, text):
                return column
    return None


def _place_record(fit: Fit, position: int, parent: str, child: str) -> bool:
    """Take a column of a wide sheet: subject in one header row, measure in the other."""
    unpivot = fit.layout.unpivot
    if unpivot is None or not parent or not child:
        return False
    subject, measure = (parent, child) if unpivot.subject == "parent" else (child, parent)
    column = _child_column(fit.layout, normalise_header(measure))
    if column is None:
        return False
    fit.records.setdefault(" ".join(subject.split()), {})[column] = position
    return True


def _place_column(fit: Fit, position: int, name: str) -> bool:
    """Take a column whose normalised header the layout spells or describes."""
    targets = fit.layout.spellings.get(name)
    if targets is None:
        for pattern, target in fit.layout.patterns:
            if match := pattern.search(name):
                targets = (target,)
                fit.facts |= {fact: value for fact, value in match.groupdict().items() if value}
                # Columns described by one pattern are told apart by their order.
                if target not in fit.columns:
                    break
    if targets is None:
        return False
    if all(target in fit.columns for target in targets):
        return fit.layout.repeated == "ignore"
    for target in targets:
        fit.columns.setdefault(target, (position,))
    return True


class Header:
    """The header at a row, read once for all layouts; ``cells`` gives parent, child, both as one text, and its name."""

    def __init__(self, rows: Sequence[Row], index: int) -> None:
        self.index = index
        self._rows = rows
        self._cells: dict[int, list[tuple[str, str, str, str]]] = {}

    def cells(self, n_rows: int) -> list[tuple[str, str, str, str]]:
        """Every column of a header of one or two rows; the name is the normalised text."""
        if n_rows not in self._cells:
            found = []
            for parent, child in _headers(self._rows, self.index, n_rows):
                text = f"{parent} | {child}" if parent and child else (parent or child)
                found.append((parent, child, text, normalise_header(text)))
            self._cells[n_rows] = found
        return self._cells[n_rows]


def lay(layout: Layout, header: Header) -> Fit:
    """Lay one layout over a header."""
    fit = Fit(layout, header.index, header.index + layout.header_rows)
    items_end = False
    for position, (parent, child, text, name) in enumerate(header.cells(layout.header_rows)):
        if not text:
            fit.unnamed.append(position)
            continue
        item = layout.item_pattern.match(text) if layout.item_pattern and not items_end else None
        if layout.items and layout.items.until and text == layout.items.until:
            items_end = True
        if item:
            fit.items.append((item["label"], position))
        elif not (
            _place_record(fit, position, parent, child)
            or _place_column(fit, position, name)
            or any(pattern.match(name) for pattern in layout.ignored)
        ):
            fit.unknown.append((position, text))
            if len(fit.unknown) > _HOPELESS:
                break
            continue
        fit.n_known += 1
    if layout.merged:
        _widen(fit)
    return fit


def _widen(fit: Fit) -> None:
    """Let each column reach over the unnamed columns to its right: its header was a merged cell."""
    unnamed = set(fit.unnamed)
    for name, (start, *_rest) in fit.columns.items():
        end = start + 1
        while end in unnamed:
            end += 1
        fit.columns[name] = tuple(range(start, end))


def _conditions_hold(fit: Fit, facts: Facts) -> bool:
    exam = fit.layout.source.partition("_")[0]
    completed = dict(facts)
    complete_subject(completed, exam)
    return all(re.search(pattern, completed.get(fact, "")) for fact, pattern in fit.layout.when.items())


def _name_of(layout: Layout, column: str) -> str:
    mapped = layout.columns.get(column)
    return mapped.header[0].lstrip("~^") if mapped else column


def _nearest(layout: Layout, text: str) -> str:
    """Advice for a header that the layout does not know: the nearest known one, and how near."""
    found = process.extractOne(normalise_header(text), list(layout.spellings), scorer=fuzz.ratio)
    if found and found[1] >= _NEAR_ENOUGH:
        return f"; ближайший известный — «{found[0]}» (сходство {found[1]:.0f} из 100)"
    return ""


def _describe(fit: Fit, sheet: str) -> list[Problem]:
    """What keeps the closest layout from fitting."""
    row = fit.header + 1
    problems = [
        Problem(
            "missing_column",
            f"Нет обязательного столбца «{_name_of(fit.layout, column)}» (форма «{fit.layout.title}»)",
            "Добавьте столбец под этим названием или опишите новую форму документом в layouts/",
            sheet=sheet,
            row=row,
            column=_name_of(fit.layout, column),
        )
        for column in fit.missing
    ]
    problems += [
        Problem(
            "unknown_column",
            f"Неизвестный столбец «{text}» (форма «{fit.layout.title}»){_nearest(fit.layout, text)}",
            "Исправьте название столбца, удалите его, или внесите в документ формы (columns или ignore)",
            sheet=sheet,
            row=row,
            column=f"{column_letter(position)}: {text}",
        )
        for position, text in fit.unknown
    ]
    return problems


def column_letter(position: int) -> str:
    """Excel's letter of a column; position counts from 0."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def recognise(rows: Sequence[Row], facts: Facts, sheet: str, start: int = 0, within: int = HEADER_WITHIN) -> Fit:
    """Find the header row and the one layout that fits it.

    Args:
        rows: raw rows of the sheet.
        facts: what is known of the sheet; layouts may ask for some of it.
        sheet: name of the sheet, for messages.
        start: index of the row from which to look.
        within: how many rows to look at.

    Raises:
        RefusedError: no layout fits (the closest is named, with what differs), or two do.
    """
    closest: Fit | None = None
    first = next((index for index in range(start, len(rows)) if any(map(clean, rows[index]))), start)
    for index in range(start, min(start + within, len(rows))):
        filled = sum(1 for cell in rows[index] if cell not in ("", None))
        if filled < 2:
            continue
        header = Header(rows, index)
        fits = [fit for layout in _candidates(header) if (fit := lay(layout, header)).n_known > 1]
        exact = [fit for fit in fits if fit.is_exact]
        fitting = [fit for fit in exact if _conditions_hold(fit, facts)]
        if len(fitting) == 1:
            return fitting[0]
        if exact:
            raise RefusedError(_ambiguous(fitting or exact, sheet, index))
        for fit in fits:
            if closest is None or _closeness(fit) > _closeness(closest):
                closest = fit
    if closest is None or _closeness(closest)[0] < _WORTH_NAMING:
        raise RefusedError(
            Problem(
                "no_layout",
                f"Лист не похож ни на одну известную форму: в первых {within} строках нет знакомой шапки"
                + (f"; ближе всего «{closest.layout.title}»" if closest else ""),
                "Проверьте, тот ли это файл; новую форму опишите документом в layouts/",
                sheet=sheet,
                row=(closest.header if closest else first) + 1,
            )
        )
    raise RefusedError(*_describe(closest, sheet))


def _candidates(header: Header) -> Iterable[Layout]:
    """Layouts that a header may belong to: a column of keys names the one that it is."""
    names = (name for _parent, _child, _text, name in header.cells(1))
    returned = next((load_returned()[name] for name in names if name in load_returned()), None)
    return load_layouts().values() if returned is None else (returned,)


def _closeness(fit: Fit) -> tuple[float, int]:
    wanted = fit.n_known + len(fit.missing) + len(fit.unknown)
    return (fit.n_known / wanted, fit.n_known)


def _ambiguous(fits: list[Fit], sheet: str, index: int) -> Problem:
    titles = ", ".join(f"«{fit.layout.title}»" for fit in fits)
    return Problem(
        "two_layouts" if len(fits) > 1 else "condition",
        f"Шапка подходит к формам {titles}, и выбрать одну нельзя",
        "Укажите экзамен и предмет в заголовке над таблицей или в имени файла",
        sheet=sheet,
        row=index + 1,
    )
