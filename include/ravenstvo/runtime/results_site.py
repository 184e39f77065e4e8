"""The pages of a calculation for a browser that reaches Airflow's web server alone: read-only, after a login.

Only three folders of the state are shown, files of a few kinds, and no page may run a script against Airflow: what
comes from the files of strangers stays text even if an escape is forgotten somewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from ravenstvo.publishing.senders import FOLDER, INDEX
from ravenstvo.runtime.results import DATA_DOCS, DBT_DOCS, PREFIX, REPORTS, address, answers, rooms
from ravenstvo.settings import Settings, get_settings

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
_SHOWN_IN_PLACE = (".html", ".pdf", ".svg", ".png", ".txt")
_STILL = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# Dbt's page is a program. It runs in an origin of its own, so that it can neither read Airflow's pages nor call them.
_PROGRAM = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _STILL,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
_FIRST = ("report", "index")
_NAMES = {"workbooks": "Книги по муниципалитетам и региону", FOLDER: "Замечания отправителям: книги и письма"}

_PAGE = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }}</title><style>
body { font: 16px/1.5 "Segoe UI", "DejaVu Sans", Arial, sans-serif; color: #1c2733; background: #fff;
  margin: 0 auto; padding: 20px 28px; max-width: 1000px; }
h1 { font-size: 24px; margin: 0 0 12px; } h2 { font-size: 18px; margin: 24px 0 6px; }
a { color: #0b5cad; } code { background: #eef2f7; padding: 1px 5px; user-select: all; }
table { border-collapse: collapse; width: 100%; } th, td { padding: 6px 10px 6px 0; text-align: left;
  border-bottom: 1px solid #d5dbe3; vertical-align: top; overflow-wrap: anywhere; }
td + td, th + th { white-space: nowrap; text-align: right; color: #4a5766; width: 9em; } p { max-width: 46em; }
</style></head><body>
{% if up %}<p><a href="{{ up }}">← {{ up_title }}</a></p>{% endif %}
<h1>{{ title }}</h1>
{% for line in lines %}<p>{{ line }}</p>{% endfor %}
{% for block in blocks %}
{% if block.title %}<h2>{{ block.title }}</h2>{% endif %}
<table><thead><tr><th>Что</th><th>Размер</th><th>Изменён</th></tr></thead><tbody>
{% for entry in block.entries %}
<tr><td><a href="{{ entry.address }}">{{ entry.title }}</a></td>
<td>{{ entry.size }}</td><td>{{ entry.changed }}</td></tr>
{% endfor %}
</tbody></table>
{% endfor %}
{% if code %}<p><code>{{ code }}</code></p>{% endif %}
</body></html>
""")


def create_app(authorised: Any, year_of_run: Callable[[str, str], int | None], login: str) -> FastAPI:
    """The application to mount under ``PREFIX``.

    ``authorised`` is FastAPI's dependency that refuses who may not read (401 or 403), ``year_of_run`` tells the
    campaign year of a run by the ids of its DAG and its own, ``login`` is the address that logs a person in.
    """
    # Documentation of the interface would be served without a login.
    app = FastAPI(dependencies=[authorised], docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"{login}?next={quote(request.url.path)}", 303)
        page = _page("Страница не открывается" if error.status_code != 404 else "Здесь пока пусто", [str(error.detail)])
        page.status_code = error.status_code
        return page

    def index() -> Response:
        return _index(get_settings())

    def show(room: str, path: str = "") -> Response:
        return _show(get_settings(), room, path)

    def of_run(dag_id: str, run_id: str, what: str) -> Response:
        return _of_run(get_settings(), year_of_run(dag_id, run_id), what)

    def dashboards() -> Response:
        return _dashboards(get_settings())

    def dashboards_address() -> Response:
        return _dashboards_page(get_settings())

    for path, endpoint in (
        ("/", index),
        ("/dashboards", dashboards),
        ("/dashboards/address", dashboards_address),
        ("/runs/{dag_id}/{run_id:path}/{what}", of_run),
        ("/{room}", show),
        ("/{room}/{path:path}", show),
    ):
        app.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_class=HTMLResponse)
    return app


def _index(settings: Settings) -> Response:
    """Every year with its report and folders, the last first; the pages that have no year below."""
    blocks = []
    folders = sorted((path for path in settings.reports_dir.iterdir() if path.is_dir()), reverse=True)
    # Years before the folder «без года».
    for folder in sorted(folders, key=lambda path: not path.name.isdigit()):
        blocks.append({"title": _title(folder), "entries": _entries(settings, REPORTS, folder)})
    common = [
        _entry(
            "Проверки данных (Data Docs)", f"{PREFIX}/{DATA_DOCS}/index.html", settings.data_docs_dir / "index.html"
        ),
        _entry("Словарь данных (dbt docs)", f"{PREFIX}/{DBT_DOCS}/index.html", settings.dbt_docs_file),
    ]
    blocks.append({"title": "Общее для всех лет", "entries": [entry for entry in common if entry is not None]})
    return _page("Результаты расчётов", [], [block for block in blocks if block["entries"]])


