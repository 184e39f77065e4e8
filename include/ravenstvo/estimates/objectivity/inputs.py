"""What the markers read: counts by school, never pupils.

Everything is aggregated in SQL: scores as school × procedure × score × number of works, items as school × procedure ×
item × sum of points, identical works as class × size of the largest group.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ravenstvo.estimates.tables import read as read_rows

# An item's points and its number of answers travel in one sum: the number above these bits, the points below them.
_COUNT = 1 << 24


@dataclass(frozen=True)
class Marker:
    """One row of seed ``objectivity_marker``."""

    marker: str
    exams: tuple[str, ...]
    threshold_numerator: int
    threshold_denominator: int
    min_participants: int
    p_level: float | None
    uses_fdr: bool
    fdr_level: float | None
    excluded_school_kinds: tuple[str, ...]
    parameters: dict[str, Any]

    @property
    def threshold(self) -> float:
        """The threshold as a number, for showing; shares are compared in integers."""
        return self.threshold_numerator / self.threshold_denominator


@dataclass(frozen=True)
class Bunching:
    """One row of seed ``bunching_parameter``."""

    exams: tuple[str, ...]
    max_degree: int
    window_below: int
    window_above: int
    below_share: float
    above_share: float
    interval_level: float
    n_replicates: int
    min_participants_region: int
    min_participants_unit: int
    tilt_prior_sd: float


@dataclass(frozen=True)
class Scores:
    """Works of one procedure by score.

    ``school`` (S,) sorted school_id; ``counts`` (S, T) works with score 0…T−1; ``n`` (S,) participants,
    ``n_below`` (S,) of them below the minimum, ``n_unjudged`` (S,) of them without a known minimum.
    """

    procedure_code: str
    exam: str
    subject: str
    grade: int
    school: np.ndarray
    counts: np.ndarray
    n: np.ndarray
    n_below: np.ndarray
    n_unjudged: np.ndarray


@dataclass(frozen=True)
class Items:
    """Points of one procedure by item: ``points`` and ``answers`` (S, I), ``maximum`` (I,) points an answer can get."""

    procedure_code: str
    school: np.ndarray
    n: np.ndarray
    item: list[str]
    points: np.ndarray
    answers: np.ndarray
    maximum: np.ndarray


@dataclass(frozen=True)
class Inputs:
    """All that a year's markers and bunching rest on."""

    year: int
    markers: dict[str, Marker]
    bunching: Bunching | None
    kinds: dict[str, str | None]
    municipalities: dict[str, str]
    scores: dict[str, Scores]
    scores_before: dict[str, Scores]
    boundaries: dict[str, list[tuple[int, int, bool]]]
    counts: pd.DataFrame
    counts_before: pd.DataFrame
    journal: pd.DataFrame
    items: list[Items]
    identical: pd.DataFrame


def read(cursor: Cursor, year: int) -> Inputs:
    """Read the inputs of a campaign year; a marker without a row in force is not in ``markers``."""
    markers = _markers(cursor, year)
    bunching = _bunching(cursor, year)
    exams = sorted({exam for rule in (*markers.values(), bunching) if rule for exam in rule.exams})
    schools = read_rows(
        cursor, "select school_id, school_kind, municipality_id from core.dim_school where is_current order by school_id"
    )
    histogram = _histogram(cursor, year, exams)
    counts = _counts(cursor, year)
    return Inputs(
        year=year,
        markers=markers,
        bunching=bunching,
        kinds=dict(zip(schools.school_id, schools.school_kind, strict=True)),
        municipalities={
            school: municipality
            for school, municipality in zip(schools.school_id, schools.municipality_id, strict=True)
            if municipality
        },
        scores=_scores(histogram[histogram.year == year]),
        scores_before=_scores(histogram[histogram.year == year - 1]),
        boundaries=_boundaries(cursor, year, exams),
        counts=counts[counts.year == year],
        counts_before=counts[counts.year == year - 1],
        journal=_journal(cursor, year, markers.get("B4")),
        items=_items(cursor, year, markers.get("B2")),
        identical=_identical(cursor, year, markers.get("B8")),
    )


