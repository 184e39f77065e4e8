"""OpenLineage events of a run, where they are asked for: files → landing → dbt's tables → lists.

Airflow's provider tells of the run of the DAG and of its tasks; here the tasks tell what they did, as runs below their
own: a file loaded, a source validated, every table that dbt built, the estimates. Datasets are named as OpenLineage
does: ``file`` and the path in the inbox; ``postgres://host:port`` and ``database.schema.table``.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from ravenstvo import logs
from ravenstvo.settings import Settings

log = logging.getLogger(__name__)


def task_ended(settings: Settings, task: str, given: dict[str, Any], result: Any, started: datetime) -> None:
    """Send the events of what a task did; a failure to do so is logged and stops nothing.

    Args:
        settings: where the events go; nowhere without ``lineage``.
        task: name of the step.
        given: arguments of the task by name.
        result: what it returned; None when it failed.
        started: when it began, of this machine's clock.
    """
    if settings.lineage is None:
        return
    try:
        from ravenstvo.runtime.lineage.events import events_of
        from ravenstvo.runtime.lineage.transport import Sender, SenderConfig
        from ravenstvo.runtime.observability import lineage_transport

        events = events_of(settings, task, given, result, started)
        sender = Sender(SenderConfig.from_dict(lineage_transport(settings)))
        for event in events:
            sender.emit(event)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with what is told, the work itself is done
        logs.say(log, "События происхождения данных не записаны", logging.WARNING, error=type(error).__name__)
