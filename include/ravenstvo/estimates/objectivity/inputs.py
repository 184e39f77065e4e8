"""What the markers read: counts by school, never pupils.

Everything is aggregated in SQL: scores as school × procedure × score × number of works, items as school × procedure ×
item × sum of points, identical works as class × size of the largest group.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pandas as pd
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ravenstvo.estimates.tables import read as read_rows

# An item's points and its number of answers travel in one sum: the number above these bits, the points below them.
_COUNT = 1 << 24
# Longest name of a column in PostgreSQL, bytes.
_LONGEST_NAME = 63
# Classes that are held at once: of tens of thousands of schools there are a million, each with a hundred columns.
_CLASSES_AT_ONCE = 50_000
# How COPY's CSV is read: only a cell with nothing in it is none, and a code of digits stays a text.
_CSV: dict[str, Any] = {"keep_default_na": False, "na_values": [""], "engine": "c"}
_CLASS_TYPES = dict.fromkeys(("school_id", "procedure_code", "class_label"), str)
# A row for each score of each school: in the smallest types it is a third of the memory.
_SCORE_TYPES = {
    **dict.fromkeys(("school_id", "procedure_code"), "category"),
    **dict.fromkeys(("n", "n_below", "n_unjudged", "n_both", "n_lowered", "n_apart"), "int32"),
    "year": "int16",
    "score": "float32",
}

# Points an item can get: procedure → «label» or «number» → item → points.
_Maximum = dict[str, dict[str, dict[str, int]]]


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
    kinds: dict[str, str]
    municipalities: dict[str, str]
    scores: dict[str, Scores]
    scores_before: dict[str, Scores]
    boundaries: dict[str, list[tuple[int, int, bool]]]
    counts: pd.DataFrame
    counts_before: pd.DataFrame
    journal: pd.DataFrame
    items: list[Items]
    classes: pd.DataFrame


def read(cursor: Cursor, year: int) -> Inputs:
    """Read the inputs of a campaign year; a marker without a row in force is not in ``markers``."""
    markers = _markers(cursor, year)
    bunching = _bunching(cursor, year)
    exams = sorted({exam for rule in (*markers.values(), bunching) if rule for exam in rule.exams})
    schools = read_rows(
        cursor,
        "select school_id, school_kind, municipality_id from core.dim_school where is_current order by school_id",
    )
    procedures = read_rows(
        cursor,
        """
        select procedure_code, exam, subject, grade from core.dim_procedure
        where exam = any(%(exams)s) order by procedure_code
        """,
        exams=exams,
    )
    scores, scores_before, journal = _by_score(cursor, year, procedures, markers)
    counts = _counts(cursor, year)
    items, classes = _answers(cursor, year, markers, scores)
    return Inputs(
        year=year,
        markers=markers,
        bunching=bunching,
        kinds=_known(schools.school_id, schools.school_kind),
        municipalities=_known(schools.school_id, schools.municipality_id),
        scores=scores,
        scores_before=scores_before,
        boundaries=_boundaries(cursor, year, exams),
        counts=counts[counts.year == year],
        counts_before=counts[counts.year == year - 1],
        journal=journal,
        items=items,
        classes=classes,
    )


def _known(keys: pd.Series, values: pd.Series) -> dict[str, str]:
    """Values by key, those that are known."""
    return {key: value for key, value in zip(keys, values, strict=True) if not pd.isna(value)}


def _answers(
    cursor: Cursor, year: int, markers: dict[str, Marker], scores: dict[str, Scores]
) -> tuple[list[Items], pd.DataFrame]:
    """Points by item, and classes with their largest groups of identical works, for the markers that read items."""
    nothing = pd.DataFrame(columns=["procedure_code", "school_id", "class_label", "n", "n_identical"])
    rules = [markers[code] for code in ("B2", "B8") if code in markers]
    if not rules:
        return [], nothing
    exams = {exam for rule in rules for exam in rule.exams}
    read = {code: one for code, one in scores.items() if one.exam in exams}
    parts = _parts(cursor, year, read)
    if not any(len(items) for items in parts["items"]):
        return [], nothing
    of_procedure: dict[str, set[str]] = {}
    for code, names in zip(parts.procedure_code, parts["items"], strict=True):
        of_procedure.setdefault(code, set()).update(names)
    named = {code: sorted(names) for code, names in of_procedure.items()}
    maximum = _specified(cursor, year, exams)
    unknown = any(not _maximum_by_label(maximum.get(code, {}), names) for code, names in named.items())
    labels, works = _works(cursor, year, markers.get("B2"), parts, read, unknown)
    places = {code: [labels.index(name) for name in names] for code, names in named.items()}
    classes: list[pd.DataFrame] = []
    sums: dict[str, list[pd.DataFrame]] = {}
    for some in works:
        classes.append(some[nothing.columns])
        if "B2" in markers:
            for code, part in some.groupby("procedure_code", sort=False):
                sums.setdefault(str(code), []).append(_by_school(part, places.get(str(code), [])))
    items = _items(sums, named, places, maximum)
    return items, pd.concat(classes, ignore_index=True) if "B8" in markers else nothing


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


def _by_score(
    cursor: Cursor, year: int, procedures: pd.DataFrame, markers: dict[str, Marker]
) -> tuple[dict[str, Scores], dict[str, Scores], pd.DataFrame]:
    """Scores of this year and of the last, and the works with two marks of this one."""
    histogram = _histogram(cursor, year, procedures, markers)
    is_now = (histogram.year == year).to_numpy()
    # Mostly all of them are: a copy would take as much memory again.
    now = histogram if is_now.all() else histogram[is_now]
    return (
        _scores(now, procedures),
        _scores(histogram[~is_now], procedures),
        _journal(now, markers.get("B4")),
    )


def _histogram(cursor: Cursor, year: int, procedures: pd.DataFrame, markers: dict[str, Marker]) -> pd.DataFrame:
    """Works by year, procedure, school and score: of this year, and of last year where a marker looks back to it.

    The marks of the work and of the journal are compared in the same pass.
    """
    journal, jump = markers.get("B4"), markers.get("B5")
    earlier = [int(pair[0]) for pair in jump.parameters["grade_pairs"]] if jump else []
    marks = journal.parameters if journal else {"marks_apart": None, "lowest_mark": None, "highest_mark": None}
    on_scale = "between %(lowest_mark)s and %(highest_mark)s"
    comparable = f"mark {on_scale} and journal_mark {on_scale}"
    with _rows_of(
        cursor,
        f"""
        select
            year, procedure_code, school_id, score,
            count(*) as n,
            count(*) filter (where is_below_min) as n_below,
            count(*) filter (where is_below_min is null) as n_unjudged,
            count(*) filter (where {comparable}) as n_both,
            count(*) filter (where {comparable} and mark < journal_mark) as n_lowered,
            count(*) filter (where {comparable} and abs(mark - journal_mark) >= %(marks_apart)s) as n_apart
        from core.fct_result
        where (
            (year = %(year)s and procedure_code = any(%(codes)s))
            or (year = %(year)s - 1 and procedure_code = any(%(codes_before)s))
          )
          and school_id is not null and is_participant and is_first_attempt and is_own_pupil
        group by 1, 2, 3, 4
        """,
        year=year,
        codes=procedures.procedure_code.tolist(),
        codes_before=procedures.procedure_code[procedures.grade.isin(earlier)].tolist(),
        **{name: marks[name] for name in ("marks_apart", "lowest_mark", "highest_mark")},
    ) as rows:
        histogram = pd.read_csv(rows, dtype=_SCORE_TYPES, **_CSV)
    for name in ("school_id", "procedure_code"):
        # They come in the order in which they were met.
        histogram[name] = histogram[name].cat.reorder_categories(sorted(histogram[name].cat.categories))
    return histogram


def _scores(histogram: pd.DataFrame, procedures: pd.DataFrame) -> dict[str, Scores]:
    """Histograms by procedure. A work without a whole score is a participant, but stands at no score."""
    known = procedures.set_index("procedure_code")
    result = {}
    for code, rows in histogram.groupby("procedure_code", sort=True, observed=True):
        met, position = np.unique(rows.school_id.cat.codes, return_inverse=True)
        school = rows.school_id.cat.categories.to_numpy(dtype=object)[met]
        totals = np.zeros((len(school), 3), dtype=np.int64)
        np.add.at(totals, position, rows[["n", "n_below", "n_unjudged"]].to_numpy(dtype=np.int64))
        score = rows.score.to_numpy(dtype=float)
        whole = (score >= 0) & (score == np.floor(score))
        score = score[whole].astype(np.int64)
        counts = np.zeros((len(school), int(score.max(initial=0)) + 1), dtype=np.int64)
        np.add.at(counts, (position[whole], score), rows.n.to_numpy(dtype=np.int64)[whole])
        procedure = known.loc[code]
        grade = -1 if pd.isna(procedure.grade) else int(procedure.grade)
        result[str(code)] = Scores(
            str(code), str(procedure.exam), str(procedure.subject), grade, school, counts, *totals.T
        )
    return result


def _boundaries(cursor: Cursor, year: int, exams: list[str]) -> dict[str, list[tuple[int, int, bool]]]:
    """First scores of marks by procedure: (score, mark, is the minimum), from the scale of the year."""
    rows = read_rows(
        cursor,
        """
        select scale.procedure_code, border.score, border.mark,
               coalesce(border.mark = procedure.min_mark, false) as is_min
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


