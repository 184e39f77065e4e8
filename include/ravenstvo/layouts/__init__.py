"""How it arrives: one document per shape of file, and the reader of these documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ravenstvo.errors import ToldError
from ravenstvo.settings import get_settings
from ravenstvo.sources import Source, load_sources

FOLDER = Path(__file__).parent


class LayoutError(ToldError):
    """A document of a form, or the file that it is asked for, cannot be used; the message (Russian) says why."""


@lru_cache(maxsize=2**15)
def normalise_header(text: str) -> str:
    """Fold a header cell or a label: case, «ё», quotes, no-break spaces and runs of white space do not matter."""
    text = text.lower().replace("ё", "е").replace("\xa0", " ")
    return " ".join(re.sub(r"[\"«»“”'\x00-\x1f]+", " ", text).split()).rstrip(".:")


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class Mapped(_Document):
    """One canonical column, and the headers that mean it.

    A header that begins with ``~`` is a regular expression on the normalised header; its named groups are facts.
    Columns with the same expression take the headers that match it in the order of the sheet.
    In a two-row header the two cells are joined with `` | ``.
    """

    header: tuple[str, ...]
    required: bool = False
    extract: str | None = None
    """Regular expression on the value: the group of the column's own name (or the first group) is kept."""
    fill_down: bool = False
    pad: int | None = None
    """Width to which a numeric code that lost its leading zeros is padded."""
    date: bool = False
    replace: dict[str, str] = {}


class Items(_Document):
    """Columns of item scores: headers that match ``pattern``; its group ``label`` names the item."""

    pattern: str
    until: str | None = None
    """Columns right of this header are not items, whatever they are called."""


class Attendance(_Document):
    """Which columns say that a pupil was absent from a part of the work, and by which values."""

    parts: tuple[str, ...]
    absent: tuple[str, ...]


class Unpivot(_Document):
    """A wide sheet: each record column stands under a subject (or is one).

    ``subject`` says which row of the header names the record column's value; ``children`` maps the other row's text to
    canonical columns. ``zero_if_blank`` lists columns where blank means 0 beside a filled ``present`` column.
    """

    column: str
    subject: Literal["parent", "child"]
    children: dict[str, tuple[str, ...]]
    present: str
    zero_if_blank: tuple[str, ...] = ()


class Footer(_Document):
    """Rows that are not data: by the text of one of their first filled cells."""

    pattern: str
    kind: Literal["average", "minimum", "count", "total", "note"]


