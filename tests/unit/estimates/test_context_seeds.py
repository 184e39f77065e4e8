"""The rules of context as they are shipped: they fit each other and the star."""

from __future__ import annotations

import csv
import json
import re

import yaml
from ravenstvo.settings import PROJECT_ROOT
from ravenstvo.sources import load_sources

DBT = PROJECT_ROOT / "dbt_project"


def seed(name: str) -> list[dict[str, str]]:
    with (DBT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def columns(model: str) -> set[str]:
    document = yaml.safe_load((DBT / "models" / f"{model}.yml").read_text(encoding="utf-8"))
    return {column["name"] for column in document["models"][0]["columns"]}


INPUTS = {row["input_code"]: row for row in seed("context_input")}


def test_inputs_are_made_of_columns_of_the_star():
    known = columns("core/fct_school_context")
    for row in INPUTS.values():
        parts = re.split(r"[+|]", row["numerator"] + ("|" + row["denominator"] if row["denominator"] else ""))
        assert set(parts) <= known, row["input_code"]
        assert (row["measure"] == "share") == bool(row["denominator"]), row["input_code"]
        assert not ("+" in row["numerator"] and "|" in row["numerator"]), row["input_code"]
        assert row["sign"] in ("1", "-1")


def test_every_input_is_a_column_of_the_mart():
    suffix = {"share": "_share", "percent": "_share", "code": "_code", "number": ""}
    expected = {row["input_code"] + suffix[row["measure"]] for row in INPUTS.values()}
    shown = columns("marts/mart_school_context")
    assert expected <= shown
    assert {name for name in shown if name.endswith(("_share", "_code"))} - expected == {
        "school_code", "municipality_code", "index_code", "model_code"
    }  # fmt: skip


def test_every_number_of_the_passport_and_the_form_is_shown():
    """Nothing that a sender fills in stays unseen: a share, a code or the number itself."""
    used = {part for row in INPUTS.values() for part in re.split(r"[+|]", row["numerator"] + "|" + row["denominator"])}
    keys = {"year", "school_code", "school_login", "school_name", "full_name", "pupils_birth_year_older"}
    said = {column.name for column in load_sources()["school_context"].columns}
    flags = {name for name in said if name.startswith(("is_", "has_"))}
    assert said - keys - flags - columns("marts/mart_school_context") - used == set()


def test_indices_use_known_inputs_outside_the_schools_control():
    for row in seed("context_index"):
        inputs = json.loads(row["parameters"])["inputs"]
        assert isinstance(inputs, dict) == (row["kind"] == "expert")
        assert all(INPUTS[code]["outside_school_control"] == "true" for code in inputs), row["index_code"]
    assert len({row["priority"] for row in seed("context_index")}) == len(seed("context_index"))


def test_models_use_known_procedures_and_indices():
    procedures = {row["procedure_code"] for row in seed("procedure")}
    indices = {f"{row['index_code']} {row['index_version']}": row["kind"] for row in seed("context_index")}
    for row in seed("context_model"):
        parameters = json.loads(row["parameters"])
        assert set(parameters["procedures"]) <= procedures
        # Weights taken from the results would predict the results of the very school they were taken from.
        assert "regression" not in {indices[name] for name in parameters["indexes"]}
    assert [row["model_code"] for row in seed("context_model") if row["is_default"] == "true"] == ["all"]
    assert {json.loads(row["parameters"]).get("outcome_model") for row in seed("context_index")} <= {
        None, *(row["model_code"] for row in seed("context_model"))
    }  # fmt: skip


def test_what_is_from_memory_or_proposed_says_so():
    for name in ("context_input", "context_index", "context_model"):
        for row in seed(name):
            assert row["source"]
            if row["is_proposal"] == "true":
                assert re.search("[Пп]редложение", row["source"]), row
