"""What the markers read from the star, on a few rows made by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values
from ravenstvo.estimates import tables
from ravenstvo.estimates.objectivity import estimate, inputs
from ravenstvo.settings import PROJECT_ROOT, Settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

YEAR = 2031

TABLES = """
create schema if not exists seeds; create schema if not exists staging; create schema if not exists core;
create table seeds.objectivity_marker (
    marker text, marker_version text, title_ru text, valid_from_year int, valid_to_year int, exams text,
    threshold_numerator int, threshold_denominator int, min_participants int, p_level double precision,
    uses_fdr boolean, fdr_level double precision, excluded_school_kinds text, parameters text, source text,
    is_proposal boolean);
create table seeds.bunching_parameter (
    parameter_version text, valid_from_year int, valid_to_year int, exams text, max_degree int, window_below int,
    window_above int, below_share double precision, above_share double precision, interval_level double precision,
    n_replicates int, min_participants_region int, min_participants_unit int, tilt_prior_sd double precision,
    source text, is_proposal boolean);
create table seeds.procedure (procedure_code text, exam text, procedure_subject text, subject text, grade int,
    min_mark int);
create table seeds.subject_alias (exam text, spelling text, procedure_subject text);
create table core.dim_procedure (procedure_code text, exam text, subject text, grade int);
create table core.dim_school (school_id text, school_kind text, municipality_id text, is_current boolean);
create table core.int_mark_scale (procedure_code text, year_from int, year_to int, mark_3_from int, mark_4_from int,
    mark_5_from int);
create table core.fct_school_procedure (year int, school_id text, procedure_code text, n_participants int,
    n_below_min int, mean_score double precision, mean_mark double precision);
create table core.fct_result (year int, school_id text, procedure_code text, is_participant boolean,
    is_first_attempt boolean, is_own_pupil boolean, score numeric(9, 2), mark int, journal_mark int,
    is_below_min boolean, part_id bigint, row_no int);
create table staging.stg_vpr_specification (year int, subject text, grade int, item_label text, item_no int,
    max_score int);
