"""What a calculation leaves for people to open, and where it is: on this machine and in Airflow's web interface."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from ravenstvo.publishing.senders import FOLDER, INDEX, NO_YEAR
from ravenstvo.settings import Settings

# Where Airflow's web server shows the pages, and the rooms below it: name in the address → folder of the state.
PREFIX = "/ravenstvo"
REPORTS, DATA_DOCS, DBT_DOCS = "reports", "data_docs", "dbt_docs"
_ANSWER_SECONDS = 0.5


@dataclass(frozen=True)
class Result:
    """A thing to open: its Russian title, the file or folder, the address below the web server."""

    title: str
    path: Path
    address: str


def rooms(settings: Settings) -> dict[str, Path]:
    """The only folders that the web server shows."""
    return {
        REPORTS: settings.reports_dir,
        DATA_DOCS: settings.data_docs_dir,
        DBT_DOCS: settings.dbt_docs_file.parent,
    }


def results(settings: Settings, year: int) -> Iterator[Result]:
    """What there is to open after a calculation of a year; only what exists."""
    of_year = settings.reports_dir / str(year)
    titled = [
        (f"Отчёт за {year} год", settings.report_file(year), REPORTS),
        ("Отчёт для печати", settings.report_file(year).with_suffix(".pdf"), REPORTS),
        ("Книги по муниципалитетам и региону", of_year / "workbooks", REPORTS),
        ("Замечания отправителям: кому что отправить", of_year / FOLDER / INDEX, REPORTS),
        ("Замечания к файлам без года", settings.reports_dir / NO_YEAR / FOLDER / INDEX, REPORTS),
        ("Проверки данных (Data Docs)", settings.data_docs_dir / "index.html", DATA_DOCS),
        ("Словарь данных (dbt docs)", settings.dbt_docs_file, DBT_DOCS),
    ]
    for title, path, room in titled:
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            yield Result(title, path, address(settings, room, path))


def address(settings: Settings, room: str, path: Path) -> str:
    """Address of a file or folder of a room, from the web server's root."""
    inside = path.relative_to(rooms(settings)[room]).as_posix()
    return f"{PREFIX}/{room}/{quote(inside)}{'/' if path.is_dir() else ''}"


def proposal_links(settings: Settings, year: int, book: Path) -> list[tuple[str, str]]:
    """(title, address) of what is read before a list is approved: the list as a workbook, then the year's pages."""
    of_year = settings.reports_dir / str(year)
    pages = [(one.title, one.address) for one in results(settings, year) if one.path.is_relative_to(of_year)]
    return [
        ("Перечень целиком и книга решений (.xlsx)", address(settings, REPORTS, book)),
        *pages,
        ("Дашборды", f"{PREFIX}/dashboards"),
    ]


def answers(url: str) -> bool:
    """Whether anybody listens at an address; half a second at most."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", port), timeout=_ANSWER_SECONDS):
            return True
    except OSError:
        return False
