"""Which tables the estimates read: found in their own SELECT statements, so that a new one is not forgotten."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

from openlineage_sql import parse

from ravenstvo import estimates

_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_VALUE = re.compile(r"%\(\w+\)s")


def tables_read() -> list[str]:
    """Names ``schema.table``, sorted."""
    found: set[str] = set()
    for statement in _statements():
        parsed = parse([_VALUE.sub("0", statement)], dialect="postgres")
        found.update(table.qualified_name for table in parsed.in_tables if table.schema)
    return sorted(found)


def _statements() -> Iterator[str]:
    for module in pkgutil.walk_packages(estimates.__path__, f"{estimates.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, str) and _SELECT.match(value):
                yield value
