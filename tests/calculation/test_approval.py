"""Approving a list: who, when, on which document; all or nothing; what was computed stays."""

from __future__ import annotations

import itertools
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl
import psycopg2
import pytest
import xlsxwriter
from approval_region import CALCULATION, METHOD, SCHOOLS, YEAR, calculate, do, fill
from markdown_it import MarkdownIt
from ravenstvo import decisions
from ravenstvo.calculation import approval, decision_workbook
from ravenstvo.calculation.approval import approve
from ravenstvo.calculation.decision_workbook import DecisionWorkbookError
from ravenstvo.calculation.lifecycle import CalculationError, turn
from ravenstvo.calculation.proposal import ApprovalError, Proposal, proposal_lines, propose
from ravenstvo.calculation.proposal_markdown import SCHOOLS_SHOWN, proposal_markdown
from ravenstvo.publishing.decisions_template import write_template
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

BY, DOCUMENT = "Иванова А. А.", "приказ № 7 от 01.10.2022"
HEADING = [decisions.KEY, decisions.NAME, decisions.DECISION, decisions.REASON, decisions.DOCUMENT]


@pytest.fixture
def region(warehouse: Settings) -> Settings:
    upgrade(warehouse)
    fill(warehouse)
    return warehouse


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    """Write a decision workbook of rows under the heading."""

    def write(*rows: list[object], sheet: str = decisions.SHEET, heading: list[str] = HEADING) -> Path:
        path = tmp_path / "решения.xlsx"
        made = xlsxwriter.Workbook(str(path))
        page = made.add_worksheet(sheet)
        for number, row in enumerate([heading, *rows]):
            page.write_row(number, 0, row)
        made.close()
        return path

    return write


def _decided(settings: Settings) -> dict[str, tuple[object, ...]]:
    rows = do(
        settings,
        "select school_id, decided_status, reason, decision_document, is_low_results_computed from core.decision "
        "inner join ops.publication using (publication_id) where superseded_by is null",
    )
    return {school_id: tuple(rest) for school_id, *rest in rows}


def _proposal(settings: Settings) -> Proposal:
    with connect(settings) as connection, connection.cursor() as cursor:
        return propose(cursor, YEAR)


def _nothing_applied(settings: Settings) -> bool:
    counts = do(settings, "select (select count(*) from ops.publication), (select count(*) from core.decision)")
    marked = do(settings, "select count(*) from marts.mart_identification where decided_status is not null")
    return counts == [(0, 0)] and marked == [(0,)]


def test_approving_as_computed_freezes_the_list_and_who_when_and_on_what(region: Settings) -> None:
    done = approve(region, YEAR, BY, DOCUMENT)
    assert (done.method_code, done.calculation_id, done.n_listed, done.n_changed) == (METHOD, CALCULATION, 2, 0)
    assert _decided(region) == {
        "C100001": ("included", None, DOCUMENT, True),
        "C100002": ("included", None, DOCUMENT, True),
    }
    (row,) = do(
        region,
        "select approved_by, document, workbook_sha256, n_listed, approved_at > now() - interval '1 minute' "
        "from ops.publication",
    )
    assert row == (BY, DOCUMENT, None, 2, True)
    names = do(region, "select school_code, login, school_name, municipality_name from core.decision order by 1")
    assert names[0] == ("100001", "sch100001", "Школа № 1", "Район")


def test_the_mart_shows_decisions_at_once_beside_the_verdicts(region: Settings, book: Callable[..., Path]) -> None:
    verdicts = "select school_id, year, is_low_results from marts.mart_identification order by 1, 2"
    before = do(region, verdicts)
    rows = (["100001", "", "не включать", "пожар", "акт № 1"], ["100003", "", "включить", "жалобы", "письмо № 2"])
    approve(region, YEAR, BY, DOCUMENT, workbook=book(*rows))
    assert do(region, verdicts) == before
    shown = do(
        region,
        "select school_id, decided_status, decided_by, decision_document from marts.mart_identification "
        "where year = %s order by school_id",
        YEAR,
    )
    assert shown == [
        ("C100001", "excluded", BY, "акт № 1"),
        ("C100002", "included", BY, DOCUMENT),
        ("C100003", "included", BY, "письмо № 2"),
        ("C100004", None, None, None),
    ]
    assert do(
        region, "select count(*) from marts.mart_identification where decided_by is not null and year < 2022"
    ) == [(0,)]


