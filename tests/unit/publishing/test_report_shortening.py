"""What of an endless report is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from ravenstvo.publishing.report.content import (
    Block,
    Cell,
    Column,
    Fold,
    Group,
    Items,
    Paragraph,
    Report,
    Row,
    Section,
    Table,
    Value,
)
from ravenstvo.publishing.report.shortening import shortened


def _table(groups: list[int], n_columns: int) -> Table:
    columns = tuple(Column(f"c{place}", "") for place in range(n_columns))
    names = iter(range(sum(groups)))
    shown = tuple(
        Group(f"g{place}", tuple(Row(str(next(names)), (Cell((("x",),)),) * n_columns) for _ in range(rows)))
        for place, rows in enumerate(groups)
    )
    return Table("t", "", columns, shown)


_TABLES = st.builds(_table, st.lists(st.integers(0, 40), max_size=5), st.integers(1, 8))
_LISTS = st.builds(lambda n: Items(tuple((str(line),) for line in range(n))), st.integers(0, 60))
_PLAIN = st.one_of(_TABLES, _LISTS, st.just(Paragraph(("x",))))
_BLOCKS = st.lists(st.one_of(_PLAIN, st.builds(lambda inner: Fold("f", tuple(inner)), st.lists(_PLAIN, max_size=3))))


def _report(blocks: list[Block]) -> Report:
    section = Section("s", "", tuple(blocks), ())
    return Report(2023, "", (), False, "", None, "", (), (section, replace(section, blocks=())))


def _long(blocks: Iterable[Block]) -> Iterator[tuple[list[str], int]]:
    """Names of the rows of each table and list, and the cells of a row."""
    for block in blocks:
        if isinstance(block, Table):
            yield [row.key for group in block.groups for row in group.rows], len(block.columns)
        elif isinstance(block, Items):
            yield [str(line[0]) for line in block.items], 1
        elif isinstance(block, Fold):
            yield from _long(block.blocks)


def _told(blocks: Iterable[Block]) -> Iterator[list[object]]:
    for block in blocks:
        if isinstance(block, Paragraph) and block.kind == "note":
            yield [part.raw for part in block.text if isinstance(part, Value)]
        elif isinstance(block, Fold):
            yield from _told(block.blocks)


@given(_BLOCKS, st.integers(10, 600))
def test_everything_fits_and_each_cut_says_so(blocks: list[Block], cells: int) -> None:
    whole = list(_long(blocks))
    cut = shortened(_report(blocks), cells).sections[0].blocks
    left = list(_long(cut))
    n_cells = [sum(len(rows) * width for rows, width in some) for some in (whole, left)]
    if n_cells[0] <= cells:
        assert cut == tuple(blocks)
        return
    most = max(len(rows) for rows, _ in left)
    assert n_cells[1] <= cells or most == 1
    assert sum(min(len(rows), most + 1) * width for rows, width in whole) > cells, "more would have fitted"
    assert [rows for rows, _ in left] == [rows[:most] for rows, _ in whole]
    assert list(_told(cut)) == [[most, len(rows)] for rows, _ in whole if len(rows) > most]
