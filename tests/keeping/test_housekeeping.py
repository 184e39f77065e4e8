"""What is old goes; what somebody may still ask for stays, above all what a list was approved on."""

from __future__ import annotations

import ast
import os
import time
from io import StringIO

import pytest
from approval_region import CALCULATION, YEAR, calculate, do, fill
from ravenstvo.calculation.approval import approve
from ravenstvo.calculation.lifecycle import CalculationError, begin, finish, turn
from ravenstvo.calculation.retention import Forgotten, forget_old
from ravenstvo.runtime.backup.manifest import read
from ravenstvo.runtime.backup.pruning import backups
from ravenstvo.runtime.housekeeping import STEPS, HousekeepingError, keep_house, step
from ravenstvo.runtime.old_files import remove_old_files
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse.connection import connect, outside_transaction, warehouse_url
from ravenstvo.warehouse.migrate import upgrade

pytestmark = pytest.mark.slow(seconds=10)

DAY = 24 * 3600


@pytest.fixture
def full(warehouse: Settings) -> Settings:
    upgrade(warehouse)
    fill(warehouse)
    return warehouse.model_copy(update={"calculations_kept": 2, "histories_kept": 1})


@pytest.fixture(scope="module")
def bare(module_warehouse: Settings) -> Settings:
    """Without any calculation."""
    upgrade(module_warehouse)
    return module_warehouse.model_copy(update={"calculations_kept": 2})


def _book(settings: Settings, name: str, status: str = "done", base: str | None = None, corrects: bool = False) -> str:
    """A calculation with all that hangs on one."""
    do(
        settings,
        "insert into ops.calculation (calculation_id, year, years, status, finished_at) "
        "values (%s, %s, %s, %s, case when %s <> 'running' then ops.moment() end)",
        *(name, YEAR, [YEAR - 1, YEAR], status, status),
    )
    do(settings, "insert into ops.dbt_node_result values (%s, 'marts', 'node', 'model', 'success')", name)
    do(settings, "insert into ops.stage_time values (%s, 'marts', 1)", name)
    do(settings, "insert into ops.mart_hash values (%s, 'mart', 1, 'x')", name)
    if base:
        do(settings, "insert into ops.calculation_base values (%s, %s, %s, false)", name, YEAR, base)
    if corrects:
        do(
            settings,
            "insert into ops.correction (calculation_id, base_calculation_id, year, source, content_key, files_now, "
            "files_gone, n_rows_before, n_rows_now, n_added, n_removed, n_changed, n_schools) "
            "values (%s, %s, %s, 'vpr_result', 'x', '{}', '{}', 1, 1, 0, 0, 1, 1)",
            *(name, base, YEAR),
        )
    return name


def _there(settings: Settings) -> set[str]:
    return {name for (name,) in do(settings, "select calculation_id from ops.calculation")}


def test_old_calculations_go_and_approved_ones_stay(full: Settings) -> None:
    approve(full, YEAR, "Иванова А. А.", "приказ № 1")
    calculate(full, "approved again")
    approve(full, YEAR, "Иванова А. А.", "приказ № 2", replace=True)
    frozen = "select count(*), sum(hash_record_extended(row(held.*), 0)) from core.decision as held"
    decided = do(full, frozen)
    before = "approved again"
    for number in range(6):
        before = _book(full, f"done {number}", base=before, corrects=number == 1)
    for number in range(4):
        _book(full, f"failed {number}", status="failed")
    _book(full, "running", status="running", base=before)
    forgotten = forget_old(full)
    assert _there(full) == {
        *(CALCULATION, "approved again"),  # a list was approved on it, though another has replaced it
        *("done 1", "done 0"),  # corrected files of the approved list; what it was compared with
        *("done 4", "done 5", "done 3"),  # the latest two, and what they were compared with
        *("failed 2", "failed 3", "running"),
    }
    assert forgotten == Forgotten(3, 0)
    assert do(full, frozen) == decided
    for table in ("ops.dbt_node_result", "ops.stage_time", "ops.mart_hash"):
        left = do(
            full,
            f"select count(*) from {table} where calculation_id not in (select calculation_id from ops.calculation)",
        )
        assert left == [(0,)]
    # The one that is kept to be compared with has lost what it was compared with itself.
    bases = do(
        full, "select calculation_id, base_calculation_id from ops.calculation_base where calculation_id ~ '^done'"
    )
    assert set(bases) == {
        ("done 0", "approved again"),
        ("done 1", "done 0"),
        ("done 4", "done 3"),
        ("done 5", "done 4"),
    }
    assert forget_old(full) == Forgotten(0, 0)


