"""What is true of the made-up region, counted from the pupils themselves and not from the files."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

from ravenstvo.sample.exams import exam_year
from ravenstvo.sample.pupils import MARK_SHARES, vpr_works
from ravenstvo.sample.region import School, build_schools
from ravenstvo.sample.spec import works

MarksRow = tuple[School, int, str, int, dict[int, int]]
Truth = dict[tuple[int, str, str], "TrueCounts"]


@dataclass
class TrueCounts:
    """Pupils of one school in one procedure of one year."""

    n_listed: int = 0
    n_absent: int = 0
    n_participants: int = 0
    n_below_min: int = 0
    source: str = "pupil"


def truth(seed: int, n_schools: int, years: list[int]) -> Truth:
    """True counts by (year, school code, procedure code), for the region that `generate` makes of these arguments.

    For exams `n_listed` is the number of participants: protocols list nobody else.
    """
    counts: Truth = defaultdict(TrueCounts)
    schools = build_schools(seed, n_schools, years)
    for year in years:
        _add_vpr(counts, seed, schools, year, min(years))
        for attempt in exam_year(seed, schools, year, min(years)).final_first_attempts():
            entry = counts[year, attempt.school.code, f"{attempt.exam}_{attempt.subject}"]
            entry.n_listed += 1
            entry.n_participants += 1
            entry.n_below_min += attempt.is_below
            if attempt.exam == "ege" and sends_summary(attempt.school, year):
                entry.source = "summary"
        for subject, school, grade, n, marks in _unlisted_marks(seed, schools, year, min(years)):
            counts[year, school.code, f"vpr_{subject}_{grade}"] = TrueCounts(n, 0, n, marks[2], "summary")
    return dict(counts)


def sends_summary(school: School, year: int) -> bool:
    """Whether the school's ЕГЭ results come in the summary form only."""
    form = works()["summary_form"]
    return year in form["years"] and school.municipality["code"] == form["municipality"]


def _add_vpr(counts: Truth, seed: int, schools: list[School], year: int, first_year: int) -> None:
    for work in vpr_works(seed, schools, year, first_year):
        if work.school is None or work.truth == "rejected":
            continue
        entry = counts[year, work.school.code, f"vpr_{work.procedure}"]
        entry.n_listed += 1
        entry.n_absent += work.truth == "absent"
        if work.truth == "present":
            entry.n_participants += 1
            entry.n_below_min += work.mark == 2


def marks_report(seed: int, schools: list[School], year: int, first_year: int) -> list[MarksRow]:
    """Rows of the flat marks report: subjects without pupil files, and one that repeats the pupils' marks."""
    titles = {(subject, grade): title for subject, title, grade in works()["marks_report"]["works"]}
    rows = []
    for (subject, grade), title in titles.items():
        if subject in works()["vpr_subjects"]:
            by_school: dict[School, dict[int, int]] = defaultdict(lambda: dict.fromkeys((2, 3, 4, 5), 0))
            for work in vpr_works(seed, schools, year, first_year):
                if (work.subject, work.grade, work.truth) == (subject, grade, "present") and work.school and work.mark:
                    by_school[work.school][work.mark] += 1
            rows += [(school, grade, title, sum(marks.values()), marks) for school, marks in by_school.items()]
    unlisted = _unlisted_marks(seed, schools, year, first_year)
    return [(school, grade, titles[subject, grade], n, marks) for subject, school, grade, n, marks in unlisted] + rows


def _unlisted_marks(
    seed: int, schools: list[School], year: int, first_year: int
) -> list[tuple[str, School, int, int, dict[int, int]]]:
    """(subject, school, grade, participants, pupils by mark) of the works that come in the marks report only."""
    report = works()["marks_report"]
    rows = []
    for subject, _, grade in report["works"] if year in report["years"] else []:
        if subject in works()["vpr_subjects"]:
            continue
        for school in schools:
            if grade not in school.grades or not school.works_in(year):
                continue
            rng = random.Random(f"{seed}|marks|{year}|{school.index}|{subject}_{grade}")
            fails = school.fail_rate(year, first_year)
            shares = [fails, *((1 - fails) * share for share in MARK_SHARES)]
            drawn = rng.choices((2, 3, 4, 5), shares, k=school.size)
            rows.append((subject, school, grade, school.size, {mark: drawn.count(mark) for mark in (2, 3, 4, 5)}))
    return rows
