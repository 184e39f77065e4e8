"""Build the pupil-grain models on Apache Spark; runs in the environment of ``make setup-spark``.

Landing and bookkeeping come from PostgreSQL as Parquet, dbt builds the models in one local Spark session, the results
go back by COPY. The caller says on standard input, line by line, what to do next, and reads one JSON line for each
answer:

* ``keys`` — which schools and subjects the rows name; ``{"rows": {"int_result_key": 1}, "seconds": 1.0}``;
* ``results`` — results of pupils and counts of schools, by the keys that PostgreSQL holds now;
* ``feed TABLE`` — replace the years (without ``year``, all) of ``core.TABLE`` by Spark's rows;
* ``compare TABLE`` — ``{"rows": 1, "other_rows": 1, "only_spark": 0, "only_postgresql": 0}``.

Everything lies in the folder of the call and goes when it ends. The password of PostgreSQL is in ``PGPASSFILE``.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from dbt.cli.main import dbtRunner
from psycopg2 import sql
from pyspark.sql import SparkSession

# The texts of landing hold no control characters, so neither can stand in a value.
_DELIMITER, _QUOTE = "\x1f", "\x01"
_TYPES = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "double precision": pa.float64(),
}
_BLOCK = 8 << 20
_PR_SET_PDEATHSIG = 1  # prctl(2)
_COLUMNS = """
select attname, format_type(atttypid, null)
from pg_catalog.pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped
order by attnum
"""
# Means are sums of the same numbers in another order.
_DIGITS = 9


class Build:
    """One Spark session and one connection to PostgreSQL."""

    def __init__(self, folder: Path, project: Path, variables: dict[str, Any], options: argparse.Namespace) -> None:
        self.folder, self.project, self.variables = folder, project, variables
        self.connection = psycopg2.connect(
            host=os.environ["RAVENSTVO_PG_HOST"],
            port=os.environ["RAVENSTVO_PG_PORT"],
            user=os.environ["RAVENSTVO_PG_USER"],
            dbname=os.environ["RAVENSTVO_PG_DBNAME"],
            application_name="ravenstvo spark",
        )
        self.spark = _session(folder, options)
        parsed = self._dbt("parse")
        self.manifest = parsed.result
        self.brought: set[str] = set()

    def build(self, selector: str) -> dict[str, int]:
        """Bring what the selected models read, build them; returns rows by table."""
        listed = self._dbt("ls", "--selector", selector, "--output", "name", "--indirect-selection", "empty").result
        nodes = [node for node in self.manifest.nodes.values() if node.name in set(listed)]
        models = [node for node in nodes if node.resource_type == "model"]
        self._bring(models)
        self._dbt(
            "build", "--selector", selector, "--indirect-selection", "empty", "--vars", json.dumps(self.variables)
        )
        tables = [node for node in models if node.config.materialized != "view"]
        return {node.name: self.spark.table(f"{node.schema}.{node.name}").count() for node in tables}

    def feed(self, table: str) -> dict[str, int]:
        """Replace the years of a table of PostgreSQL by Spark's rows, in one transaction."""
        name = sql.Identifier("core", table)
        with self.connection, self.connection.cursor() as cursor:
            if not table.startswith("fct_"):
                # No promise to anyone, so Spark says what its columns are.
                fields = self.spark.table(f"core.{table}").schema.fields
                kinds = {"string": "text", "int": "integer", "bigint": "bigint"}
                listed = sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(f.name), sql.SQL(kinds[f.dataType.simpleString()]))
                    for f in fields
                )
                cursor.execute(sql.SQL("create table if not exists {} ({})").format(name, listed))
            columns = self._columns(cursor, f"core.{table}")
            years = self.variables.get("years") if "year" in columns else None
            if years:
                cursor.execute(sql.SQL("delete from {} where year = any(%s) or year is null").format(name), (years,))
            else:
                cursor.execute(sql.SQL("delete from {}").format(name))
            n_rows = self._copy_in(cursor, table, name, list(columns))
        # Outside of the transaction: the planner must know the sizes before the next join.
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(sql.SQL("analyze {}").format(name))
        return {"rows": n_rows}

    def compare(self, table: str) -> dict[str, int]:
        """Rows of Spark's table and of PostgreSQL's, and how many of each the other has not."""
        with self.connection, self.connection.cursor() as cursor:
            columns = self._columns(cursor, f"core.{table}")
            draft, name = sql.Identifier("from_spark"), sql.Identifier("core", table)
            cursor.execute(sql.SQL("create temporary table {} (like {}) on commit drop").format(draft, name))
            n_rows = self._copy_in(cursor, table, draft, list(columns))
            years = self.variables.get("years") or None
            where = sql.SQL("where year = any(%s)") if years else sql.SQL("where %s::int[] is null")
            said = sql.SQL(", ").join(_comparable(column, kind) for column, kind in columns.items())
            found = {"rows": n_rows}
            for key, one, other in (("only_spark", draft, name), ("only_postgresql", name, draft)):
                query = (
                    "select count(*) from (select {said} from {one} {w} except all select {said} from {other} {w}) as d"
                )
                cursor.execute(sql.SQL(query).format(said=said, one=one, other=other, w=where), (years, years))
                found[key] = cursor.fetchone()[0]
            cursor.execute(sql.SQL("select count(*) from {} {}").format(name, where), (years,))
            found["other_rows"] = cursor.fetchone()[0]
        return found

    def _bring(self, models: list[Any]) -> None:
        """Sources, and models that PostgreSQL builds, as external tables of Parquet."""
        wanted = {}
        for parent in sorted({parent for model in models for parent in model.depends_on.nodes}):
            kind = parent.split(".")[0]
            if kind == "source":
                source = self.manifest.sources[parent]
                wanted[f"{source.schema}.{source.identifier}"] = False
            elif kind == "model" and not self._is_built(parent):
                node = self.manifest.nodes[parent]
                if node not in models:
                    wanted[f"{node.schema}.{node.alias}"] = True
        for relation, is_model in wanted.items():
            if relation in self.brought and not is_model:
                continue
            target = self.folder / "parquet" / f"{relation}.parquet"
            target.parent.mkdir(exist_ok=True)
            # Of landing, only the parts at hand: other years are not even read.
            parts = self.variables.get("parts") if relation.startswith("landing.") else None
            with self.connection, self.connection.cursor() as cursor:
                _export(cursor, relation, self._columns(cursor, relation), target, parts)
            self.spark.sql(f"create database if not exists {relation.split('.')[0]}")
            self.spark.sql(f"drop table if exists {relation}")
            self.spark.sql(f"create table {relation} using parquet location '{target}'")
            self.brought.add(relation)

    def _is_built(self, unique_id: str) -> bool:
        node = self.manifest.nodes[unique_id]
        relation = f"{node.schema}.{node.alias}"
        return relation not in self.brought and self.spark.catalog.tableExists(relation)

    def _copy_in(self, cursor: Any, table: str, name: sql.Composable, columns: list[str]) -> int:
        """COPY Spark's rows: it writes parts of text, which are sent one after the other."""
        parts = self.folder / "out" / table
        shutil.rmtree(parts, ignore_errors=True)
        # Blank and missing texts are told apart by the quotes.
        self.spark.table(f"core.{table}").select(*columns).write.csv(
            str(parts), sep="\t", quote='"', escape='"', quoteAll=False, emptyValue='""', nullValue="", lineSep="\n"
        )
        into = sql.SQL("copy {} ({}) from stdin with (format csv, delimiter E'\\t')").format(
            name, sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        n_rows = 0
        for part in sorted(parts.glob("*.csv")):
            with part.open("rb") as text:
                cursor.copy_expert(into, text, _BLOCK)
            n_rows += cursor.rowcount
        shutil.rmtree(parts)
        return n_rows

    def _columns(self, cursor: Any, relation: str) -> dict[str, str]:
        cursor.execute(_COLUMNS, (relation,))
        return dict(cursor.fetchall())

    def _dbt(self, *arguments: str) -> Any:
        place = ["--project-dir", str(self.project), "--profiles-dir", str(self.project), "--target", "spark"]
        place += ["--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")]
        runner = dbtRunner(manifest=getattr(self, "manifest", None))
        quietly = ["--quiet", "--no-use-colors", "--no-send-anonymous-usage-stats", "--no-version-check"]
        with contextlib.redirect_stdout(sys.stderr):
            outcome = runner.invoke([*quietly, *arguments, *place])
        if outcome.exception is not None:
            raise outcome.exception
        if not outcome.success:
            bad = [r for r in outcome.result if str(r.status) in ("error", "fail", "runtime error")]
            raise RuntimeError("; ".join(f"{r.node.name}: {r.message}" for r in bad[:3]))
        return outcome


