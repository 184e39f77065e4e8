"""dbt stages of a calculation, run inside this process.

A dbt command of its own would import dbt anew for every stage; here the import and the parsed project are shared
by all stages that one process runs.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg2.extras import execute_values

from ravenstvo import machine_cache, private_files
from ravenstvo.calculation import spark
from ravenstvo.calculation.inputs import code_version, seeds_hash
from ravenstvo.calculation.lifecycle import Calculation, CalculationError, fail, stage_turn
from ravenstvo.fingerprints import digest
from ravenstvo.settings import Settings
from ravenstvo.sight import database_rule, sight
from ravenstvo.warehouse.connection import connect, parameters
from ravenstvo.warehouse.regions import region_of
from ravenstvo.warehouse.roles import TRANSFORMER

if TYPE_CHECKING:
    from dbt.artifacts.schemas.results import NodeResult
    from dbt.contracts.graph.manifest import Manifest

    Built = tuple[list[NodeResult], str | None]

STAGES = ("seeds", "staging", "core", "marts")

QUIETLY = ("--quiet", "--no-use-colors", "--no-send-anonymous-usage-stats", "--no-version-check")

_parsed: dict[tuple[object, ...], Manifest] = {}

_PROBLEMS_TOLD = 5

_FAILED = ("error", "fail", "runtime error")


def run_stage(settings: Settings, calculation: Calculation, stage: str) -> dict[str, Any]:
    """Build one stage (a selector of ``dbt_project/selectors.yml``) for the calculation's years.

    The result of every node goes to ``ops.dbt_node_result``. Returns counts of nodes by status and the seconds.
    Raises CalculationError that names the failed nodes; the calculation is then marked as failed.
    """
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}")
    started = time.monotonic()
    with stage_turn(settings, calculation):
        if stage == "seeds" and _seeds_are_in(settings):
            return {"stage": stage, "nodes": {}, "seconds": 0.0}
        results, error = _build(settings, calculation, stage)
        seconds = time.monotonic() - started
        _record(settings, calculation, stage, results)
        _note_time(settings, calculation, stage, seconds)
    problems = [f"{_name(r)}: {_told(settings, r) or _message(r)}" for r in results if str(r.status) in _FAILED]
    if error and not problems:
        problems = [error]
    if problems:
        message = f"Этап dbt «{stage}» не прошёл. " + "; ".join(problems[:5])
        if len(problems) > 5:
            message += f"; и ещё {len(problems) - 5} (таблица ops.dbt_node_result)"
        fail(settings, calculation, message)
        raise CalculationError(message)
    if stage == "seeds":
        _note_seeds(settings)
    counts: dict[str, int] = {}
    for result in results:
        counts[str(result.status)] = counts.get(str(result.status), 0) + 1
    return {"stage": stage, "nodes": counts, "seconds": round(seconds, 2)}


def _build(settings: Settings, calculation: Calculation, stage: str) -> Built:
    """Run ``dbt build``. Returns the nodes' results and dbt's own error, if it could not start."""
    from dbt.cli.main import dbtRunner

    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    with environment(settings, {}):
        parsed = parse(settings)
    # The years and the id of the calculation are asked for when SQL is compiled. The project is parsed without them:
    # dbt would take a changed one for a changed project and parse all of it anew.
    with environment(settings, {"RAVENSTVO_CALCULATION_ID": calculation["calculation_id"]}):
        given = {
            "years": calculation["years"],
            "parts": _parts(settings, calculation),
            "row_rules": _row_rules(parsed),
            "region_code": _region(settings),
            "time_zone": settings.time_zone,
        }

        def build(selector: str, log_level: str = "info", **changed: object) -> Built:
            # A test belongs to the last stage that it looks at.
            selection = ("--selector", selector, "--indirect-selection", "buildable", "--log-level-file", log_level)
            variables = ("--vars", json.dumps(given | changed))
            # What dbt writes about a stage is read for lineage only: ops.dbt_node_result says it shorter.
            written = () if settings.lineage else ("--no-write-json",)
            command = [*QUIETLY, *written, "build", *place(settings), *selection, *variables]
            outcome = dbtRunner(manifest=parsed).invoke(command)
            results = list(getattr(outcome.result, "results", None) or ())
            if outcome.exception is not None:
                return results, str(outcome.exception)
            return results, None if outcome.success else "dbt сообщил об ошибке; подробности в журнале dbt"

        if stage == "core" and settings.engine == "spark":
            return _build_with_spark(settings, given, build)
        return build(stage)


def _build_with_spark(settings: Settings, given: dict[str, Any], build: Callable[..., Built]) -> Built:
    """The star with the rows of pupils from Spark: it names keys, PostgreSQL finds their schools, Spark counts."""
    results: list[NodeResult] = []

    def add(built: Built) -> str | None:
        results.extend(built[0])
        return built[1]

    try:
        with spark.session(settings, {name: given[name] for name in ("years", "parts", "region_code")}) as ask:
            ask("keys")
            for table in spark.KEYS:
                ask(f"feed {table}")
            if error := add(build("core_keys")):
                return results, error
            # A year that there is not: the tables get their columns, and nothing is calculated.
            if error := build("core_shape", "warn", years=[0])[1]:
                return results, error
            ask("results")
            for table in spark.RESULTS:
                ask(f"feed {table}")
        # Who watches the log counts the nodes of a stage by its first build.
        return results, add(build("core_rest", "warn"))
    except spark.SparkError as error:
        return results, str(error)


def _region(settings: Settings) -> str:
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        return region_of(cursor, settings.region)


def _parts(settings: Settings, calculation: Calculation) -> list[int]:
    """Parts of files that hold rows of the calculation's years, or of no year."""
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select part_id from ops.source_part "
            "where in_force and status = 'landed' and (year is null or year = any(%s)) order by part_id",
            (calculation["years"],),
        )
        return [part_id for (part_id,) in cursor.fetchall()]


