"""Lists that people choose from in templates, read from the dbt seeds; no database is needed."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ravenstvo.errors import ToldError
from ravenstvo.publishing.template_fields import PROGRAMMES


class TemplateError(ToldError):
    """Templates cannot be written: said in Russian, with what to do."""


@dataclass(frozen=True)
class Choice:
    """A list to choose from.

    ``values`` are what the drop-down offers; ``told`` is how the instruction names them; ``example`` is one of them.
    """

    values: tuple[str, ...]
    told: tuple[str, ...]
    example: str


def load_choices(names: Iterable[str], seeds: Path) -> dict[str, Choice]:
    """Read the named lists.

    Args:
        names: names of lists of ``value_list.csv``, and ``programme`` for the programmes.
        seeds: folder of the dbt seeds.

    Raises:
        TemplateError: a seed or a list in it is missing; all that are missing are named.
    """
    wanted = set(names)
    choices = {
        name: Choice(values, values, values[0]) for name, values in _value_lists(seeds).items() if name in wanted
    }
    if PROGRAMMES in wanted and (programmes := _programmes(seeds)):
        choices[PROGRAMMES] = programmes
    if lacking := sorted(wanted - set(choices)):
        places = [f"{name} ({'programme' if name == PROGRAMMES else 'value_list'}.csv)" for name in lacking]
        raise TemplateError(f"в справочниках {seeds} нет списков: {', '.join(places)}. Шаблоны не записаны")
    return choices


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _value_lists(seeds: Path) -> dict[str, tuple[str, ...]]:
    """List → its values, each once, in the order of the seed."""
    found: dict[str, dict[str, None]] = {}
    for row in _rows(seeds / "value_list.csv"):
        found.setdefault(row["list_name"], {})[row["value"]] = None
    return {name: tuple(values) for name, values in found.items()}


def _programmes(seeds: Path) -> Choice | None:
    """Short titles for people, codes for those who know them; the instruction says which title a code has."""
    rows = _rows(seeds / "programme.csv")
    if not rows:
        return None
    codes = [row["programme_code"] for row in rows]
    titles = [row["short_title"] or row["title"] for row in rows]
    told = tuple(f"{title} ({code})" for title, code in zip(titles, codes, strict=True))
    return Choice(tuple(dict.fromkeys([*titles, *codes])), told, codes[0])
