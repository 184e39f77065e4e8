"""Fingerprints of the marts: the same rows give the same one, whatever their order and whoever's server it is.

A fingerprint is made of sums over the rows. For marts that are kept by year the sums of each year are kept too, so that
a calculation reads the years that it has computed and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from ravenstvo.fingerprints import digest

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


# What a mart is made of: itself, or for a view the texts and the tables behind it. A table that a calculation builds
# anew is another table, whatever its name; one that is kept has other rows in the computed years only.
_MARTS = """
with recursive behind as (
    select relation.oid as mart, relation.oid as relation
    from pg_catalog.pg_class as relation
    where relation.relnamespace = 'marts'::regnamespace and relation.relkind in ('r', 'v', 'm', 'p')
    union
    select behind.mart, depend.refobjid
    from behind
    inner join pg_catalog.pg_rewrite as rule on behind.relation = rule.ev_class
    inner join pg_catalog.pg_depend as depend
        on
            depend.classid = 'pg_rewrite'::regclass
            and rule.oid = depend.objid
            and depend.refclassid = 'pg_class'::regclass
),

named as (
    select
        behind.mart,
        case when relation.relkind = 'v' then pg_get_viewdef(relation.oid) else relation.oid::text end as what
    from behind
    inner join pg_catalog.pg_class as relation on behind.relation = relation.oid
),

made_of as (
    select mart, string_agg(what, ' ' order by what collate "C") as made_of
    from named
    group by mart
)

select
    relation.relname,
    array_agg(attribute.attname::text order by attribute.attname::text collate "C"),
    bool_or(attribute.attname = 'year' and attribute.atttypid = 'int4'::regtype),
    made_of.made_of
from made_of
inner join pg_catalog.pg_class as relation on made_of.mart = relation.oid
inner join pg_catalog.pg_attribute as attribute on relation.oid = attribute.attrelid
where attribute.attnum > 0 and not attribute.attisdropped
group by relation.relname, made_of.made_of
order by relation.relname collate "C"
"""

# A sum does not depend on the order of its terms, so the table need not be sorted; in numeric it is exact. Rows are
# hashed as values, not as text, so that no setting of a server or a user matters; the two hashes of 64 bits differ in
# their seed. PostgreSQL keeps them the same from version to version, since rows of partitioned tables are placed by
# them. Read first and written after: a statement that writes is not worked on by several processes at once.
_SUMS = """
select
    {year}, count(*), sum(hash_record_extended(hashed_row, 0)), sum(hash_record_extended(hashed_row, 1))
from (select {columns} from marts.{mart} where {rows}) as hashed_row
group by 1
"""
_HASH = "select md5(concat_ws('|', %s, %s, %s::numeric, %s::numeric))"
_WHOLE = """
select
    count(*),
    md5(concat_ws(
        '|', {names}, count(*), sum(hash_record_extended(hashed_row, 0)), sum(hash_record_extended(hashed_row, 1))
    ))
from (select {columns} from marts.{mart} where {rows}) as hashed_row
"""
_KEEP = """
insert into ops.mart_year_hash (mart, made_of, year, n_rows, sum_0, sum_1) values %s
on conflict (mart, year) do update set
    made_of = excluded.made_of, n_rows = excluded.n_rows, sum_0 = excluded.sum_0, sum_1 = excluded.sum_1
