"""The DAG list_approval on real services: a person answers over Airflow's REST interface, the list is frozen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from airflow_client import Airflow
from approval_region import YEAR, do, fill
from ravenstvo import decisions
from ravenstvo.runtime import airflow_home
from ravenstvo.settings import Settings

pytestmark = pytest.mark.slow(seconds=30)

DAG = "list_approval"
DONE = ("success", "failed")


class Approvals(Airflow):
    """What is asked and answered over the REST interface."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(airflow_home.api_url(settings), airflow_home.passwords_file(settings))
        self._scheduler_log = settings.logs_dir / "scheduler.log"

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
def settings(up: Callable[..., Settings]) -> Settings:
    """A home with running services and a calculation whose list nobody has approved yet."""
    return up(prepare=fill)


def _decision_workbook(settings: Settings, name: str, *rows: list[str]) -> str:
    book = xlsxwriter.Workbook(str(settings.decisions_dir / name))
    sheet = book.add_worksheet(decisions.SHEET)
    sheet.write_row(0, 0, [decisions.KEY, decisions.DECISION, decisions.REASON, decisions.DOCUMENT])
    for number, row in enumerate(rows, start=1):
        sheet.write_row(number, 0, row)
    book.close()
    return name


def _look_at_results(settings: Settings, airflow: Airflow, body: str) -> None:
    """What the plugin shows while the list waits for an answer."""
    plugin = next(p for p in airflow.call("GET", "/api/v2/plugins")["plugins"] if p["name"] == "ravenstvo_links")
    views = {(view["destination"], view["name"]): view["href"] for view in plugin["external_views"]}
    of_run = {name: href for (place, name), href in views.items() if place == "dag_run"}
    assert set(of_run) == {"Отчёт", "Файлы", "Проверки", "Словарь", "Дашборды"}
    assert ("dag", "Результаты") in views
    assert all(view.get("url_route") or view["name"] == "Дашборды" for view in plugin["external_views"])
    errors = airflow.call("GET", "/api/v2/plugins/importErrors")
    assert errors["import_errors"] == []

    report = settings.report_file(YEAR)
    report.write_text("<h1>Отчёт о школах</h1>", encoding="utf-8")
    (settings.data_docs_dir / "index.html").write_text("<h1>Проверки</h1>", encoding="utf-8")
    # From the run to the report of its year, which only the server knows.
    status, headers, _ = airflow.page(of_run["Отчёт"].format(DAG_ID=DAG, RUN_ID="rejected"))
    assert (status, headers["Location"]) == (307, f"/ravenstvo/reports/{YEAR}/report.html")
    status, headers, page = airflow.page(headers["Location"])
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.decode() == "<h1>Отчёт о школах</h1>"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, _, page = airflow.page(of_run["Проверки"])
    assert (status, page.decode()) == (200, "<h1>Проверки</h1>")
    # The whole list lies behind the first link of what the person reads.
    link = re.search(r"\[Перечень целиком и книга решений \(\.xlsx\)\]\((\S+)\)", body)
    assert link is not None
    status, headers, book = airflow.page(link[1])
    assert (status, book[:2]) == (200, b"PK")
    assert headers["Content-Disposition"].startswith("attachment")

    assert airflow.page(of_run["Проверки"], logged_in=False)[0] == 401
    status, headers, page = airflow.page(of_run["Проверки"], logged_in=False, accept="text/html")
    assert (status, page) == (303, b"")
    assert headers["Location"] == "/api/v2/auth/login?next=/ravenstvo/data_docs/index.html"
    for path in ("reports/../pseudonym.key", "reports/..%2fpseudonym.key", "reports/%2e%2e/%2e%2e/etc/passwd"):
        assert airflow.page(f"/ravenstvo/{path}")[0] == 404, path
        assert airflow.page(f"/ravenstvo/{path}", logged_in=False)[0] == 401, path


def test_a_person_rejects_errs_and_approves(settings: Settings) -> None:
    airflow = Approvals(settings)
    count = "select count(*) from core.decision"

    shown = airflow.ask("rejected")
    assert shown["subject"] == f"Утвердить перечень школ с низкими результатами, {YEAR} год: 2"
    assert "| **В предлагаемом перечне** | **2 школы** — 66,7 % школ с выводом |" in shown["body"]
    assert r"Школа № 2 \*особая\*" in shown["body"]
    assert "## По сравнению с 2021 годом" in shown["body"]
    _look_at_results(settings, airflow, shown["body"])
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
