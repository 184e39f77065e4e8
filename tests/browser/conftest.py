"""One Superset for all tests of the folder: a made-up region, loaded and recalculated, `bi up`, and a browser."""

from __future__ import annotations

import functools
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from ravenstvo.sample import generate
from superset_client import Api, Superset

SEED, N_SCHOOLS, YEARS = 1, 24, [2022, 2023]
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="session")
def superset(tmp_path_factory: pytest.TempPathFactory, bi_environment: Path) -> Iterator[Superset]:
    """The server, in its environment."""
    home, inbox = tmp_path_factory.mktemp("bi") / "home", tmp_path_factory.mktemp("inbox") / "файлы"
    server = Superset(home, _free_port())
    generate(inbox, SEED, N_SCHOOLS, YEARS)
    server.call("run", "--inbox", str(inbox), "--year", str(max(YEARS)), seconds=900)
    try:
        server.call("bi", "up")
        yield server
    finally:
        server.call("down")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("нет браузера: установите пакет chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def context_as(superset: Superset, browser: Browser) -> Callable[[str | None], BrowserContext]:
    """A browser session of a user, who logs in once; of nobody for None."""
    known: dict[str | None, BrowserContext] = {}

    def session(login: str | None) -> BrowserContext:
        if login not in known:
            known[login] = browser.new_context(locale="ru-RU", viewport={"width": 1500, "height": 4000})
            if login is not None:
                _log_in(known[login], superset, login)
        return known[login]

    return session


@pytest.fixture
def page_as(context_as: Callable[[str | None], BrowserContext]) -> Iterator[Callable[[str | None], Page]]:
    """A new page of a user."""
    pages: list[Page] = []

    def page(login: str | None) -> Page:
        pages.append(context_as(login).new_page())
        return pages[-1]

    yield page
    for opened in pages:
        opened.close()


@pytest.fixture(scope="session")
def api_as(superset: Superset, context_as: Callable[[str | None], BrowserContext]) -> Callable[[str | None], Api]:
    """The API in the session of a user."""
    return functools.cache(lambda login: Api(context_as(login).request, superset.url))


@pytest.fixture(scope="session")
def datasets(api_as: Callable[[str | None], Api]) -> dict[str, int]:
    """Superset's numbers of the datasets by the names of their marts."""
    import json

    rows = api_as("admin").listed("dataset", "id", "extra")
    return {json.loads(row["extra"])["certification"]["certified_by"]: row["id"] for row in rows}


def _log_in(context: BrowserContext, superset: Superset, login: str) -> None:
    """Without a page, whose answers of before the login would undo it: each of them sets the cookie of the session."""
    form = {"username": login, "password": superset.passwords[login]}
    form["csrf_token"] = Api(context.request, superset.url).token
    answer = context.request.post(f"{superset.url}/login/", form=form, headers={"Referer": superset.url})
    assert "/login" not in answer.url


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
