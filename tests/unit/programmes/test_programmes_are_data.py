"""Programmes and indicators are rows of seeds: quoted from their documents, known to a model, named in no code."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from ravenstvo.settings import PROJECT_ROOT
from ravenstvo.sources import load_sources

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
MODELS = PROJECT_ROOT / "dbt_project" / "models" / "marts"
QUOTED = (
    "indicator",
    "programme_place",
    "programme_plan_item",
    "programme_remark",
    "programme_stage",
    "programme_subprogramme",
)
#: No file brings these; their indicators say so in `reading` and never have a value.
SOURCES_WITHOUT_FILES = {"risk_register", "certification"}
SQL_COMMENT = re.compile(r"{#.*?#}|--[^\n]*", re.DOTALL)


def rows(seed: str) -> list[dict[str, str]]:
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def quotes(row: dict[str, str]) -> list[str]:
    """What a row takes from its document word for word: its quote, or the name that it goes by there."""
    first = next(row[column] for column in ("quote", "title", "name") if row.get(column))
    return [first, *json.loads(row.get("more_quotes") or "[]")]


def sql_of(*folders: str) -> str:
    paths = [path for folder in folders for path in sorted((MODELS / folder).rglob("*.sql"))]
    return "\n".join(SQL_COMMENT.sub("", path.read_text(encoding="utf-8")) for path in paths)


@pytest.mark.parametrize("seed", QUOTED)
def test_every_quote_stands_in_its_document(seed: str) -> None:
    """The documents are no part of the project: where they lie beside it, the quotes are compared word for word."""
    folders = [parent / "shared" / "seeds" for parent in PROJECT_ROOT.parents]
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        pytest.skip("документов программ рядом с проектом нет (../shared/seeds): дословность цитат не проверена")
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
    asked = [(row["quote_source"], quote) for row in rows(seed) for quote in quotes(row)]
    assert asked
    assert [(source, quote) for source, quote in asked if quote not in texts.get(source, "")] == []


def test_every_row_names_its_document() -> None:
    documents = {row["programme_code"]: row["source_document"] for row in rows("programme")}
    wrong = [
        (seed, row["programme_code"], quotes(row)[0])
        for seed in QUOTED
        for row in rows(seed)
        if row["quote_source"] != documents[row["programme_code"]]
    ]
    assert wrong == []


def test_every_source_of_an_indicator_exists() -> None:
    known = set(load_sources()) | SOURCES_WITHOUT_FILES
    named = {
        (row["indicator_code"], source)
        for row in rows("indicator")
        for names in json.loads(row["sources"])
        for source in names.split("|")
    }
    assert named
    assert sorted((indicator, source) for indicator, source in named if source not in known) == []
    # What has a file must not be left among those that have none.
    assert not set(load_sources()) & SOURCES_WITHOUT_FILES


def test_indicators_without_a_source_are_never_computed() -> None:
    for row in rows("indicator"):
        without = bool(SOURCES_WITHOUT_FILES & set(json.loads(row["sources"])))
        assert (row["measure"] == "none") == without, row["indicator_code"]


def test_every_measure_and_parameter_is_read_by_a_model() -> None:
    """A line of the list that no model reads would let a parameter through that changes nothing."""
    sql = sql_of("measures", "programmes")
    known = [row for row in rows("indicator_parameter") if row["measure"] != "none"]
    words = {row["measure"] for row in known} - {"filter"} | {row["parameter"] for row in known} - {""}
    assert sorted(word for word in words if f"'{word}'" not in sql) == []


def test_every_parameter_that_a_model_reads_is_known() -> None:
    read = set(re.findall(r"(?<!method\.)(?:parameters|spec) ->>? '(\w+)'", sql_of("measures", "programmes")))
    assert read
    assert sorted(read - {row["parameter"] for row in rows("indicator_parameter")}) == []


def test_every_condition_asks_for_a_fact_that_is_made() -> None:
    made = sql_of("measures")
    words = next(row["words"] for row in rows("indicator_parameter") if row["parameter"] == "fact")
    assert sorted(word for word in json.loads(words) if f"'{word}'" not in made) == []


def test_no_programme_or_indicator_is_named_in_code() -> None:
    """Only the made-up region fills the registers of the programmes that it tells of."""
    programmes = rows("programme")
    names = {row[column] for row in programmes for column in ("programme_code", "title", "short_title", "territory")}
    names |= {row["title"] for row in rows("indicator")}
    codes = "|".join(sorted({re.escape(row["indicator_code"]) for row in rows("indicator")}, key=len, reverse=True))
    code = re.compile(rf"(?<![\w.])({codes})(?![\w.])")
    found = [
        (str(path.relative_to(PROJECT_ROOT)), name)
        for path in code_files()
        for text in [code_of(path)]
        for name in [*(name for name in names if name in text), *code.findall(text)]
    ]
    assert found == []


def code_files() -> list[Path]:
    sample = PROJECT_ROOT / "include" / "ravenstvo" / "sample"
    folders = ("dags", "include", "plugins", "dbt_project")
    paths = [path for folder in folders for path in sorted((PROJECT_ROOT / folder).rglob("*"))]
    return [path for path in paths if path.suffix in (".sql", ".py") and sample not in path.parents]


def code_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return SQL_COMMENT.sub("", text) if path.suffix == ".sql" else text
