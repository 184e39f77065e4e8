"""Sheets of the workbook of remarks that came back corrected: their layouts follow from those of the original files."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from ravenstvo.layouts import FACTS, MADE_OF, ORIGIN, PERSON, Layout, Mapped, load_layouts, normalise_header
from ravenstvo.sources import Source, load_sources

_FILE = Path(__file__).with_name("common.yml")
PREFIX = "returned_"
"""Beginning of the name of a layout of returned rows; the name of the original layout follows."""
_KEY_DIGITS, _CHECK_DIGITS = 16, 6


class Common(BaseModel):
    """What all sheets of returned rows have in common: see the document."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    beside: tuple[str, ...]
    hidden: tuple[str, ...]


@cache
def load_common() -> Common:
    """Read the document beside this module."""
    return Common.model_validate(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def key_header(layout: str) -> str:
    """Header of the column of keys: by it reading knows the sheet and its form."""
    return f"{load_common().key} · {layout}"


@cache
def load_returned() -> dict[str, Layout]:
    """Layout of returned rows by the normalised header of its column of keys."""
    made = [
        _returned(layout, load_sources()[layout.source]) for layout in load_layouts().values() if not layout.not_data
    ]
    return {normalise_header(layout.columns[ORIGIN].header[0]): layout for layout in made}


def returned_layout(layout: str) -> Layout:
    """Layout in which the rows of files of a layout go out and come back."""
    return load_returned()[normalise_header(key_header(layout.removeprefix(PREFIX)))]


def _returned(layout: Layout, source: Source) -> Layout:
    titles = {column.name: column.title for column in source.columns}
    taken: set[str] = {normalise_header(text) for text in load_common().beside}
    columns: dict[str, Mapped] = {}
    for name in _shown(layout, source):
        mapped = layout.columns.get(name)
        written = [text for text in (mapped.header if mapped else ()) if not text.startswith("~")]
        header = next(
            text
            for text in (*written[:1], titles.get(name, name), f"{titles.get(name, name)} ({name})")
            if normalise_header(text) not in taken
        )
        taken.add(normalise_header(header))
        columns[name] = Mapped(
            header=(header,),
            pad=mapped.pad if mapped else None,
            replace=mapped.replace if mapped else {},
            date=name in source.date_columns or bool(mapped and mapped.date),
        )
    columns[ORIGIN] = Mapped(header=(key_header(layout.name),), required=True)
    return Layout(
        name=PREFIX + layout.name,
        source=layout.source,
        title=f"{layout.title}: возвращённые строки",
        columns=columns,
        ignore=load_common().beside,
        unnamed="ignore",
        constants=layout.constants,
        attendance=layout.attendance,
    )


def _shown(layout: Layout, source: Source) -> list[str]:
    """Columns of the sheet: those of the original in its order, then what its titles, names and subjects had told."""
    unpivot = (layout.unpivot.column, *layout.unpivot.children) if layout.unpivot else ()
    told = [name for name in source.column_names if name in FACTS or name in layout.derived]
    wanted = dict.fromkeys([*told, *unpivot]) if layout.unpivot else dict.fromkeys(layout.columns)
    wanted |= dict.fromkeys([*layout.columns, *told])
    out = {*load_common().hidden, *layout.constants}
    # What a form is known not to have is not asked for.
    known = {*source.column_names, *layout.person} - set(layout.absent)
    return [name for name in wanted if name in known and name not in out and name not in source.made_columns]


def stand_in(layout: Layout, column: str) -> str:
    """The column of the sheet in which a remark about a canonical column is corrected: СНИЛС for what is made of it."""
    if column in layout.columns:
        return column
    for way in MADE_OF.get(column, ()):
        for said in way:
            if PERSON + said in layout.columns:
                return PERSON + said
    return ""


# -- keys --------------------------------------------------------------------------------------------------------------


def part_key(sha256: str, sheet: str, block_no: int, content_key: str) -> str:
    """What a part is known by, whatever its number: the same in every warehouse that holds the file."""
    return _digest(f"{sha256}|{sheet}|{block_no}|{content_key}", _KEY_DIGITS)


PART_KEY_SQL = (
    "left(encode(sha256(convert_to(file.sha256 || '|' || part.sheet || '|' || part.block_no || '|' "
    f"|| coalesce(part.content_key, ''), 'UTF8')), 'hex'), {_KEY_DIGITS})"
)
"""``part_key`` as SQL over ``ops.source_part as part`` and ``ops.source_file as file``."""


def row_key(part: str, row_no: int, record: str = "") -> str:
    """Key of a row: its part, its number, and a check, since a cell that is dragged down counts on by itself."""
    return f"{part}-{row_no}-{_digest(f'{part}|{row_no}|{record}', _CHECK_DIGITS)}"


def parse_key(text: str, record: str = "") -> tuple[str, int] | None:
    """Part key and row number; None for a text that is no key, or not of this record."""
    part, _, rest = text.strip().lower().partition("-")
    number = rest.partition("-")[0]
    if not number.isascii() or not number.isdigit() or row_key(part, int(number), record) != text.strip().lower():
        return None
    return part, int(number)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
