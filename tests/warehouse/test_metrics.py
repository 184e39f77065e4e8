from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ravenstvo.runtime import metrics
from ravenstvo.runtime.observability import PATIENCE
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade
from receiver import receiver

FILES = """
insert into ops.source_file (sha256, name, path, size_bytes, status)
select 'hash' || n, 'f', 'f', 1, case n when 1 then 'refused' else 'landed' end from generate_series(1, 3) as n
"""
PARTS = """
insert into ops.source_part
  (file_id, sheet, block_no, source, status, n_rows_read, n_rows_dropped, n_rows_landed, n_records, n_rows_rejected,
   landed_at)
select file_id, 's', 1, 'school', 'landed', 5, 0, 5, 5, 2, now() - interval '1 hour' * file_id
from ops.source_file where status = 'landed'
"""
Values = dict[str, dict[tuple[tuple[str, str], ...], float]]


@pytest.fixture(scope="module")
def filled(module_warehouse: Settings) -> Iterator[Settings]:
    upgrade(module_warehouse)
    with connect(module_warehouse) as connection, connection.cursor() as cursor:
        cursor.execute(FILES)
        cursor.execute(PARTS)
    yield module_warehouse


def values(text: str) -> Values:
    found: Values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.items())] = sample.value
    return found


def of_file(settings: Settings) -> Values:
    return values(settings.metrics_file.read_text(encoding="utf-8"))


def test_counts_ages_and_ends_of_runs_are_told(filled: Settings) -> None:
    started = time.time()
    metrics.task_ended(filled, "read_inbox", 2.5)
    assert not filled.metrics_file.exists(), "written when a run ends"
    metrics.task_ended(filled, "prepare", 0.0)
    metrics.task_ended(filled, "publish", 1.5)
    told = of_file(filled)
    school = (("source", "school"),)
    assert told["ravenstvo_rows_landed"] == {school: 10.0}
    assert told["ravenstvo_rows_rejected"] == {school: 4.0}
    assert told["ravenstvo_files"] == {(("status", "landed"),): 2.0, (("status", "refused"),): 1.0}
    # The latest of the two came two hours ago.
    assert told["ravenstvo_source_age_seconds"][school] == pytest.approx(7200, abs=60)
    assert told["ravenstvo_source_last_landed_timestamp_seconds"][school] == pytest.approx(started - 7200, abs=60)
    seconds = {stage: value for ((_, stage),), value in told["ravenstvo_stage_seconds"].items()}
    assert (seconds["read_inbox"], seconds["publish"]) == (2.5, 1.5)
    assert 0 <= seconds["land"] < 60
    assert started - 1 <= told["ravenstvo_last_success_timestamp_seconds"][()] <= time.time() + 1
    assert "ravenstvo_last_failure_timestamp_seconds" not in told, "nothing has failed yet"
    assert filled.metrics_file.stat().st_mode & 0o777 == 0o644

    metrics.task_ended(filled, "land", 0.1, has_failed=True)
    told = of_file(filled)
    (failed,) = told["ravenstvo_last_failure_timestamp_seconds"].values()
    assert failed >= told["ravenstvo_last_success_timestamp_seconds"][()]
    metrics.task_ended(filled, "read_inbox", 1.0)
    assert metrics.text(metrics.collect(filled)).count("ravenstvo_stage_seconds{") == 1, "of the last run only"


def test_a_collector_gets_what_the_file_says(filled: Settings) -> None:
    with receiver() as received:
        on = filled.model_copy(update={"otel_endpoint": received.url})
        metrics.task_ended(on, "publish", 1.5)
    sent = received.values()["ravenstvo"]
    written = of_file(filled)
    assert sent.keys() == written.keys()
    assert sent["ravenstvo_rows_landed"] == written["ravenstvo_rows_landed"]
    assert sent["ravenstvo_stage_seconds"] == written["ravenstvo_stage_seconds"]


def test_a_collector_that_is_not_there_is_told_once_and_stops_nothing(
    filled: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    on = filled.model_copy(update={"otel_endpoint": "http://127.0.0.1:1"})
    started = time.monotonic()
    for task in ("validate", "finish", "publish"):
        metrics.task_ended(on, task, 1.0)
    assert time.monotonic() - started < 2 * PATIENCE
    assert [record.name for record in caplog.records if record.levelname == "WARNING"] == ["ravenstvo.runtime.metrics"]


def test_a_warehouse_that_is_down_stops_nothing(filled: Settings, caplog: pytest.LogCaptureFixture) -> None:
    down = filled.model_copy(update={"warehouse_url": "postgresql+psycopg2://nobody@127.0.0.1:1/none"})
    metrics.task_ended(down, "publish", 1.0)
    assert "Метрики не записаны" in caplog.text


def test_the_guide_names_every_metric() -> None:
    guide = (PROJECT_ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    for name, (_, labels) in metrics.METRICS.items():
        (row,) = [line for line in guide.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(f"`{label}`" in row for label in labels), name