def test_schools_are_named_by_code_login_number_or_old_login(region: Settings, book: Callable[..., Path]) -> None:
    path = book(
        ["SCH900001", "", "Отложить", "проверка", "письмо"],
        [100003, "", "ВКЛЮЧИТЬ", "жалобы", 17],
        ["100005", "", "включить", "вечерняя", "письмо"],
    )
    done = approve(region, YEAR, BY, DOCUMENT, workbook=path)
    assert (done.n_listed, done.n_changed) == (3, 3)
    assert _decided(region) == {
        "C100001": ("deferred", "проверка", "письмо", True),
        "C100002": ("included", None, DOCUMENT, True),
        "C100003": ("included", "жалобы", "17", False),
        "C100005": ("included", "вечерняя", "письмо", None),
    }
    (sha,) = do(region, "select workbook_sha256 from ops.publication")
    assert len(sha[0]) == 64


def test_every_error_of_the_workbook_is_told_at_once_and_nothing_is_applied(
    region: Settings, book: Callable[..., Path]
) -> None:
    path = book(
        ["100003", "", "включить", "", ""],
        ["100011", "Лицей", "включить", "жалобы", "письмо"],
        ["100002", "", "убрать", "пожар", "акт"],
        ["sch100003", "", "не включать", "", ""],
        ["", "Школа без кода", "включить", "жалобы", "письмо"],
        ["100001", "", "", "", ""],
        ["100004", "", "отложить", "", "письмо"],
    )
    with pytest.raises(ApprovalError) as raised:
        approve(region, YEAR, BY, DOCUMENT, workbook=path)
    heading, *problems = str(raised.value).splitlines()
    assert "ничего не изменено. Ошибок: 8" in heading
    wanted = [
        ("строка 2, колонка «Основание»", "расходится с выводом метода (не низкие результаты)"),
        ("строка 2, колонка «Документ»", "расходится с выводом метода"),
        ("строка 3, колонка «Код ОО или логин»", "«100011» в хранилище нет. Похожие: Лицей (100003)"),
        ("строка 4, колонка «Решение»", "«убрать» неизвестно. Выберите одно из: «включить», «не включать», «отложить»"),
        ("строка 5, колонка «Код ОО или логин»", "уже стоит в строке 2"),
        ("строка 6, колонка «Код ОО или логин»", "школа не названа"),
        ("строка 7, колонка «Решение»", "решения нет"),
        ("строка 8, колонка «Основание»", "(вывода нет)"),
    ]
    assert len(problems) == len(wanted)
    for place, message in wanted:
        assert any(line.startswith(f"Лист «Решения», {place}: ") and message in line for line in problems), place
    assert _nothing_applied(region)


def test_a_decision_that_repeats_the_verdict_needs_no_reason(region: Settings, book: Callable[..., Path]) -> None:
    path = book(["100001", "", "включить", "", ""], ["100003", "", "не включать", "", ""])
    assert approve(region, YEAR, BY, DOCUMENT, workbook=path).n_changed == 0
    assert _decided(region)["C100003"] == ("excluded", None, DOCUMENT, False)


