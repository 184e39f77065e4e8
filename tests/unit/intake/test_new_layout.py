"""A new year's shape of file is one document: the example of docs/new-year.md works as it is written there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ravenstvo import layouts
from ravenstvo.settings import PROJECT_ROOT


@pytest.fixture
def with_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    text = (PROJECT_ROOT / "docs" / "new-year.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert example
    folder = tmp_path / "layouts"
    shutil.copytree(layouts.FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    name = yaml.safe_load(example[1])["name"]
    (folder / f"{name}.yml").write_text(example[1], encoding="utf-8")
    monkeypatch.setattr(layouts, "FOLDER", folder)
    layouts.load_layouts.cache_clear()
    yield
    layouts.load_layouts.cache_clear()


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
        (document(columns={"school_login": {"header": ["логин"]}}), "neither mapped nor named as absent"),
        (document(columns={"нет такого": {"header": ["логин"]}}), "columns unknown"),
    ],
)
def test_a_document_is_checked_both_ways(layout, says):
    with pytest.raises(ValueError, match=says):
        layouts.check(layout, layouts.load_sources()["school_login"])
