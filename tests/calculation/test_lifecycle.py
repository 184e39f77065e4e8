from __future__ import annotations

import pytest
from ravenstvo.calculation import lifecycle
from ravenstvo.calculation.lifecycle import BusyError, CalculationError, begin, fail, finish, out_of_date, stage_turn
from ravenstvo.runtime import tasks
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade


@pytest.fixture
def filled(warehouse: Settings) -> Settings:
    upgrade(warehouse)
    return warehouse


def _land(settings: Settings, sha256: str, source: str, year: int | None, *, validated: bool = True) -> int:
    """A landed part in force; returns its number."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.source_file (sha256, name, path, size_bytes, status) values (%s, %s, %s, 1, 'landed') "
            "returning file_id",
            (sha256, sha256, sha256),
        )
        (file_id,) = cursor.fetchone()
        cursor.execute(
            "insert into ops.source_part (file_id, sheet, block_no, source, year, content_key, scope_kind, status, "
            "n_rows_read, n_rows_dropped, n_rows_landed, n_records, in_force, validated_at) "
            "values (%s, 'Лист1', 1, %s, %s, %s, 'region', 'landed', 1, 0, 1, 1, true, %s) returning part_id",
            (file_id, source, year, f"{source}|{year}", "2024-01-01" if validated else None),
        )
        (part_id,) = cursor.fetchone()
    return part_id


def _do(settings: Settings, statement: str, *values: object) -> list[tuple]:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _calculate(settings: Settings, year: int | None = None) -> list[int] | None:
    calculation = begin(settings, year)
    if calculation is None:
        return None
    finish(settings, calculation)
    return calculation["years"]


def test_calculates_every_year_with_data_once(filled: Settings) -> None:
    for year in (2019, 2020, 2021, 2022):
        _land(filled, f"vpr {year}", "vpr_result", year)
    assert _calculate(filled, 2021) == [2019, 2020, 2021]
    assert _calculate(filled, 2021) is None
    assert _calculate(filled, 2020) is None
    assert _calculate(filled) == [2022]


def test_a_new_file_of_an_earlier_year_touches_the_years_that_look_back_on_it(filled: Settings) -> None:
    for year in (2017, 2018, 2019, 2020, 2021):
        _land(filled, f"vpr {year}", "vpr_result", year)
    _calculate(filled, 2021)
    _land(filled, "oge 2017", "oge_result", 2017)
    assert _calculate(filled, 2021) == [2017, 2018, 2019, 2021]
    assert _calculate(filled, 2021) is None


def test_a_register_without_a_year_touches_every_year(filled: Settings) -> None:
    for year in (2020, 2021):
        _land(filled, f"vpr {year}", "vpr_result", year)
    _calculate(filled, 2021)
    _land(filled, "register", "school", None)
    assert _calculate(filled, 2021) == [2020, 2021]


def test_a_replaced_version_and_a_replaced_school_count_as_changes(filled: Settings) -> None:
    first, second = (_land(filled, name, "vpr_result", 2021) for name in ("one", "two"))
    _calculate(filled, 2021)
    _do(filled, "insert into ops.superseded_school values (%s, 'sch1')", first)
    assert _calculate(filled, 2021) == [2021]
    _do(filled, "update ops.source_part set in_force = false where part_id = %s", second)
    assert _calculate(filled, 2021) == [2021]
    assert _calculate(filled, 2021) is None


def test_the_fingerprint_does_not_depend_on_the_order_of_loading(filled: Settings) -> None:
    hashes = []
    for order in (("a", "b", "c"), ("c", "a", "b")):
        _do(filled, "delete from ops.calculation")
        _do(filled, "delete from ops.source_part")
        _do(filled, "delete from ops.source_file")
        for name in order:
            _land(filled, name, "vpr_result", 2021)
        _calculate(filled, 2021)
        hashes += _do(filled, "select inputs_hash from ops.calculation")
    assert hashes[0] == hashes[1]


def test_rows_that_wait_for_validation_are_work(filled: Settings) -> None:
    _land(filled, "vpr", "vpr_result", 2021)
    _calculate(filled, 2021)
    late = _land(filled, "late", "vpr_result", 2021, validated=False)
    _do(filled, "update ops.source_part set in_force = false where part_id = %s", late)
    assert _calculate(filled, 2021) == [2021]


def test_nothing_to_calculate_while_nothing_has_come(filled: Settings) -> None:
    assert begin(filled, None) is None
    assert begin(filled, 2025) is None
    _land(filled, "vpr 2021", "vpr_result", 2021)
    assert begin(filled, 2020) is None


def test_a_campaign_without_results_yet_calculates_the_years_before(filled: Settings) -> None:
    _land(filled, "vpr 2021", "vpr_result", 2021)
    assert _calculate(filled, 2025) == [2021, 2025]
    assert _calculate(filled, 2025) is None


def test_registers_alone_are_worth_a_calculation(filled: Settings) -> None:
    _land(filled, "register", "school", None)
    assert _calculate(filled, 2024) == [2024]
    assert _calculate(filled, 2024) is None


def test_a_failed_calculation_is_repeated(filled: Settings) -> None:
    _land(filled, "vpr", "vpr_result", 2021)
    calculation = begin(filled, 2021)
    fail(filled, calculation, "причина")
    assert _do(filled, "select status, message from ops.calculation") == [("failed", "причина")]
    assert _calculate(filled, 2021) == [2021]


def test_two_calculations_do_not_interleave(filled: Settings) -> None:
    _land(filled, "vpr", "vpr_result", 2021)
    first = begin(filled, 2021)
    with stage_turn(filled, first), pytest.raises(CalculationError, match="другой расчёт"):
        assert _is_taken(filled)
        begin(filled, 2021)
    assert not _is_taken(filled)
    # Between its stages the first has no hold: whoever begins takes over, and the first stops.
    second = begin(filled, 2021)
    assert second["calculation_id"] != first["calculation_id"]
    with pytest.raises(CalculationError, match="остановлен"), stage_turn(filled, first):
        pass
    with pytest.raises(CalculationError, match="остановлен"):
        finish(filled, first)
    finish(filled, second)
    states = "select calculation_id, status from ops.calculation order by started_at"
    assert _do(filled, states) == [(first["calculation_id"], "failed"), (second["calculation_id"], "done")]


def test_a_calculation_that_is_done_is_not_finished_twice(filled: Settings) -> None:
    """A task that was killed after its transaction, before Airflow heard of it, is tried again."""
    _land(filled, "vpr", "vpr_result", 2021)
    calculation = begin(filled, 2021)
    finish(filled, calculation)
    done = _do(filled, "select * from ops.calculation")
    finish(filled, calculation)
    assert _do(filled, "select * from ops.calculation") == done


def test_a_year_is_out_of_date_when_what_it_rests_on_has_changed(filled: Settings) -> None:
    for year in (2020, 2021, 2022):
        _land(filled, f"vpr {year}", "vpr_result", year)
    assert out_of_date(filled) == [], "nothing has been calculated: it waits for its day"
    _calculate(filled, 2021)
    assert out_of_date(filled) == []
    _land(filled, "ege 2022", "ege_result", 2022)
    assert out_of_date(filled) == [], "a campaign that has not been calculated yet is not corrected"
    _land(filled, "vpr 2020 corrected", "vpr_result", 2020)
    assert out_of_date(filled) == [2020, 2021], "methods look back"
    assert _calculate(filled, 2021) == [2020, 2021]
    late = _land(filled, "superseded before it came", "vpr_result", 2021, validated=False)
    _do(filled, "update ops.source_part set in_force = false where part_id = %s", late)
    assert out_of_date(filled) == [2021], "its sender waits for a report"


def test_runs_take_turns_and_a_dead_one_loses_its(filled: Settings) -> None:
    _land(filled, "vpr 2021", "vpr_result", 2021)
    first = begin(filled, 2021, "backfill__2021", lambda run: True)
    assert first is not None
    with pytest.raises(BusyError, match=f"Идёт расчёт {first['calculation_id']} .*backfill__2021"):
        begin(filled, 2021, "scheduled__2021", lambda run: run == "backfill__2021")
    again = begin(filled, 2021, "backfill__2021", lambda run: True)
    assert again is not None, "the same run, tried again, goes on"
    second = begin(filled, 2021, "scheduled__2021", lambda run: False)
    assert second is not None
    assert _do(filled, "select status from ops.calculation order by started_at, calculation_id") == [
        ("failed",),
        ("failed",),
        ("running",),
    ]


def _is_taken(settings: Settings) -> bool:
    with connect(settings) as connection, connection.cursor() as cursor:
        return lifecycle.is_taken(cursor)


def _status(settings: Settings, calculation_id: str) -> tuple:
    query = "select status, finished_at is null, message from ops.calculation where calculation_id = %s"
    return _do(settings, query, calculation_id)[0]


def test_a_stage_that_failed_goes_on_when_it_is_tried_again(filled: Settings) -> None:
    _land(filled, "vpr", "vpr_result", 2021)
    calculation = begin(filled)
    assert calculation is not None
    fail(filled, calculation, "база не отвечала")
    with stage_turn(filled, calculation):
        assert _status(filled, calculation["calculation_id"]) == ("running", True, None)
    finish(filled, calculation)
    assert _status(filled, calculation["calculation_id"])[0] == "done"


def test_it_does_not_go_on_with_other_rules_or_after_another(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _land(filled, "vpr", "vpr_result", 2021)
    first = begin(filled)
    assert first is not None
    fail(filled, first, "ошибка в справочнике")
    with monkeypatch.context() as patched:
        patched.setattr(lifecycle, "seeds_hash", lambda root: "исправлен")
        with pytest.raises(CalculationError, match="изменились справочники"), stage_turn(filled, first):
            pass
    assert begin(filled) is not None
    with pytest.raises(CalculationError, match="остановлен"), stage_turn(filled, first):
        pass
    assert _status(filled, first["calculation_id"])[0] == "failed"


def test_waiting_for_a_turn_says_nothing_against_the_calculation(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a step that Airflow takes for dead still runs; the next try finds the warehouse taken."""
    _land(filled, "vpr", "vpr_result", 2021)
    calculation = begin(filled)
    assert calculation is not None
    monkeypatch.setattr(tasks, "get_settings", lambda: filled)
    monkeypatch.setattr(lifecycle, "_STAGE_PATIENCE", 0.5)
    with stage_turn(filled, calculation), pytest.raises(BusyError):
        tasks.estimate(calculation)
    assert _status(filled, calculation["calculation_id"])[0] == "running"