def _markers(cursor: Cursor, year: int) -> dict[str, Marker]:
    rows = read_rows(
        cursor,
        """
        select marker, exams, threshold_numerator, threshold_denominator, min_participants, p_level, uses_fdr,
               fdr_level, excluded_school_kinds, parameters
        from seeds.objectivity_marker
        where valid_from_year <= %(year)s and coalesce(valid_to_year, %(year)s) >= %(year)s
        order by marker
        """,
        year=year,
    )
    return {
        row.marker: Marker(
            marker=row.marker,
            exams=tuple(json.loads(row.exams)),
            threshold_numerator=int(row.threshold_numerator),
            threshold_denominator=int(row.threshold_denominator),
            min_participants=int(row.min_participants),
            p_level=None if pd.isna(row.p_level) else float(row.p_level),
            uses_fdr=bool(row.uses_fdr),
            fdr_level=None if pd.isna(row.fdr_level) else float(row.fdr_level),
            excluded_school_kinds=tuple(json.loads(row.excluded_school_kinds)),
            parameters=json.loads(row.parameters),
        )
        for row in rows.itertuples()
    }


def _bunching(cursor: Cursor, year: int) -> Bunching | None:
    rows = read_rows(
        cursor,
        """
        select exams, max_degree, window_below, window_above, below_share, above_share, interval_level, n_replicates,
               min_participants_region, min_participants_unit, tilt_prior_sd
        from seeds.bunching_parameter
        where valid_from_year <= %(year)s and coalesce(valid_to_year, %(year)s) >= %(year)s
        order by valid_from_year desc
        limit 1
        """,
        year=year,
    )
    if rows.empty:
        return None
    row = rows.iloc[0].to_dict()
    return Bunching(exams=tuple(json.loads(row.pop("exams"))), **row)


def _histogram(cursor: Cursor, year: int, exams: list[str]) -> pd.DataFrame:
    """Works by year, procedure, school and score; works without a whole score are counted under a null score."""
    return _copy(
        cursor,
        """
        select
            result.year, result.procedure_code, dim_procedure.exam, dim_procedure.subject,
            dim_procedure.grade, result.school_id,
            case when result.score >= 0 and result.score = trunc(result.score) then result.score::int end as score,
            count(*) as n,
            count(*) filter (where result.is_below_min) as n_below,
            count(*) filter (where result.is_below_min is null) as n_unjudged
        from core.fct_result as result
        join core.dim_procedure on result.procedure_code = dim_procedure.procedure_code
        where result.year in (%(year)s, %(year)s - 1) and dim_procedure.exam = any(%(exams)s)
          and result.is_participant and result.is_first_attempt and result.is_own_pupil
          and result.school_id is not null
        group by 1, 2, 3, 4, 5, 6, 7
        order by 1, 2, 6, 7
        """,
        year=year,
        exams=exams,
    )


def _scores(histogram: pd.DataFrame) -> dict[str, Scores]:
    result = {}
    for code, rows in histogram.groupby("procedure_code", sort=True):
        school, position = np.unique(rows.school_id.to_numpy(dtype=object), return_inverse=True)
        totals = np.zeros((len(school), 3), dtype=np.int64)
        np.add.at(totals, position, rows[["n", "n_below", "n_unjudged"]].to_numpy(dtype=np.int64))
        known = rows.score.notna().to_numpy()
        score = rows.score.to_numpy()[known].astype(np.int64)
        counts = np.zeros((len(school), int(score.max(initial=0)) + 1), dtype=np.int64)
        np.add.at(counts, (position[known], score), rows.n.to_numpy(dtype=np.int64)[known])
        first = rows.iloc[0]
        grade = -1 if pd.isna(first.grade) else int(first.grade)
        result[str(code)] = Scores(str(code), str(first.exam), str(first.subject), grade, school, counts, *totals.T)
    return result


