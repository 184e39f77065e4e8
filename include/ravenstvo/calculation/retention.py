"""Forget calculations that nobody can ask for any more: the books grow by some thousand rows with each of them.

Kept for ever: every calculation that a list was approved on, and those that corrected its files since. Kept besides:
the latest done ones of every year (a later run is compared with them, a year's fingerprint is theirs), the latest that
failed, those whose verdicts are kept (``histories_kept``), and what any of these was compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from ravenstvo.calculation.lifecycle import turn
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

_KEPT = """
create temporary table kept on commit drop as
with
of_year as (
    select
        calculation_id,
        row_number() over (partition by computed.year order by finished_at desc, calculation_id desc) as place
    from ops.calculation, unnest(years) as computed (year)
    where status = 'done'
),
not_done as (
    select
        calculation_id,
        row_number() over (partition by year order by started_at desc, calculation_id desc) as place
    from ops.calculation
    where status not in ('done', 'running')
)
select calculation_id from of_year where place <= %(kept)s
union select calculation_id from not_done where place <= %(kept)s
union select calculation_id from ops.calculation where status = 'running'
union select calculation_id from ops.publication
union select calculation_id from core.history_identification
-- What became of the files since a list in force was approved is told beside it.
union
select correction.calculation_id
from ops.correction as correction
inner join ops.calculation as done using (calculation_id)
inner join ops.publication as published
    on published.superseded_by is null and (correction.year is null or correction.year <= published.year)
inner join ops.calculation as approved on published.calculation_id = approved.calculation_id
where done.finished_at > approved.finished_at
"""
_BASES = """
create temporary table needed on commit drop as
select calculation_id from kept
union
select base.base_calculation_id from ops.calculation_base as base inner join kept using (calculation_id)
union
select correction.base_calculation_id from ops.correction as correction inner join kept using (calculation_id)
"""
# What is kept only to be compared with need not itself be compared with anything.
_COMPARISONS = """
delete from {table} as compared
where not exists (select from needed where needed.calculation_id = compared.base_calculation_id)
"""
_OWN_ROWS = """
delete from {table} as own where not exists (select from needed where needed.calculation_id = own.calculation_id)
"""
# A result is superseded when the same rule was checked later on all of its parts. The last ones stay, however old.
_RESULTS = """
delete from ops.expectation_result as old
using (
    select source, validated_at, dense_rank() over (partition by source order by validated_at desc) as place
    from (select distinct source, validated_at from ops.expectation_result) as run
) as run
where run.source = old.source and run.validated_at = old.validated_at and run.place > %(kept)s
    and exists (
        select from ops.expectation_result as later
        where later.source = old.source and later.suite = old.suite and later.expectation_id = old.expectation_id
            and later.validated_at > old.validated_at and later.part_ids @> old.part_ids
    )
"""


@dataclass(frozen=True)
class Forgotten:
    """How many calculations, and results of checks, were removed."""

    n_calculations: int
    n_results: int


def forget_old(settings: Settings) -> Forgotten:
    """Remove them within one transaction. Raises CalculationError while a stage of a calculation runs."""
    with turn(settings), connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(_KEPT, {"kept": settings.calculations_kept})
        cursor.execute(_BASES)
        for table in ("ops.calculation_base", "ops.correction"):
            cursor.execute(_COMPARISONS.format(table=table))
        for table in ("ops.dbt_node_result", "ops.stage_time"):
            cursor.execute(_OWN_ROWS.format(table=table))
        n_calculations = _removed(cursor, _OWN_ROWS.format(table="ops.calculation"))
        cursor.execute(_RESULTS, {"kept": settings.calculations_kept})
        return Forgotten(n_calculations, cursor.rowcount)


def _removed(cursor: Cursor, statement: str) -> int:
    cursor.execute(statement)
    return cursor.rowcount
