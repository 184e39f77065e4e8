"""A new year's shape of file is one document: the example of docs/new-year.md works as it is written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ravenstvo import layouts
from ravenstvo.settings import PROJECT_ROOT


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The centre's own folder of documents, empty."""
    monkeypatch.setenv("RAVENSTVO_HOME", str(tmp_path))
    folder = tmp_path / "layouts"
    folder.mkdir()
    layouts.load_layouts.cache_clear()
    yield folder
    layouts.load_layouts.cache_clear()


def example() -> str:
    text = (PROJECT_ROOT / "docs" / "new-year.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def with_example(own_folder: Path) -> None:
    (own_folder / f"{yaml.safe_load(example())['name']}.yml").write_text(example(), encoding="utf-8")


HEADER = [
    "Логин ОО",
    "Муниципалитет",
    "Код участника",
    "Класс",
    "Вариант",
    "Сумма баллов, всего",
    "Отметка",
    "Задание 1",
]


@pytest.mark.usefixtures("with_example")
def test_example_of_the_guide(read, workbook):
    rows = [
        HEADER,
        ["edu220001", "Район", 50001, "5А", 1, 12, 4, 2],
        ["edu220001", "Район", 50002, "", "отсутствовала"],
    ]
    answer, records = read("2027/5/Математика.xlsx", workbook("Математика.xlsx", Лист1=rows))
    assert answer["parts"][0]["content_key"] == "vpr_result|2027|5|math"
    first, absent = records[0]
    wanted = {"primary_score": "12", "mark": "4", "item_scores": '{"1":"2"}', "attendance": "present"}
    assert wanted.items() <= first.items()
    assert absent["attendance"] == "absent"


def test_without_the_document_the_file_is_refused(read, workbook):
    answer, _ = read("2027/5/Математика.xlsx", workbook("Математика.xlsx", Лист1=[HEADER, ["edu220001"]]))
    assert answer["refused"]


def document(**changes):
    base = {"name": "x", "source": "school_login", "title": "x", "columns": {}, "absent": []}
    return layouts.Layout.model_validate(base | changes)


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        (document(columns={"school_login": {"header": ["логин"]}}), "ни в columns, ни в absent"),
        (document(columns={"нет такого": {"header": ["логин"]}}), "столбцов нет у сведений"),
    ],
)
def test_a_document_is_checked_both_ways(layout, says):
    with pytest.raises(ValueError, match=says):
        layouts.check(layout, layouts.load_sources()["school_login"])


def test_an_own_document_stands_in_place_of_the_projects(own_folder: Path) -> None:
    text = (layouts.FOLDER / "school_login.yml").read_text(encoding="utf-8")
    (own_folder / "school_login.yml").write_text(text.replace("логин", "учётное имя"), encoding="utf-8")
    before = len(list(layouts.FOLDER.glob("*.yml")))
    assert len(layouts.load_layouts()) == before
    assert "учётное имя" in layouts.load_layouts()["school_login"].columns["school_login"].header


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("source: vpr_result", "source: нет_такого"), "нет вида сведений нет_такого"),
        (("Отметка", "~(отметка"), "unterminated"),
        (("header_rows: 1", "header_rows: 5"), "header_rows"),
        (("needs: [", "needs: [["), "expected"),
        (("mark: {header: [Отметка]}", ""), "ни в columns, ни в absent: mark"),
    ],
)
def test_a_wrong_document_is_told_by_its_name(own_folder: Path, change: tuple[str, str], says: str) -> None:
    path = own_folder / "vpr_result_2027.yml"
    path.write_text(example().replace(*change), encoding="utf-8")
    with pytest.raises(layouts.LayoutError, match=says) as told:
        layouts.load_layouts()
    assert str(told.value).startswith(f"Документ формы {path}: ")
    assert "\n" not in str(told.value)
