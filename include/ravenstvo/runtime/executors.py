"""Who runs Airflow's tasks, and what happens to those whose process has died."""

from __future__ import annotations

import socket

from ravenstvo.settings import Settings

CELERY = "CeleryExecutor"
_ANSWER_SECONDS = 5


def options(settings: Settings) -> dict[str, dict[str, object]]:
    """Airflow's options by section: the executor, and the times after which the dead are noticed and tried again.

    Airflow's own times suit hundreds of machines: five minutes until a dead task or what a dead scheduler has left is
    noticed, five more until it is tried again. A task gives a sign of life every five seconds.
    """
    silence = settings.task_silence
    sections: dict[str, dict[str, object]] = {
        "core": {
            "executor": settings.executor,
            "parallelism": settings.task_slots,
            # Every step may be repeated, whatever it died of; three times it is, before a person is called.
            "default_task_retries": 3,
            "default_task_retry_delay": max(5, silence // 3),
        },
        "scheduler": {
            "task_instance_heartbeat_timeout": silence,
            "task_instance_heartbeat_timeout_detection_interval": 5,
            # What a dead scheduler had in hand goes to the next one.
            "scheduler_health_check_threshold": max(10, silence // 2),
            "orphaned_tasks_check_interval": max(5, silence // 4),
        },
    }
    if settings.executor == CELERY:
        sections |= {
            "celery": {
                "broker_url": settings.broker_url or "",
                "worker_concurrency": settings.task_slots,
                # What a worker takes it begins: nothing waits in one worker while another is idle.
                "worker_prefetch_multiplier": 1,
            },
            # A message that was not confirmed is sent again after so long, and Airflow stops the task that it began:
            # longer than any task. Deaths are noticed by signs of life, not by this.
            "celery_broker_transport_options": {"visibility_timeout": 24 * 3600},
        }
    return sections


def watched_by_a_person(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a run that a person waits for: what fails is told at once, and repeated by the person."""
    return environment | {"AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "0"}


def worker_name() -> str:
    """Name under which the worker of this machine or container answers."""
    return f"celery@{socket.gethostname()}"


def worker_answers(settings: Settings) -> bool:
    """Whether the worker of this machine or container answers by way of the broker."""
    from celery import Celery
    from kombu.exceptions import OperationalError

    with Celery(broker=settings.broker_url, set_as_current=False) as app:
        app.conf.broker_transport_options = {"socket_timeout": _ANSWER_SECONDS, "max_retries": 0}
        try:
            answers = app.control.ping(destination=[worker_name()], timeout=_ANSWER_SECONDS, limit=1)
        except (OperationalError, OSError):
            return False
    return bool(answers)
