"""How events leave; what they say of a real run is in ``end_to_end/test_second_region``."""

from __future__ import annotations

import json
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import environment_variables_run, error_message_run, sql_job
from openlineage.client.uuid import generate_new_uuid
from ravenstvo.runtime import observability
from ravenstvo.runtime.lineage.statements import tables_read
from ravenstvo.runtime.lineage.transport import Sender, SenderConfig
from ravenstvo.settings import Settings
from receiver import receiver

NOBODY = "http://127.0.0.1:1"


def event() -> RunEvent:
    facets: dict[str, Any] = {
        "errorMessage": error_message_run.ErrorMessageRunFacet("Иванова: bad", "Python", "Traceback Иванова"),
        "environmentVariables": environment_variables_run.EnvironmentVariablesRunFacet(
            [environment_variables_run.EnvironmentVariable("PGPASSWORD", "s3cret")]
        ),
    }
    return RunEvent(
        eventTime=datetime.now(UTC).isoformat(),
        producer="urn:ravenstvo:test",
        run=Run(str(generate_new_uuid()), facets),
        job=Job("ravenstvo", "ravenstvo.land", {"sql": sql_job.SQLJobFacet("select 'Иванова'")}),
        eventType=RunState.FAIL,
    )


def sender(tmp_path: Path, **more: str) -> Sender:
    return Sender(SenderConfig.from_dict({"file": str(tmp_path / "lineage" / "events.jsonl"), **more}))


def kept(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "lineage" / "events.jsonl"
    if not path.exists():
        return []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_texts_of_errors_code_and_environment_stay_here(tmp_path: Path) -> None:
    sent = event()
    sender(tmp_path).emit(sent)
    (written,) = kept(tmp_path)
    assert written["run"]["runId"] == sent.run.runId
    assert set(written["run"]["facets"]) == {"errorMessage"} and written["job"]["facets"] == {}
    assert written["run"]["facets"]["errorMessage"]["_producer"] == "urn:ravenstvo:test"
    assert not any(word in json.dumps(written, ensure_ascii=False) for word in ("Иванова", "s3cret", "Traceback"))


def test_a_server_gets_the_event_and_the_key(tmp_path: Path) -> None:
    with receiver() as received:
        sender(tmp_path, url=received.url, token="ключ-42".encode().hex()).emit(event())
    assert [one["job"]["name"] for one in received.events()] == ["ravenstvo.land"]
    assert received.posted[0][1]["Authorization"] == f"Bearer {'ключ-42'.encode().hex()}"
    assert kept(tmp_path) == []


def test_a_server_that_is_not_there_is_told_once_and_events_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    for _ in range(20):
        sender(tmp_path, url=NOBODY).emit(event())
    assert time.monotonic() - started < observability.PATIENCE
    assert len(kept(tmp_path)) == 20
    assert [record.levelname for record in caplog.records if "OpenLineage" in record.message] == ["WARNING"]
    # Back again after a while: it gets what comes from then on.
    mark = tmp_path / "lineage" / ".unreachable"
    assert mark.exists()
    mark.unlink()
    with receiver() as received:
        sender(tmp_path, url=received.url).emit(event())
    assert len(received.events()) == 1 and len(kept(tmp_path)) == 20


def test_off_means_that_airflow_does_not_even_listen(tmp_path: Path) -> None:
    off = Settings(home=tmp_path)
    assert observability.lineage_options(off) == {"disabled": True}
    assert observability.metrics_options(off)["otel_on"] is False
    assert observability.environment(off) == {}


def test_keys_are_in_the_owner_s_configuration_and_in_no_environment(tmp_path: Path) -> None:
    on = Settings(home=tmp_path, lineage="https://lineage.example", lineage_token="s3cret", otel_endpoint=NOBODY)
    assert "s3cret" in str(observability.lineage_options(on)["transport"])
    assert "s3cret" not in str(observability.environment(on)) and "s3cret" not in repr(on)


@pytest.mark.parametrize("address", ["file", "ftp://host", "http://name:password@host:4318", "host:4318"])
def test_a_collector_s_address_is_a_web_address_without_a_password(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="без имени и пароля") as refused:
        Settings(home=tmp_path, otel_endpoint=address)
    assert "password" not in str(refused.value)


def test_the_tables_that_estimates_read_are_found_in_their_statements() -> None:
    assert {"core.fct_school_procedure", "core.dim_school", "seeds.context_index"} <= set(tables_read())
