"""Fingerprints of what a year's results rest on: data in force, seeds, models, program."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

import ravenstvo
from ravenstvo.fingerprints import digest, files_digest
from ravenstvo.reference import YEARS_BACK, first_programme_year

# In force: what the parts are, not when they came. Load order and part numbers must not matter.
_PARTS = """
select
  part.year,
  concat_ws(
    '|', part.source, part.layout, part.content_key, part.scope_kind, part.scope_key,
    file.sha256, file.region_code, part.sheet, part.block_no,
    (
      select md5(string_agg(school_key, ',' order by school_key))
      from ops.superseded_school as superseded
      where superseded.part_id = part.part_id
    )
  ) as identity
from ops.source_part as part
inner join ops.source_file as file using (file_id)
where part.in_force and part.status = 'landed'
order by identity
"""


# What people decided about keys of schools, in force: for the years in whose files the keys stand.
_DECISIONS = """
select unnest(coalesce(years, array[null::int])), identity
from (
  select distinct on (key_kind, school_key, municipality)
    years, decision, concat_ws('|', 'decision', key_kind, school_key, municipality, decision, target_key) as identity
  from ops.school_decision
  order by key_kind, school_key, municipality, decision_id desc
) as decided
where decision <> 'undone'
order by identity
"""


# The years in which schools take part in programmes. Rows have not been checked yet: what is no date is no year.
_MEMBER_YEARS = """
select min(substring(landed.included_from from '^([0-9]{4})-[0-9]{2}-[0-9]{2}$')::int)
from landing.membership as landed
inner join ops.source_part as part using (part_id)
where part.in_force and substring(landed.included_from from '^([0-9]{4})-')::int >= %s
"""


def data_hashes(cursor: Cursor, campaign: int | None = None) -> dict[int, str]:
    """Fingerprint of the data of each year: its own parts, those of the years before, and registers without a year.

    Decisions on keys of schools count as data of the years in which the keys stand.

    The campaign year has one as soon as any data of it or before, or any register, has come; so has every year since
    the first school joined a programme, whether or not results of it came.
    """
    cursor.execute(_PARTS)
    parts: list[tuple[int | None, str]] = cursor.fetchall()
    cursor.execute(_DECISIONS)
    decisions: list[tuple[int | None, str]] = cursor.fetchall()
    years = {year for year, _ in parts if year is not None}
    if campaign is not None and any(year is None or year <= campaign for year, _ in parts):
        years.add(campaign)
    years |= _member_years(cursor, max(years, default=None))
    return {
        year: digest(
            identity
            for part_year, identity in [*parts, *decisions]
            if part_year is None or year - YEARS_BACK <= part_year <= year
        )
        for year in sorted(years)
    }


def _member_years(cursor: Cursor, last: int | None) -> set[int]:
    cursor.execute(_MEMBER_YEARS, (first_programme_year(),))
    row = cursor.fetchone()
    first = row[0] if row else None
    return set() if first is None or last is None else set(range(first, last + 1))


def seeds_hash(project_root: Path) -> str:
    """Fingerprint of the reference data."""
    return files_digest(project_root, ["dbt_project/seeds/**/*"])


def code_version(project_root: Path) -> str:
    """Program version and fingerprint of the models, the estimates and what rejects rows, such as ``0.1.0+3f2a…``."""
    patterns = [f"dbt_project/{name}" for name in ("*.yml", "models/**/*", "macros/**/*", "tests/**/*")]
    patterns += ["expectations/*", "include/ravenstvo/quality/checks/*.sql", "include/ravenstvo/estimates/**/*.py"]
    return f"{ravenstvo.__version__}+{files_digest(project_root, patterns)[:16]}"


def year_hash(data: str, seeds: str, code: str, key_version: int = 1) -> str:
    """One fingerprint of all that a year's results rest on: a new key of the pseudonyms makes them all over."""
    return digest([data, seeds, code, *([f"key {key_version}"] if key_version > 1 else [])])


def libraries() -> dict[str, str]:
    """Versions of the libraries whose arithmetic the results pass through."""
    return {name: importlib.metadata.version(name) for name in ("dbt-postgres", "numpy", "pandas", "scipy")}
