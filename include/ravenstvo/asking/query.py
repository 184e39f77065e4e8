"""Any SELECT, as CSV."""

from __future__ import annotations

from typing import TextIO

from psycopg2.extensions import connection as Connection


def query(connection: Connection, statement: str, output: TextIO) -> None:
    """Write the rows of a SELECT as CSV with a header line; the transaction may not write.

    Names without a schema are looked for in ``marts``.
    """
    connection.set_session(readonly=True)
    with connection.cursor() as cursor:
        cursor.execute("set local search_path = marts")
        cursor.copy_expert(f"copy ({statement.strip().rstrip(';')}) to stdout (format csv, header)", output)
