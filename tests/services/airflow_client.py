"""A client of Airflow's REST interface, for tests on running services."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from ravenstvo.runtime.airflow_home import ADMIN, api_url, passwords_file
from ravenstvo.settings import Settings


class _Stay(urllib.request.HTTPRedirectHandler):
    """Leave a redirect for the test to look at."""

    def redirect_request(self, *given: Any) -> None:
        return None


class Airflow:
    """Logged in as the administrator."""

    def __init__(self, url: str, passwords: Path) -> None:
        self._url = url
        self._token = ""
        login = {"username": ADMIN, "password": json.loads(passwords.read_text())[ADMIN]}
        self._token = self.call("POST", "/auth/token", login)["access_token"]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Of a home whose services run."""
        return cls(api_url(settings), passwords_file(settings))

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(self._url + path, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Bearer {self._token}")
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return json.load(answer)

    def page(self, path: str, *, logged_in: bool = True, accept: str = "*/*") -> tuple[int, Any, bytes]:
        """Status, headers and body of a page as a browser gets it, by the cookie of a login; redirects stay."""
        request = urllib.request.Request(self._url + path, headers={"Accept": accept})
        if logged_in:
            request.add_header("Cookie", f"_token={self._token}")
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def wait(self, path: str, ready: Any, seconds: int = 180) -> Any:
        """Ask until the answer is ready."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = self.call("GET", path)
                if ready(answer):
                    return answer
            except urllib.error.HTTPError as error:
                answer = error.code
            assert time.monotonic() < deadline, (path, answer)
            time.sleep(0.3)
