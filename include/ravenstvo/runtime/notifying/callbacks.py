"""What Airflow calls when a task or a run has failed, or a run is late.

A callback never raises: what cannot be told is logged, and the run stays what it is. Imports are inside, because DAGs
import this module when they are parsed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

log = logging.getLogger(__name__)


def task_failed(context: Mapping[str, Any]) -> None:
    """Note a task that failed for good (tries that are repeated do not come here); its run tells of it."""
    with _harmless():
        from ravenstvo.runtime.notifying.failures import Note, note
        from ravenstvo.settings import get_settings

        note(get_settings(), Note.of(context))


def run_failed(context: Mapping[str, Any]) -> None:
    """Tell of a run that failed: one letter with everything that its tasks noted."""
    with _harmless():
        from ravenstvo.runtime.notifying.failures import tell_run
        from ravenstvo.settings import get_settings

        tell_run(get_settings(), context["dag"].dag_id, context["run_id"], context.get("reason") or "")


def run_late(context: Mapping[str, Any], hours: float) -> None:
    """Tell of a run that has not ended in time. Airflow gives the run as its interface shows it, in plain values."""
    with _harmless():
        from ravenstvo.runtime.notifying.failures import tell_late
        from ravenstvo.settings import get_settings

        run = context["dag_run"]
        tell_late(get_settings(), run["dag_id"], run.get("dag_run_id") or run.get("run_id") or "", hours)


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except Exception:
        log.exception("Сообщение не составлено")
