"""What codes are called: every list is whole, every column exists, and all that speak of a code say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ravenstvo import code_words, decisions
from ravenstvo.asking import indicator_words
from ravenstvo.settings import PROJECT_ROOT


def _columns_of_marts() -> dict[str, set[str]]:
    """Mart → columns, as the documents beside the models have them."""
    found: dict[str, set[str]] = {}
    for path in (PROJECT_ROOT / "dbt_project" / "models" / "marts").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            name = (model.get("config") or {}).get("alias") or model["name"].removeprefix("marts_")
            found[name] = {column["name"] for column in model.get("columns", [])}
    return found


def test_every_column_with_words_is_a_column_of_a_mart() -> None:
    known = _columns_of_marts()
    bare = set().union(*known.values())
    for name in yaml.safe_load(Path(code_words.__file__).with_suffix(".yml").read_text(encoding="utf-8"))["columns"]:
        mart, _, column = name.rpartition(".")
        assert column in (known[mart] if mart else bare), name


def test_words_of_a_list_differ_and_have_known_looks() -> None:
    for name in yaml.safe_load(Path(code_words.__file__).with_suffix(".yml").read_text(encoding="utf-8"))["lists"]:
        told = code_words.word_list(name)
        assert len({word.word for word in told.values()}) == len(told), name
        assert {word.look for word in told.values()} <= {None, *code_words.LOOKS}, name


@pytest.mark.parametrize(
    ("mart", "column", "value", "expected"),
    [
        ("mart_identification", "is_low_results", True, "низкие"),
        ("mart_identification", "is_low_results", None, "нет вывода"),
        ("mart_identification", "has_last_year", False, "нет"),
        ("mart_identification", "has_last_year", None, None),
        ("mart_identification", "category", "crisis/norm", "кризис / норма"),
        ("mart_identification", "category", "crisis/=1+1", "кризис / =1+1"),
        ("mart_identification", "n_procedures", 1, 1),
        ("mart_programme_indicator", "status", "met", "выполнено"),
        ("mart_identification", "status", "met", "met"),
        ("mart_programme_indicator", "title", "Доля 1/2", "Доля 1/2"),
    ],
)
def test_values_are_told_by_the_list_of_their_column(mart: str, column: str, value: object, expected: object) -> None:
    assert code_words.told(mart, column, value) == expected


def test_all_that_speak_of_a_code_say_the_same() -> None:
    decided = {code: word.word for code, word in code_words.word_list("decision").items() if code != "null"}
    assert decided == decisions.TITLES
    for code, said in indicator_words._STATUSES.items():
        assert said.startswith(code_words.word_list("indicator_status")[code].word) or code == "ambiguous"