def _journal(histogram: pd.DataFrame, rule: Marker | None) -> pd.DataFrame:
    """Works with both marks on the scale: how many, how many lowered, how many that differ by many marks."""
    names = {"n_both": "n", "n_lowered": "n_lowered", "n_apart": "n_apart"}
    kept = histogram if rule else histogram.iloc[:0]
    rows = kept.groupby(["procedure_code", "school_id"], sort=True, observed=True)[list(names)].sum().reset_index()
    rows = rows.rename(columns=names)
    return rows[rows.n > 0]


def _parts(cursor: Cursor, year: int, codes: Iterable[str]) -> pd.DataFrame:
    """Parts of files with works of the year, and their items; all rows of a part have the same ones."""
    parts = read_rows(
        cursor,
        """
        with part as (
            select distinct part_id, procedure_code
            from core.fct_result
            where year = %(year)s and procedure_code = any(%(codes)s) and is_participant
        )
        select part.part_id, part.procedure_code, array(select json_object_keys(first_work.item_scores)) as items
        from part
        cross join lateral (
            select work.item_scores
            from landing.vpr_result as work
            where work.part_id = part.part_id and work.item_scores is not null
            limit 1
        ) as first_work
        order by part.procedure_code, part.part_id
        """,
        year=year,
        codes=sorted(codes),
    )
    # PostgreSQL cuts longer names of columns; no item is called so.
    parts["items"] = [[name for name in names if 0 < len(name.encode()) <= _LONGEST_NAME] for names in parts["items"]]
    return parts