"""

_Sums = tuple[int | None, int, Decimal, Decimal]  # year, rows, and the sums of their two hashes


@dataclass(frozen=True)
class _Mart:
    name: str
    columns: list[str]
    has_year: bool
    made_of: str


def expect_changes(cursor: Cursor, first: int, last: int) -> None:
    """Note the years that a calculation which has begun will write: if it dies, the next one hashes them anew."""
    cursor.execute("insert into ops.unhashed_year select generate_series(%s, %s) on conflict do nothing", (first, last))


def write(cursor: Cursor, calculation_id: str, first: int, last: int) -> None:
    """Write one fingerprint per mart, after a calculation of the years from the first to the last."""
    expect_changes(cursor, first, last)
    cursor.execute("select year from ops.unhashed_year")
    changed = [year for (year,) in cursor.fetchall()]
    cursor.execute(_MARTS)
    hashes: list[tuple[str, str, int, str]] = []
    for mart in (_mart(*row) for row in cursor.fetchall()):
        if mart.name in SERVICE_MARTS or not mart.columns:
            continue
        sums = _by_year(cursor, mart, changed) if mart.has_year else _read(cursor, mart, "null::int", "true")
        n_rows = sum(one[1] for one in sums)
        first_sum = sum((one[2] for one in sums), Decimal(0)) if sums else None
        second_sum = sum((one[3] for one in sums), Decimal(0)) if sums else None
        cursor.execute(_HASH, (",".join(mart.columns), n_rows, first_sum, second_sum))
        (found,) = cursor.fetchone() or ("",)
        hashes.append((calculation_id, mart.name, n_rows, found))
    if hashes:
        execute_values(cursor, "insert into ops.mart_hash (calculation_id, mart, n_rows, hash) values %s", hashes)
    cursor.execute("delete from ops.unhashed_year")


def queries(cursor: Cursor) -> dict[str, sql.Composable]:
    """For each mart a query that gives its number of rows and its fingerprint as it is now, read as a whole."""
    cursor.execute(_MARTS)
    marts = [_mart(*row) for row in cursor.fetchall()]
    return {
        mart.name: sql.SQL(_WHOLE).format(
            names=sql.Literal(",".join(mart.columns)),
            columns=sql.SQL(", ").join(map(sql.Identifier, mart.columns)),
            mart=sql.Identifier(mart.name),
            rows=sql.SQL(SERVICE_ROWS.get(mart.name, "true")),
        )
        for mart in marts
        if mart.name not in SERVICE_MARTS and mart.columns
    }


def read(cursor: Cursor) -> dict[str, tuple[int, str]]:
    """Rows and fingerprint of every mart as it is now, read as a whole."""
    hashes: dict[str, tuple[int, str]] = {}
    for mart, query in queries(cursor).items():
        cursor.execute(query)
        hashes[mart] = cursor.fetchone() or (0, "")
    return hashes


def _mart(name: str, columns: list[str], has_year: bool, made_of: str) -> _Mart:
    hashed = [column for column in columns if column not in SERVICE_COLUMNS]
    return _Mart(name, hashed, has_year, digest([made_of, *hashed]))


def _by_year(cursor: Cursor, mart: _Mart, changed: list[int]) -> list[_Sums]:
    """Sums of every year of a mart: those that are kept, and those of the years that may have changed."""
    cursor.execute(
        "select year, n_rows, sum_0, sum_1 from ops.mart_year_hash "
        "where mart = %s and made_of = %s and year <> all(%s)",
        (mart.name, mart.made_of, changed),
    )
    kept: list[_Sums] = cursor.fetchall()
    # Where one year is known, all that did not change are.
    rows = cursor.mogrify("year = any(%s) or year is null", (changed,)).decode() if kept else "true"
    fresh = _read(cursor, mart, "hashed_row.year", rows)
    cursor.execute(
        "delete from ops.mart_year_hash where mart = %s and (made_of <> %s or year is null or year = any(%s))",
        (mart.name, mart.made_of, changed),
    )
    if fresh:
        execute_values(cursor, _KEEP, [(mart.name, mart.made_of, *one) for one in fresh])
    return kept + fresh


def _read(cursor: Cursor, mart: _Mart, year: str, rows: str) -> list[_Sums]:
    statement = sql.SQL(_SUMS).format(
        year=sql.SQL(year),
        columns=sql.SQL(", ").join(map(sql.Identifier, mart.columns)),
        mart=sql.Identifier(mart.name),
        rows=sql.SQL("({}) and ({})").format(sql.SQL(SERVICE_ROWS.get(mart.name, "true")), sql.SQL(rows)),
    )
    cursor.execute(statement)
    return cursor.fetchall()