def test_a_list_is_approved_once_unless_it_is_replaced(region: Settings) -> None:
    first = approve(region, YEAR, BY, DOCUMENT)
    with pytest.raises(ApprovalError, match=r"уже утверждён: Иванова А\. А\..*--replace"):
        approve(region, YEAR, "Другой", "другой приказ")
    second = approve(region, YEAR, "Другой", "другой приказ", replace=True)
    assert second.replaced == first.publication_id
    rows = do(region, "select publication_id, superseded_by, approved_by from ops.publication order by 1")
    assert rows == [
        (first.publication_id, second.publication_id, BY),
        (second.publication_id, None, "Другой"),
    ]
    assert do(region, "select count(*) from core.decision") == [(4,)]
    assert do(region, "select distinct decided_by from marts.mart_identification where decided_by is not null") == [
        ("Другой",)
    ]


def test_a_new_calculation_is_approved_without_asking_and_the_mart_forgets_old_decisions(region: Settings) -> None:
    approve(region, YEAR, BY, DOCUMENT)
    calculate(region, "2022-second", {"C100002": False})
    approve(region, YEAR, BY, "приказ № 9")
    shown = do(region, "select school_id from marts.mart_identification where decided_status is not null")
    assert shown == [("C100001",)]


def test_decisions_and_verdicts_of_an_approved_list_cannot_be_changed(region: Settings) -> None:
    approve(region, YEAR, BY, DOCUMENT)
    for statement in (
        "update core.decision set decided_status = 'excluded'",
        "delete from core.decision where school_id = 'C100001'",
        "update core.history_identification set is_low_results = false where year = 2022",
        "delete from core.history_identification where year = 2022",
    ):
        with pytest.raises(psycopg2.errors.RestrictViolation):
            do(region, statement)
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        do(region, "delete from ops.publication")
    # The year beside it is nobody's approved list.
    do(region, "delete from core.history_identification where year = 2021")


def test_what_was_shown_is_what_is_approved(region: Settings) -> None:
    calculate(region, "2022-second", {"C100003": True})
    with pytest.raises(ApprovalError, match=r"тем временем закончен новый: 2022-second"):
        approve(region, YEAR, BY, DOCUMENT, calculation_id=CALCULATION)
    assert _nothing_applied(region)


def test_nothing_unfinished_is_approved(region: Settings) -> None:
    do(region, "update ops.calculation set status = 'failed'")
    with pytest.raises(ApprovalError, match="не закончен"):
        approve(region, YEAR, BY, DOCUMENT)
    with pytest.raises(ApprovalError, match="результатов нет"):
        approve(region, 2030, BY, DOCUMENT)
    with pytest.raises(ApprovalError, match=r"Метода нет_такого .* Есть: other, two_low"):
        approve(region, YEAR, BY, DOCUMENT, method_code="нет_такого")
    with pytest.raises(ApprovalError, match="кто утверждает"):
        approve(region, YEAR, "  ", DOCUMENT)
    with pytest.raises(ApprovalError, match="на каком документе"):
        approve(region, YEAR, BY, "")


def test_an_empty_warehouse_says_so(warehouse: Settings) -> None:
    upgrade(warehouse)
    with pytest.raises(ApprovalError, match="Расчёта ещё нет"):
        approve(warehouse, YEAR, BY, DOCUMENT)


def test_no_list_is_approved_while_a_stage_runs(region: Settings) -> None:
    with turn(region), pytest.raises(CalculationError, match="другой расчёт"):
        approve(region, YEAR, BY, DOCUMENT)


def test_a_broken_freeze_leaves_nothing(region: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "_REFRESH", "select 1 / 0")
    with pytest.raises(psycopg2.errors.DivisionByZero):
        approve(region, YEAR, BY, DOCUMENT)
    assert _nothing_applied(region)


