"""What a calculation leaves behind: what it rested on, the fingerprints of its marts, and its verdicts.

A correction that comes later makes another calculation, which is compared with the one recorded here.
"""

from __future__ import annotations

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ravenstvo.calculation import mart_hashes
from ravenstvo.reference import YEARS_BACK

_INPUTS = """
insert into ops.calculation_input (calculation_id, year, part_id)
select %(calculation)s, year, part_id
from ops.source_part
where in_force and status = 'landed' and (year is null or year between %(first)s - %(years_back)s and %(last)s)
"""

# The approved list is what a new calculation is compared with; without one, the last calculation of the year.
_BASE = """
insert into ops.calculation_base (calculation_id, year, base_calculation_id, is_published)
select distinct on (history.year)
    %(calculation)s, history.year, calculation.calculation_id, publication.calculation_id is not null
from (
    select distinct calculation_id, year from core.history_identification where year between %(first)s and %(last)s
) as history
inner join ops.calculation as calculation using (calculation_id)
left join ops.publication as publication
    on
        history.calculation_id = publication.calculation_id
        and history.year = publication.year
        and publication.superseded_by is null
where calculation.status = 'done'
order by
    history.year,
    publication.approved_at desc nulls last,
    calculation.finished_at desc,
    calculation.calculation_id desc
"""

_HISTORY = """
insert into core.history_identification (
    calculation_id, year, school_id, method_code, method_version, is_low_results, is_adverse_context, status,
    n_procedures, n_low_procedures, low_procedures, n_participants_total, evidence_grade, probability_low, is_fragile,
    years_identified
)
select
    %(calculation)s, year, school_id, method_code, method_version, is_low_results, is_adverse_context, status,
    n_procedures, n_low_procedures, low_procedures, n_participants_total, evidence_grade, probability_low, is_fragile,
    years_identified
from marts.mart_identification
where year between %(first)s and %(last)s
"""
_HISTORY_EVIDENCE = """
insert into core.history_evidence (
    calculation_id, year, school_id, method_code, method_version, procedure_code, n_participants, n_below_min, is_low,
    is_low_last_year
)
select
    %(calculation)s, year, school_id, method_code, method_version, procedure_code, n_participants, n_below_min, is_low,
    is_low_last_year
from marts.mart_identification_evidence
where year between %(first)s and %(last)s
"""

# Never those that a list was approved on, whether that list is still in force or not.
_OUTDATED = """
create temporary table outdated on commit drop as
select calculation_id, year
from (
    select
        history.calculation_id,
        history.year,
        row_number() over (
            partition by history.year order by calculation.finished_at desc nulls last, calculation_id desc
        ) as place
    from (
        select distinct calculation_id, year from core.history_identification where year between %(first)s and %(last)s
    ) as history
    inner join ops.calculation as calculation using (calculation_id)
    where not exists (
        select 1 from ops.publication as published
        where published.calculation_id = history.calculation_id and published.year = history.year
    )
) as unpublished
where place > %(kept)s
"""


def record_begin(cursor: Cursor, calculation_id: str, years: list[int]) -> None:
    """Note the parts of files in force and, year by year, the calculation that this one will be compared with.

    Every year from the first to the last of ``years`` is computed, since a year rests on those before it.
    """
    scope = {"calculation": calculation_id, "first": min(years), "last": max(years), "years_back": YEARS_BACK}
    cursor.execute(_INPUTS, scope)
    cursor.execute(_BASE, scope)
    mart_hashes.expect_changes(cursor, min(years), max(years))


def record_end(cursor: Cursor, calculation_id: str, years: list[int], histories_kept: int) -> None:
    """Keep the verdicts of the years computed and the fingerprints of all marts, within the caller's transaction.

    Verdicts of unpublished calculations beyond the latest ``histories_kept`` of a year are forgotten.
    """
    scope = {"calculation": calculation_id, "first": min(years), "last": max(years)}
    cursor.execute("select to_regclass('marts.mart_identification') is not null")
    if cursor.fetchone() == (True,):
        cursor.execute(_HISTORY, scope)
        cursor.execute(_HISTORY_EVIDENCE, scope)
    cursor.execute(_OUTDATED, scope | {"kept": histories_kept})
    for table in ("history_identification", "history_evidence"):
        statement = sql.SQL(
            "delete from {} as history using outdated "
            "where history.calculation_id = outdated.calculation_id and history.year = outdated.year"
        )
        cursor.execute(statement.format(sql.Identifier("core", table)))
    mart_hashes.write(cursor, calculation_id, min(years), max(years))