def test_a_year_keeps_the_calculation_that_its_fingerprint_is_of(bare: Settings) -> None:
    """A year that nobody touches is not calculated again because newer years pushed its calculation out."""
    few = bare.model_copy(update={"calculations_kept": 1})
    for number, year in enumerate((2020, 2021, 2021, 2021)):
        do(
            bare,
            "with file as (insert into ops.source_file (sha256, name, path, size_bytes, status) "
            "values (%s, 'а', 'а', 1, 'landed') returning file_id) "
            "insert into ops.source_part (file_id, sheet, block_no, source, year, content_key, scope_kind, status, "
            "n_rows_read, n_rows_dropped, n_rows_landed, n_records, in_force, validated_at) "
            "select file_id, 'Лист1', 1, 'vpr_result', %s, %s, 'region', 'landed', 1, 0, 1, 1, true, now() from file",
            *(str(number), year, str(number)),
        )
        calculation = begin(bare, year)
        assert calculation
        finish(bare, calculation)
    assert forget_old(few).n_calculations == 2
    assert begin(bare, 2021) is None
    assert begin(bare, 2020) is None
    with turn(bare), pytest.raises(CalculationError):
        forget_old(few)


def test_results_of_checks_go_when_later_ones_are_about_the_same(bare: Settings) -> None:
    for number, (rule, parts) in enumerate(
        (("a", "{1,2}"), ("a", "{1}"), ("b", "{2}"), ("a", "{1,2}"), ("a", "{1,2,3}"))
    ):
        do(
            bare,
            "insert into ops.expectation_result "
            "(validated_at, source, suite, expectation_id, severity, success, part_ids) "
            "values (timestamptz '2022-01-01' + %s * interval '1 day', 'school', 'school', %s, 'critical', true, %s)",
            *(number, rule, parts),
        )
    assert forget_old(bare).n_results == 2
    left = do(bare, "select extract(day from validated_at)::int from ops.expectation_result order by 1")
    # The third alone tells of its rule; the last two are within what is kept.
    assert left == [(3,), (4,), (5,)]


def test_old_files_go(bare: Settings) -> None:
    year = bare.reports_dir / str(YEAR)
    kept = [bare.logs_dir / "runs" / "new.log", year / "report.html", bare.decisions_dir / "старое решение.xlsx"]
    old = [bare.logs_dir / "runs" / "old.log", bare.logs_dir / "airflow" / "dag" / "1.log", bare.spool_dir / "1.copy"]
    old += [year / "Состояние на 2020-01-01" / "Сравнение.xlsx", year / "Решения — a, расчёт b.xlsx"]
    for path in (*kept, *old):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    for path in (*old, *kept[1:]):
        os.utime(path, (time.time() - 400 * DAY,) * 2)
    for folder in (bare.logs_dir / "airflow" / "dag", year / "Состояние на 2020-01-01"):
        os.utime(folder, (time.time() - 400 * DAY,) * 2)
    assert remove_old_files(bare) == {"журналов": 2, "остатков чтения": 1, "прежних состояний": 2}
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in old)
    # A folder that was emptied just now may be about to be filled; the next time it goes.
    folder = bare.logs_dir / "airflow" / "dag"
    os.utime(folder, (time.time() - 2 * DAY,) * 2)
    remove_old_files(bare)
    assert not folder.exists()


def test_a_second_database_goes_wherever_the_home_of_it_was_unless_somebody_works_in_it(bare: Settings) -> None:
    name = f"{warehouse_url(bare).database}_as_of"
    assert not (bare.home / "as_of").exists()
    with outside_transaction(bare) as cursor:
        cursor.execute(f'create database "{name}"')
    url = warehouse_url(bare).set(database=name).render_as_string(hide_password=False)
    with connect(bare.model_copy(update={"warehouse_url": url})):
        assert "временных баз: 0" in step(bare, "files")
    assert "временных баз: 1" in step(bare, "files")
    assert do(bare, "select datname from pg_database where datname = %s", name) == []


def test_each_step_is_taken_whatever_becomes_of_another(bare: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {name: step for name, step in STEPS.items() if name not in ("docs", "airflow")}
    monkeypatch.setattr("ravenstvo.runtime.housekeeping.STEPS", quick)
    told = StringIO()
    assert keep_house(bare, Terminal(told))
    assert [line[0] for line in told.getvalue().splitlines()] == ["✓"] * len(quick)
    ((folder, manifest),) = backups(bare.backups)
    assert read(folder)[1] == manifest
    # Where the backup cannot be written, the rest is done all the same.
    (bare.home / "a file").touch()
    nowhere = bare.model_copy(update={"backups": bare.home / "a file" / "copies"})
    told = StringIO()
    assert not keep_house(nowhere, Terminal(told))
    assert [line[0] for line in told.getvalue().splitlines()] == ["✗", *["✓"] * (len(quick) - 1)]
    with pytest.raises(HousekeepingError, match="backup"):
        keep_house(bare, Terminal(told), "unknown")


def test_the_dag_takes_every_step() -> None:
    tree = ast.parse((PROJECT_ROOT / "dags" / "housekeeping.py").read_text(encoding="utf-8"))
    (steps,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "STEPS"
    ]
    assert steps == tuple(STEPS)
