"""Reading the star and writing estimates: frames in, COPY out."""

from __future__ import annotations

import io

import pandas as pd
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

_NULL = "\\N"
# The text of a row takes several times the memory of the row.
_ROWS_AT_ONCE = 50_000


def read(cursor: Cursor, statement: str, **values: object) -> pd.DataFrame:
    """Rows of a SELECT as a frame. Order them in the statement: sums of floats depend on it, and so do hashes."""
    cursor.execute(statement, values)
    names = [column.name for column in cursor.description or ()]
    return pd.DataFrame.from_records(cursor.fetchall(), columns=names)


def replace_year(cursor: Cursor, table: str, year: int, rows: pd.DataFrame) -> int:
    """Replace a year of ``core.<table>``; ``rows`` has its columns but ``year``. Returns the number of rows."""
    target = sql.Identifier("core", table)
    cursor.execute(sql.SQL("delete from {} where year = %s").format(target), (year,))
    if rows.empty:
        return 0
    columns = sql.SQL(", ").join(map(sql.Identifier, ["year", *rows.columns]))
    copy = sql.SQL("copy {} ({}) from stdin (format csv, null {})").format(target, columns, sql.Literal(_NULL))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows.iloc[start : start + _ROWS_AT_ONCE]
        text = io.StringIO()
        some.assign(year=year)[["year", *rows.columns]].to_csv(text, index=False, header=False, na_rep=_NULL)
        text.seek(0)
        cursor.copy_expert(copy.as_string(cursor), text)
    return len(rows)