def _row_rules(parsed: Manifest) -> dict[str, str]:
    """Which rows of each mart a reader of one municipality sees, as SQL; empty where it may not read the mart."""
    return {
        node.alias: database_rule(sight(node.config.meta.get("audience") or "", node.columns))
        for node in parsed.nodes.values()
        if node.resource_type == "model" and node.schema == "marts"
    }


def parse(settings: Settings) -> Manifest:
    """The parsed project, for all stages that this process runs for the same files; dbt reads it from its own cache."""
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    root = settings.project_root
    key = (str(settings.dbt_target_dir), code_version(root), seeds_hash(root))
    if key not in _parsed:
        with _any_server(), _shared_parsing(settings):
            outcome = dbtRunner().invoke([*QUIETLY, "parse", *place(settings)])
        if outcome.exception is not None:
            raise CalculationError(f"Проект dbt не читается: {outcome.exception}")
        _parsed.clear()
        assert isinstance(outcome.result, Manifest)
        _parsed[key] = outcome.result
        # Millions of objects that stay: searching them for cycles, also at the end of the process, takes seconds.
        gc.freeze()
    return _parsed[key]


@contextmanager
def _any_server() -> Iterator[None]:
    """Parse without the place and user of the server: dbt would take another server for a reason to parse anew."""
    names = ("RAVENSTVO_PG_HOST", "RAVENSTVO_PG_PORT", "RAVENSTVO_PG_USER")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)


@contextmanager
def _shared_parsing(settings: Settings) -> Iterator[None]:
    """Take over what another home of this machine has parsed, and leave to others what this one had to parse.

    Dbt itself compares it with the files and parses what has changed; the name only keeps projects apart.
    """
    own = settings.dbt_target_dir / "partial_parse.msgpack"
    database = os.environ.get("RAVENSTVO_PG_DBNAME", "")
    root = settings.project_root
    name = f"dbt-{digest([str(root), database, code_version(root), seeds_hash(root), version('dbt-core')])}"
    if own.exists():
        yield
        return
    is_taken_over = machine_cache.fetch(settings, name, own)
    yield
    if not is_taken_over and own.exists():
        machine_cache.keep(settings, name, own)


