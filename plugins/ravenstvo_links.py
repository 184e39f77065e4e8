"""Airflow's plugin: the report, workbooks, checks, dictionary and dashboards, one click from a run, a DAG or the menu.

Every component of Airflow loads this file, and only the web server shows pages: what they need is imported by the
first request.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

_PREFIX = "/ravenstvo"
# Who may read the runs of this DAG may read what they leave.
_DAG = "annual_recalculation"
_CATEGORY = "Равенство"


class _Pages:
    """The application of ``ravenstvo.runtime.results_site``, made when it is first asked for."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            self._app = _make_app()
        await self._app(scope, receive, send)


def _make_app() -> Any:
    from airflow.api_fastapi.app import API_ROOT_PATH
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends
    from ravenstvo.runtime.results_site import create_app

    may_read = Depends(requires_access_dag("GET", DagAccessEntity.RUN, param_dag_id=_DAG))
    return create_app(may_read, _year_of_run, f"{API_ROOT_PATH}api/v2/auth/login")


def _year_of_run(dag_id: str, run_id: str) -> int | None:
    """Campaign year that a run found in its inbox or was asked to approve; None while it is not known."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    task, key = ("propose", "return_value") if dag_id == "list_approval" else ("read_inbox", "year")
    with create_session() as session:
        query = XComModel.get_many(run_id=run_id, dag_ids=dag_id, task_ids=task, key=key, limit=1)
        found = session.scalars(query).first()
        value = None if found is None else XComModel.deserialize_value(found)
    year = value.get("year") if isinstance(value, dict) else value
    return year if isinstance(year, int) else None


def _view(name: str, place: str, route: str | None, address: str) -> dict[str, Any]:
    """A link of Airflow's interface; one with a route opens inside it, one without in a tab of its own."""
    view = {"name": name, "href": f"{_PREFIX}/{address}", "destination": place}
    view |= {"category": _CATEGORY} if place == "nav" else {}
    return view if route is None else view | {"url_route": route}


class RavenstvoLinks(AirflowPlugin):
    """Links to what a calculation leaves for people."""

    name = "ravenstvo_links"
    fastapi_apps = [{"app": _Pages(), "url_prefix": _PREFIX, "name": "Равенство: результаты"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        _view("Результаты", "nav", "results", ""),
        _view("Проверки данных (Data Docs)", "nav", "data-docs", "data_docs/index.html"),
        _view("Словарь данных (dbt docs)", "nav", "dbt-docs", "dbt_docs/index.html"),
        _view("Дашборды", "nav", None, "dashboards"),
        _view("Результаты", "dag", "all-results", ""),
        _view("Отчёт", "dag_run", "report", "runs/{DAG_ID}/{RUN_ID}/report"),
        _view("Файлы", "dag_run", "files", "runs/{DAG_ID}/{RUN_ID}/files"),
        _view("Проверки", "dag_run", "run-data-docs", "data_docs/index.html"),
        _view("Словарь", "dag_run", "run-dbt-docs", "dbt_docs/index.html"),
        _view("Дашборды", "dag_run", "run-dashboards", "dashboards/address"),
    ]
