"""What arrives: one document per source, and the reader of these documents."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent

Kind = Literal[
    "text",
    "code",
    "whole",
    "number",
    "year",
    "date",
    "flag",
    "list",
    "school",
    "municipality",
    "programme",
    "pseudonym",
    "gate",
]
"""What a value is. ``code`` names a record of another source; ``pseudonym`` and ``gate`` are made where the file is
read from cells that never pass further (СНИЛС, names, a telephone)."""

MADE_KINDS = frozenset(("pseudonym", "gate"))
"""Kinds of columns that no file holds."""
PRIVATE_COLUMNS = frozenset(("person_key", "name_key", "birth_year", "link_level", "participant_code", "item_scores"))
"""What could tell one person from another: it stays out of files that are sent around."""
YEAR_OF = ".year"
"""Ending of a content fact that is the year of a date column."""


class Column(BaseModel):
    """One canonical column of a source; every value is text until validation has passed.

    ``title`` is the header of the source's template; ``values`` names a list of ``seeds.value_list`` (for a ``text``
    only a suggestion); ``required`` means that no row may leave it blank; ``example`` is shown to those who fill in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    description: str = ""
    kind: Kind = "text"
    values: str | None = None
    required: bool = False
    example: str = ""


class Source(BaseModel):
    """One kind of record: its columns, and what makes two files hold the same content.

    ``content`` names the facts that tell one content from another (year, grade, subject, exam date, wave;
    ``signed_on.year`` is the year of a date);
    ``school`` (the first that is filled) and ``municipality`` name the columns that tell which part of the region
    a file covers; a register without schools names what its records are known by instead;
    ``key`` names the columns that no two rows of a file may share; ``known_by`` those by which a record of a newer
    version is told to be one of the older (without them, the key); ``periods`` pairs of columns whose second date must
    not come before the first; ``any_of`` groups of columns of which one must be filled;
    ``record`` names the column that tells apart several records of one sheet row (a wide sheet).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    grain: str
    content: tuple[str, ...] = ()
    school: tuple[str, ...] = ()
    municipality: str | None = None
    record: str | None = None
    key: tuple[str, ...] = ()
    known_by: tuple[str, ...] = ()
    periods: tuple[tuple[str, str], ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    columns: tuple[Column, ...]

    @property
    def identity(self) -> tuple[str, ...]:
        """Columns by which a record is found again in another version of its file."""
        return self.known_by or self.key

    @property
    def made_columns(self) -> frozenset[str]:
        """Names of the columns that are made where the file is read."""
        return frozenset(column.name for column in self.columns if column.kind in MADE_KINDS)

    @property
    def date_columns(self) -> frozenset[str]:
        """Names of the columns that hold a date: ``YYYY-MM-DD`` in landing."""
        return frozenset(column.name for column in self.columns if column.kind == "date")

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the canonical columns, in the order of the landing table."""
        return tuple(column.name for column in self.columns)


@cache
def load_sources() -> dict[str, Source]:
    """Read every source document of this folder.

    Returns:
        Source by name, in the order of the file names.
    """
    sources = {}
    for path in sorted(FOLDER.glob("*.yml")):
        source = Source.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        if source.name != path.stem:
            raise ValueError(f"{path.name}: the document names the source {source.name!r}")
        sources[source.name] = source
    return sources
