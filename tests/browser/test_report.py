"""The report of a region of 700 schools, in a browser and in numbers; the marts are made up, so that it is quick."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from psycopg2.extensions import cursor as Cursor
from ravenstvo.publishing.report import READ, figures, publish_reports, write_report
from ravenstvo.publishing.report.gathering import gather
from ravenstvo.publishing.report.page import render
from ravenstvo.publishing.report.reader import Reader
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from report_numbers import disagreements
from report_region import CALCULATION, HOSTILE, LONG_NAME, YEAR, fill, insert, make_tables

pytestmark = pytest.mark.slow(seconds=40)

_TELEPHONE, _DESK = {"width": 375, "height": 800}, {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Made:
    """A report of 700 schools and the settings of its warehouse."""

    settings: Settings
    page: Path
    pdf: Path

    @property
    def html(self) -> str:
        return self.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made(module_warehouse: Settings, parsed_project: Path) -> Made:
    settings = module_warehouse
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(parsed_project / "manifest.json", settings.dbt_target_dir)
    with connect(settings) as connection, connection.cursor() as cursor:
        make_tables(cursor, parsed_project)
        fill(cursor, 700, 30)
    return Made(settings, *write_report(settings, YEAR))


@pytest.fixture
def changed(made: Made) -> Iterator[Cursor]:
    """A cursor whose changes of the marts are undone after the test."""
    with connect(made.settings) as connection, connection.cursor() as cursor:
        saved = [mart for marts in READ.values() for mart in marts]
        for mart in dict.fromkeys(saved):
            cursor.execute(f"create table if not exists public.{mart} as table marts.{mart}")
        connection.commit()
        yield cursor
        connection.rollback()
        for mart in dict.fromkeys(saved):
            cursor.execute(f"truncate marts.{mart}; insert into marts.{mart} table public.{mart}")


def _opened(browser: Browser, file: Path, viewport: Any, scheme: Any = "light") -> tuple[Page, list[str]]:
    """The page, and what it asked a network for: everything that is not the file itself is refused and noted."""
    page = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
    asked: list[str] = []

    def refuse(route: Any) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route(lambda url: url != file.as_uri(), refuse)
    page.goto(file.as_uri())
    return page, asked


def _disagreements(settings: Settings, html: str, year: int, at_most: int = 20) -> list[str]:
    with connect(settings) as connection, connection.cursor() as cursor:

        def ask(statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
            cursor.execute(statement, values)
            return cursor.fetchall()

        return list(islice(disagreements(html, year, ask), at_most))


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_every_number_equals_its_mart(made: Made) -> None:
    assert made.html.count("<data ") > 1000
    assert _disagreements(made.settings, made.html, YEAR) == []


def test_a_wrong_number_would_be_seen(made: Made) -> None:
    for wrong in (
        re.sub(r'value="\d+" data-figure="low"', 'value="7" data-figure="low"', made.html, count=1),
        re.sub(r'(data-figure="rows_read">)[^<]+', r"\g<1>24 801", made.html, count=1),
        re.sub(r'<data value="0\.2">', '<data value="0.3">', made.html, count=1),
    ):
        assert wrong != made.html
        assert _disagreements(made.settings, wrong, YEAR, at_most=1)


def test_the_document_for_print_says_the_same(made: Made) -> None:
    document = made.pdf.read_bytes()
    assert document.startswith(b"%PDF-1.7")
    assert document.rstrip().endswith(b"%%EOF")
    assert b"/StructTreeRoot" in document
    assert b"/Lang(ru" in document.replace(b"/Lang (", b"/Lang(")
    pages = max(int(number) for number in re.findall(rb"/Count (\d+)", document))
    assert 10 <= pages <= 120


# -- the page ----------------------------------------------------------------------------------------------------------


def test_it_is_one_small_file(made: Made) -> None:
    assert made.page.stat().st_size < 2_000_000
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", made.html.replace(LONG_NAME, ""))
    assert "url(" not in made.html.replace("url(#", "")


@pytest.mark.parametrize(("viewport", "scheme"), [(_DESK, "light"), (_TELEPHONE, "light"), (_TELEPHONE, "dark")])
def test_accessible_within_the_screen_and_without_a_network(
    made: Made, browser: Browser, viewport: dict[str, int], scheme: str
) -> None:
    page, asked = _opened(browser, made.page, viewport, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('svg text')].map((text) => "
        "parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"
    )
    assert smallest >= 11
    # One table of each kind is enough for the rules, and quick: the rows are alike.
    page.evaluate(
        "document.querySelectorAll('table').forEach((table) => {"
        "  [...table.tBodies].slice(2).forEach((body) => body.remove());"
        "  [...table.tBodies].forEach((body) => [...body.rows].slice(3).forEach((row) => row.remove()));"
        "})"
    )
    # A dark page is the same page: only its colours can have other faults.
    rules = {"runOnly": {"type": "rule", "values": ["color-contrast"]}} if scheme == "dark" else None
    faults = Axe().run(page, options=rules).response["violations"]
    assert [(fault["impact"], fault["id"], fault["nodes"][0]["html"]) for fault in faults] == []
    assert asked == []
    page.context.close()


def test_hostile_names_are_text(made: Made, browser: Browser) -> None:
    page, asked = _opened(browser, made.page, _TELEPHONE)
    assert page.title() == f"Школы с низкими результатами, {YEAR} год"
    assert len(LONG_NAME) == 300
    row = page.locator('table[data-table="list"] tr[data-key="school_id=C000000"] th')
    assert HOSTILE in row.inner_text().replace("\n", " ")
    assert page.locator("main img, main script, main b b, main i i").count() == 0
    assert page.get_by_text("<b>Жирный</b> «район»").first.is_visible()
    assert asked == []
    page.context.close()


def test_the_list_can_be_searched(made: Made, browser: Browser) -> None:
    page, _ = _opened(browser, made.page, _DESK)
    rows = page.locator('table[data-table="list"] tr[data-key]')
    everyone = rows.count()
    page.get_by_label("Найти школу или муниципалитет").fill("район 07")
    shown = [row for row in rows.all() if row.is_visible()]
    assert 0 < len(shown) < everyone
    assert page.locator("[data-found=list]").inner_text() == f"показано {len(shown)} из {everyone}"
    page.get_by_label("Найти школу или муниципалитет").fill("нет такой")
    assert not any(row.is_visible() for row in rows.all())
    page.context.close()


# -- what is missing ---------------------------------------------------------------------------------------------------


def test_a_year_without_anything_says_so(made: Made, tmp_path: Path) -> None:
    written = write_report(made.settings, 1999, tmp_path)
    html = written.page.read_text(encoding="utf-8")
    for told in (
        "За 1999 год результатов оценочных процедур в хранилище нет",
        "Сведений за 1999 год не поступало",
        "нет и перечня",
    ):
        assert told in html
    assert _disagreements(made.settings, html, 1999) == []
    assert written.pdf.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("backwards", [False, True])
def test_marts_without_rows_leave_the_rest(changed: Cursor, monkeypatch: pytest.MonkeyPatch, backwards: bool) -> None:
    """One mart after another loses its rows, until none has any."""
    monkeypatch.setattr(figures, "_svg", lambda _: "<svg></svg>")
    # In the other order others are still there when one is empty.
    for mart in sorted({mart for marts in READ.values() for mart in marts}, reverse=backwards):
        changed.execute(f"truncate marts.{mart}")
        html = render(gather(Reader(changed.connection, YEAR)), "")
        assert "Словарь терминов" in html, mart
        assert "None" not in html, mart


def test_an_approved_list_is_told_with_what_differs(made: Made, changed: Cursor, tmp_path: Path) -> None:
    approved = {"year": YEAR, "method_code": "rosobr_30", "decided_by": "Иванова И. И.", "is_in_force": True,
                "publication_document": "приказ № 5", "publication_id": 1, "calculation_id": CALCULATION}  # fmt: skip
    decided = (("C000000", "included", True), ("C000001", "included", False), ("C000007", "excluded", True))
    insert(
        changed,
        "mart_identification_published",
        [approved | {"school_id": school, "decided_status": status} for school, status, _ in decided],
    )
    for school, status, _ in decided:
        changed.execute(
            "update marts.mart_identification set decided_status = %s where school_id = %s and year = %s",
            (status, school, YEAR),
        )
    changed.connection.commit()
    html = write_report(made.settings, YEAR, tmp_path).page.read_text(encoding="utf-8")
    assert "Перечень утверждён: Иванова И. И." in html
    assert "Предложение" not in html
    for name in ("approved_not_low", "low_refused", "low_undecided"):
        assert f'data-figure="{name}"' in html
    assert "методом не названа, включена решением" in html
    assert _disagreements(made.settings, html, YEAR) == []


# -- publishing --------------------------------------------------------------------------------------------------------


def test_reports_are_written_again_only_when_they_no_longer_tell_what_the_marts_hold(
    made: Made, changed: Cursor
) -> None:
    assert publish_reports(made.settings, YEAR) == []
    made.pdf.unlink()
    assert publish_reports(made.settings, YEAR) == [made.page]
    earlier = write_report(made.settings, YEAR - 1).page
    assert publish_reports(made.settings, YEAR) == []
    insert(
        changed,
        "mart_calculation",
        [{"calculation_id": "2023-later", "years": [YEAR - 1], "status": "done", "finished_at": "2023-11-01"}],
    )
    changed.connection.commit()
    # A correction recalculated the earlier year: its report is old, that of the campaign year is not.
    assert publish_reports(made.settings, YEAR) == [earlier]
    earlier.unlink()
    assert publish_reports(made.settings, YEAR) == []


def test_a_report_that_fails_leaves_the_old_one(made: Made, changed: Cursor) -> None:
    before = made.page.read_bytes(), made.pdf.read_bytes()
    changed.execute("drop table marts.dim_method")
    changed.connection.commit()
    try:
        with pytest.raises(Exception, match="Витрин для отчёта ещё нет"):
            write_report(made.settings, YEAR)
    finally:
        changed.execute("create table marts.dim_method as table public.dim_method")
        changed.connection.commit()
    assert (made.page.read_bytes(), made.pdf.read_bytes()) == before
    assert {path.name for path in made.page.parent.iterdir()} == {"report.html", "report.pdf"}