class Layout(_Document):
    """One shape of file of one source."""

    name: str
    source: str
    title: str
    header_rows: Literal[1, 2] = 1
    columns: dict[str, Mapped] = {}
    items: Items | None = None
    ignore: tuple[str, ...] = ()
    unnamed: Literal["error", "ignore"] = "error"
    repeated: Literal["error", "ignore"] = "error"
    merged: bool = False
    """Headers were merged cells: a value may stand in any of the unnamed columns right of its header."""
    constants: dict[str, str] = {}
    derived: dict[str, str] = {}
    """Canonical column → ``fact`` or ``fact+1``: filled from the facts of the sheet."""
    when: dict[str, str] = {}
    """Fact → regular expression that it must match for the layout to apply."""
    needs: tuple[str, ...] = ()
    """Facts without which the sheet cannot be loaded."""
    attendance: Attendance | None = None
    unpivot: Unpivot | None = None
    footers: tuple[Footer, ...] = ()
    subtotal: str | None = None
    """Regular expression: a row with such a text among its filled cells is a subtotal."""
    absent: tuple[str, ...] = ()
    """Canonical columns that this shape is known not to hold."""
    not_data: bool = False
    """The sheet is known and holds nothing to load."""
    stacked: bool = False
    """Several exams may stand one under another, each with its title row."""

    @cached_property
    def is_returned(self) -> bool:
        """Whether its rows were rejected before, and come back corrected."""
        return ORIGIN in self.columns

    @cached_property
    def person(self) -> tuple[str, ...]:
        """Mapped columns that make the pseudonym and never pass the gate."""
        return tuple(name for name in self.columns if name.startswith(PERSON))

    @cached_property
    def made(self) -> frozenset[str]:
        """Columns of a register of teachers or services that are made of the mapped personal ones."""
        said = {name.removeprefix(PERSON) for name in self.person}
        return frozenset(name for name, ways in MADE_OF.items() if any(said.issuperset(way) for way in ways))

    @cached_property
    def spellings(self) -> dict[str, tuple[str, ...]]:
        """Normalised plain header → canonical columns that are read from it (usually one)."""
        found: dict[str, tuple[str, ...]] = {}
        for name, mapped in self.columns.items():
            for header in mapped.header:
                if not header.startswith("~"):
                    key = normalise_header(header)
                    found[key] = (*found.get(key, ()), name)
        return found

    @cached_property
    def patterns(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        """Header patterns, with the canonical column that each of them means."""
        return tuple(
            (re.compile(header[1:]), name)
            for name, mapped in self.columns.items()
            for header in mapped.header
            if header.startswith("~")
        )

    @cached_property
    def ignored(self) -> tuple[re.Pattern[str], ...]:
        """Headers that are known and not kept."""
        return tuple(
            re.compile(header[1:] if header.startswith("~") else re.escape(normalise_header(header)) + r"\Z")
            for header in self.ignore
        )

    @cached_property
    def item_pattern(self) -> re.Pattern[str] | None:
        """Pattern of item headers, matched against the cell as it is written."""
        return re.compile(self.items.pattern) if self.items else None

    @cached_property
    def required(self) -> frozenset[str]:
        """Canonical columns that the sheet must have."""
        return frozenset(name for name, mapped in self.columns.items() if mapped.required)


FACTS = {"year", "grade", "subject", "subject_code", "exam", "exam_date", "wave"}
"""Canonical columns that a title, a sheet name, a file name or a folder may fill."""
PERSON = "person."
"""Prefix of the mapped columns that hold a person's name, document or telephone."""
REPORT = "report_"
"""Beginning of the names of the layouts of a workbook of remarks."""
ORIGIN = "origin.key"
"""The mapped column that says which row of which file a returned row takes the place of."""
PUPIL_SAYS = {"surname", "given_name", "patronymic", "document", "document_series", "document_number"}
PUPIL_SAYS |= {"birth_date", "snils"}
WORKER_SAYS = {"snils", "full_name", "surname", "given_name", "patronymic", "birth_date", "contact"}
PUPIL_COLUMNS = {"person_key", "name_key", "link_level"}
"""Made of a pupil's name and document, whatever of them a protocol holds."""
MADE_OF: dict[str, tuple[tuple[str, ...], ...]] = {
    "person_key": (("snils",),),
    "snils_state": (("snils",),),
    "name_key": (("full_name", "birth_date"), ("surname", "given_name", "birth_date")),
    "birth_year": (("birth_date",),),
    "has_contact": (("contact",),),
}
"""Canonical column of a register of teachers or services → what it is made of, in one way or another."""


def given(layout: Layout, source: Source) -> set[str]:
    """Canonical columns that a layout fills: mapped, made, constant, derived, or told by titles and names of files."""
    filled = (set(layout.columns) - set(layout.person)) | set(layout.constants) | set(layout.derived)
    filled |= set(source.column_names) & FACTS
    if layout.attendance:
        filled.add("attendance")
    if layout.items:
        filled |= {"item_scores", "items_total"}
    if layout.person:
        filled |= PUPIL_COLUMNS if _of_pupils(source) else layout.made & source.made_columns
    if layout.unpivot:
        filled |= {layout.unpivot.column, *layout.unpivot.children}
    return filled


def _of_pupils(source: Source) -> bool:
    return set(source.column_names) >= PUPIL_COLUMNS


def check(layout: Layout, source: Source) -> None:
    """Both ways: no column that the source does not know, and none of the source forgotten in silence.

    Raises:
        ValueError: which columns are unknown or forgotten (in Russian).
    """
    says = PUPIL_SAYS if _of_pupils(source) else WORKER_SAYS
    if strange := set(layout.person) - {PERSON + name for name in says}:
        raise ValueError(f"из этих личных сведений ничего не получается: {_listed(strange)}")
    if mapped := source.made_columns & set(layout.columns):
        raise ValueError(f"эти столбцы делает загрузка, в columns их не бывает: {_listed(mapped)}")
    known, told = set(source.column_names), given(layout, source) | set(layout.absent)
    if unknown := told - known:
        raise ValueError(f"столбцов нет у сведений {source.name}: {_listed(unknown)}")
    if forgotten := known - told:
        raise ValueError(f"столбцы не названы ни в columns, ни в absent: {_listed(forgotten)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


@cache
def load_layouts() -> dict[str, Layout]:
    """Read every layout document, the project's and the centre's own, and check it against its source.

    A document of the centre's folder (``Settings.layouts_dir``) stands in place of the project's of the same name.

    Returns:
        Layout by name.

    Raises:
        LayoutError: a document cannot be read, names an unknown column, or forgets one (in Russian).
    """
    folders = (FOLDER, get_settings().layouts_dir)
    documents = {path.stem: path for folder in folders for path in sorted(folder.glob("*.yml"))}
    return {name: _read(path) for name, path in sorted(documents.items())}


def _read(path: Path) -> Layout:
    try:
        layout = Layout.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        if layout.name != path.stem:
            raise ValueError(f"name: {layout.name}, а файл называется {path.stem}")
        if not layout.not_data:
            if layout.source not in load_sources():
                raise ValueError(f"source: нет вида сведений {layout.source}")
            check(layout, load_sources()[layout.source])
        # Its patterns are compiled when they are first used: a wrong one is told here, not by the files that meet it.
        _ = layout.patterns, layout.ignored, layout.item_pattern
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise LayoutError(f"Документ формы {path}: {told}") from error
    except (ValueError, OSError, yaml.YAMLError, re.error) as error:
        raise LayoutError(f"Документ формы {path}: {' '.join(str(error).split())}") from error
    return layout