def _show(settings: Settings, room: str, path: str) -> Response:
    """A file of a room, or what its folder holds."""
    root = rooms(settings).get(room)
    found = None if root is None else _inside(root, path)
    if root is None or found is None:
        raise HTTPException(404, "Такой страницы нет.")
    if found.is_dir():
        if room != REPORTS:
            return RedirectResponse(f"{PREFIX}/{room}/index.html", 307)
        entries = _entries(settings, REPORTS, found)
        up = f"{PREFIX}/" if found == root.resolve() or found.parent == root.resolve() else address_of(settings, found)
        lines = [] if entries else ["Здесь пока ничего нет."]
        return _page(_title(found), lines, [{"title": "", "entries": entries}] if entries else [], up=up)
    headers = _HEADERS | {"Content-Security-Policy": _policy(settings, room, found)}
    suffix = found.suffix.lower()
    return FileResponse(
        found,
        media_type=_TYPES[suffix],
        headers=headers,
        filename=found.name,
        content_disposition_type="inline" if suffix in _SHOWN_IN_PLACE else "attachment",
    )


def address_of(settings: Settings, folder: Path) -> str:
    """Address of the folder that holds a folder of reports."""
    return address(settings.model_copy(update={"home": settings.home.resolve()}), REPORTS, folder.parent)


def _policy(settings: Settings, room: str, page: Path) -> str:
    """What a page may do: dbt's is a program, the report has one script of ours, no other has any."""
    if room == DBT_DOCS:
        return _PROGRAM
    if page.name == settings.report_file(0).name:
        from ravenstvo.publishing.report.page import script_hash

        return f"{_STILL}; script-src 'sha256-{script_hash()}'"
    return _STILL


def _inside(root: Path, path: str) -> Path | None:
    """What a path of an address names, if it lies below the root, links followed, and is of a kind that is shown."""
    if "\0" in path or any(part.startswith(".") for part in Path(path).parts):
        return None
    root = root.resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root) or not found.exists():
        return None
    return found if found.is_dir() or found.suffix.lower() in _TYPES else None


def _of_run(settings: Settings, year: int | None, what: str) -> Response:
    """Send from a run to the pages of its year."""
    if what not in ("report", "files"):
        raise HTTPException(404, "Такой страницы нет.")
    if year is None:
        raise HTTPException(404, "Год этого запуска ещё не известен: он станет известен, когда прочитана папка.")
    folder = settings.reports_dir / str(year)
    report = settings.report_file(year)
    if what == "report" and not report.exists():
        raise HTTPException(404, f"Отчёта за {year} год ещё нет. Его пишет расчёт или ravenstvo report --year {year}.")
    if what == "files" and not folder.is_dir():
        raise HTTPException(404, f"За {year} год файлов ещё нет.")
    return RedirectResponse(address(settings, REPORTS, report if what == "report" else folder), 307)


def _dashboards(settings: Settings) -> Response:
    """Send to the dashboards; when they do not answer, say how to start them."""
    url = settings.dashboards_address
    return RedirectResponse(url, 307) if answers(url) else _dashboards_page(settings)


def _dashboards_page(settings: Settings) -> Response:
    """Where the dashboards are: they refuse to be shown inside another page, and a frame may not open a window."""
    url = settings.dashboards_address
    if answers(url):
        lines = ["Дашборды открываются в своей вкладке: пункт меню «Дашборды» или этот адрес."]
        return _page("Дашборды", lines, code=url)
    lines = [
        "По этому адресу сейчас никто не отвечает. Запустить дашборды на этой машине — make bi. "
        "Если они на другой, её адрес задаёт настройка RAVENSTVO_DASHBOARDS_URL.",
    ]
    return _page("Дашборды не запущены", lines, code=url)


def _entries(settings: Settings, room: str, folder: Path) -> list[dict[str, str]]:
    """The folder's files and folders that can be shown: the report or index first, then folders, then files by name."""
    root, base = rooms(settings)[room].resolve(), rooms(settings)[room]
    made = []
    for path in sorted(folder.iterdir(), key=lambda one: (one.stem not in _FIRST, one.is_file(), one.name)):
        real = path.resolve()
        if real.is_relative_to(root) and _inside(root, real.relative_to(root).as_posix()) is not None:
            made.append(_entry(_title(real), address(settings, room, base / real.relative_to(root)), real))
    return [entry for entry in made if entry is not None]


def _entry(title: str, link: str, path: Path) -> dict[str, str] | None:
    if not path.exists():
        return None
    changed = f"{datetime.fromtimestamp(path.stat().st_mtime):%d.%m.%Y %H:%M}"
    if path.is_dir():
        size = f"файлов: {sum(1 for one in path.iterdir())}"
    else:
        size = f"{max(1, round(path.stat().st_size / 1024)):,} КБ".replace(",", " ")
    return {"title": title, "address": link, "size": size, "changed": changed}


def _title(path: Path) -> str:
    if path.stem == "report":
        return "Отчёт для печати (PDF)" if path.suffix == ".pdf" else "Отчёт"
    if path.name == INDEX and path.parent.name == FOLDER:
        return "Кому что отправить"
    if path.is_dir():
        return _NAMES.get(path.name) or (f"{path.name} год" if path.name.isdigit() else path.name.capitalize())
    return path.name


def _page(
    title: str,
    lines: list[str],
    blocks: list[dict[str, Any]] | None = None,
    *,
    up: str | None = None,
    code: str | None = None,
) -> HTMLResponse:
    text = _PAGE.render(title=title, lines=lines, blocks=blocks or [], up=up, up_title="к списку", code=code)
    return HTMLResponse(text, headers=_HEADERS)
