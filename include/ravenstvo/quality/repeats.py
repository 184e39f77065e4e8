"""Rows of one file that repeat each other: the first that nothing else rejects is loaded, the others are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from psycopg2 import sql
from psycopg2.extras import execute_values

from ravenstvo.quality.checks import check_table
from ravenstvo.quality.suites import Rule, Suite

FIRST = "first_row_no"
"""Column of a check table: number of the first row with the same key, null for that row itself."""
OVERLAPPED = "overlapped_rows"
"""Column of a check table: numbers of the earlier rows whose period this row's period meets, as «2, 5»; or null."""
_BETWEEN = ", "


class Repeat(NamedTuple):
    """A row that repeats another or is repeated, as the check table describes it before anything is rejected."""

    part_id: int
    row_no: int
    record_key: str
    first_row_no: int | None
    overlapped_rows: tuple[int, ...]
    is_rejected: bool
    """Whether a rule that looks at this row alone rejects it."""
    whole_id: int
    """The part that the row was sent in at first: a corrected row is compared with the other rows of that part."""


class Verdict(NamedTuple):
    """The loaded row with the same key, and the loaded rows whose periods meet this one's: neither for a right row."""

    loaded_row_no: int | None
    loaded_overlaps: tuple[int, ...]


def is_about_repeats(rule: Rule) -> bool:
    """Whether the rule compares a row with the other rows of its file."""
    return not {FIRST, OVERLAPPED}.isdisjoint(rule.tested_columns)


def verdicts(repeats: Iterable[Repeat]) -> Iterator[tuple[Repeat, Verdict]]:
    """Decide row by row, from the top of a file down, what each row repeats of that which is loaded.

    Rows come in the order of their numbers within a part. A row that is not loaded, whatever the reason, is in nobody's
    way: so no right row is lost to a wrong one.
    """
    loaded: dict[tuple[int, str, int], int] = {}
    rows: set[tuple[int, int]] = set()
    for repeat in repeats:
        key = (repeat.whole_id, repeat.record_key, repeat.first_row_no or repeat.row_no)
        same = loaded.get(key)
        verdict = Verdict(
            # A wide row that holds one record twice repeats no other row.
            None if same == repeat.row_no else same,
            tuple(row_no for row_no in repeat.overlapped_rows if (repeat.whole_id, row_no) in rows),
        )
        if not repeat.is_rejected and verdict == (None, ()):
            loaded.setdefault(key, repeat.row_no)
            rows.add((repeat.whole_id, repeat.row_no))
        yield repeat, verdict


def settle_repeats(cursor: Any, suite: Suite, part_ids: list[int]) -> None:
    """Make the check table name loaded rows only, once the findings of all other rules are inserted.

    A row whose earlier twins are all rejected repeats nothing any more.
    """
    tested = {column for rule in suite.expectations for column in rule.tested_columns} & {FIRST, OVERLAPPED}
    if not tested:
        return
    cursor.execute(_contested(suite, OVERLAPPED in tested), {"parts": part_ids})
    changed = []
    for part_id, row_no, record_key, first_row_no, overlapped_rows, is_rejected, whole_id in cursor.fetchall():
        overlapped = tuple(map(int, overlapped_rows.split(_BETWEEN))) if overlapped_rows else ()
        changed.append(Repeat(part_id, row_no, record_key, first_row_no, overlapped, is_rejected, whole_id))
    settled = [
        (*repeat[:3], verdict.loaded_row_no, _BETWEEN.join(map(str, verdict.loaded_overlaps)) or None)
        for repeat, verdict in verdicts(changed)
        if verdict != (repeat.first_row_no, repeat.overlapped_rows)
    ]
    columns = {FIRST: sql.SQL("first_row_no = said.loaded"), OVERLAPPED: sql.SQL("overlapped_rows = said.overlapped")}
    execute_values(
        cursor,
        sql.SQL(
            """
            update {table} as checked set {columns}
            from (values %s) as said (part_id, row_no, record_key, loaded, overlapped)
            where checked.part_id = said.part_id and checked.row_no = said.row_no
                and checked.record_key = said.record_key
            """
        ).format(
            table=sql.SQL(check_table(suite.name)), columns=sql.SQL(", ").join(columns[name] for name in sorted(tested))
        ),
        settled,
        template="(%s::bigint, %s::integer, %s, %s::integer, %s::text)",
        page_size=10_000,
    )


def _contested(suite: Suite, has_periods: bool) -> sql.Composable:
    """SELECT of the rows about which anything may change: not many, since most keys keep their first row.

    Where periods meet, one row decides about another and that about a third one: all rows are looked at.
    """
    return sql.SQL(
        """
        with rejected as (
            select distinct part_id, row_no, record_key, coalesce(part.corrects, part_id) as whole_id
            from ops.row_finding inner join ops.source_part as part using (part_id)
            where part_id = any(%(parts)s) and severity = 'critical'
        ),
        without_first as (
            select distinct checked.whole_id, checked.record_key, checked.first_row_no
            from {table} as checked
            inner join rejected
                on rejected.whole_id = checked.whole_id and rejected.record_key = checked.record_key
                    and rejected.row_no = checked.first_row_no
        )
        select
            checked.part_id, checked.row_no, checked.record_key, checked.first_row_no, {overlapped},
            rejected.row_no is not null, checked.whole_id
        from {table} as checked
        left join rejected using (part_id, row_no, record_key)
        where {all_rows}
            or (checked.whole_id, checked.record_key, coalesce(checked.first_row_no, checked.row_no)) in (
                select whole_id, record_key, first_row_no from without_first
            )
        order by checked.whole_id, checked.row_no, checked.record_key
        """
    ).format(
        table=sql.SQL(check_table(suite.name)),
        overlapped=sql.SQL("checked.overlapped_rows" if has_periods else "null"),
        all_rows=sql.Literal(has_periods),
    )