"""


@pytest.fixture
def cursor(warehouse: Settings) -> Iterator[Cursor]:
    upgrade(warehouse)
    with connect(warehouse) as connection, connection.cursor() as opened:
        opened.execute(TABLES)
        for name in ("objectivity_marker", "bunching_parameter"):
            with (PROJECT_ROOT / "dbt_project" / "seeds" / f"{name}.csv").open(encoding="utf-8") as file:
                opened.copy_expert(f"copy seeds.{name} from stdin (format csv, header)", file)
        opened.execute("""
            insert into seeds.procedure values
                ('vpr_rus_5', 'vpr', 'rus', 'rus', 5, 3), ('oge_rus', 'oge', 'rus', 'rus', 9, 3);
            insert into core.dim_procedure values
                ('vpr_rus_4', 'vpr', 'rus', 4), ('vpr_rus_5', 'vpr', 'rus', 5), ('oge_rus', 'oge', 'rus', 9);
            insert into seeds.subject_alias values ('vpr', 'русский язык', 'rus');
            insert into core.int_mark_scale values
                ('vpr_rus_5', 2020, 2030, 1, 2, 3), ('vpr_rus_5', 2031, null, 3, 5, null),
                ('oge_rus', 2020, null, 3, 5, 7);
            insert into core.dim_school values
                ('a', 'СОШ', 'M1', true), ('b', null, null, true), ('b', 'лицей', 'M9', false);
        """)
        yield opened


def add_works(cursor: Cursor, works: list[dict[str, Any]]) -> None:
    """Works by default: a participant of school a, first attempt, score from its items."""
    results, landed = [], []
    for row_no, given in enumerate(works):
        work = {
            "year": YEAR, "school_id": "a", "procedure_code": "vpr_rus_5", "is_participant": True,
            "is_first_attempt": True, "is_own_pupil": True, "score": 1, "mark": None, "journal_mark": None,
            "is_below_min": False, "part_id": 1, "class_label": "5а", "items": None,
        } | given  # fmt: skip
        label, items = work.pop("class_label"), work.pop("items")
        results.append((*work.values(), row_no))
        landed.append((1, work["part_id"], row_no, label, items and json.dumps(items, ensure_ascii=False)))
    execute_values(cursor, "insert into core.fct_result values %s", results)
    execute_values(
        cursor, "insert into landing.vpr_result (file_id, part_id, row_no, class_label, item_scores) values %s", landed
    )


def test_histogram_counts_participants_first_attempts_and_own_pupils(cursor: Cursor) -> None:
    add_works(
        cursor,
        [
            {"score": 4},
            {"score": 4, "is_below_min": True},
            {"score": 0, "is_below_min": None},
            {"score": 2.5},
            {"score": None},
            {"score": 4, "is_participant": False},
            {"score": 4, "is_first_attempt": False},
            {"score": 4, "is_own_pupil": False},
            {"score": 4, "school_id": None},
            {"score": 4, "procedure_code": "oge_rus"},
            {"score": 1, "school_id": "b"},
            {"score": 3, "year": YEAR - 1, "procedure_code": "vpr_rus_4"},
            {"score": 3, "year": YEAR - 1},
            {"score": 3, "year": YEAR - 2, "procedure_code": "vpr_rus_4"},
        ],
    )
    data = inputs.read(cursor, YEAR)
    assert list(data.scores) == ["vpr_rus_5"]
    one = data.scores["vpr_rus_5"]
    assert (one.exam, one.subject, one.grade) == ("vpr", "rus", 5)
    assert one.school.tolist() == ["a", "b"]
    assert one.counts.tolist() == [[1, 0, 0, 0, 2], [0, 1, 0, 0, 0]]
    # A score that is not whole, or none, is still a participant.
    assert one.n.tolist() == [5, 1]
    assert one.n_below.tolist() == [1, 0]
    assert one.n_unjudged.tolist() == [1, 0]
    # Of last year only what a marker looks back to.
    assert list(data.scores_before) == ["vpr_rus_4"]
    assert data.scores_before["vpr_rus_4"].counts.tolist() == [[0, 0, 0, 1]]
    assert data.boundaries == {"vpr_rus_5": [(3, 3, True), (5, 4, False)]}
    assert data.kinds == {"a": "СОШ"}
    assert data.municipalities == {"a": "M1"}


def test_journal_is_compared_where_both_marks_are_on_the_scale(cursor: Cursor) -> None:
    marks = [(2, 3), (2, 4), (3, 3), (5, 3), (3, 1), (3, 0), (3, 6), (None, 3), (3, None), (2, 5)]
    add_works(cursor, [{"mark": mark, "journal_mark": journal} for mark, journal in marks])
    add_works(cursor, [{"mark": 4, "journal_mark": 5, "year": YEAR - 1}])
    (row,) = inputs.read(cursor, YEAR).journal.to_dict("records")
    assert (row["n"], row["n_lowered"], row["n_apart"]) == (5, 3, 3)


def test_items_are_summed_by_school_and_cells_that_are_no_scores_are_told_apart(cursor: Cursor) -> None:
    """Digits count, «X» is an answer without points, anything else is no answer; a label may hold a per cent sign."""
    cells = [("2", "1"), ("X", "0"), ("не пройд.", "1"), (None, "х"), ("10", "-1"), ("", "1")]
    add_works(cursor, [{"items": {"1К1": a, "2 %": b}} for a, b in cells])
    add_works(cursor, [{"items": {"1К1": "1", "2 %": "1"}, "school_id": "b", "part_id": 2}])
    add_works(cursor, [{"items": {"1К1": "9", "2 %": "9"}, "is_participant": False, "part_id": 3}])
    (items,) = inputs.read(cursor, YEAR).items
    assert items.item == ["1К1", "2 %"]
    assert items.school.tolist() == ["a", "b"]
    assert items.n.tolist() == [6, 1]
    assert items.points.tolist() == [[12, 3], [1, 1]]
    assert items.answers.tolist() == [[3, 5], [1, 1]]
    # No specification came: what works of two schools at least have reached.
    assert items.maximum.tolist() == [1, 1]


def test_specification_tells_the_maximum_by_label_or_by_number(cursor: Cursor) -> None:
    add_works(cursor, [{"items": {"1": "1", "2": "0"}}])
    insert = "insert into staging.stg_vpr_specification values %s"
    # By label only one item would be known, so the items are numbers.
    execute_values(cursor, insert, [(None, "Русский  язык", 5, "2", 1, 4), (None, "Русский язык", 5, "1К1", 2, 3)])
    execute_values(cursor, insert, [(YEAR - 1, "Русский язык", 5, "1К1", 2, 9), (None, "Физика", 5, "1", 1, 9)])
    (items,) = inputs.read(cursor, YEAR).items
    assert items.maximum.tolist() == [4, 3]
    execute_values(cursor, insert, [(YEAR, "русский язык", 5, "1", None, 2)])
    (items,) = inputs.read(cursor, YEAR).items
    assert items.maximum.tolist() == [2, 4]


def test_identical_works_are_counted_within_a_class(cursor: Cursor) -> None:
    def works(label: str, cells: list[tuple[str, int]], **more: Any) -> list[dict[str, Any]]:
        return [{"items": {"1": cell, "2": "1"}, "score": s, "class_label": label, **more} for cell, s in cells]

    add_works(
        cursor,
        [
            *works("5а", [("1", 2)] * 3 + [("2", 2)] * 2 + [("3", 4)]),
            # Alike without a point, or with the highest score of the region: no groups.
            *works("5б", [("0", 0)] * 4 + [("4", 5)] * 3 + [("1", 2)] * 2),
            *works("5а", [("1", 2)] * 5, school_id="b"),
            *works("5а", [("1", 2)] * 5, is_participant=False),
        ],
    )
    rows = inputs.read(cursor, YEAR).classes
    found = {(row.school_id, row.class_label): (row.n, row.n_identical) for row in rows.itertuples()}
    assert found == {("a", "5а"): (6, 3), ("a", "5б"): (9, 2), ("b", "5а"): (5, 5)}


def test_classes_that_are_read_one_at_a_time_give_the_same(cursor: Cursor, monkeypatch: pytest.MonkeyPatch) -> None:
    works = []
    for school, label, part in (("a", "5а", 1), ("a", "5б", 1), ("b", "5а", 1), ("b", None, 1), ("a", "4", 2)):
        items = [{"1": "1", "2": "х"}, {"1": "2", "2": "X"}] if part == 1 else [{"1": "1", "3": "4"}]
        more = {"school_id": school, "class_label": label, "part_id": part, "procedure_code": f"vpr_rus_{6 - part}"}
        works += [{"items": one} | more for one in items]
    add_works(cursor, works)
    whole = inputs.read(cursor, YEAR)
    monkeypatch.setattr(inputs, "_CLASSES_AT_ONCE", 1)
    split = inputs.read(cursor, YEAR)
    assert len(whole.classes) == 5
    pd.testing.assert_frame_equal(whole.classes, split.classes, check_dtype=False)
    assert [one.procedure_code for one in split.items] == ["vpr_rus_4", "vpr_rus_5"]
    for one, other in zip(whole.items, split.items, strict=True):
        assert one.item == other.item
        for name in ("school", "n", "points", "answers", "maximum"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist(), name


def test_a_year_is_replaced_and_others_stay(cursor: Cursor) -> None:
    works = [{"score": 4, "mark": 3, "journal_mark": 4, "items": {"1": "1"}}] * 12
    add_works(cursor, works)
    add_works(cursor, [work | {"year": YEAR - 1, "part_id": 2} for work in works])
    assert estimate(cursor, YEAR - 1) == estimate(cursor, YEAR)
    cursor.execute("delete from core.fct_result where year = %s", (YEAR,))
    assert estimate(cursor, YEAR) == {"estimate_marker": 0, "estimate_bunching": 0}
    cursor.execute("select year, school_id, marker, value, threshold, n, is_flagged from core.estimate_marker")
    rows = [row for row in cursor.fetchall() if row[2] == "B4"]
    assert rows == [(YEAR - 1, "a", "B4", 1.0, 0.3, 12, True)]


def test_rows_that_are_written_one_at_a_time_are_the_same(cursor: Cursor, monkeypatch: pytest.MonkeyPatch) -> None:
    for school in ("a", "b"):
        add_works(cursor, [{"score": 4, "mark": 3, "journal_mark": 4, "items": {"1": "1"}, "school_id": school}] * 12)
    written = []
    for at_once in (50_000, 1):
        monkeypatch.setattr(tables, "_ROWS_AT_ONCE", at_once)
        number = estimate(cursor, YEAR)["estimate_marker"]
        cursor.execute("select * from core.estimate_marker order by school_id, procedure_code, marker")
        written.append(cursor.fetchall())
        assert len(written[-1]) == number > 1
    assert written[0] == written[1]


def test_nothing_came(cursor: Cursor) -> None:
    assert estimate(cursor, YEAR) == {"estimate_marker": 0, "estimate_bunching": 0}
