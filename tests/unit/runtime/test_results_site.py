"""The pages behind Airflow's login: three folders, a few kinds of files, and nothing of theirs can run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Depends, HTTPException
from fastapi.testclient import TestClient
from ravenstvo.runtime.results import results
from ravenstvo.runtime.results_site import create_app
from ravenstvo.settings import PROJECT_ROOT, Settings

NAME = "ВПР · <img src=x onerror=alert(1)> «5 класс» & #1? — замечания.xlsx"
YEARS = {("annual_recalculation", "manual__2026-11-24T18:44:31+00:00"): 2023, ("list_approval", "ask"): 2021}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A state folder with a report, an error workbook, checks, dbt's page, and what must stay unseen."""
    monkeypatch.setenv("RAVENSTVO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAVENSTVO_DASHBOARDS_URL", "http://127.0.0.1:1")
    settings = Settings()
    settings.make_home()
    errors = settings.reports_dir / "2023" / "errors"
    errors.mkdir(parents=True)
    (errors / NAME).write_bytes(b"PK book")
    (errors / "index.html").write_text("<h1>Кому что отправить</h1>", encoding="utf-8")
    (errors / "Адмиралтейский район — письмо.txt").write_text("Тема: Исправьте", encoding="utf-8")
    settings.report_file(2023).write_text("<h1>Отчёт</h1>", encoding="utf-8")
    (settings.reports_dir / "2023" / ".report.html").write_text("a draft")
    (settings.reports_dir / "2023" / "notes.md").write_text("not of a kind that is shown")
    settings.key_file.write_text("secret key")
    (tmp_path / "elsewhere.html").write_text("secret page")
    (settings.reports_dir / "2023" / "way-out.html").symlink_to(tmp_path / "elsewhere.html")
    (settings.reports_dir / "up").symlink_to(settings.home)
    (settings.data_docs_dir / "index.html").write_text("<h1>Проверки</h1>", encoding="utf-8")
    settings.dbt_docs_file.parent.mkdir(parents=True)
    settings.dbt_docs_file.write_text("<script>dbt()</script>", encoding="utf-8")
    return settings


@pytest.fixture
def browser(home: Settings) -> Iterator[TestClient]:
    def may_read() -> None:
        """Everybody."""

    app = create_app(Depends(may_read), lambda dag_id, run_id: YEARS.get((dag_id, run_id)), "/login")
    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_pages_come_with_their_type_and_a_policy(browser: TestClient) -> None:
    report = browser.get("/reports/2023/report.html")
    assert (report.status_code, report.text) == (200, "<h1>Отчёт</h1>")
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    assert report.headers["x-content-type-options"] == "nosniff"
    # The report's one script by its fingerprint, checks have none, dbt's page runs in an origin of its own.
    policy = report.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]
    assert "script-src" not in browser.get("/data_docs/index.html").headers["content-security-policy"]
    dictionary = browser.get("/dbt_docs/index.html").headers["content-security-policy"]
    assert dictionary.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in dictionary
    assert browser.post("/reports/2023/report.html").status_code == 405


def test_a_folder_lists_what_can_be_opened(browser: TestClient) -> None:
    page = browser.get("/reports/2023/")
    assert page.status_code == 200
    assert "Отчёт" in page.text
    for unseen in ("notes.md", ".report.html", "way-out", "secret"):
        assert unseen not in page.text
    errors = browser.get("/reports/2023/errors/")
    assert "<img" not in errors.text, "a name is text"
    assert "&lt;img" in errors.text
    assert errors.text.index("Кому что отправить") < errors.text.index("Адмиралтейский")
    letter = browser.get("/reports/2023/errors/Адмиралтейский район — письмо.txt")
    assert letter.headers["content-type"] == "text/plain; charset=utf-8"
    link = errors.text.split('<a href="/ravenstvo')[-1].split('"')[0]
    book = browser.get(link)
    assert (book.status_code, book.content) == (200, b"PK book")
    assert book.headers["content-disposition"].startswith("attachment")
    index = browser.get("/").text
    assert index.index("2023 год") < index.index("Общее для всех лет")


@pytest.mark.parametrize(
    "path",
    [
        *("/reports/../pseudonym.key", "/reports/%2e%2e/pseudonym.key", "/reports/..%2f..%2felsewhere.html"),
        *("/reports//etc/passwd", "/reports/%2fetc/passwd", "/reports/2023/way-out.html", "/reports/2023/notes.md"),
        *(
            "/reports/2023/.report.html",
            "/reports/up/data_docs/index.html",
            "/reports/x%00.html",
            "/airflow/airflow.cfg",
        ),
        *("/dbt_docs/../target/manifest.json", "/openapi.json", "/docs", "/reports/нет.html"),
    ],
)
def test_nothing_else_is_shown(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404, answer.text
    assert "secret" not in answer.text


def test_a_run_leads_to_its_year(browser: TestClient) -> None:
    run = "manual__2026-11-24T18%3A44%3A31%2B00%3A00"
    found = browser.get(f"/runs/annual_recalculation/{run}/report")
    assert (found.status_code, found.headers["location"]) == (307, "/ravenstvo/reports/2023/report.html")
    files = browser.get(f"/runs/annual_recalculation/{run}/files")
    assert (files.status_code, files.headers["location"]) == (307, "/ravenstvo/reports/2023/")
    unknown = browser.get("/runs/annual_recalculation/other/report")
    assert (unknown.status_code, "ещё не известен" in unknown.text) == (404, True)
    unwritten = browser.get("/runs/list_approval/ask/report")
    assert (unwritten.status_code, "Отчёта за 2021 год ещё нет" in unwritten.text) == (404, True)


def test_dashboards_that_do_not_answer_are_not_linked(browser: TestClient) -> None:
    page = browser.get("/dashboards")
    assert (page.status_code, "make bi" in page.text) == (200, True)


def test_who_is_refused_sees_nothing(home: Settings) -> None:
    def may_not() -> None:
        raise HTTPException(401, "Not authenticated")

    client = TestClient(create_app(Depends(may_not), lambda dag_id, run_id: 2023, "/login"), follow_redirects=False)
    for path in ("/", "/reports/2023/report.html", "/dashboards", "/runs/a/b/report", "/nowhere", "/reports/../x"):
        assert client.get(path).status_code == 401, path
    asked = client.get("/reports/2023/report.html", headers={"accept": "text/html"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/reports/2023/report.html")


def test_only_what_exists_is_told(home: Settings) -> None:
    assert [one.path.name for one in results(home, 2023)] == ["report.html", "index.html", "index.html", "index.html"]
    assert [one.path.parent.name for one in results(home, 1999)] == ["data_docs", "docs"]


def test_the_plugin_loads_lightly(tmp_path: Path) -> None:
    """Every component of Airflow loads it; in a process of its own, where nothing else has been imported."""
    code = """
import json, runpy, sys
from airflow.plugins_manager import AirflowPlugin
before = set(sys.modules)
plugin = runpy.run_path(sys.argv[1])["RavenstvoLinks"]
new = {name.split(".")[0] for name in set(sys.modules) - before}
routes = [view["url_route"] for view in plugin.external_views if "url_route" in view]
print(json.dumps({"new": sorted(new), "routes": routes}))
"""
    plugin = PROJECT_ROOT / "plugins" / "ravenstvo_links.py"
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "RAVENSTVO_YEAR": "не число"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(plugin)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert not set(told["new"]) & {"fastapi", "ravenstvo", "pandas", "sqlalchemy", "jinja2"}, told
    assert len(told["routes"]) == len(set(told["routes"])), "Airflow drops a view whose route is taken"