def _boundaries(cursor: Cursor, year: int, exams: list[str]) -> dict[str, list[tuple[int, int, bool]]]:
    """First scores of marks by procedure: (score, mark, is the minimum), from the scale of the year."""
    rows = read_rows(
        cursor,
        """
        select scale.procedure_code, border.score, border.mark, coalesce(border.mark = procedure.min_mark, false) as is_min
        from core.int_mark_scale as scale
        join seeds.procedure on scale.procedure_code = procedure.procedure_code
        cross join lateral (
            values (scale.mark_3_from, 3), (scale.mark_4_from, 4), (scale.mark_5_from, 5)
        ) as border (score, mark)
        where procedure.exam = any(%(exams)s) and border.score > 0
          and scale.year_from <= %(year)s and coalesce(scale.year_to, %(year)s) >= %(year)s
        order by scale.procedure_code, border.score
        """,
        year=year,
        exams=exams,
    )
    result: dict[str, list[tuple[int, int, bool]]] = {}
    for row in rows.itertuples():
        result.setdefault(row.procedure_code, []).append((int(row.score), int(row.mark), bool(row.is_min)))
    return result


def _counts(cursor: Cursor, year: int) -> pd.DataFrame:
    """Participants, those below the minimum and the mean of every procedure and school, this year and the last."""
    return read_rows(
        cursor,
        """
        select counts.year, counts.school_id, counts.procedure_code, procedure.exam, procedure.subject,
               procedure.grade, counts.n_participants as n, counts.n_below_min as n_below,
               coalesce(counts.mean_score, counts.mean_mark) as mean
        from core.fct_school_procedure as counts
        join core.dim_procedure as procedure on counts.procedure_code = procedure.procedure_code
        where counts.year in (%(year)s, %(year)s - 1) and counts.n_participants > 0
        order by counts.year, counts.procedure_code, counts.school_id
        """,
        year=year,
    )


def _journal(cursor: Cursor, year: int, rule: Marker | None) -> pd.DataFrame:
    """Works with both marks on the scale: how many, how many lowered, how many that differ by many marks."""
    if rule is None:
        return pd.DataFrame(columns=["school_id", "procedure_code", "n", "n_lowered", "n_apart"])
    return _copy(
        cursor,
        """
        select result.school_id, result.procedure_code, count(*) as n,
               count(*) filter (where result.mark < result.journal_mark) as n_lowered,
               count(*) filter (where abs(result.mark - result.journal_mark) >= %(marks_apart)s) as n_apart
        from core.fct_result as result
        join core.dim_procedure as procedure on result.procedure_code = procedure.procedure_code
        where result.year = %(year)s and procedure.exam = any(%(exams)s)
          and result.is_participant and result.is_first_attempt and result.is_own_pupil
          and result.school_id is not null
          and result.mark between %(lowest_mark)s and %(highest_mark)s
          and result.journal_mark between %(lowest_mark)s and %(highest_mark)s
        group by 1, 2
        order by 2, 1
        """,
        year=year,
        exams=list(rule.exams),
        **{name: rule.parameters[name] for name in ("marks_apart", "lowest_mark", "highest_mark")},
    )


def _items(cursor: Cursor, year: int, rule: Marker | None) -> list[Items]:
    if rule is None:
        return []
    labels = _labels(cursor, year, rule.exams)
    if not labels:
        return []
    maximum = _specified(cursor, year, rule.exams)
    # Where no specification came, the maximum of an item is what works of two schools at least have reached.
    with_maximum = any(not _maximum_by_label(maximum.get(code, {}), names) for code, names in labels.items())
    every = sorted({label for names in labels.values() for label in names})
    rows = _item_rows(cursor, year, rule, every, with_maximum)
    result = []
    for code, part in rows.groupby("procedure_code", sort=True):
        names = labels[str(code)]
        at = [every.index(name) for name in names]
        packed = part[[f"s{position}" for position in at]].fillna(0).to_numpy(dtype=np.int64)
        known = _maximum_by_label(maximum.get(str(code), {}), names)
        if known:
            top = np.array([known[name] for name in names], dtype=float)
        else:
            reached = np.sort(part[[f"m{position}" for position in at]].fillna(0).to_numpy(dtype=np.int64), axis=0)
            top = reached[-2:][0].astype(float)
        result.append(
            Items(
                procedure_code=str(code),
                school=part.school_id.to_numpy(dtype=object),
                n=part.n.to_numpy(dtype=np.int64),
                item=names,
                points=packed % _COUNT,
                answers=packed // _COUNT,
                maximum=top,
            )
        )
    return result


