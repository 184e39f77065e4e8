"""The DAG list_approval on real services: a person answers over Airflow's REST interface, the list is frozen."""

from __future__ import annotations

import json
import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from approval_region import YEAR, do, fill
from ravenstvo import decisions
from ravenstvo.runtime import airflow_home, services
from ravenstvo.settings import Settings
from ravenstvo.warehouse.migrate import upgrade

pytestmark = pytest.mark.slow(seconds=30)

DAG = "list_approval"
DONE = ("success", "failed")


class Airflow:
    """A client of the REST interface, logged in as the administrator."""

    def __init__(self, settings: Settings) -> None:
        self._scheduler_log = settings.logs_dir / "scheduler.log"
        self._url = airflow_home.api_url(settings)
        password = json.loads(airflow_home.passwords_file(settings).read_text())[airflow_home.ADMIN]
        self._token = ""
        self._token = self.call("POST", "/auth/token", {"username": airflow_home.ADMIN, "password": password})[
            "access_token"
        ]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(self._url + path, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Bearer {self._token}")
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return json.load(answer)

    def wait(self, path: str, ready: Any, seconds: int = 180) -> Any:
        """Ask until the answer is ready."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = self.call("GET", path)
                if ready(answer):
                    return answer
            except urllib.error.HTTPError as error:
                answer = error.code
            assert time.monotonic() < deadline, (path, answer)
            time.sleep(0.3)

    def ask(self, run_id: str) -> dict[str, Any]:
        """Start an approval and wait until a person is asked; gives what the person sees."""
        self.wait(f"/api/v2/dags/{DAG}", lambda dag: dag["is_paused"] is False)
        self.call(
            "POST",
            f"/api/v2/dags/{DAG}/dagRuns",
            {"dag_run_id": run_id, "conf": {"year": YEAR}, "logical_date": None},
        )
        detail = self.wait(self._question(run_id), lambda detail: detail["response_received"] is False)
        # No person answers faster than the scheduler hears that the asking process has ended; a program would, and
        # Airflow would take the task that it has just resumed for a lost one.
        heard = re.compile(rf"Received executor event .*task_id='approve', run_id='{run_id}'")
        deadline = time.monotonic() + 90
        while not heard.search(self._scheduler_log.read_text(errors="replace")):
            assert time.monotonic() < deadline, "the scheduler does not hear of the task that asks"
            time.sleep(0.2)
        return detail

    def answer(self, run_id: str, option: str, **given: Any) -> str:
        """Answer as the person; gives the state in which the run ended."""
        wanted = {"document": None, "decisions": None, "replace": False} | given
        self.call("PATCH", self._question(run_id), {"chosen_options": [option], "params_input": wanted})
        run = self.wait(f"/api/v2/dags/{DAG}/dagRuns/{run_id}", lambda run: run["state"] in DONE)
        return run["state"]

    def returned(self, run_id: str, task_id: str) -> str:
        """What a task returned."""
        path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.call("GET", path)["value"]

    @staticmethod
    def _question(run_id: str) -> str:
        return f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A home with running services and a calculation whose list nobody has approved yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in [name for name in os.environ if name.startswith(("RAVENSTVO_", "AIRFLOW"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RAVENSTVO_API_PORT", str(port))
    made = Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None, api_port=port)
    made.make_home()
    said: list[str] = []
    try:
        upgrade(made)
        fill(made)
        services.up(made, said.append)
        yield made
    finally:
        services.down(made, said.append)


def _decision_workbook(settings: Settings, name: str, *rows: list[str]) -> str:
    book = xlsxwriter.Workbook(str(settings.decisions_dir / name))
    sheet = book.add_worksheet(decisions.SHEET)
    sheet.write_row(0, 0, [decisions.KEY, decisions.DECISION, decisions.REASON, decisions.DOCUMENT])
    for number, row in enumerate(rows, start=1):
        sheet.write_row(number, 0, row)
    book.close()
    return name


def test_a_person_rejects_errs_and_approves(settings: Settings) -> None:
    airflow = Airflow(settings)
    count = "select count(*) from core.decision"

    shown = airflow.ask("rejected")
    assert shown["subject"] == f"Утвердить перечень школ с низкими результатами, {YEAR} год: 2"
    assert "- В предлагаемом перечне: 2 (66,7 % школ с выводом)" in shown["body"]
    assert r"Школа № 2 \*особая\*" in shown["body"]
    assert "## По сравнению с 2021 годом" in shown["body"]
    assert airflow.answer("rejected", "Reject") == "success"
    assert airflow.returned("rejected", "tell").startswith(f"Перечень {YEAR} года не утверждён: предложение отклонено")
    assert do(settings, count) == [(0,)]

    # A workbook with an unknown school, and one that lies elsewhere: nothing is applied.
    unknown = _decision_workbook(settings, "ошибка.xlsx", ["999999", "включить", "жалобы", "письмо"])
    for run_id, name in (("unknown", unknown), ("outside", "../pseudonym.key")):
        airflow.ask(run_id)
        assert airflow.answer(run_id, "Approve", document="приказ № 7", decisions=name) == "failed"
        assert do(settings, count) == [(0,)]

    name = _decision_workbook(settings, "решения.xlsx", ["100003", "включить", "жалобы", "письмо № 2"])
    airflow.ask("approved")
    assert airflow.answer("approved", "Approve", document="приказ № 7", decisions=name) == "success"
    assert "школ 3, решений, которые расходятся с выводом метода: 1" in airflow.returned("approved", "tell")
    frozen = do(settings, "select approved_by, document, n_listed from ops.publication")
    assert [(by.casefold(), document, n_listed) for by, document, n_listed in frozen] == [
        (airflow_home.ADMIN, "приказ № 7", 3)
    ]
    decided = do(settings, "select school_id, decided_status, lower(decided_by) from core.decision order by 1")
    assert decided == [(school, "included", airflow_home.ADMIN) for school in ("C100001", "C100002", "C100003")]
