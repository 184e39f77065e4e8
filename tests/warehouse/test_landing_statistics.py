"""What the planner knows of landing."""

from __future__ import annotations

import re

from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse.connection import connect


def _as_staging_reads(column: str) -> str:
    """The condition of staging's macro for whole numbers, of PostgreSQL."""
    macros = (PROJECT_ROOT / "dbt_project" / "macros" / "casts.sql").read_text(encoding="utf-8")
    found = re.search(r"macro postgres__safe_int\(x\) -%}\s*(.*?)\s*{%- endmacro", macros, re.S)
    assert found is not None
    return found[1].replace("{{ x }}", column)


def test_the_rows_of_a_year_are_foreseen(migrated: Settings) -> None:
    with connect(migrated) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into landing.vpr_result (file_id, part_id, row_no, year) "
            "select 1, n % 4, n, (2019 + n % 4)::text from generate_series(1, 4000) as n"
        )
        cursor.execute("analyze landing.vpr_result")
        cursor.execute(f"explain (format json) select from landing.vpr_result where {_as_staging_reads('year')} = 2021")
        (plan,) = cursor.fetchone() or ()
        foreseen = plan[0]["Plan"]["Plan Rows"]
        connection.rollback()
    assert 900 <= foreseen <= 1100
