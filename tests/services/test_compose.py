"""The services of `docker-compose.yml`: the file itself, and each command started on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from ravenstvo.runtime import services
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse import server
from sqlalchemy.engine import make_url

COMPOSE = PROJECT_ROOT / "docker-compose.yml"
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def test_file_is_what_the_compose_specification_allows() -> None:
    """By the specification's own JSON schema, as the package check-jsonschema carries it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_names_the_services_of_make_up(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"postgres", "migrate", *AIRFLOW}
    assert set(services.SERVICES) == set(AIRFLOW)


def test_whatever_is_referred_to_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for kind in ("secrets", "configs"):
            for used in service.get(kind, []):
                assert (used if isinstance(used, str) else used["source"]) in compose[kind], (name, used)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"], (name, volume)
        for other, condition in service.get("depends_on", {}).items():
            target = compose["services"][other]
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in target, (name, other)
            else:
                assert target["restart"] == "no", (name, other)


def test_every_service_is_unprivileged_and_watched(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["user"] not in ("root", "0", "0:0"), name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert name == "migrate" or service["healthcheck"]["test"][0] == "CMD", name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), (name, port)


def test_secrets_come_from_files_only(compose: dict[str, Any]) -> None:
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    for name, service in compose["services"].items():
        for variable, value in service["environment"].items():
            if "PASSWORD" in variable or variable.endswith("_URL"):
                assert value.startswith("/run/secrets/") or value == "http://api-server:8080", (name, variable)


def test_nothing_that_docker_inspect_shows_is_a_secret(compose: dict[str, Any]) -> None:
    """Environment, commands and labels of a container can be read by whoever may ask Docker about it."""
    for name, service in compose["services"].items():
        for place in ("environment", "command", "healthcheck", "labels", "build", "entrypoint"):
            text = yaml.safe_dump(service.get(place))
            assert not re.search(r"://[^/\s]*:[^/\s]*@", text), (name, place)
            assert not re.search(r"(?i)(password|secret|token|_key)(?!_file)\w*\s*[:=]\s*(?!/run/secrets/)\S", text), (
                name
            )
    image = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert not re.search(r"(?im)^\s*(env|arg)\b.*(password|secret|token|_url|_key)", image)
    # What goes into the image is named, one by one: neither secrets nor the state of a home.
    allowed = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert allowed[0] == "*"
    assert not {"!secrets", "!.ravenstvo", "!inbox", "!."} & set(allowed)


def test_every_setting_of_the_environment_exists(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        used = [name for name in service["environment"] if name.startswith("RAVENSTVO_")]
        used += [s["target"].upper() for s in service["secrets"] if isinstance(s, dict)]
        for name in used:
            assert name.removeprefix("RAVENSTVO_").lower() in Settings.model_fields, name


@pytest.fixture
def here(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the containers, with this machine's folders and the embedded server in place of postgres."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(home=tmp_path / "home", warehouse_url=None, airflow_url=None)
    server.start(settings)
    urls = {
        "RAVENSTVO_WAREHOUSE_URL_FILE": server.database_url(settings, server.WAREHOUSE_DB),
        "RAVENSTVO_AIRFLOW_URL_FILE": server.database_url(settings, server.AIRFLOW_DB),
    }
    for name, url in urls.items():
        (tmp_path / name).write_text(url.render_as_string(hide_password=False), encoding="utf-8")
    yield {
        **{name: value for name, value in os.environ.items() if not name.startswith(("RAVENSTVO_", "AIRFLOW"))},
        **{name: str(tmp_path / name) for name in urls},
        "RAVENSTVO_HOME": str(tmp_path / "state"),
        "RAVENSTVO_API_PORT": str(port),
    }
    server.stop(settings)


def _native(command: list[str]) -> list[str]:
    """A container's command with this environment's program."""
    assert command[0] == "ravenstvo"
    return [str(Path(sys.executable).with_name("ravenstvo")), *command[1:]]


def _secrets(home: Path, here: dict[str, str]) -> set[str]:
    """Every password and key of this set-up."""
    urls = [Path(here[f"RAVENSTVO_{name}_URL_FILE"]).read_text(encoding="utf-8") for name in ("WAREHOUSE", "AIRFLOW")]
    found = {str(make_url(url).password) for url in urls}
    found |= {*json.loads((home / "logins.json").read_text()).values()}
    found |= {*json.loads((home / "airflow" / "passwords.json").read_text()).values()}
    return found | {path.read_text() for path in (home / "airflow").glob("*.secret")}


def _check_environments(services: list[subprocess.Popen[bytes]], secrets: set[str]) -> None:
    """No process of the services carries one in its environment or its arguments, where other programs can see it."""
    assert len(secrets) >= 6
    parents = [psutil.Process(service.pid) for service in services]
    family = {process.pid for parent in parents for process in (parent, *parent.children(recursive=True))}
    assert len(family) >= len(services)
    for pid in family:
        for place in ("environ", "cmdline"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                text = Path(f"/proc/{pid}/{place}").read_bytes().decode(errors="replace")
                assert not [secret for secret in secrets if secret in text], (pid, place)


@pytest.mark.slow(seconds=25)
def test_every_command_runs_natively_and_becomes_healthy(compose: dict[str, Any], here: dict[str, str]) -> None:
    migrate = _native(compose["services"]["migrate"]["command"])
    assert subprocess.run(migrate, env=here, check=False, timeout=120).returncode == 0
    log = Path(here["RAVENSTVO_HOME"]) / "services.log"
    checks = {name: _native(compose["services"][name]["healthcheck"]["test"][1:]) for name in AIRFLOW}
    with log.open("wb") as output:
        # Nothing is healthy before it is started: the check can fail.
        assert all(subprocess.run(c, env=here, stdout=output, check=False).returncode == 1 for c in checks.values())
        running = {
            name: subprocess.Popen(
                _native(compose["services"][name]["command"]), env=here, stdout=output, stderr=output
            )
            for name in AIRFLOW
        }
        try:
            waiting = dict(checks)
            deadline = time.monotonic() + 240
            while waiting and time.monotonic() < deadline:
                for name, check in list(waiting.items()):
                    assert running[name].poll() is None, (name, log.read_text(errors="replace")[-3000:])
                    if subprocess.run(check, env=here, stdout=output, check=False).returncode == 0:
                        del waiting[name]
                time.sleep(1)
            assert not waiting, log.read_text(errors="replace")[-3000:]
            _check_environments(list(running.values()), _secrets(Path(here["RAVENSTVO_HOME"]), here))
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(timeout=60)