def _labels(cursor: Cursor, year: int, exams: Iterable[str]) -> dict[str, list[str]]:
    """Items by procedure. All rows of a part have the same items, so one row of each part tells them."""
    rows = read_rows(
        cursor,
        """
        with first_row as (
            select result.procedure_code, result.part_id, min(result.row_no) as row_no
            from core.fct_result as result
            join core.dim_procedure as procedure on result.procedure_code = procedure.procedure_code
            where result.year = %(year)s and procedure.exam = any(%(exams)s)
              and result.is_participant and result.school_id is not null
            group by 1, 2
        )
        select distinct first_row.procedure_code, label.label
        from first_row
        join staging.stg_vpr_result as result using (part_id, row_no)
        cross join lateral json_object_keys(result.item_scores) as label (label)
        where octet_length(label.label) between 1 and 60
        order by 1, 2
        """,
        year=year,
        exams=list(exams),
    )
    return {str(code): sorted(part.label) for code, part in rows.groupby("procedure_code", sort=True)}


def _item_rows(cursor: Cursor, year: int, rule: Marker, labels: list[str], with_maximum: bool) -> pd.DataFrame:
    """Sums by school and procedure, one column an item: points + number of answers × ``_COUNT``.

    A digit is a score; a cell «not attempted» is an answer without points; anything else (the topic was not taught
    yet, a slip of the pen) is no answer.
    """
    cell = sql.SQL(
        "case"
        " when length({x}) = 1 and {x} between '0' and '9' then ascii({x}) - 48 + {count}"
        " when length({x}) = 2 and translate({x}, '0123456789', '') = '' then {x}::int + {count}"
        " when {x} = any(%(not_attempted)s) then {count}"
        " end"
    )
    # A per cent sign in a label must not be taken for a parameter.
    written = [label.replace("%", "%%") for label in labels]
    names = [sql.Identifier("cell", label) for label in written]
    cells = [cell.format(x=name, count=sql.Literal(_COUNT)) for name in names]
    columns = [sql.SQL("sum({})::bigint as {}").format(x, sql.Identifier(f"s{i}")) for i, x in enumerate(cells)]
    if with_maximum:
        columns += [
            sql.SQL("max(({}) - {}) as {}").format(x, sql.Literal(_COUNT), sql.Identifier(f"m{i}"))
            for i, x in enumerate(cells)
        ]
    statement = sql.SQL(
        """
        select result.school_id, result.procedure_code, count(*) as n, {columns}
        from core.fct_result as result
        join core.dim_procedure as procedure on result.procedure_code = procedure.procedure_code
        join staging.stg_vpr_result as work using (part_id, row_no)
        cross join lateral json_to_record(work.item_scores) as cell ({declared})
        where result.year = %(year)s and procedure.exam = any(%(exams)s)
          and result.is_participant and result.is_first_attempt and result.is_own_pupil
          and result.school_id is not null
        group by 1, 2
        order by 2, 1
        """
    ).format(
        columns=sql.SQL(", ").join(columns),
        declared=sql.SQL(", ").join([sql.SQL("{} text").format(sql.Identifier(label)) for label in written]),
    )
    return _copy(
        cursor,
        statement.as_string(cursor),
        year=year,
        exams=list(rule.exams),
        not_attempted=rule.parameters["not_attempted"],
    )


