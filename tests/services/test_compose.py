"""The file `docker-compose.yml` itself, and the values for the chart; its services at work: test_compose_runs.py."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from ravenstvo.runtime import airflow_home, executors, services
from ravenstvo.settings import PROJECT_ROOT, Settings

STRONG = "0123456789" + "abcdef"
COMPOSE = PROJECT_ROOT / "docker-compose.yml"
VALUES = PROJECT_ROOT / "docs" / "helm" / "values.yaml"
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
PROFILES = {"celery": {"redis", "worker"}, "bi": {"bi-provision", "superset"}}
# What runs to its end.
ONCE = {"migrate", "bi-provision"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def test_file_is_what_the_compose_specification_allows() -> None:
    """By the specification's own JSON schema, as the package check-jsonschema carries it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_names_the_services_of_make_up(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"postgres", "migrate", *AIRFLOW, *PROFILES["celery"], *PROFILES["bi"]}
    assert set(services.SERVICES) == set(AIRFLOW)
    for profile, names in PROFILES.items():
        assert {name for name, one in compose["services"].items() if one.get("profiles") == [profile]} == names
    for name in services.NAMES:
        assert compose["services"][name]["command"] == ["ravenstvo", "service", name]
        assert compose["services"][name]["healthcheck"]["test"] == ["CMD", "ravenstvo", "healthy", name]


def test_whatever_is_referred_to_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for used in service["secrets"]:
            assert (used if isinstance(used, str) else used["source"]) in compose["secrets"], (name, used)
        for network in service["networks"]:
            assert network in compose["networks"], (name, network)
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"], (name, volume)
        for other, condition in service.get("depends_on", {}).items():
            target = compose["services"][other]
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in target, (name, other)
            else:
                assert condition["condition"] == "service_completed_successfully"
                assert target["restart"] == "no", (name, other)
            # A service without a profile may not wait for one whose profile is not chosen.
            assert target.get("profiles") in (None, service.get("profiles")), (name, other)


def test_every_service_is_unprivileged_limited_and_watched(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["user"] not in ("root", "0", "0:0"), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert service["logging"]["options"]["max-size"], name
        assert (name in ONCE) == (service["restart"] == "no"), name
        assert name in ONCE or service["healthcheck"]["test"][0] == "CMD", name
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}, name
        # Docker refuses more processors than the machine has.
        assert float(limits["cpus"]) <= 2, name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), (name, port)


def test_databases_and_queue_are_on_a_network_of_their_own(compose: dict[str, Any]) -> None:
    assert compose["networks"]["data"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert compose["services"][name]["networks"] == ["data"]
        assert "ports" not in compose["services"][name]


def test_the_dashboards_see_nothing_of_the_others(compose: dict[str, Any]) -> None:
    superset = compose["services"]["superset"]
    assert superset["secrets"] == []
    assert superset["volumes"] == ["bi:/var/lib/ravenstvo/bi"]
    assert not any(name.endswith("_URL") for name in superset["environment"])


def test_secrets_come_from_files_only(compose: dict[str, Any]) -> None:
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable or variable.endswith("_URL"):
                assert value.startswith(("/run/secrets/", "http://api-server:", "${RAVENSTVO_")), (name, variable)


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
    copied = re.findall(r"(?m)^COPY ([^-].*) \S+$", image)
    assert {f"!{name.split('/')[0]}" for line in copied for name in line.split()} <= set(allowed)


def test_every_setting_of_the_environment_exists(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        used = [name for name in service.get("environment", {}) if name.startswith("RAVENSTVO_")]
        used += [s["target"].upper() for s in service["secrets"] if isinstance(s, dict)]
        for name in used:
            assert name.removeprefix("RAVENSTVO_").lower() in Settings.model_fields, name


def test_values_of_the_chart_say_what_the_program_says(tmp_path: Path) -> None:
    """The chart starts Airflow by itself: what `ravenstvo` writes into airflow.cfg stands in the values too."""
    values = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    settings = Settings(home=tmp_path, executor="CeleryExecutor", broker_url=f"redis://u:{STRONG}@redis:6379/0")
    for section, options in executors.options(settings).items():
        told = values["config"][section]
        for option, value in options.items():
            if option == "executor":
                assert values["executor"] == value
            elif option == "broker_url":
                assert told["broker_url_cmd"].startswith("cat /etc/ravenstvo/")
            else:
                assert told[option] == value, (section, option)
    for given in values["env"]:
        assert given["name"].removeprefix("RAVENSTVO_").removesuffix("_FILE").lower() in Settings.model_fields
    assert {mount["name"] for mount in values["volumeMounts"]} == {volume["name"] for volume in values["volumes"]}
    assert values["migrateDatabaseJob"]["args"] == ["ravenstvo", "migrate"]
    assert f"USER {values['uid']}:{values['gid']}" in (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_workers_need_their_executor_and_their_queue(tmp_path: Path) -> None:
    local = Settings(home=tmp_path, warehouse_url=None, airflow_url=None)
    assert list(services.wanted(local)) == list(AIRFLOW)
    with pytest.raises(services.ServiceError, match="RAVENSTVO_EXECUTOR=CeleryExecutor"):
        services.run_in_foreground(local, services.WORKER)
    celery = local.model_copy(update={"executor": "CeleryExecutor"})
    assert list(services.wanted(celery)) == [*AIRFLOW, services.WORKER]
    with pytest.raises(airflow_home.AirflowError, match="RAVENSTVO_BROKER_URL_FILE"):
        airflow_home.prepare(celery)


@pytest.mark.parametrize("url", [f"amqp://u:{STRONG}@host", "redis://host:6379/0", "redis://u:password@host/0"])
def test_a_queue_without_protection_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(broker_url=url)
    assert url not in str(refused.value)
