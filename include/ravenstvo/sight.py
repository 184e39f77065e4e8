"""Which rows of a mart a municipality sees: one rule for the dashboards and for the database itself.

A mart's document says it in ``meta.audience``: ``open`` all rows, ``region`` the rows that name the municipality and
those of the whole region, ``school`` the rows of its schools by school_id, ``closed`` none; without one, the rows that
name the municipality, and none where no column does.
"""

from __future__ import annotations

from collections.abc import Container

_BY = "region by "
# How the rows of the whole region are found where a municipality sees them beside its own: by a column that says of
# what a row is; else by what it does not name, so that a school of no known municipality does not pass for the region.
_REGION = {
    "area_kind": "area_kind = 'region'",
    "territory_kind": "territory_kind = 'region'",
    "school_id": "(municipality_code is null and school_id is null)",
    "municipality_code": "municipality_code is null",
}
OPEN, CLOSED = "open", "closed"
# How a municipality's rows are found where it sees some of them.
WAYS = ("code", "name", "school", *(_BY + column for column in _REGION))


def sight(audience: str, columns: Container[str]) -> str:
    """How a municipality's rows of a mart are found: one of ``WAYS``, or ``open`` or ``closed``."""
    if audience == "region":
        return _BY + next(column for column in _REGION if column in columns)
    if audience:
        return audience
    if "municipality_code" in columns:
        return "code"
    return "name" if "municipality_name" in columns else CLOSED


def condition(way: str, code: str, name: str, schools: str) -> str:
    """The rows of one municipality as SQL; ``code`` and ``name`` are expressions, ``schools`` a query of school_id."""
    if way == "code":
        return f"municipality_code = {code}"
    if way == "name":
        return f"municipality_name = {name}"
    if way.startswith(_BY):
        return f"(municipality_code = {code} or {_REGION[way.removeprefix(_BY)]})"
    return f"school_id in ({schools})"


def database_rule(way: str) -> str:
    """The rows that whoever asks the database sees, by its own user: SQL, empty where it may not read the mart at all.

    Plain comparisons with what is looked up once a query: a rule is tried on every row.
    """
    if way in (OPEN, CLOSED):
        return "true" if way == OPEN else ""
    return condition(
        way,
        code="(select municipality_code from ops.reader_scope)",
        name="(select ops.own_municipality_name())",
        schools="select ops.own_schools()",
    )
