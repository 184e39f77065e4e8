"""Estimates of a year on a real PostgreSQL, with the rules as they are shipped and a small region made here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import yaml
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values
from ravenstvo.estimates import context
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

YEAR = 2021
N = 40
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
TABLES = """
    create table core.int_school_context (year int, school_id text);
    create table core.int_context_value (year int, school_id text, input_code text, value double precision);
    create table core.int_school_outcome
        (year int, school_id text, model_code text, y double precision, n_participants int);
    create table core.dim_school
        (school_id text, is_rural boolean, school_kind text, enrolment int, valid_from date, valid_to date);
    create table core.dim_procedure (procedure_code text, grade int);
    create table core.fct_school_context (year int, school_id text, pupils int, is_rural boolean);
    create table core.fct_school_procedure
        (year int, school_id text, procedure_code text, n_enrolled_listed int, n_participants int);
    insert into core.dim_procedure values ('vpr_rus_4', 4), ('vpr_math_4', 4), ('oge_rus', 9);
"""
PASSPORT = [
    "low_income", "single_parent", "large_family", "both_parents_higher_education", "parents_unemployed",
    "russian_not_native", "special_needs", "on_register", "under_guardianship", "distance_km",
]  # fmt: skip
FORM = ["settlement_type", "settlement_size", "transport", "adapted_programme"]


class Region:
    """Schools whose results go down with hardship, and rows of the star that say so."""

    def __init__(self) -> None:
        rng = np.random.default_rng(8)
        self.ids = [f"C{number:06d}" for number in range(N)]
        self.hardship = rng.uniform(0, 1, N)
        self.rural = rng.random(N) < 0.5
        self.kind = [("СОШ", "ООШ", "СОШ", "лицей")[number % 4] if number else "НОШ" for number in range(N)]
        self.pupils = rng.integers(20, 900, N)
        self.n = rng.integers(10, 300, N)
        self.y = 0.5 - self.hardship + 0.1 * np.log(self.pupils) + rng.normal(0, 0.1, N)
        self.values = {
            code: np.round(np.clip((0.8 - 0.6 * h if code.startswith("both") else 0.1 + 0.6 * h) + e, 0, 1), 3)
            for code, h, e in ((code, self.hardship, rng.normal(0, 0.05, N)) for code in PASSPORT)
        }
        self.form = {code: rng.integers(1, 5, N).astype(float) for code in FORM}

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        values = [
            (YEAR, self.ids[i], code, float(of[i]))
            for code, of in {**self.values, **self.form}.items()
            for i in range(N)
        ]
        # School 3 lacks four inputs of ten, school 4 three.
        lacking = {(self.ids[3], code) for code in PASSPORT[:4]} | {(self.ids[4], code) for code in PASSPORT[:3]}
        values = [row for row in values if (row[1], row[2]) not in lacking]
        # School 38 has a form with nothing of the passport in it, school 39 no form at all.
        values = [
            row for row in values if not (row[1] == self.ids[38] and row[2] in PASSPORT) and row[1] != self.ids[39]
        ]
        outcome = [(YEAR, self.ids[i], "all", float(self.y[i]), int(self.n[i])) for i in range(N)]
        outcome += [(YEAR, self.ids[i], "gia", float(self.y[i]), 9) for i in range(N)]
        return {
            "int_school_context": [(YEAR, one) for one in self.ids[:39]],
            "int_context_value": values,
            "int_school_outcome": outcome,
            "dim_school": [
                # School 5: the register has no kind; school 6: a newer version begins after the year.
                (one, bool(self.rural[i]), None if i == 5 else self.kind[i], None, None, None)
                for i, one in enumerate(self.ids)
            ]
            + [(self.ids[6], None, "вечерняя", 1, f"{YEAR + 1}-09-01", None)],
            "fct_school_context": [
                (YEAR, one, None if i == 7 else int(self.pupils[i]), None) for i, one in enumerate(self.ids)
            ],
            "fct_school_procedure": [
                (YEAR, self.ids[7], "vpr_rus_4", 30, 28), (YEAR, self.ids[7], "vpr_math_4", 31, 30),
                (YEAR, self.ids[7], "oge_rus", None, 19), (YEAR - 1, self.ids[7], "oge_rus", None, 500),
            ],
        }  # fmt: skip


def seed(cursor: Cursor, name: str) -> None:
    described = yaml.safe_load((SEEDS / f"{name}.yml").read_text(encoding="utf-8"))["seeds"][0]
    types = described["config"]["column_types"].items()
    columns = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in types)
    table = sql.Identifier("seeds", name)
    cursor.execute(sql.SQL("create table {} ({})").format(table, columns))
    with (SEEDS / f"{name}.csv").open(encoding="utf-8") as rows:
        cursor.copy_expert(sql.SQL("copy {} from stdin (format csv, header)").format(table).as_string(cursor), rows)


def fill(cursor: Cursor, region: dict[str, list[tuple[Any, ...]]], backwards: bool = False) -> None:
    for table, rows in region.items():
        cursor.execute(sql.SQL("delete from {}").format(sql.Identifier("core", table)))
        into = sql.SQL("insert into {} values %s").format(sql.Identifier("core", table)).as_string(cursor)
        execute_values(cursor, into, rows[::-1] if backwards else rows)


@pytest.fixture
def cursor(warehouse: Settings):
    upgrade(warehouse)
    with connect(warehouse) as connection, connection.cursor() as opened:
        opened.execute("create schema if not exists seeds")
        opened.execute(TABLES)
        for name in ("context_input", "context_index", "context_model"):
            seed(opened, name)
        yield opened


def ask(cursor: Cursor, statement: str) -> list[tuple[Any, ...]]:
    cursor.execute(statement)
    return cursor.fetchall()


def everything(cursor: Cursor) -> list[list[tuple[Any, ...]]]:
    tables = ("weight", "index", "model", "prediction")
    return [ask(cursor, f"select * from core.estimate_context_{table} order by 1, 2, 3, 4") for table in tables]


def test_index_of_the_year_and_missing_inputs(cursor: Cursor) -> None:
    region = Region()
    fill(cursor, region.rows())
    counts = context.estimate(cursor, YEAR)
    assert counts["estimate_context_index"] == 5 * 39
    known = {
        (code, version): (n, flags)
        for code, version, n, flags in ask(
            cursor,
            "select index_code, index_version, count(context_index), bool_and(is_of_year) "
            "from core.estimate_context_index group by 1, 2",
        )
    }
    # The passport lacks schools 3 and 38, and knows more than nine tenths of those that the federal form knows.
    assert known == {
        ("social_passport", "expert"): (37, True),
        ("social_passport", "pc1"): (37, False),
        ("social_passport", "regression"): (37, False),
        ("fisoko", "expert"): (39, False),
        ("fisoko", "pc1"): (39, False),
    }
    missing = ask(
        cursor,
        "select school_id, n_inputs, n_missing_inputs, context_index is null, raw_value is null "
        "from core.estimate_context_index where index_code = 'social_passport' and index_version = 'expert' "
        "and n_missing_inputs > 0 order by 1",
    )
    assert missing == [
        (region.ids[3], 10, 4, True, True), (region.ids[4], 10, 3, False, False), (region.ids[38], 10, 10, True, True)
    ]  # fmt: skip
    weights = dict(
        ask(
            cursor,
            "select input_code, weight from core.estimate_context_weight "
            "where index_code = 'social_passport' and index_version = 'expert'",
        )
    )
    assert weights["both_parents_higher_education"] == pytest.approx(2 / 13)
    assert weights["single_parent"] == pytest.approx(-1 / 13)


def test_passport_of_too_few_schools_is_not_the_index_of_the_year(cursor: Cursor) -> None:
    """Of 39 schools 35 are less than nine tenths; 36 are more."""
    region = Region()
    rows = region.rows()
    for n_blank, chosen in ((2, "fisoko"), (1, "social_passport")):
        blank = region.ids[:n_blank]
        values = [row for row in rows["int_context_value"] if not (row[1] in blank and row[2] in PASSPORT)]
        fill(cursor, {**rows, "int_context_value": values})
        context.estimate(cursor, YEAR)
        of_year = "select distinct index_code, index_version from core.estimate_context_index where is_of_year"
        assert ask(cursor, of_year) == [(chosen, "expert")]
        of_model = "select distinct index_code, index_version from core.estimate_context_model"
        assert ask(cursor, of_model) == [(chosen, "expert")]


def test_predictions_are_those_of_models_fitted_without_the_school(cursor: Cursor) -> None:
    region = Region()
    fill(cursor, region.rows())
    context.estimate(cursor, YEAR)
    index = dict(
        ask(
            cursor,
            "select school_id, context_index from core.estimate_context_index "
            "where index_code = 'social_passport' and index_version = 'expert' and context_index is not null",
        )
    )
    # Left out: 3 and 38 without an index, 5 without a kind, 39 without a form.
    own = [i for i in range(N) if i not in (3, 5, 38, 39)]
    pupils = [31 + 19 if i == 7 else region.pupils[i] for i in own]
    design = np.column_stack(
        [
            np.ones(len(own)),
            [index[region.ids[i]] for i in own],
            region.rural[own],
            # Rare kinds (one НОШ) join the most frequent kind.
            [region.kind[i] == "ООШ" for i in own],
            [region.kind[i] == "лицей" for i in own],
            np.log(pupils),
        ]
    ).astype(float)
    y, n = region.y[own], region.n[own].astype(float)
    predicted = {
        school: (outcome, expected, z)
        for school, outcome, expected, z in ask(
            cursor,
            "select school_id, outcome_score, expected_score, residual_z from core.estimate_context_prediction "
            "where model_code = 'all'",
        )
    }
    assert set(predicted) == {region.ids[i] for i in own}
    for place, i in enumerate(own):
        rest = np.arange(len(own)) != place
        root = np.sqrt(n[rest])
        coefficients = np.linalg.lstsq(design[rest] * root[:, None], y[rest] * root, rcond=None)[0]
        outcome, expected, z = predicted[region.ids[i]]
        assert outcome == y[place]
        assert expected == pytest.approx(float(design[place] @ coefficients), abs=1e-7)
        assert math.copysign(1, z) == math.copysign(1, outcome - expected)
    terms = dict(ask(cursor, "select term, coefficient from core.estimate_context_model"))
    assert sorted(terms) == ["index", "intercept", "kind:ООШ", "kind:лицей", "log_pupils", "rural"]
    assert terms["index"] > 0
    # Nine participants are fewer than the other model asks for.
    models = ask(
        cursor, "select distinct model_code, index_code, index_version, n_schools from core.estimate_context_model"
    )
    assert models == [("all", "social_passport", "expert", len(own))]


def test_same_inputs_give_the_same_rows_in_any_order(cursor: Cursor) -> None:
    region = Region().rows()
    fill(cursor, region)
    context.estimate(cursor, YEAR)
    first = everything(cursor)
    fill(cursor, region, backwards=True)
    context.estimate(cursor, YEAR)
    assert everything(cursor) == first
    assert all(first)


def test_year_without_forms_or_results_has_nothing_and_is_no_error(cursor: Cursor) -> None:
    region = Region().rows()
    fill(cursor, region)
    context.estimate(cursor, YEAR)
    fill(cursor, {**region, "int_school_outcome": []})
    counts = context.estimate(cursor, YEAR)
    assert counts["estimate_context_index"] > 0
    assert counts["estimate_context_model"] == counts["estimate_context_prediction"] == 0
    assert ask(cursor, "select 1 from core.estimate_context_weight where index_version = 'regression'") == []
    fill(cursor, {table: [] for table in region})
    assert set(context.estimate(cursor, YEAR).values()) == {0}
    assert not any(everything(cursor))


def test_few_schools_have_no_model(cursor: Cursor) -> None:
    """Six terms and ten schools more are asked for: fifteen schools have no model, sixteen have one."""
    region = Region()
    rows = region.rows()
    cursor.execute(
        "update seeds.context_model set parameters = jsonb_set(parameters::jsonb, '{min_kind_schools}', '1')::text"
    )
    for n_schools, n_terms in ((15, 0), (16, 6)):
        some = set(region.ids[8 : 8 + n_schools])
        fill(cursor, {**rows, "int_school_outcome": [row for row in rows["int_school_outcome"] if row[1] in some]})
        assert context.estimate(cursor, YEAR)["estimate_context_model"] == n_terms


def test_index_may_not_hold_what_the_school_controls(cursor: Cursor) -> None:
    fill(cursor, Region().rows())
    cursor.execute("update seeds.context_input set outside_school_control = false where input_code = 'transport'")
    with pytest.raises(context.ContextRuleError, match="transport"):
        context.estimate(cursor, YEAR)
    cursor.execute("delete from seeds.context_input where input_code = 'transport'")
    with pytest.raises(context.ContextRuleError, match="нет составляющих transport"):
        context.estimate(cursor, YEAR)
