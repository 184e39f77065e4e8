"""A form that is not known yet: the proposed document takes most columns right, marks the rest, and works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ravenstvo import layouts
from ravenstvo.intake.examine import examine_file
from ravenstvo.intake.propose import Proposal, propose
from ravenstvo.intake.pseudonym import Pseudonyms
from ravenstvo.intake.recognise import Header, lay
from ravenstvo.layouts import Layout, load_layouts

ALTERED = {
    "shortened": lambda text: " ".join(word if len(word) < 7 else f"{word[:4]}." for word in text.split()),
    "turned round": lambda text: " ".join(reversed(text.split())),
    "explained": lambda text: f"{text} (по форме)",
    "in capitals": str.upper,
}
PLAIN = {
    layout.name: {
        column: mapped.header[0] for column, mapped in layout.columns.items() if not mapped.header[0].startswith("~")
    }
    for layout in load_layouts().values()
    if not layout.not_data and not layout.unpivot and layout.header_rows == 1
}
KEYS = Pseudonyms(b"k" * 32)


def _found(proposal: Proposal) -> dict[str, str]:
    return {match.header: match.column for match in [*proposal.sure, *proposal.unsure]}


@pytest.mark.parametrize("how", ALTERED)
@pytest.mark.parametrize("name", [name for name, columns in PLAIN.items() if len(columns) > 2])
def test_altered_headers_of_each_form_are_known_again(name: str, how: str) -> None:
    layout = load_layouts()[name]
    truth = {ALTERED[how](header): column for column, header in PLAIN[name].items()}
    rows = [list(truth), [""] * len(truth)]
    proposal = propose(rows, {"year": "2031", "exam": layout.source.partition("_")[0]})
    assert proposal is not None
    document = yaml.safe_load(proposal.text)
    assert document["source"] == layout.source
    assert [(match.header, match.column) for match in proposal.sure if truth[match.header] != match.column] == []
    right = sum(truth[header] == column for header, column in _found(proposal).items())
    assert right >= 0.7 * len(truth)
    # The document covers the very header that it was made for.
    made = Layout.model_validate(document)
    layouts.check(made, layouts.load_sources()[made.source])
    assert lay(made, Header(rows, 0)).unknown == []


def test_what_is_not_sure_is_marked_and_what_is_not_known_is_named() -> None:
    rows = [
        ["ВПР, 5 класс, 2031 год"],
        [
            "Логин организации",
            "Код уч-ка",
            "Вариант",
            "Сумма перв. баллов",
            "Задание 1",
            "Задание 2",
            "Задание 3",
            "Сны",
        ],
        ["sch220001", 50001, 1, 3, 1, 1, 1, "x"],
    ]
    proposal = propose(rows, {"year": "2031", "exam": "vpr"})
    assert proposal is not None
    lines = {line.strip().partition(":")[0]: line for line in proposal.text.splitlines()}
    assert "# ?" in lines["primary_score"]
    assert "# ?" in lines["pupil_code"]
    assert "# ?" not in lines["variant"]
    assert proposal.unknown == ["H: Сны"]
    fit = lay(Layout.model_validate(yaml.safe_load(proposal.text)), Header(rows, 1))
    assert [label for label, _position in fit.items] == ["1", "2", "3"]


def test_cells_speak_where_the_header_does_not() -> None:
    rows = [["Кто", "Отметка", "Код", "Вариант"], *([f"edu22{n:04}", 4, 50000 + n, 1] for n in range(20))]
    proposal = propose(rows, {"year": "2031"}, "vpr_result")
    assert proposal is not None
    assert _found(proposal)["Кто"] == "school_login"


def test_a_needed_column_that_is_not_there_is_told() -> None:
    proposal = propose([["Код участника", "Вариант", "Отметка"], ["1", "2", "3"]], {"year": "2031"}, "vpr_result")
    assert proposal is not None
    assert any("school_login" in note for note in proposal.notes)


def test_nothing_known_gives_no_proposal() -> None:
    assert propose([["Рецепт", "Мука", "Соль"], ["хлеб", "500", "10"]], {}) is None
    assert propose([], {}) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.text(max_size=30), st.integers(), st.floats(allow_nan=False), st.none()), max_size=8),
        max_size=12,
    )
)
def test_any_sheet_is_answered_and_any_document_can_be_read(rows: list[list[object]]) -> None:
    proposal = propose(rows, {"year": "2031"})
    if proposal is not None:
        Layout.model_validate(yaml.safe_load(proposal.text))


@pytest.mark.parametrize("header", ["0" * 5_000, "1а" * 2_000 + "!", "(" * 3_000, "балл " * 1_000, "1." * 2_000])
def test_a_long_header_takes_no_long_time(header: str) -> None:
    row = [f"{header}{n}" for n in range(5)]
    propose([["Код участника", "Вариант", *row], ["1", "2", *row]], {"year": "2031"}, "vpr_result")


def test_check_says_what_each_column_became(workbook) -> None:
    header = ["ОО", "Муниципалитет", "Код участника", "Вариант", "1 (1б)", "2 (2б)", "Первичный балл", "Отметка", "№"]
    path = workbook("Ф1 Математика 5 класс 2031.xlsx", Лист1=[header, ["sch1", "Район", 1, 1, 1, 2, 3, 5, 1]])
    answer = examine_file("2031/Ф1 Математика 5 класс 2031.xlsx", path, KEYS)
    assert not answer["refused"]
    sheet = answer["sheets"][0]
    assert (sheet["layout"], sheet["n_rows_landed"], sheet["facts"]["year"]) == ("vpr_result_f1", 1, "2031")
    became = {column["header"]: (column["kind"], column["becomes"]) for column in sheet["columns"]}
    assert became["ОО"] == ("column", ["school_login"])
    assert became["1 (1б)"] == ("item", ["1"])
    assert became["№"] == ("ignored", [])
    assert "class_label" in sheet["not_found"]


def test_no_value_of_a_cell_is_told(workbook) -> None:
    header = ["Код ОО", "СНИЛС", "ФИО работника", "Дата рожд.", "Должн.", "Год", "Телефон учителя"]
    person = [
        "042003",
        "112-233-445 95",
        "Канарейкина Пелагея Фоминична",
        "01.02.1983",
        "учитель",
        2031,
        "+7 900 1234567",
    ]
    path = workbook("Кадры 2031.xlsx", Лист1=[header, person])
    answer = examine_file("2031/Кадры 2031.xlsx", path, KEYS, wants_proposal=True)
    told = json.dumps(answer, ensure_ascii=False)
    assert answer["proposals"]
    assert "person.full_name" in told
    assert [value for value in ("112-233", "Канарейкина", "1983", "1234567") if value in told] == []
    assert "похоже на личные данные" in answer["proposals"][0]["text"]


def test_the_proposed_document_loads_the_file(workbook, read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = [
        "Логин организации",
        "Код уч-ка",
        "Вариант",
        "Сумма перв. баллов",
        "Отметка за ВПР",
        "Задание 1",
        "Задание 2",
    ]
    rows = [[*header, "Задание 3"], ["sch220001", 50001, 1, 3, 4, 1, 1, 1], ["sch220001", 50002, 2, 0, 2, 0, 0, 0]]
    path = workbook("Математика 5 класс 2031.xlsx", Лист1=rows)
    name = "2031/5/Математика 5 класс 2031.xlsx"
    assert read(name, path)[0]["refused"]
    proposal = examine_file(name, path, KEYS, wants_proposal=True)["proposals"][0]
    folder = tmp_path / "layouts"
    folder.mkdir()
    for document in layouts.FOLDER.glob("*.yml"):
        (folder / document.name).symlink_to(document)
    (folder / f"{proposal['name']}.yml").write_text(proposal["text"], encoding="utf-8")
    monkeypatch.setattr(layouts, "FOLDER", folder)
    layouts.load_layouts.cache_clear()
    try:
        answer, records = read(name, path)
    finally:
        layouts.load_layouts.cache_clear()
    assert not answer["refused"], answer["problems"]
    assert [(record["pupil_code"], record["primary_score"], record["mark"]) for record in records[0]] == [
        ("50001", "3", "4"),
        ("50002", "0", "2"),
    ]