def place(settings: Settings) -> list[str]:
    """Options that say where the project is."""
    project = str(settings.project_root / "dbt_project")
    return [
        *("--project-dir", project, "--profiles-dir", project, "--target-path", str(settings.dbt_target_dir)),
        *("--log-path", str(settings.dbt_logs_dir), "--log-level-file", "info"),
    ]


@contextmanager
def environment(settings: Settings, more: dict[str, str]) -> Iterator[None]:
    """What the dbt project reads from the environment, for as long as dbt runs: the connection, and ``more``.

    The password is not among it: libpq finds it in a file that only the owner of the home may read.
    """
    warehouse = parameters(settings, TRANSFORMER)
    wanted = {
        "RAVENSTVO_PG_HOST": warehouse.get("host") or "localhost",
        "RAVENSTVO_PG_PORT": warehouse.get("port") or 5432,
        "RAVENSTVO_PG_USER": warehouse.get("user") or "",
        "RAVENSTVO_PG_PASSWORD": "",
        "RAVENSTVO_PG_DBNAME": warehouse.get("dbname") or "",
        **more,
    }
    if warehouse.get("password"):
        wanted["PGPASSFILE"] = _password_file(settings, warehouse["user"], warehouse["password"])
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: str(value) for name, value in wanted.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _password_file(settings: Settings, user: str, password: str) -> Path:
    path = settings.dbt_target_dir.parent / "pgpass"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    user, password = (text.replace("\\", "\\\\").replace(":", "\\:") for text in (user, password))
    private_files.write(path, f"*:*:*:{user}:{password}\n")
    return path


@contextmanager
def timed_stage(settings: Settings, calculation: Calculation, stage: str) -> Iterator[None]:
    """Hold the warehouse for a stage that is not dbt's, and note how long it took."""
    started = time.monotonic()
    with stage_turn(settings, calculation):
        yield
    _note_time(settings, calculation, stage, time.monotonic() - started)


def _record(settings: Settings, calculation: Calculation, stage: str, results: list[NodeResult]) -> None:
    calculation_id = calculation["calculation_id"]
    rows = [
        (
            *(calculation_id, stage, result.node.unique_id, str(result.node.resource_type), str(result.status)),
            *(result.execution_time, result.failures, _message(result)),
        )
        for result in results
    ]
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            "insert into ops.dbt_node_result "
            "(calculation_id, stage, node, resource_type, status, seconds, failures, message) values %s",
            rows,
        )


def _note_time(settings: Settings, calculation: Calculation, stage: str, seconds: float) -> None:
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.stage_time (calculation_id, stage, seconds) values (%s, %s, %s)",
            (calculation["calculation_id"], stage, seconds),
        )


def _seeds_are_in(settings: Settings) -> bool:
    """Whether the warehouse holds the reference data of these very files, tested."""
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute("select value from ops.setting where name = 'seeds'")
        return cursor.fetchone() == (_seeds_identity(settings),)


def _note_seeds(settings: Settings) -> None:
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.setting (name, value) values ('seeds', %s) "
            "on conflict (name) do update set value = excluded.value",
            (_seeds_identity(settings),),
        )


def _seeds_identity(settings: Settings) -> str:
    return f"{seeds_hash(settings.project_root)} {code_version(settings.project_root)}"


def _name(result: NodeResult) -> str:
    return str(result.node.name)


def _told(settings: Settings, result: NodeResult) -> str | None:
    """What a failed test of the rules found, in its own words; tests of data keep their rows to themselves."""
    if str(result.status) != "fail" or not result.node.config.meta.get("tells"):
        return None
    statement = getattr(result.node, "compiled_code", None)
    if not statement:
        return None
    with connect(settings, TRANSFORMER) as connection, connection.cursor() as cursor:
        cursor.execute(f"select * from ({statement}) as found limit {_PROBLEMS_TOLD}")
        return "; ".join(" ".join(str(value) for value in row) for row in cursor.fetchall())


def _message(result: NodeResult) -> str | None:
    """Dbt's message without PostgreSQL's DETAIL line, which can quote a row."""
    if result.message is None:
        return None
    return " ".join(line.strip() for line in result.message.splitlines() if "DETAIL" not in line)[:1000]