def _session(folder: Path, options: argparse.Namespace) -> SparkSession:
    """A local session without a Hive metastore; dbt-spark finds it and uses it."""
    return (
        SparkSession.builder.master(f"local[{options.cores}]")
        .appName("ravenstvo")
        .config("spark.driver.memory", f"{options.memory_mb}m")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.local.dir", str(folder / "tmp"))
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.sql.catalogImplementation", "in-memory")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", str(options.cores * 2))
        .config("spark.driver.extraJavaOptions", f"-Djava.io.tmpdir={folder / 'tmp'} -XX:+UseSerialGC")
        .getOrCreate()
    )


def _export(cursor: Any, relation: str, columns: dict[str, str], target: Path, parts: list[int] | None = None) -> None:
    """Stream a relation into a Parquet file: what is no number, day or truth is a text."""
    schema = {name: _TYPES.get(kind, pa.string()) for name, kind in columns.items()}
    listed = sql.SQL(", ").join(
        sql.Identifier(name) if kind in _TYPES or kind == "text" else sql.SQL("{}::text").format(sql.Identifier(name))
        for name, kind in columns.items()
    )
    where = sql.SQL("where part_id = any({})").format(sql.Literal(parts)) if parts else sql.SQL("")
    out = sql.SQL("copy (select {} from {} {}) to stdout with (format csv, delimiter {}, quote {}, null '')").format(
        listed, sql.Identifier(*relation.split(".")), where, sql.Literal(_DELIMITER), sql.Literal(_QUOTE)
    )
    with _piped(cursor, out) as text, pa.parquet.ParquetWriter(target, pa.schema(schema.items())) as file:
        if not text.peek(1):
            return
        batches = pa.csv.open_csv(
            text,
            read_options=pa.csv.ReadOptions(column_names=list(schema), block_size=_BLOCK, use_threads=False),
            parse_options=pa.csv.ParseOptions(delimiter=_DELIMITER, quote_char=_QUOTE, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                true_values=["t"],
                false_values=["f"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in batches:
            file.write_batch(batch)


@contextlib.contextmanager
def _piped(cursor: Any, out: sql.Composed) -> Iterator[BufferedReader]:
    read_end, write_end = os.pipe()
    failed: list[Exception] = []

    def send() -> None:
        try:
            with os.fdopen(write_end, "wb") as pipe:
                cursor.copy_expert(out, pipe, _BLOCK)
        except (psycopg2.Error, OSError) as error:
            failed.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with os.fdopen(read_end, "rb") as text:
            yield text
    finally:
        sender.join()
    if failed:
        raise failed[0]


def _comparable(column: str, kind: str) -> sql.Composable:
    name = sql.Identifier(column)
    if kind == "double precision":
        return sql.SQL("round({}::numeric, {})").format(name, sql.Literal(_DIGITS))
    return name


def main() -> None:
    """Answer what standard input asks, until it ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--vars", type=json.loads, required=True)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--memory-mb", type=int, required=True)
    options = parser.parse_args()
    # Linux: a caller that is killed takes this process with it, and Java ends with its input.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Java and dbt talk too: what they say goes to the log.
    os.dup2(2, 1)
    (options.folder / "tmp").mkdir(parents=True, exist_ok=True)
    build: Build | None = None
    for line in sys.stdin:
        started = time.monotonic()
        what, _, table = line.strip().partition(" ")
        try:
            if build is None:
                build = Build(options.folder, options.project, options.vars, options)
            if what in ("keys", "results"):
                answer: dict[str, Any] = {"rows": build.build(f"pupil_{what}")}
            else:
                answer = {"compare": build.compare, "feed": build.feed}[what](table)
        except Exception as error:  # noqa: BLE001  whatever it is, the caller tells it
            answer = {"error": f"{type(error).__name__}: {error}"}
        answer["seconds"] = round(time.monotonic() - started, 1)
        print(json.dumps(answer, ensure_ascii=False), file=answers, flush=True)
        if "error" in answer:
            break
    if build is not None:
        build.spark.stop()


if __name__ == "__main__":
    main()
