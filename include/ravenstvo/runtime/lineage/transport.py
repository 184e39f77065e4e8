"""How events leave: to a server, or to a file of the home; Airflow's provider sends its own the same way.

The client's own transports would not do: its file is open to everybody and torn where two processes write at once,
and a server that is not there holds up every task.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import attr
import requests
from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Config, Transport

from ravenstvo import logs
from ravenstvo.runtime.observability import PATIENCE
from ravenstvo.runtime.outage import Outage

log = logging.getLogger(__name__)

_PATH = "api/v1/lineage"
_MAX_BYTES, _KEPT = 50 * 2**20, 3
# Texts that may quote a row or a setting, and code that the repository holds.
_WITHHELD = frozenset({"environmentVariables", "sourceCode", "sql", "extractionError", "executionParameters"})


@attr.define
class SenderConfig(Config):
    """Where events go: the address of a server, or None; the file of all of them, or of those it did not take."""

    file: str
    url: str | None = None
    token: str | None = attr.field(default=None, repr=False)

    @classmethod
    def from_dict(cls, params: dict[str, Any]) -> SenderConfig:
        """From the parameters of ``observability.lineage_transport``."""
        return cls(params["file"], params.get("url"), params.get("token"))


class Sender(Transport):
    """Sends events without what nobody should read in them. It never raises and never waits for long."""

    kind = "ravenstvo"
    config_class = SenderConfig

    def __init__(self, config: SenderConfig) -> None:
        self._config = config
        self._file = Path(config.file)
        self._outage = Outage(self._file.with_name(".unreachable"))

    def emit(self, event: Any) -> None:
        """Send an event, or keep it in the file when the server is not there; that is told once."""
        line = json.dumps(cleaned(Serde.to_dict(event)), ensure_ascii=False, sort_keys=True, default=str)
        if self._config.url and self._posted(line):
            return
        try:
            logs.append_line(self._file, line, _MAX_BYTES, _KEPT)
        except OSError as error:
            logs.say(log, "Событие происхождения данных не записано", logging.WARNING, error=type(error).__name__)

    def _posted(self, line: str) -> bool:
        if self._outage.is_fresh:
            return False
        headers = {"Content-Type": "application/json"}
        if self._config.token:
            headers["Authorization"] = f"Bearer {self._config.token}"
        try:
            answer = requests.post(f"{self._config.url}/{_PATH}", data=line.encode(), headers=headers, timeout=PATIENCE)
        except requests.RequestException as error:
            return self._missed(type(error).__name__)
        if not answer.ok:
            return self._missed(f"HTTP {answer.status_code}")
        self._outage.end()
        return True

    def _missed(self, why: str) -> bool:
        if self._outage.note():
            text = f"Сервер OpenLineage не принимает события (RAVENSTVO_LINEAGE): они остаются в {self._file}"
            logs.say(log, text, logging.WARNING, error=why)
        return False


def cleaned(event: dict[str, Any]) -> dict[str, Any]:
    """The event without code, environment and the texts of errors; its facets are made by whoever made it."""
    cleaned_event: dict[str, Any] = _cleaned("", event)
    _sign(cleaned_event, event["producer"])
    return cleaned_event


def _sign(value: Any, producer: str) -> None:
    """Airflow's provider puts its name on every facet that its process makes."""
    if isinstance(value, list):
        for one in value:
            _sign(one, producer)
    elif isinstance(value, dict):
        if "_producer" in value:
            value["_producer"] = producer
        for one in value.values():
            _sign(one, producer)


def _cleaned(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_cleaned(name, one) for one in value]
    if not isinstance(value, dict):
        return value
    if name == "errorMessage":
        kept = {key: one for key, one in value.items() if key.startswith("_") or key == "programmingLanguage"}
        return kept | {"message": "Подробности — в журнале задачи"}
    if name == "tests":
        value = {key: one for key, one in value.items() if key not in ("content", "contentType", "params")}
    return {key: _cleaned(key, one) for key, one in value.items() if key not in _WITHHELD}
