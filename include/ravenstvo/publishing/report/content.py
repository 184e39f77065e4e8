"""What a report says, before anyone decides how it looks: sections of text, figures, tables and notes.

Every number is a ``Value``: it knows what the mart holds and where, so that the page can be checked against the marts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from string import Formatter
from typing import Any

Raw = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Value:
    """A number as it is read (``shown``) and as the mart holds it (``raw``).

    In a cell of a table that shows rows of a mart, the row and the column say where it stands. Elsewhere ``name`` says
    which figure it is (``listed``, ``rows_read`` …), or ``mart``, ``column`` and ``key`` where it stands.
    """

    shown: str
    raw: Raw
    name: str = ""
    mart: str = ""
    column: str = ""
    key: str = ""


Text = tuple[str | Value, ...]
"""Words and numbers in their order."""


def say(words: str, **values: Value | Text | str) -> Text:
    """Put values into a sentence: ``say("школ: {n}", n=…)``. Braces are the only markup; values stay as they are."""
    parts: list[str | Value] = []
    for literal, name, _, _ in Formatter().parse(words):
        if literal:
            parts.append(literal)
        if name is not None:
            given = values[name]
            parts.extend(given if isinstance(given, tuple) else (given,))
    return tuple(parts)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; ``kind`` is ``lead``, ``note``, ``warning``, ``empty`` or nothing."""

    text: Text
    kind: str = ""


@dataclass(frozen=True)
class Items:
    """A list of short texts."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class KeyFigure:
    """A number that stands large, with what it counts and a remark below."""

    value: Value
    title: str
    remark: Text = ()


@dataclass(frozen=True)
class KeyFigures:
    """Key figures side by side."""

    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table: the mart's column whose values it shows (or a name of its own) and its heading.

    ``kind`` is ``text``, ``number`` or ``wide`` (a text that needs room).
    """

    name: str
    title: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: lines, remarks below them; ``look`` is one of ``code_words.LOOKS``, ``bar`` a part of 1 that is drawn."""

    lines: tuple[Text, ...]
    remarks: tuple[Text, ...] = ()
    look: str | None = None
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Cells in the order of the columns; ``key`` is the row's key in the mart, ``column=value;column=value``."""

    key: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Rows under a common heading; an empty title is no heading."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table. ``mart`` and ``key`` say whose rows it shows; without a mart its numbers are counts named by ``name``.

    Rows of ``cards`` become cards on a narrow screen; other tables scroll. ``search`` is the prompt of a filter.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    mart: str = ""
    key: str = ""
    cards: bool = False
    search: str = ""

    @property
    def n_rows(self) -> int:
        """Rows of all groups."""
        return sum(len(group.rows) for group in self.groups)


@dataclass(frozen=True)
class Picture:
    """A drawing: SVG, a title, and in words what it shows."""

    svg: str
    title: str
    alt: str


@dataclass(frozen=True)
class Key:
    """What a colour of drawings and its sign mean; ``colour`` is a name of ``figures.COLOURS``."""

    colour: str
    sign: str
    words: str


@dataclass(frozen=True)
class Pictures:
    """Drawings that are read together, with a caption; the table of their numbers stands beside them."""

    pictures: tuple[Picture, ...]
    caption: str
    legend: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Note:
    """A note on a method or a document: its rule and where it comes from."""

    title: str
    lines: tuple[Text, ...]
    source: str = ""


@dataclass(frozen=True)
class Notes:
    """Notes one after another."""

    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    title: str


@dataclass(frozen=True)
class Fold:
    """What is opened only by those who want it; in print it stands open."""

    title: str
    blocks: tuple[Block, ...]


Block = Paragraph | Items | KeyFigures | Table | Pictures | Notes | Heading | Fold


@dataclass(frozen=True)
class Section:
    """A section: its anchor, heading, blocks, and the marts that it is read from."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    marts: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """The whole report of a year."""

    year: int
    title: str
    standing: Text
    is_approved: bool
    calculation_id: str
    calculated_at: datetime | None
    origin: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...] = field(default=())


def tables(blocks: Iterable[Block]) -> Iterable[Table]:
    """The tables among blocks, also folded ones."""
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Fold):
            yield from tables(block.blocks)


def as_plain(thing: Any) -> Any:
    """Dataclasses as dictionaries with the name of their kind, tuples as lists: what JSON can hold."""
    if hasattr(thing, "__dataclass_fields__"):
        plain = {name: as_plain(getattr(thing, name)) for name in thing.__dataclass_fields__}
        return {"is": type(thing).__name__} | plain
    if isinstance(thing, Mapping):
        return {key: as_plain(value) for key, value in thing.items()}
    if isinstance(thing, tuple | list):
        return [as_plain(one) for one in thing]
    if isinstance(thing, datetime):
        return thing.isoformat()
    return thing