def test_template_filled_in_loads_back(region: Settings, tmp_path: Path) -> None:
    proposal = _proposal(region)
    path = write_template(tmp_path / "книга.xlsx", YEAR, proposal.method_title, proposal.schools)
    filled = openpyxl.load_workbook(path)
    page = filled[decisions.SHEET]
    (checked,) = page.data_validations.dataValidation
    assert checked.formula1 == '"включить,не включать,отложить"'
    assert str(checked.sqref) == "C2:C203"
    listed = {row[0].value: row for row in page.iter_rows(min_row=2, max_row=3)}
    assert set(listed) == {"100001", "100002"}
    assert [cell.value for cell in listed["100002"]][2] == "включить"
    for cell, value in zip(listed["100002"][2:5], ("не включать", "слияние", "приказ № 5"), strict=True):
        cell.value = value
    for place, value in enumerate(("sch100004", None, "включить", "нет данных", "письмо № 3")):
        page.cell(4, place + 1, value)
    filled.save(path)
    done = approve(region, YEAR, BY, DOCUMENT, workbook=path)
    assert (done.n_listed, done.n_changed) == (2, 2)
    assert {school: status for school, (status, *_) in _decided(region).items()} == {
        "C100001": "included",
        "C100002": "excluded",
        "C100004": "included",
    }


def test_template_as_written_approves_as_computed(region: Settings, tmp_path: Path) -> None:
    proposal = _proposal(region)
    path = write_template(tmp_path / "книга.xlsx", YEAR, proposal.method_title, proposal.schools)
    assert approve(region, YEAR, BY, DOCUMENT, workbook=path).n_changed == 0
    assert {status for status, *_ in _decided(region).values()} == {"included"}


def test_what_is_no_decision_workbook_is_said_to_be_none(
    region: Settings, book: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, message: str) -> None:
        with pytest.raises(DecisionWorkbookError, match=message):
            approve(region, YEAR, BY, DOCUMENT, workbook=path)
        assert _nothing_applied(region)

    refused(tmp_path / "нет.xlsx", "нет: проверьте путь")
    text = tmp_path / "текст.xlsx"
    text.write_text("это не книга", encoding="utf-8")
    refused(text, "не книга Excel")
    archive = tmp_path / "архив.xlsx"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a.txt", "a")
    refused(archive, "не книга Excel")
    refused(book(heading=["Школа", "Решение"]), "нет колонок: «Код ОО или логин», «Основание», «Документ»")
    bomb = tmp_path / "бомба.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/workbook.xml", b"\0" * (decision_workbook.UNPACKED_LIMIT + 1))
    refused(bomb, "слишком велика")
    big = tmp_path / "большая.xlsx"
    big.touch()
    os.truncate(big, decision_workbook.SIZE_LIMIT + 1)
    refused(big, "больше 10 МБ")
    tight = region.model_copy(update={"read_memory_mb": 1})
    with pytest.raises(DecisionWorkbookError, match="не читается"):
        approve(tight, YEAR, BY, DOCUMENT, workbook=book(["100001", "", "включить", "", ""]))


def test_proposal_counts_names_and_compares(region: Settings) -> None:
    text = "\n".join(proposal_lines(_proposal(region)))
    assert "Школ с результатами: 4, из них с выводом метода: 3" in text
    assert "В предлагаемом перечне: 2 (66,7 % школ с выводом)" in text
    assert "Неустойчивых выводов: в перечне 1, вне перечня 0" in text
    assert "ВПР, математика, 5 класс — 4 из 10; надёжность B" in text
    assert "По сравнению с 2021 годом (перечень по расчёту, он не утверждён, школ: 2)" in text
    assert "Вошли: 1 — Школа № 1 (100001)" in text
    assert "Вышли: 1 — Лицей (100003)" in text
    assert "Остались: 1" in text


def test_proposal_compares_with_the_approved_lists(region: Settings, book: Callable[..., Path]) -> None:
    approve(region, YEAR - 1, BY, "приказ 2021 года", workbook=book(["100001", "", "включить", "жалобы", "письмо"]))
    approve(region, YEAR, BY, DOCUMENT, workbook=book(["100001", "", "не включать", "пожар", "акт"]))
    text = "\n".join(proposal_lines(_proposal(region)))
    assert "По сравнению с 2021 годом (утверждённый перечень, школ: 3)" in text
    assert "Вошли: 0" in text
    assert "Перечень 2022 года уже утверждён" in text
    assert f"{BY}, " in text
    assert "В перечне по расчёту, но не утверждены: 1 — Школа № 1 (100001)" in text


