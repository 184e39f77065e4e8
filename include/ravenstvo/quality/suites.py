"""The suites as plain data: what the SQL around Great Expectations needs to know of them."""

from __future__ import annotations

import json
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Meta(BaseModel):
    """What a person reads: which column, what is wrong (``{column}`` stands for the row's value), what to do.

    ``value`` names the column of the check table whose value is reported, where it is not ``column``; an empty
    string reports none. ``value_list`` names the list whose nearest spelling the advice suggests.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    column: str
    message: str
    advice: str
    value: str | None = None
    value_list: str | None = None

    @property
    def value_column(self) -> str:
        """Column of the check table that holds the reported value."""
        return self.column if self.value is None else self.value


class Rule(BaseModel):
    """One expectation of a suite document."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: str
    kwargs: dict[str, Any]
    severity: Literal["critical", "warning"]
    description: str
    meta: Meta

    @property
    def tested_columns(self) -> list[str]:
        """Columns that the expectation itself looks at, in the order in which GX selects them."""
        if "column_list" in self.kwargs:
            return list(self.kwargs["column_list"])
        return [self.kwargs[name] for name in ("column", "column_A", "column_B") if name in self.kwargs]

    @property
    def quoted_columns(self) -> set[str]:
        """Columns that the message names or the finding reports."""
        named = {name for _, name, _, _ in Formatter().parse(self.meta.message) if name}
        return named | ({self.meta.value_column} if self.meta.value_column else set())


class Suite(BaseModel):
    """One suite document, with the document itself as Great Expectations reads it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    expectations: tuple[Rule, ...]
    document: dict[str, Any]

    @property
    def quoted_columns(self) -> list[str]:
        """Every column that a finding of this suite may quote, sorted."""
        return sorted(set().union(*(rule.quoted_columns for rule in self.expectations)))


def load_suite(folder: Path, source: str) -> Suite:
    """Read ``<folder>/<source>.json``.

    Raises ValueError when the document is named otherwise or uses one expectation id twice.
    """
    path = folder / f"{source}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    suite = Suite.model_validate({**document, "document": document})
    if suite.name != source:
        raise ValueError(f"{path.name}: the suite is named {suite.name!r}")
    ids = [rule.meta.id for rule in suite.expectations]
    if len(set(ids)) != len(ids):
        raise ValueError(f"{path.name}: an expectation id is used twice")
    return suite
