"""What a task leaves besides its work: lines of the log that carry its numbers, metrics, lineage."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from ravenstvo import logs
from ravenstvo.calculation.lifecycle import BusyError
from ravenstvo.runtime import lineage, metrics
from ravenstvo.settings import Settings, get_settings

log = logging.getLogger(__name__)

Given = ParamSpec("Given")
Result = TypeVar("Result")

DAG_ID = "annual_recalculation"
# Tasks of single files end by the hundred and have a line of their own: the step is measured by its neighbours.
_OF_ONE_FILE = ("land",)


def observed(task: Callable[Given, Result]) -> Callable[Given, Result]:
    """Tell of a task's begin and end, with the ids of its calculation or file in every line between them."""
    signature = inspect.signature(task)

    @functools.wraps(task)
    def told(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        settings = get_settings()
        given = dict(signature.bind(*args, **kwargs).arguments)
        name = f"build_{given['stage']}" if "stage" in given else task.__name__
        logs.begin(settings)
        with logs.bound(**_airflow_ids(), **_ids(given), stage=name):
            started, clock = datetime.now(UTC), time.monotonic()
            logs.say(log, "Шаг начат", logging.DEBUG)
            try:
                result = task(*args, **kwargs)
            except BusyError:
                logs.say(log, "Шаг ждёт: хранилище занято другим расчётом")
                raise
            except Exception as error:
                seconds = time.monotonic() - clock
                logs.say(log, "Шаг не выполнен", logging.ERROR, seconds=round(seconds, 2), **_error(error))
                _give_out(settings, name, given, None, started, seconds, has_failed=True)
                raise
            seconds = time.monotonic() - clock
            level = logging.DEBUG if name in _OF_ONE_FILE else logging.INFO
            logs.say(log, "Шаг выполнен", level, seconds=round(seconds, 2), **_counts(name, result))
            _give_out(settings, name, given, result, started, seconds)
            return result

    return told


def _give_out(
    settings: Settings,
    task: str,
    given: dict[str, Any],
    result: Any,
    started: datetime,
    seconds: float,
    *,
    has_failed: bool = False,
) -> None:
    if _stops_the_run() if has_failed else task not in _OF_ONE_FILE:
        metrics.task_ended(settings, task, seconds, has_failed=has_failed)
    lineage.task_ended(settings, task, given, result, started)


def _airflow_task() -> Any:
    """The task of Airflow that this process works on; None outside of one."""
    if "airflow.sdk" in sys.modules:
        from airflow.sdk import get_current_context

        with suppress(RuntimeError):
            return get_current_context()["ti"]
    return None


def _stops_the_run() -> bool:
    """Whether a failure is a calculation's end: not where the task is tried again, nor where files only come in."""
    task = _airflow_task()
    return task is None or (task.dag_id == DAG_ID and task.try_number > (task.max_tries or 0))


def _airflow_ids() -> dict[str, Any]:
    task = _airflow_task()
    return {} if task is None else {name: getattr(task, name) for name in ("dag_id", "run_id", "task_id", "try_number")}


def _ids(given: Mapping[str, Any]) -> dict[str, Any]:
    calculation = given.get("calculation") or {}
    ids: dict[str, Any] = {name: calculation[name] for name in ("calculation_id", "year") if name in calculation}
    if given.get("year") is not None:
        ids["year"] = given["year"]
    if "spooled" in given:
        ids |= logs.file_ids(given["spooled"]["path"])
    return ids


def _error(error: Exception) -> dict[str, str]:
    """The kind of an error; its text only where it is the product's own: others may quote a row."""
    told = {"error": type(error).__name__}
    if type(error).__module__.partition(".")[0] == "ravenstvo":
        told["message"] = str(error)
    return told


def _counts(task: str, result: Any) -> dict[str, Any]:
    """Numbers of what a task did."""
    if isinstance(result, list):
        return {"n_new" if task == "look" else "n_written": len(result)}
    if not isinstance(result, dict):
        return {} if task != "prepare" else {"status": "unchanged"}
    if task == "read_inbox":
        counts = {name: result[name] for name in ("n_found", "n_known", "year") if result.get(name) is not None}
        return counts | {"n_new": len(result["files"])}
    if task == "arrived":
        return {"n_sources": len(result)}
    if task == "land":
        return {"status": result["status"], "n_rows": result["rows"]}
    if task == "prepare":
        return {"calculation_id": result["calculation_id"], "n_years": len(result["years"])}
    if task == "validate":
        found = result["sources"].values()
        return {name: sum(one[name] for one in found) for name in ("n_rows", "n_rejected", "n_warnings")}
    if task == "estimate":
        return {"n_rows": sum(result.values())}
    return {f"n_{status}": number for status, number in result.get("nodes", {}).items()}
