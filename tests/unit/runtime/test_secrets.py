"""Settings that hold passwords: from files, never told in an error, and none that everybody knows."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from ravenstvo.passwords import weakness
from ravenstvo.runtime import airflow_home
from ravenstvo.settings import DATABASES, SECRET, Settings, SettingsError

STRONG = "3b9d6f1c8a2e4d7f9b0c"
URL = "postgresql://ravenstvo:{}@postgres:5432/warehouse"
WEAK = {
    "": "пуст",
    "ravenstvo": "известны всем",
    "warehouse": "известны всем",
    "postgres": "известны всем",
    "changeme": "известны всем",
    "Пароль": "известны всем",
    "000000000000000": "известны всем",
    "123456789012": "известны всем",
    "k3J-x9.": "короче 12 знаков",
}


@pytest.mark.parametrize("name", SECRET)
def test_a_password_comes_from_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "адрес"
    url = URL if name in DATABASES else "redis://ravenstvo:{}@redis:6379/0"
    file.write_text(url.format(STRONG) + "\n", encoding="utf-8")
    monkeypatch.delenv(f"RAVENSTVO_{name.upper()}", raising=False)
    monkeypatch.setenv(f"RAVENSTVO_{name.upper()}_FILE", str(file))
    settings = Settings()
    assert STRONG in getattr(settings, name)
    assert STRONG not in repr(settings)
    monkeypatch.setenv(f"RAVENSTVO_{name.upper()}_FILE", str(tmp_path / "нет такого"))
    with pytest.raises(SettingsError, match="не читается"):
        Settings()


@pytest.mark.parametrize("password", WEAK)
def test_a_password_that_everybody_knows_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(ValidationError, match=WEAK[password]) as refused:
        Settings(warehouse_url=URL.format(password))
    assert "5432" not in str(refused.value)


def test_what_is_known_by_something_else_than_a_password_may_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (
        "postgresql://ravenstvo@/warehouse?host=/run/postgresql",
        "postgresql://ravenstvo@db/warehouse?sslcert=/etc/ravenstvo.crt&sslkey=/etc/ravenstvo.key",
    ):
        assert Settings(warehouse_url=url).warehouse_url is not None
    assert weakness(STRONG, "ravenstvo") is None


@pytest.mark.parametrize("command", [["migrate"], ["service", "api-server"], ["run"]])
def test_nothing_of_a_server_starts_with_an_example_of_a_password(command: list[str], tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAVENSTVO_", "AIRFLOW"))}
    file = tmp_path / "warehouse_url"
    file.write_text(URL.format("ravenstvo"), encoding="utf-8")
    environment |= {"RAVENSTVO_HOME": str(tmp_path / "home"), "RAVENSTVO_WAREHOUSE_URL_FILE": str(file)}
    started = subprocess.run(
        [str(Path(sys.executable).with_name("ravenstvo")), *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = "Ошибка: настройка RAVENSTVO_WAREHOUSE_URL: пароль из тех, что известны всем. "
    assert (started.returncode, started.stderr) == (1, told + "Задайте случайный: openssl rand -hex 24\n")
    assert not (tmp_path / "home").exists()


def test_a_web_interface_for_other_machines_is_not_opened_with_one(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, warehouse_url=None, airflow_url=URL.format(STRONG), api_host="0.0.0.0")
    settings.make_home()
    airflow_home.passwords_file(settings).write_text(json.dumps({"admin": "admin"}))
    with pytest.raises(airflow_home.AirflowError, match=r"пользователя admin .* известны всем"):
        airflow_home.prepare(settings)


def test_connections_of_airflow_come_from_a_file_of_its_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, warehouse_url=None, airflow_url=URL.format(STRONG))
    settings.make_home()

    def section() -> dict[str, str]:
        parser = configparser.ConfigParser()
        parser.read_string(airflow_home._configuration(settings))
        return dict(parser["secrets"])

    assert section() == {}
    file = settings.airflow_home / "connections.yaml"
    file.write_text("почта: smtp://отправитель@localhost:25\n", encoding="utf-8")
    found = section()
    # As Airflow itself reads it.
    code = (
        "from airflow.configuration import ensure_secrets_loaded\n"
        "found = [backend.get_connection('почта') for backend in ensure_secrets_loaded()[:1]]\n"
        "print(found[0].host, found[0].port)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {f"AIRFLOW__SECRETS__{name.upper()}": value for name, value in found.items()}
    environment["AIRFLOW_HOME"] = str(tmp_path / "other")
    read = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert read.stdout.splitlines()[-1:] == ["localhost 25"], read.stderr[-2000:]