def test_the_page_shows_the_list_as_a_table(region: Settings) -> None:
    text = "\n".join(proposal_markdown(_proposal(region), [("Отчёт", "/ravenstvo/x")])).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "| **В предлагаемом перечне** | **2 школы** — 66,7 % школ с выводом |" in text
    assert "вошли 1, вышли 1, остались 1" in text
    assert "[Отчёт](/ravenstvo/x)" in text
    assert "| **Район** — 2 из 3 с выводом |  |  |  |" in text
    row = next(line for line in text.splitlines() if line.startswith("| Школа № 1 (100001) |"))
    assert "ВПР, математика, 5 класс — 4 из 10" in row
    assert "**вошла**" in row
    fragile = next(line for line in text.splitlines() if "особая" in line)
    assert "⚠ **неустойчив**" in fragile
    assert "## Перечень по муниципалитетам" not in text


def test_a_long_list_is_cut_and_counted_by_municipality(region: Settings) -> None:
    proposal = _proposal(region)
    many = [
        replace(proposal.listed[0], school_id=f"X{n:03}", school_code=f"{n:06}", municipality=f"Район {n % 7}")
        for n in range(150)
    ]
    many.sort(key=lambda school: (school.municipality, school.school_id))
    lines = list(proposal_markdown(replace(proposal, schools=many), [("Перечень целиком", "/ravenstvo/list.xlsx")]))
    rows = [line for line in lines if re.match(r"\| Школа № 1 \(\d{6}\)", line)]
    assert len(rows) == SCHOOLS_SHOWN
    counted = [line.split(" | ") for line in lines if re.match(r"\| Район \d \|", line)]
    assert sum(int(cells[1]) for cells in counted) == 150
    assert any(line.startswith("**И ещё 90") and "(/ravenstvo/list.xlsx)" in line for line in lines)
    assert sum(map(len, lines)) < 30_000


HOSTILE = (
    'Школа | "№ 1" <img src=x onerror=alert(1)> [тут](javascript:x) `к` **ж**\n# з ![](http://a.ru) '
    "www.b.ru c@d.ru https://e.ru &lt; $x$ "
)


def test_names_of_schools_cannot_mark_up_the_page(region: Settings) -> None:
    text = "\n".join(proposal_markdown(_proposal(region)))
    assert r"Школа № 2 \*особая\* (100002)" in text
    assert SCHOOLS[1][3] not in text

    proposal = _proposal(region)
    schools = [replace(school, name=HOSTILE * 3, municipality=HOSTILE) for school in proposal.schools]
    page = "\n".join(proposal_markdown(replace(proposal, schools=schools)))
    # By a parser of markdown: the only markup is ours, and every row has the columns of its heading.
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page)
    inline = [child for token in tokens for child in token.children or ()]
    # What GitHub's dialect makes a link without any mark, as its specification has it.
    shown = "".join(token.content for token in inline)
    assert re.search(r"(https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(\.[-\w]+)+", shown, re.IGNORECASE) is None
    assert re.search(r"(https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(\.[-\w]+)+", HOSTILE) is not None
    assert {token.type for token in inline} <= {"text", "strong_open", "strong_close", "softbreak"}
    widths = set()
    for number, token in enumerate(tokens):
        if token.type == "tr_open":
            row = itertools.takewhile(lambda one: one.type != "tr_close", tokens[number:])
            widths.add(sum(one.type in ("td_open", "th_open") for one in row))
    assert widths == {2, 4}
    assert sum(token.type == "heading_open" for token in tokens) == 2
