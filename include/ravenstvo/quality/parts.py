"""Which parts of files wait for validation, and what validation writes about them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ravenstvo.quality.checks.described import referred
from ravenstvo.reference import YEARS_BACK
from ravenstvo.sources import Source, load_sources

REGISTERS = ("ate", "municipality", "school", "school_login", "school_context", "event")
"""Sources that others are compared with, in the order in which they need each other."""

_SCHOOL_REGISTERS = ("school", "school_login", "school_context")
_COMPARED_WITH_SCHOOLS = (
    "vpr_result",
    "vpr_school_summary",
    "ege_result",
    "oge_result",
    "appeal",
    "regional_monitoring",
    "ege_school_summary",
)


class Pending(NamedTuple):
    """A source with parts that wait for validation."""

    source: str
    part_ids: list[int]
    """Those that wait, and what is checked together with them."""


def pending_sources(cursor: Any) -> list[Pending]:
    """What can be validated now: one register, as long as there is any; then all other sources, largest first.

    A register's rejected rows must be known before anything is compared with it. Empty when everything is validated.
    """
    cursor.execute(
        """
        select source, array_agg(part_id order by part_id)
        from ops.source_part where status = 'landed' and source is not null and validated_at is null
        group by source order by array_position(%s, source), sum(n_rows_landed) desc nulls last, source
        """,
        (list(REGISTERS),),
    )
    found = cursor.fetchall()
    if found and found[0][0] in REGISTERS:
        found = found[:1]
    return [Pending(source, _with_corrections(cursor, part_ids)) for source, part_ids in found]


def versions_of(cursor: Any, part_ids: list[int], lock: bool = False) -> dict[int, str]:
    """Which version of its row in ``ops.source_part`` each part has: another one when anything was noted of it since.

    Locked, nothing is noted until the end of the transaction.
    """
    how = " for update" if lock else ""
    cursor.execute(
        f"select part_id, xmin::text from ops.source_part where part_id = any(%s) order by part_id{how}", (part_ids,)
    )
    return dict(cursor.fetchall())


def _with_corrections(cursor: Any, part_ids: list[int]) -> list[int]:
    """The parts, with all that are checked together with them: a part and the parts that hold corrected rows of it."""
    cursor.execute(
        """
        select part_id from ops.source_part
        where part_id = any(%(parts)s) or status = 'landed' and coalesce(corrects, part_id) in (
            select coalesce(corrects, part_id) from ops.source_part where part_id = any(%(parts)s)
        )
        order by part_id
        """,
        {"parts": part_ids},
    )
    return [part_id for (part_id,) in cursor.fetchall()]


def make_results_due(cursor: Any, source: str, part_ids: list[int]) -> None:
    """After a register that others are compared with: what it knows has changed, so what is in force is due again.

    A register of a year concerns the results of that year and of those that rest on it: no other year is calculated
    because of it. In the register's own transaction, so that a kill in between cannot lose it.
    """
    if due := compared_with(source):
        cursor.execute(
            """
            update ops.source_part as due set validated_at = null
            where due.in_force and due.source = any(%(due)s) and exists (
                select from ops.source_part as register
                where register.part_id = any(%(parts)s) and (
                    register.year is null or due.year is null
                    or due.year between register.year and register.year + %(years_back)s
                )
            )
            """,
            {"due": due, "parts": part_ids, "years_back": YEARS_BACK},
        )


def compared_with(register: str) -> list[str]:
    """Sources whose rows are accepted or not by what this register holds: their documents say which columns refer.

    No register is among them: two that refer to each other would be due for ever.
    """
    due = {other.name for other in load_sources().values() if other.name not in REGISTERS and _refers(other, register)}
    return sorted(due | set(_COMPARED_WITH_SCHOOLS if register in _SCHOOL_REGISTERS else ()))


def _refers(source: Source, register: str) -> bool:
    for column in source.columns:
        if column.kind == "school" and register in _SCHOOL_REGISTERS:
            return True
        if column.kind == "municipality" and register == "municipality":
            return True
        if (other := referred(source, column)) and other.name == register:
            return True
    return False


def make_all_due_after_new_rules(cursor: Any, fingerprint: str) -> None:
    """When suites or reference data are not those of the last validation, every landed part is due again."""
    cursor.execute(
        """
        insert into ops.setting (name, value) values ('validation_rules', %s)
        on conflict (name) do update set value = excluded.value where setting.value <> excluded.value
        returning 1
        """,
        (fingerprint,),
    )
    if cursor.fetchone():
        cursor.execute("update ops.source_part set validated_at = null where status = 'landed'")


def forget_findings(cursor: Any, part_ids: list[int]) -> None:
    """Drop what an earlier validation said of the parts."""
    cursor.execute("delete from ops.row_finding where part_id = any(%s)", (part_ids,))


def count_rows(cursor: Any, check_table: str, part_ids: list[int]) -> dict[str, int]:
    """Write the parts' counts and mark them as validated.

    Counts are sheet rows: a row is rejected when all of its records are, and counts as one with a warning when it is
    accepted and one of its accepted records has a warning.

    Returns n_rows, n_accepted, n_rejected, n_warnings over the parts.
    """
    cursor.execute(
        f"""
        with critical as (
            select distinct part_id, row_no, record_key from ops.row_finding
            where part_id = any(%(parts)s) and severity = 'critical'
        ),
        touched as (
            -- Only rows with a rejected record need their records counted.
            select checked.part_id, checked.row_no, count(*) as n_records, count(critical.row_no) as n_rejected
            from {check_table} as checked
            left join critical using (part_id, row_no, record_key)
            where (checked.part_id, checked.row_no) in (select part_id, row_no from critical)
            group by checked.part_id, checked.row_no
        ),
        rejected as (
            select part_id, count(*) as n from touched where n_records = n_rejected group by part_id
        ),
        warned as (
            select finding.part_id, count(distinct finding.row_no) as n
            from ops.row_finding as finding
            left join critical using (part_id, row_no, record_key)
            where finding.part_id = any(%(parts)s) and finding.severity = 'warning' and critical.row_no is null
            group by finding.part_id
        )
        update ops.source_part as part set
            n_rows_rejected = coalesce(rejected.n, 0),
            n_rows_accepted = part.n_rows_landed - coalesce(rejected.n, 0),
            n_warnings = coalesce(warned.n, 0),
            validated_at = noted.at
        from ops.source_part as same
        cross join (select ops.moment() as at) as noted
        left join rejected on rejected.part_id = same.part_id
        left join warned on warned.part_id = same.part_id
        where same.part_id = part.part_id and part.part_id = any(%(parts)s)
        returning part.n_rows_landed, part.n_rows_accepted, part.n_rows_rejected, part.n_warnings
        """,
        {"parts": part_ids},
    )
    sums = [sum(column) for column in zip(*cursor.fetchall(), strict=True)]
    return dict(zip(("n_rows", "n_accepted", "n_rejected", "n_warnings"), sums, strict=True))
