"""What a calculation leaves behind: what it rested on, the fingerprints of its marts, and its verdicts.

A correction that comes later makes another calculation, which is compared with the one recorded here.
"""

from __future__ import annotations

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from ravenstvo.calculation.inputs import YEARS_BACK

# Columns that say which run made a row or who decided, not what was computed; and what each home has of its own:
# numbers of files and parts follow the order of loading, pseudonyms the secret key of the home.
SERVICE_COLUMNS = frozenset(
    {
        "calculation_id",
        "base_calculation_id",
        "file_id",
        "part_id",
        "person_key",
        "person_id",
        "decided_status",
        "decided_by",
        "decided_at",
        "decision_document",
    }
)
# Marts that tell of calculations and approvals: they differ whenever a calculation is repeated or a list approved. And
# the one that tells when files came, not what they say.
SERVICE_MARTS = frozenset(
    {
        "mart_calculation",
        "mart_calculation_hash",
        "mart_identification_published",
        "mart_membership_proposal",
        "mart_source_delivery",
        "mart_source_file",
    }
)
# Rows that compare two calculations depend on which of them a warehouse happens to hold.
SERVICE_ROWS = {"mart_identification_change": "comparison <> 'calculation'"}

_COLUMNS = """
select relation.relname, array_agg(attribute.attname::text order by attribute.attname::text collate "C")
from pg_catalog.pg_class as relation
inner join pg_catalog.pg_namespace as namespace on relation.relnamespace = namespace.oid
inner join pg_catalog.pg_attribute as attribute on relation.oid = attribute.attrelid
where namespace.nspname = 'marts' and relation.relkind in ('r', 'v', 'm', 'p')
    and attribute.attnum > 0 and not attribute.attisdropped
group by relation.relname
order by relation.relname collate "C"
"""

# A sum does not depend on the order of its terms, so the table need not be sorted; in numeric it is exact. Rows are
# hashed as values, not as text, so that no setting of a server or a user matters; the two hashes of 64 bits differ in
# their seed. PostgreSQL keeps them the same from version to version, since rows of partitioned tables are placed by
# them. Read first and written after: a statement that writes is not worked on by several processes at once.
_HASH = """
select
    count(*),
    md5(concat_ws(
        '|', {names}, count(*), sum(hash_record_extended(hashed_row, 0)), sum(hash_record_extended(hashed_row, 1))
    ))
from (select {columns} from marts.{mart} where {rows}) as hashed_row
"""

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
    from (select distinct calculation_id, year from core.history_identification) as history
    inner join ops.calculation as calculation using (calculation_id)
    where not exists (
        select 1 from ops.publication as published
        where published.calculation_id = history.calculation_id and published.year = history.year
    )
) as unpublished
where place > %s
"""


def record_begin(cursor: Cursor, calculation_id: str, years: list[int]) -> None:
    """Note the parts of files in force and, year by year, the calculation that this one will be compared with.

    Every year from the first to the last of ``years`` is computed, since a year rests on those before it.
    """
    scope = {"calculation": calculation_id, "first": min(years), "last": max(years), "years_back": YEARS_BACK}
    cursor.execute(_INPUTS, scope)
    cursor.execute(_BASE, scope)


def record_end(cursor: Cursor, calculation_id: str, years: list[int], histories_kept: int) -> None:
    """Keep the verdicts of the years computed and the fingerprints of all marts, within the caller's transaction.

    Verdicts of unpublished calculations beyond the latest ``histories_kept`` of a year are forgotten.
    """
    scope = {"calculation": calculation_id, "first": min(years), "last": max(years)}
    cursor.execute("select to_regclass('marts.mart_identification') is not null")
    if cursor.fetchone() == (True,):
        cursor.execute(_HISTORY, scope)
        cursor.execute(_HISTORY_EVIDENCE, scope)
    _forget_outdated(cursor, histories_kept)
    _hash_marts(cursor, calculation_id)


def _forget_outdated(cursor: Cursor, kept: int) -> None:
    cursor.execute(_OUTDATED, (kept,))
    for table in ("history_identification", "history_evidence"):
        statement = sql.SQL(
            "delete from {} as history using outdated "
            "where history.calculation_id = outdated.calculation_id and history.year = outdated.year"
        )
        cursor.execute(statement.format(sql.Identifier("core", table)))


def mart_queries(cursor: Cursor) -> dict[str, sql.Composable]:
    """For each mart a query that gives its number of rows and its fingerprint.

    The same rows give the same one, whatever their order and whoever's server it is.
    """
    cursor.execute(_COLUMNS)
    queries: dict[str, sql.Composable] = {}
    for mart, columns in cursor.fetchall():
        hashed = [column for column in columns if column not in SERVICE_COLUMNS]
        if mart in SERVICE_MARTS or not hashed:
            continue
        queries[mart] = sql.SQL(_HASH).format(
            names=sql.Literal(",".join(hashed)),
            columns=sql.SQL(", ").join(map(sql.Identifier, hashed)),
            mart=sql.Identifier(mart),
            rows=sql.SQL(SERVICE_ROWS.get(mart, "true")),
        )
    return queries


def mart_hashes(cursor: Cursor) -> dict[str, tuple[int, str]]:
    """Rows and fingerprint of every mart as it is now."""
    hashes: dict[str, tuple[int, str]] = {}
    for mart, query in mart_queries(cursor).items():
        cursor.execute(query)
        hashes[mart] = cursor.fetchone() or (0, "")
    return hashes


def _hash_marts(cursor: Cursor, calculation_id: str) -> None:
    hashes = [(calculation_id, mart, n_rows, found) for mart, (n_rows, found) in mart_hashes(cursor).items()]
    if hashes:
        execute_values(cursor, "insert into ops.mart_hash (calculation_id, mart, n_rows, hash) values %s", hashes)
