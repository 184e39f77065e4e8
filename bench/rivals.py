"""How others do a part of the same work. Runs in the environment of ``bench/requirements.lock``, not in the product's.

    .venv-bench/bin/python bench/rivals.py naive INBOX --url postgresql://…
    .venv-bench/bin/python bench/rivals.py earthmover INBOX
    .venv-bench/bin/python bench/rivals.py duckdb FOLDER_OF_TSV --scale scale.csv --year 2023

naive: pandas reads every workbook with openpyxl, ``to_sql`` writes it, a groupby counts the marks of ОГЭ.
earthmover: reads the workbooks, keeps and renames columns, writes one CSV for each: reading and reshaping only.
duckdb: the SQL of the least work on the rows that it has parsed, in memory, on two threads.

Prints JSON: rows, seconds, processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import openpyxl
import yaml
from shape import COUNTS, ITEMS


def naive(inbox: Path, url: str) -> int:
    """The pipeline that one would write in an afternoon."""
    import pandas as pd
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    n_rows = 0
    for path in sorted(inbox.rglob("*.xlsx")):
        is_oge = "ОГЭ" in path.parts
        rows = pd.read_excel(path, engine="openpyxl", header=1 if is_oge else 0, dtype=str)
        table = "naive_oge" if is_oge else "naive_vpr" if "ВПР" in path.parts else f"naive_{path.stem}"
        if "ВПР" in path.parts:
            # The heads of the items differ from work to work.
            rows.columns = [f"c{number}" for number in range(len(rows.columns))]
        rows["источник"] = path.stem
        rows.to_sql(table, engine, schema="public", if_exists="append", index=False, chunksize=10_000)
        if is_oge:
            rows["Оценка"] = rows["Оценка"].astype(float)
            rows.groupby("Код ОО")["Оценка"].agg(["count", "mean", lambda mark: (mark < 3).sum()])
        n_rows += len(rows) if table in ("naive_oge", "naive_vpr") else 0
    with engine.begin() as connection:
        for name in sqlalchemy.inspect(engine).get_table_names("public"):
            if name.startswith("naive_"):
                connection.exec_driver_sql(f'drop table public."{name}"')
    return n_rows


def earthmover(inbox: Path) -> int:
    """One source, one transformation and one destination for each workbook of results: columns kept and renamed."""
    n_rows = 0
    with tempfile.TemporaryDirectory() as folder:
        config = _Config(Path(folder))
        for path in sorted(inbox.rglob("*.xlsx")):
            if "ВПР" in path.parts:
                config.add(path, 1, [0, 6, 7, *range(8, 8 + ITEMS), 8 + ITEMS + 3])
            elif "ОГЭ" in path.parts:
                config.add(path, 2, [1, 11, 12])
        program = Path(sys.executable).with_name("earthmover")
        command = [str(program), "run", "-c", str(config.write())]
        subprocess.run(command, check=True, stdout=sys.stderr, cwd=folder)
        for written in (Path(folder) / "out").glob("d*.csv"):
            with written.open("rb") as rows:
                n_rows += sum(1 for _ in rows)
    return n_rows


class _Config:
    """The document that earthmover reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: dict[str, Any] = {}
        self.transformations: dict[str, Any] = {}
        self.destinations: dict[str, Any] = {}

    def add(self, path: Path, header_row: int, columns: list[int]) -> None:
        """A workbook, of which some columns are kept."""
        name = f"n{len(self.sources)}"
        head = _head(path, header_row)
        short = {head[number]: f"c{number}" for number in columns}
        self.sources[name] = {"file": str(path), "header_rows": header_row}
        self.transformations[name] = {
            "source": f"$sources.{name}",
            "operations": [
                {"operation": "keep_columns", "columns": list(short)},
                {"operation": "rename_columns", "columns": short},
            ],
        }
        template = self.folder / f"{name}.jinja"
        template.write_text(",".join("{{" + one + "}}" for one in short.values()), encoding="utf-8")
        self.destinations[f"d{name}"] = {
            "source": f"$transformations.{name}", "template": str(template), "extension": "csv", "linearize": True,
        }  # fmt: skip

    def write(self) -> Path:
        """The document's place. JSON is YAML."""
        place = self.folder / "earthmover.yaml"
        document = {
            "version": 2,
            "config": {"output_dir": str(self.folder / "out"), "log_level": "WARNING"},
            "sources": self.sources,
            "transformations": self.transformations,
            "destinations": self.destinations,
        }
        place.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return place


def _head(path: Path, row: int) -> list[str]:
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        (cells,) = book.worksheets[0].iter_rows(min_row=row, max_row=row, values_only=True)
    finally:
        book.close()
    return [str(cell) for cell in cells]


def duck(folder: Path, scale: Path, year: int) -> int:
    """The same SQL in DuckDB, on the rows as parsed; reading them from text is a part of it."""
    import duckdb

    connection = duckdb.connect(config={"threads": 2})
    for table, columns in {
        "least_vpr": {"grade": "varchar", "subject": "varchar", "login": "varchar", "score": "int", "rest": "varchar"},
        "least_oge": {"subject": "varchar", "code": "varchar", "mark": "int", "rest": "varchar"},
        "least_school": {"code": "varchar", "login": "varchar"},
    }.items():
        connection.execute(
            f"create table {table} as from read_csv('{folder / table}.tsv', delim='\t', header=false, quote='', "
            f"columns={columns})"
        )
    connection.execute("create schema core")
    connection.execute(f"create table core.int_mark_scale as from read_csv('{scale}', header=true)")
    connection.execute(f"create table counts as {COUNTS.format(year=year)}")
    (n_rows,) = connection.execute("select sum(n_participants) from counts").fetchone() or (0,)
    return int(n_rows)


def main() -> None:
    """Do one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("who", choices=["naive", "earthmover", "duckdb"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--scale", type=Path)
    parser.add_argument("--year", type=int)
    asked = parser.parse_args()
    started = time.perf_counter()
    if asked.who == "naive":
        n_rows = naive(asked.folder, asked.url)
    elif asked.who == "earthmover":
        n_rows = earthmover(asked.folder)
    else:
        n_rows = duck(asked.folder, asked.scale, asked.year)
    times = os.times()
    cpu = times.user + times.system + times.children_user + times.children_system
    print(json.dumps({"rows": n_rows, "seconds": time.perf_counter() - started, "cpu": cpu}))


if __name__ == "__main__":
    main()