def _works(
    cursor: Cursor,
    year: int,
    profile: Marker | None,
    parts: pd.DataFrame,
    scores: dict[str, Scores],
    with_maximum: bool,
) -> tuple[list[str], Iterator[pd.DataFrame]]:
    """Items, and classes with sums over their works, some at a time in the order of procedures and schools.

    Columns of a class: ``n`` works; ``n_identical``, the largest group of works alike in every item; for item number
    i ``s<i>``, the sum of points + number of answers × ``_COUNT``, and ``m<i>``, the highest score.

    Reading the works is what costs most, so everything comes from one pass. A number is a score; a cell «not
    attempted» is an answer without points; anything else (the topic was not taught yet, a slip of the pen) is no
    answer. Works without a single point and works with the highest score of the region are alike for their own
    reasons and make no group. Works are told apart by a hash of 64 bits: a chance coincidence among the works of a
    class is out of the question.

    The answers come from landing: a row of the star is an accepted one, and asking staging for it would check all
    rows once more.
    """
    labels = sorted({label for items in parts["items"] for label in items})
    not_attempted = profile.parameters["not_attempted"] if profile else []
    points = [(str(digit), digit) for digit in range(10)] + [(spelling, 0) for spelling in not_attempted]
    cell = sql.SQL(
        "case {x} {known} else"
        " case when length({x}) = 2 and translate({x}, '0123456789', '') = '' then {x}::int + {count} end end"
    )
    known = sql.SQL(" ").join(
        sql.SQL("when {} then {}").format(sql.Literal(spelling), sql.Literal(_COUNT + score))
        for spelling, score in points
    )
    # A per cent sign in a label must not be taken for a parameter.
    written = [label.replace("%", "%%") for label in labels]
    cells = [cell.format(x=sql.Identifier("cell", label), known=known, count=sql.Literal(_COUNT)) for label in written]
    sums = {f"s{i}": sql.SQL("sum({})::bigint").format(x) for i, x in enumerate(cells)}
    highest = {f"m{i}": sql.SQL("max({}) - {}").format(x, sql.Literal(_COUNT)) for i, x in enumerate(cells)}
    columns = sums | highest if with_maximum else sums
    statement = sql.SQL(
        """
        with class as (
            select result.procedure_code, result.school_id, work.class_label, count(*) as n, {columns},
                   array_agg(hashtextextended(work.item_scores::text, 0)) filter (
                       where result.score > 0 and result.score < highest.score
                   ) as works
            from core.fct_result as result
            join (values {highest}) as highest (procedure_code, score)
                on result.procedure_code = highest.procedure_code
            join landing.vpr_result as work using (part_id, row_no)
            cross join lateral json_to_record(work.item_scores) as cell ({declared})
            where result.year = %(year)s and result.school_id is not null
              and result.is_participant and result.is_first_attempt and result.is_own_pupil
              and work.part_id = any(%(parts)s)
            group by 1, 2, 3
        )
        select procedure_code, school_id, class_label, n, coalesce(alike.n_identical, 0) as n_identical, {names}
        from class
        cross join lateral (
            select max(alike.n) as n_identical
            from (select count(*) as n from unnest(class.works) as work (answers) group by work.answers) as alike
        ) as alike
        order by procedure_code, school_id, class_label
        """
    ).format(
        columns=sql.SQL(", ").join(sql.SQL("{} as {}").format(x, sql.Identifier(name)) for name, x in columns.items()),
        names=sql.SQL(", ").join(map(sql.Identifier, columns)),
        highest=sql.SQL(", ").join(
            sql.SQL("({}, {})").format(sql.Literal(code), sql.Literal(scores[code].counts.shape[1] - 1))
            for code in sorted(scores)
        ),
        declared=sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(label)) for label in written),
    )
    values = {"year": year, "parts": parts.part_id.unique().tolist()}
    return labels, _classes(cursor, statement.as_string(cursor), **values)


