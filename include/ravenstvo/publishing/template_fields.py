"""What a template asks for: the columns of a source as a person sees them, read from the documents."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from ravenstvo.layouts import PERSON, Layout, load_layouts
from ravenstvo.sources import Column, Source, load_sources

_FILE = Path(__file__).with_name("templates.yml")
_MARK = re.compile(r"\s*\([^()]*шаблон центра\)\Z")
_DAY = "%d.%m.%Y"
YES_NO = "yes_no"
PROGRAMMES = "programme"

Need = Literal["required", "one_of", "optional"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dates(_Part):
    """First and last date that is taken without a question."""

    first: datetime.date
    last: datetime.date


class Years(_Part):
    """First and last year that is taken without a question."""

    first: int
    last: int


class KindText(_Part):
    """How cells of a kind are written: what to say, number format, width in characters, what to say of an error."""

    write: str
    format: str
    width: int
    error: str = ""


class Person(_Part):
    """A column that the source document does not have, because it never gets past reading."""

    kind: str = "text"
    description: str = ""
    example: str = ""


class Use(_Part):
    """Who fills a template in, what it is for, and what it must hold besides what its source requires."""

    who: str
    purpose: str
    asked: tuple[str, ...] = ()


class Hints(_Part):
    """Texts and bounds of templates that no source document holds."""

    rows: int
    dates: Dates
    years: Years
    kinds: dict[str, KindText]
    people: dict[str, Person]
    earlier: dict[str, datetime.date]
    templates: dict[str, Use]


@cache
def load_hints() -> Hints:
    """Read the document beside this module."""
    return Hints.model_validate(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Field:
    """One column of a template; ``values`` names the list it is filled from."""

    name: str
    title: str
    kind: str
    description: str
    example: str
    need: Need
    values: str | None
    first_date: datetime.date
    last_date: datetime.date

    @property
    def example_value(self) -> Any:
        """The example as the type that a filled cell has: date, whole number, number, text; None without one."""
        if not self.example:
            return None
        if self.kind == "date":
            return datetime.datetime.strptime(self.example, _DAY)
        if self.kind in ("whole", "year"):
            return int(self.example)
        return float(self.example.replace(",", ".")) if self.kind == "number" else self.example


@dataclass(frozen=True)
class Template:
    """One blank workbook: its source, its Russian title, its columns in the order of the sheet."""

    source: Source
    title: str
    use: Use
    fields: tuple[Field, ...]

    def titles(self, names: tuple[str, ...]) -> list[str]:
        """Headers of canonical columns of the source, those that the sheet has; a person stands for a pseudonym."""
        known = {field.name: field.title for field in self.fields}
        stand_ins = {"person_key": f"{PERSON}snils", "has_contact": f"{PERSON}contact"}
        wanted = [known.get(stand_ins.get(name, name)) for name in names]
        return [title for title in wanted if title]

    @property
    def has_people(self) -> bool:
        """Whether a row names a person."""
        return any(field.name.startswith(PERSON) for field in self.fields)


def template_title(layout: Layout) -> str | None:
    """Title of the template that a layout describes; None when it describes another shape of the source."""
    if layout.name != layout.source or not _MARK.search(layout.title):
        return None
    return _MARK.sub("", layout.title)


@cache
def load_templates() -> dict[str, Template]:
    """Every template by the name of its source: what the layout of the same name lists, in its order.

    Raises:
        ValueError: a template has no purpose, or a purpose has no template.
    """
    titles = {name: title for name, layout in load_layouts().items() if (title := template_title(layout))}
    uses = load_hints().templates
    if differ := set(titles) ^ set(uses):
        raise ValueError(f"templates.yml и layouts/ расходятся: {sorted(differ)}")
    return {name: _template(load_layouts()[name], title) for name, title in titles.items()}


def _template(layout: Layout, title: str) -> Template:
    source, use = load_sources()[layout.source], load_hints().templates[layout.name]
    columns = {column.name: column for column in source.columns}
    one_of = {_person_of(name) for group in source.any_of for name in group}
    fields = []
    for name, mapped in layout.columns.items():
        required = name in use.asked or (name in columns and columns[name].required)
        need: Need = "required" if required else "one_of" if name in one_of else "optional"
        fields.append(_field(source.name, name, mapped.header[0], need, columns))
    return Template(source, title, use, tuple(fields))


def _person_of(name: str) -> str:
    return f"{PERSON}snils" if name == "person_key" else name


def _field(source: str, name: str, title: str, need: Need, columns: Mapping[str, Column]) -> Field:
    hints = load_hints()
    said = hints.people[name] if name.startswith(PERSON) else columns[name]
    kind: str = said.kind
    values = getattr(said, "values", None)
    if kind == "text" and values:
        kind = "suggestion"
    values = {"flag": YES_NO, "programme": PROGRAMMES}.get(kind, values)
    first = hints.earlier.get(name) or hints.earlier.get(f"{source}.{name}") or hints.dates.first
    return Field(name, title, kind, said.description, said.example, need, values, first, hints.dates.last)
