"""Airflow's services on this machine: started in the background, stopped by their pids."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ravenstvo.errors import ToldError
from ravenstvo.runtime import airflow_home, bi, executors, processes
from ravenstvo.runtime.results import PREFIX
from ravenstvo.runtime.terminal import Terminal
from ravenstvo.settings import Settings
from ravenstvo.warehouse import migrate, server

# Name of the service: arguments of the ``airflow`` command. Logs are not served: all services see one folder of them.
SERVICES = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
WORKER = "worker"
_WORKER_ARGUMENTS = ("celery", "worker", "--skip-serve-logs", "--without-gossip", "--without-mingle")
SUPERSET = "superset"
NAMES = (*SERVICES, WORKER, SUPERSET)
_START_SECONDS = 120


class ServiceError(ToldError):
    """A service cannot be started; the message (Russian) says where to look."""


def wanted(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Services of this home, by its executor: arguments of the ``airflow`` command."""
    return SERVICES | ({WORKER: _WORKER_ARGUMENTS} if settings.executor == executors.CELERY else {})


def up(settings: Settings, terminal: Terminal) -> None:
    """Start what does not run yet, wait until all of it is healthy, and say where the interface is."""
    settings.make_home()
    healthy: set[str] = set()
    with terminal.stages(["хранилище", "настройка Airflow", "запуск служб"]) as stages:
        stages.start("хранилище")
        migrate.upgrade(settings)
        stages.start("настройка Airflow")
        environment = airflow_home.prepare(settings)
        names = wanted(settings)
        stages.start("запуск служб").progress = lambda: f"готово: {len(healthy)} из {len(names)}"
        if not _runs(settings, "api-server") and not processes.port_is_free(settings.api_host, settings.api_port):
            raise ServiceError(f"Порт {settings.api_port} занят. Задайте другой: RAVENSTVO_API_PORT=8081 make up")
        for name in names:
            if not _runs(settings, name):
                _start(settings, name, environment)
        _wait_until_healthy(settings, healthy)
    terminal.path("Airflow", airflow_home.web_url(settings), 13)
    terminal.path("Результаты", f"{airflow_home.web_url(settings)}{PREFIX}/", 13)
    terminal.path("Журналы", settings.logs_dir, 13)
    terminal.say(f"Пользователь {airflow_home.ADMIN}, пароль в файле {airflow_home.passwords_file(settings)}")
    terminal.say("Остановить: make down")


def run_in_foreground(settings: Settings, name: str) -> NoReturn:
    """Become one service: what a container or a process manager starts. The metadata must have been prepared."""
    if name == SUPERSET:
        bi.run_in_foreground(settings)
    if name not in NAMES:
        raise ServiceError(f"Нет такой службы: {name}. Есть: {', '.join(NAMES)}")
    if name not in wanted(settings):
        raise ServiceError(
            f"Служба {name} нужна, когда задачи раздаёт Celery, а задан {settings.executor}. "
            "Добавьте RAVENSTVO_EXECUTOR=CeleryExecutor"
        )
    environment = airflow_home.prepare(settings)
    os.chdir(settings.home)
    command = airflow_home.command(*wanted(settings)[name])
    os.execve(command[0], command, environment)


def down(settings: Settings, say: Callable[[str], None]) -> None:
    """Stop the services of this home and its embedded server; nothing else."""
    stopped = processes.stop([note(settings, name) for name in (*SERVICES, WORKER)])
    bi_stopped = bi.stop(settings)
    server_stopped = server.stop(settings)
    say(
        f"Остановлено служб Airflow: {stopped}; Superset {'остановлен' if bi_stopped else 'не работал'}; "
        f"PostgreSQL {'остановлен' if server_stopped else 'не работал'}."
    )


def _start(settings: Settings, name: str, environment: dict[str, str]) -> None:
    command, log = airflow_home.command(*wanted(settings)[name]), settings.logs_dir / f"{name}.log"
    processes.start(note(settings, name), command, environment, settings.home, log)


def _runs(settings: Settings, name: str) -> bool:
    return processes.running(note(settings, name)) is not None


def _wait_until_healthy(settings: Settings, healthy: set[str]) -> None:
    """Wait, noting in ``healthy`` which services are."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        for name in wanted(settings):
            if not _runs(settings, name):
                raise ServiceError(f"Служба {name} не запустилась. Подробности: {settings.logs_dir / (name + '.log')}")
        waiting = unhealthy(settings)
        healthy |= set(wanted(settings)) - set(waiting)
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise ServiceError(f"Службы не готовы за {_START_SECONDS} с: {', '.join(waiting)}. См. {settings.logs_dir}")
        time.sleep(0.5)


def unhealthy(settings: Settings) -> list[str]:
    """Services that do not report as healthy yet, by Airflow's own health check; the worker, by asking it."""
    asleep = [WORKER] if settings.executor == executors.CELERY and not executors.worker_answers(settings) else []
    try:
        with urllib.request.urlopen(f"{airflow_home.api_url(settings)}/api/v2/monitor/health", timeout=5) as answer:
            health = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return [*SERVICES, *asleep]
    parts = {"scheduler": "scheduler", "dag_processor": "dag-processor", "triggerer": "triggerer"}
    return [name for part, name in parts.items() if (health.get(part) or {}).get("status") != "healthy"] + asleep


def is_healthy(settings: Settings, name: str) -> bool:
    """Whether one service works; a service that is not there does not."""
    if name == WORKER:
        return settings.executor == executors.CELERY and executors.worker_answers(settings)
    if name == SUPERSET:
        return bi.is_healthy(settings)
    return name in SERVICES and name not in unhealthy(settings.model_copy(update={"executor": "LocalExecutor"}))


def note(settings: Settings, name: str) -> Path:
    """Where the process of a service is noted."""
    return settings.home / "pids" / f"{name}.json"