def _by_school(classes: pd.DataFrame, places: list[int]) -> pd.DataFrame:
    """Works and sums by school, of the items at these places."""
    how = {"n": "sum"} | {f"s{place}": "sum" for place in places}
    how |= {f"m{place}": "max" for place in places if f"m{place}" in classes}
    return classes.groupby("school_id", sort=True).agg(how)


def _items(
    sums: dict[str, list[pd.DataFrame]],
    of_procedure: dict[str, list[str]],
    places: dict[str, list[int]],
    maximum: _Maximum,
) -> list[Items]:
    """Points by school and item. Where no specification came, the highest score that works of two schools reach.

    ``sums`` are parts of ``_by_school`` by procedure: the classes of a school may lie in two of them.
    """
    result = []
    for code in sorted(sums):
        names = of_procedure.get(code, [])
        if not names:
            continue
        part = _by_school(pd.concat(sums[code]).reset_index(), places[code])
        packed = part[[f"s{place}" for place in places[code]]].fillna(0).to_numpy(dtype=np.int64)
        known = _maximum_by_label(maximum.get(code, {}), names)
        if known:
            top = np.array([known[name] for name in names], dtype=float)
        else:
            reached = part[[f"m{place}" for place in places[code]]].fillna(0).to_numpy(dtype=float)
            top = np.sort(reached, axis=0)[-2:][0]
        result.append(
            Items(
                procedure_code=code,
                school=part.index.to_numpy(dtype=object),
                n=part.n.to_numpy(dtype=np.int64),
                item=names,
                points=packed % _COUNT,
                answers=packed // _COUNT,
                maximum=top,
            )
        )
    return result


def _specified(cursor: Cursor, year: int, exams: Iterable[str]) -> _Maximum:
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
    result: _Maximum = {}
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


def _maximum_by_label(specified: dict[str, dict[str, int]], labels: Collection[str]) -> dict[str, int]:
    """Maximum of each item, where the specification knows all of them by label, or else all by number."""
    for by in ("label", "number"):
        known = specified.get(by, {})
        if all(label in known for label in labels):
            return known
    return {}


@contextmanager
def _rows_of(cursor: Cursor, statement: str, **values: object) -> Iterator[IO[bytes]]:
    """Rows of a SELECT as CSV, by COPY: faster than fetching where rows are many. They wait on the disk."""
    query = cursor.mogrify(statement, values).decode()
    with tempfile.TemporaryFile() as text:
        cursor.copy_expert(f"copy ({query}) to stdout (format csv, header, encoding 'utf8')", text)
        text.seek(0)
        yield text


def _classes(cursor: Cursor, statement: str, **values: object) -> Iterator[pd.DataFrame]:
    """Rows of a SELECT of classes, some at a time, at least one frame."""
    with _rows_of(cursor, statement, **values) as rows:
        yield from pd.read_csv(rows, dtype=_CLASS_TYPES, chunksize=_CLASSES_AT_ONCE, **_CSV)
