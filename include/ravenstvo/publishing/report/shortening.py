"""A report for print, with its longest tables cut short: no one leafs through hundreds of sheets.

Setting a table takes some 40 KB of memory for a cell, and all pages are held at once. The page has no such limit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ravenstvo.publishing.report.content import Block, Fold, Group, Items, Paragraph, Report, Table, say
from ravenstvo.publishing.report.shown import count

PRINTED_CELLS = 20_000
"""Cells of all tables and lines of all lists of a printed report: some 300 sheets, 0.9 GB of memory while it is set.

A region of 1,400 schools, the most that there is, has fewer even if every second one is listed.
"""


def shortened(report: Report, cells: int = PRINTED_CELLS) -> Report:
    """The report with at most so many cells. All tables and lists get the same limit of rows, and each cut says so."""
    sizes = [size for blocks in _blocks(report) for size in _sizes(blocks)]
    if sum(rows * width for rows, width in sizes) <= cells:
        return report
    # The most rows at which everything fits.
    limit = bisect_right(
        range(max(rows for rows, _ in sizes)),
        cells,
        key=lambda most: sum(min(rows, most) * width for rows, width in sizes),
    )
    most = max(limit - 1, 1)
    return replace(
        report,
        lead=_cut(report.lead, most),
        sections=tuple(replace(section, blocks=_cut(section.blocks, most)) for section in report.sections),
    )


def _blocks(report: Report) -> Iterator[tuple[Block, ...]]:
    yield report.lead
    for section in report.sections:
        yield section.blocks


def _sizes(blocks: Iterable[Block]) -> Iterator[tuple[int, int]]:
    """Rows of each table and list, and the cells of a row."""
    for block in blocks:
        if isinstance(block, Table):
            yield block.n_rows, len(block.columns)
        elif isinstance(block, Items):
            yield len(block.items), 1
        elif isinstance(block, Fold):
            yield from _sizes(block.blocks)


def _cut(blocks: Iterable[Block], most: int) -> tuple[Block, ...]:
    left: list[Block] = []
    for block in blocks:
        if isinstance(block, Table) and block.n_rows > most:
            left += [_told(most, block.n_rows), replace(block, groups=tuple(_first_rows(block.groups, most)))]
        elif isinstance(block, Items) and len(block.items) > most:
            left += [_told(most, len(block.items)), Items(block.items[:most])]
        elif isinstance(block, Fold):
            left.append(replace(block, blocks=_cut(block.blocks, most)))
        else:
            left.append(block)
    return tuple(left)


def _first_rows(groups: Iterable[Group], most: int) -> Iterator[Group]:
    for group in groups:
        if most <= 0:
            return
        yield replace(group, rows=group.rows[:most])
        most -= len(group.rows)


def _told(most: int, n_rows: int) -> Paragraph:
    words = (
        "В печатный отчёт вошли первые {most} из {all}: остальное — на странице report.html, которая лежит рядом, "
        "и в книгах, которые пишет ravenstvo export."
    )
    return Paragraph(say(words, most=count(most), all=count(n_rows)), "note")
