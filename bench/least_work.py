"""The least work with an inbox of ``bench/files.py``: parse in two processes, COPY, hand-written SQL.

    python bench/least_work.py INBOX [--csv FOLDER]

It computes the counts of ``fct_school_procedure`` and which of them are low, with the marks by the scales of the
project's reference data, and nothing else: no form is recognised, no row checked, no version kept, no name taken out.
It is the yardstick, not a rival. Prints JSON: rows, seconds by step, processor seconds (``program_cpu``: those outside
of PostgreSQL), a fingerprint of the counts.

The warehouse of ``RAVENSTVO_HOME`` must hold the reference data.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import time
from pathlib import Path

from measure import measured
from python_calamine import CalamineWorkbook
from ravenstvo.settings import get_settings
from ravenstvo.warehouse.connection import connect
from shape import COUNTS, ITEMS

# Places of the columns in the forms.
_VPR = {"login": 0, "score": 8 + ITEMS + 3}
_OGE = {"code": 1, "mark": 12}

FINGERPRINT = """
select count(*), sum(n_participants), sum(n_below_min),
    md5(string_agg(concat_ws('|', school_id, procedure_code, n_participants, n_below_min), ',' order by school_id,
        procedure_code))
from {counts}
"""
_SUBJECTS = {"Русский язык": "rus", "Математика": "math"}


def parse(path: str) -> tuple[str, int, bytes]:
    """Which table the rows of a workbook go to, their number, and they as text for COPY: all cells of all rows."""
    place = Path(path)
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    subject = next((code for name, code in _SUBJECTS.items() if name.lower() == place.stem.lower()), "")
    out = io.StringIO()
    if "ВПР" in place.parts:
        table, rows, lead = "least_vpr", sheet[1:], f"{place.parent.name}\t{subject}\t"
        for row in rows:
            rest = ",".join(map(str, row))
            out.write(f"{lead}{row[_VPR['login']]}\t{int(row[_VPR['score']])}\t{rest}\n")
    elif "ОГЭ" in place.parts:
        table, rows, lead = "least_oge", sheet[2:], f"{subject}\t"
        for row in rows:
            out.write(f"{lead}{row[_OGE['code']]}\t{int(row[_OGE['mark']])}\t{','.join(map(str, row))}\n")
    elif place.stem == "Реестр ОО":
        table, rows = "least_school", sheet[1:]
        for row in rows:
            out.write(f"{row[0]}\t{row[1]}\n")
    else:
        return "", 0, b""
    return table, len(rows), out.getvalue().encode()


_TABLES = """
create unlogged table public.least_vpr (grade text, subject text, login text, score integer, rest text);
create unlogged table public.least_oge (subject text, code text, mark integer, rest text);
create unlogged table public.least_school (code text, login text);
"""
_DROP = "drop table if exists public.least_vpr, public.least_oge, public.least_school"


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inbox", type=Path)
    parser.add_argument("--csv", type=Path, help="also write the parsed rows here, for the others")
    asked = parser.parse_args()
    settings = get_settings()
    files = sorted(map(str, asked.inbox.rglob("*.xlsx")), key=lambda name: -Path(name).stat().st_size)
    n_rows, seconds = 0, {}
    with measured(settings) as cost, connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute("set search_path to public")
        cursor.execute(_DROP)
        cursor.execute(_TABLES)
        started = time.perf_counter()
        with multiprocessing.Pool(min(2, os.cpu_count() or 1)) as pool:
            for table, n, text in pool.imap_unordered(parse, files):
                if table:
                    n_rows += n if table != "least_school" else 0
                    cursor.copy_expert(f"copy public.{table} from stdin", io.BytesIO(text))
                    if asked.csv:
                        with (asked.csv / f"{table}.tsv").open("ab") as out:
                            out.write(text)
        seconds["parse and copy"] = time.perf_counter() - started
        started = time.perf_counter()
        cursor.execute("analyze public.least_vpr; analyze public.least_oge; analyze public.least_school")
        year = next(int(part) for part in Path(files[0]).parts if part.isdigit() and len(part) == 4)
        cursor.execute(f"create temporary table counts as {COUNTS.format(year=year)}")
        seconds["sql"] = time.perf_counter() - started
        cursor.execute(FINGERPRINT.format(counts="counts"))
        found = cursor.fetchone()
        cursor.execute(_DROP)
    print(json.dumps({
        "rows": n_rows, "seconds": cost.seconds, "cpu": cost.cpu, "program_cpu": cost.program_cpu, "steps": seconds,
        "counts": [str(value) for value in found or ()],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
