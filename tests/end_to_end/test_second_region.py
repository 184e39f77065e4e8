"""A second region with support registers: indicators, partnership and courses agree with a plain calculation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from zipfile import ZipFile

import pytest
from asked import disagreements
from events import Lineage
from independent_programmes import Programmes, Value, clipped, expected
from receiver import Received, receiver
from running import Warehouse
from second_region import ADVERSE, CONTEXT_YEARS, PROGRAMMES, Region, build, sheet_row, snils, write

YEAR = 2023
#: A СНИЛС of this region with or without signs, and what everybody here is called.
NAMED = r"\b100-?0[0-9]{2}-?[0-9]{3}[ -]?[0-9]{2}\b|Человек Номер"

pytestmark = pytest.mark.slow(seconds=150)

Recalculated = Callable[..., Warehouse]
Key = tuple[str, str, str, str]


@pytest.fixture(scope="module")
def region() -> Region:
    return build()


@pytest.fixture(scope="module")
def truth(region: Region) -> Programmes:
    return Programmes(region.tables, {year: set(ADVERSE) for year in CONTEXT_YEARS}, YEAR)


@pytest.fixture(scope="module")
def warehouse(region: Region, tmp_path_factory: pytest.TempPathFactory, recalculated: Recalculated) -> Warehouse:
    inbox = tmp_path_factory.mktemp("second") / "входящие"
    write(region, inbox)
    return recalculated(inbox, YEAR)


@pytest.fixture(scope="module")
def hostile() -> Region:
    return build(hostile=True)


@pytest.fixture(scope="module")
def collected() -> Iterator[Received]:
    """What the run of the spoiled region tells a collector of metrics."""
    with receiver() as received:
        yield received


@pytest.fixture(scope="module")
def spoiled(
    hostile: Region, tmp_path_factory: pytest.TempPathFactory, recalculated: Recalculated, collected: Received
) -> Warehouse:
    inbox = tmp_path_factory.mktemp("hostile") / "входящие"
    write(hostile, inbox)
    return recalculated(inbox, YEAR, lineage="file", otel_endpoint=collected.url)


def number(text: str) -> float | None:
    return float(text) if text else None


def agree(mart: dict, mine: dict) -> None:  # type: ignore[type-arg]
    """Every difference is told, not only the first."""
    differences = disagreements(mart, mine, limit=500)
    assert not differences, "\n".join(differences)


def told(value: Value) -> tuple[object, ...]:
    """What is compared: the status, and behind a value its numerator, behind a share its denominator too.

    One «of one» that a milestone or a yearly frequency may show says no more than the numerator."""
    if value.value is None:
        return (None, None, None, value.status)
    shown = tuple(None if one is None else round(float(one), 9) for one in value[:3])
    return (shown[0], None if shown[1] == 1 else shown[1], shown[2], value.status)


def values_of(warehouse: Warehouse, keys: set[Key]) -> dict[Key, tuple[object, ...]]:
    rows = warehouse.ask("""
        select programme_code, indicator_code, version, period, numerator, denominator, value, status
        from marts.mart_programme_indicator where territory_code = 'region'
    """)
    found = {}
    for row in rows:
        key = (row["programme_code"], row["indicator_code"], row["version"], row["period"])
        if key in keys:
            assert key not in found, key
            numbers = [number(row[name]) for name in ("numerator", "denominator", "value")]
            exact = [None if one is None else Fraction(one).limit_denominator(10**6) for one in numbers]
            found[key] = told(Value(*exact, row["status"]))
    return found


def check_indicators(warehouse: Warehouse, truth: Programmes) -> None:
    mine = {key: told(value) for key, value in expected(truth).items()}
    assert len({code for _, code, _, _ in mine}) >= 40
    assert {value[-1] for value in mine.values()} >= {"met", "not_met", "no_data", "tracked", "ambiguous"}
    agree(values_of(warehouse, set(mine)), mine)


def test_no_row_is_rejected(warehouse: Warehouse) -> None:
    assert warehouse.ran.returncode == 0, warehouse.ran.stdout + warehouse.ran.stderr
    findings = warehouse.ask_inside("""
        select source, row_no, expectation_id, message from ops.row_finding where severity = 'critical'
    """)
    assert findings == []


def test_every_row_is_counted(warehouse: Warehouse, region: Region) -> None:
    rows = warehouse.ask("select source, sum(n_rows_accepted) as n from marts.mart_data_quality group by source")
    accepted = {row["source"]: int(float(row["n"])) for row in rows}
    sent = {source: len(rows) for source, rows in region.tables.items()}
    agree({source: accepted.get(source) for source in sent}, sent)


def test_verdicts_and_conditions_are_those_meant(warehouse: Warehouse, truth: Programmes) -> None:
    rows = warehouse.ask("""
        select i.year, s.school_code, i.is_low_results::int as low, i.is_adverse_context::int as adverse
        from marts.mart_identification as i join marts.dim_school as s on s.school_id = i.school_id and s.is_current
        where i.method_code = 'rosobr_30'
    """)
    for year in CONTEXT_YEARS:
        low = {r["school_code"] for r in rows if r["year"] == str(year) and r["low"] == "1"}
        adverse = {r["school_code"] for r in rows if r["year"] == str(year) and r["adverse"] == "1"}
        assert low == {code for code, is_low in truth.verdicts(year).items() if is_low}
        assert adverse == set(ADVERSE)


def test_indicators_are_true(warehouse: Warehouse, truth: Programmes) -> None:
    check_indicators(warehouse, truth)


def test_partnership_is_true(warehouse: Warehouse, truth: Programmes) -> None:
    mine = {
        (programme, year, territory): counts
        for programme in PROGRAMMES
        for year in truth.years(programme)
        for territory, counts in truth.partnership(programme, year).items()
    }
    rows = warehouse.ask("""
        select programme_code, year, coalesce(municipality_code, 'region') as territory, n_schools_target,
            n_schools_covered, n_agreements, coverage
        from marts.mart_partnership_coverage
    """)
    mart = {}
    for row in rows:
        counts = tuple(int(row[name]) for name in ("n_schools_target", "n_schools_covered", "n_agreements"))
        key = (row["programme_code"], int(row["year"]), row["territory"])
        if counts[0] or key[2] == "region":
            mart[key] = counts
        else:
            assert counts == (0, 0, 0)
        share = number(row["coverage"])
        assert share is None if not counts[0] else math.isclose(share or 0, counts[1] / counts[0], abs_tol=1e-9)
    agree(mart, mine)


def test_courses_are_true(warehouse: Warehouse, truth: Programmes) -> None:
    years = range(2018, YEAR + 1)
    mine = {
        (programme, year, school): values
        for programme in PROGRAMMES
        for year in truth.years(programme)
        if year in years
        for school, values in truth.pd_completion(programme, year).items()
    }
    names = list(next(iter(mine.values())))
    flags = [name for name in names if name.startswith("is_")]
    shown = [f"m.{name}::int as {name}" if name in flags else f"m.{name}" for name in names]
    rows = warehouse.ask(f"""
        select m.programme_code, m.year, s.school_code, m.completion_share, {", ".join(shown)}
        from marts.mart_pd_completion as m join marts.dim_school as s on s.school_id = m.school_id and s.is_current
        where m.year >= 2018
    """)
    mart = {
        (row["programme_code"], int(row["year"]), row["school_code"]): {
            name: None if row[name] == "" else row[name] == "1" if name in flags else int(row[name]) for name in names
        }
        for row in rows
    }
    assert len(mart) == len(rows)
    assert {clipped(programme, year).end.year == year for programme, year, _ in mine} == {True}
    agree(mart, mine)


def test_nobody_is_named_in_the_warehouse(spoiled: Warehouse) -> None:
    """Neither a СНИЛС nor a name of the staff lists is in any column, findings included."""
    columns: dict[str, list[str]] = {}
    for row in spoiled.ask_inside("""
        select format('%I.%I', table_schema, table_name) as place, format('%I::text', column_name) as shown
        from information_schema.columns
        where table_schema in ('landing', 'staging', 'core', 'marts', 'publish', 'ops')
            and data_type in ('text', 'jsonb', 'ARRAY')
    """):
        columns.setdefault(row["place"], []).append(row["shown"])
    assert len(columns) > 100
    assert re.search(NAMED, snils(1)) and re.search(
        NAMED, f"{snils(1)[:3]}-{snils(1)[3:6]}-{snils(1)[6:9]} {snils(1)[9:]}"
    )
    named = NAMED.replace("\\b", "\\y")
    selects = [
        f"select '{place}' as place where exists "
        f"(select 1 from {place} where concat_ws(' ', {', '.join(shown)}) ~ '{named}')"
        for place, shown in columns.items()
    ]
    assert spoiled.ask_inside(" union all ".join(selects)) == []


def test_nobody_is_named_in_reports_and_logs(spoiled: Warehouse) -> None:
    named = re.compile(NAMED.encode())
    rooms = ("reports", "logs", "data_docs", "lineage")
    files = [path for name in rooms for path in (spoiled.home / name).rglob("*.*")] + [spoiled.home / "metrics.prom"]
    assert {".xlsx", ".jsonl", ".prom"} <= {path.suffix for path in files}
    for path in files:
        if path.suffix == ".xlsx":
            with ZipFile(path) as book:
                content = b"".join(book.read(name) for name in book.namelist())
        else:
            content = path.read_bytes() if path.is_file() else b""
        assert named.search(content) is None, path.name
    assert named.search((spoiled.ran.stdout + spoiled.ran.stderr).encode()) is None


def test_every_bad_row_is_rejected_with_its_reason(spoiled: Warehouse, hostile: Region) -> None:
    findings = spoiled.ask_inside("""
        select source, row_no, expectation_id, column_name, value, message, advice
        from ops.row_finding where severity = 'critical'
    """)
    told_of = {(row["source"], int(row["row_no"])): " ".join(str(cell) for cell in row.values()) for row in findings}
    places = {(source, sheet_row(hostile, source, row)): reason for source, row, reason in hostile.bad}
    for place, reason in places.items():
        assert reason.lower() in told_of.get(place, "нет замечания").lower(), (place, reason, told_of.get(place))
    assert told_of.keys() == places.keys()


def test_other_rows_are_counted_all_the_same(spoiled: Warehouse, truth: Programmes) -> None:
    check_indicators(spoiled, truth)


def test_counts_of_the_hostile_inbox_add_up(spoiled: Warehouse, hostile: Region) -> None:
    rows = spoiled.ask("""
        select source, sum(n_rows_read) as r, sum(n_rows_accepted) as a, sum(n_rows_rejected) as x,
            sum(n_rows_dropped) as d
        from marts.mart_data_quality group by source
    """)
    counts = {row["source"]: {name: int(float(row[name])) for name in "raxd"} for row in rows}
    for source in hostile.tables:
        bad = sum(name == source for name, _, _ in hostile.bad)
        assert counts[source]["r"] == counts[source]["a"] + counts[source]["x"] + counts[source]["d"]
        assert (counts[source]["x"], counts[source]["a"]) == (bad, len(hostile.tables[source])), source


def test_a_run_can_be_followed_from_a_file_to_the_list(spoiled: Warehouse) -> None:
    """OpenLineage: what Airflow, the loading, the checks and dbt tell hangs together as one run and one graph."""
    lineage = Lineage.read(spoiled.home / "lineage" / "events.jsonl")
    assert lineage.faults() == []
    school = ("file", "Реестры и поддержка/school.xlsx")
    landed, identified = lineage.table("landing", "school"), lineage.table("marts", "mart_identification")
    way = lineage.way(school, identified)
    assert way[:2] == [school, landed] and way[-1] == identified, way
    assert lineage.way(school, lineage.table("core", "estimate_context_index")), "the estimates lie on a way too"
    # What has no part in the list has no way to it.
    event = ("file", "Реестры и поддержка/event.xlsx")
    assert lineage.way(event, lineage.table("marts", "mart_programme_indicator"))
    assert not lineage.way(event, identified)
    # A run of the DAG, below it its tasks, below them what they did.
    (dag,) = lineage.runs_of("annual_recalculation")
    for job, task in (
        ("ravenstvo.land", "land"),
        ("ravenstvo.validate.school", "validate"),
        ("ravenstvo.estimate", "estimate"),
        ("ravenstvo.marts.ravenstvo.mart_identification.build.run", "build_marts"),
    ):
        for run in lineage.runs_of(job):
            parent = lineage.parent_of(run)
            assert parent in lineage.runs_of(f"annual_recalculation.{task}"), job
            assert lineage.parent_of(parent) == dag
    # Great Expectations' verdicts are those of the books.
    mine = {
        (row["source"], row["expectation_id"]): (row["success"] == "True", row["n_failed"])
        for row in spoiled.ask_inside("select source, expectation_id, success, n_failed from ops.expectation_result")
    }
    assert {success for success, _ in mine.values()} == {True, False}
    assert lineage.assertions() == mine


def test_a_collector_gets_the_metrics_of_airflow_and_of_the_product(spoiled: Warehouse, collected: Received) -> None:
    sent = collected.values()["ravenstvo"]
    (counted,) = spoiled.ask_inside("select sum(n_records) as n from ops.source_part where status = 'landed'")
    assert sum(sent["ravenstvo_rows_landed"].values()) == float(counted["n"])
    assert sum(sent["ravenstvo_rows_rejected"].values()) > 0
    stages = {stage for ((_, stage),) in sent["ravenstvo_stage_seconds"]}
    assert stages >= {"read_inbox", "land", "validate", "build_core", "estimate", "build_marts", "finish", "publish"}
    assert sent["airflow.task.duration"] and sent["airflow.ti.finish"]


def test_every_line_of_the_log_carries_its_numbers(spoiled: Warehouse) -> None:
    log = (spoiled.home / "logs" / "ravenstvo.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    assert all({"timestamp", "level", "event", "run_id", "task_id", "stage"} <= line.keys() for line in lines)
    (calculation,) = spoiled.ask_inside("select calculation_id from ops.calculation")
    late = [line for line in lines if line["stage"] in ("validate", "build_core", "estimate", "finish")]
    assert late and {line.get("calculation_id") for line in late} == {calculation["calculation_id"]}
    entered = spoiled.ask_inside("select file_id, name from ops.source_file")
    landed = [line for line in lines if line["logger"] == "ravenstvo.intake.landing"]
    assert {str(line["file_id"]): line["file"] for line in landed} == {one["file_id"]: one["name"] for one in entered}
    read = [line for line in lines if line["logger"] == "ravenstvo.intake.serve"]
    assert {line["path_hash"] for line in read} == {line["path_hash"] for line in landed}


def test_what_is_not_asked_for_leaves_nothing(warehouse: Warehouse) -> None:
    assert not (warehouse.home / "lineage").exists()
    (log,) = (warehouse.home / "logs" / "runs").glob("*.log")
    assert not re.search("openlineage|otlp", log.read_text(encoding="utf-8"), re.IGNORECASE)