def _specified(cursor: Cursor, year: int, exams: Iterable[str]) -> dict[str, dict[str, dict[str, int]]]:
    """Points an item can get by the specifications: procedure → «label» or «number» → item → points."""
    rows = read_rows(
        cursor,
        """
        select subject, grade, item_label, item_no, max(max_score) as maximum
        from staging.stg_vpr_specification
        where coalesce(year, %(year)s) = %(year)s and max_score > 0
        group by 1, 2, 3, 4
        order by 1, 2, 3, 4
        """,
        year=year,
    )
    known = read_rows(
        cursor,
        """
        select alias.spelling, procedure.grade, procedure.procedure_code
        from seeds.subject_alias as alias
        join seeds.procedure
            on alias.exam = procedure.exam and alias.procedure_subject = procedure.procedure_subject
        where procedure.exam = any(%(exams)s)
        order by 1, 2, 3
        """,
        exams=list(exams),
    )
    procedure = dict(zip(zip(known.spelling, known.grade, strict=True), known.procedure_code, strict=True))
    result: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows.itertuples():
        spelling = " ".join(str(row.subject).lower().replace("ё", "е").split())
        code = procedure.get((spelling, row.grade))
        if code is None:
            continue
        items = result.setdefault(code, {"label": {}, "number": {}})
        items["label"][str(row.item_label)] = int(row.maximum)
        if not pd.isna(row.item_no):
            items["number"][str(int(row.item_no))] = int(row.maximum)
    return result


def _maximum_by_label(specified: dict[str, dict[str, int]], labels: list[str]) -> dict[str, int]:
    """Maximum of each item, where the specification knows all of them by label, or else all by number."""
    for by in ("label", "number"):
        known = specified.get(by, {})
        if all(label in known for label in labels):
            return known
    return {}


def _identical(cursor: Cursor, year: int, rule: Marker | None) -> pd.DataFrame:
    """Classes: ``n`` participants and ``n_identical``, the largest group of works with the same score in every item.

    Works without a single point and works with the full score are alike for their own reasons and make no group.
    """
    if rule is None:
        return pd.DataFrame(columns=["procedure_code", "school_id", "class_label", "n", "n_identical"])
    return _copy(
        cursor,
        """
        with work as (
            select result.procedure_code, result.school_id, work.class_label, work.item_scores::text as answers,
                   result.score, count(*) as n
            from core.fct_result as result
            join core.dim_procedure as procedure on result.procedure_code = procedure.procedure_code
            join staging.stg_vpr_result as work using (part_id, row_no)
            where result.year = %(year)s and procedure.exam = any(%(exams)s)
              and result.is_participant and result.is_first_attempt and result.is_own_pupil
              and result.school_id is not null and work.item_scores is not null
            group by 1, 2, 3, 4, 5
        ),
        full_score as (
            select procedure_code, max(score) as score from work group by 1
        )
        select work.procedure_code, work.school_id, work.class_label, sum(work.n)::bigint as n,
               coalesce(max(work.n) filter (where work.score > 0 and work.score < full_score.score), 0) as n_identical
        from work
        join full_score on work.procedure_code = full_score.procedure_code
        group by 1, 2, 3
        having sum(work.n) >= %(min_participants)s
        order by 1, 2, 3
        """,
        year=year,
        exams=list(rule.exams),
        min_participants=rule.min_participants,
    )


def _copy(cursor: Cursor, statement: str, **values: object) -> pd.DataFrame:
    """Rows of a SELECT as a frame, by COPY: faster than fetching where rows are many. Text stays text."""
    text = io.StringIO()
    query = cursor.mogrify(statement, values).decode()
    cursor.copy_expert(f"copy ({query}) to stdout (format csv, header)", text)
    text.seek(0)
    named = {name: str for name in ("school_id", "procedure_code", "subject", "class_label")}
    return pd.read_csv(text, dtype=named, keep_default_na=False, na_values=[""], engine="c")
