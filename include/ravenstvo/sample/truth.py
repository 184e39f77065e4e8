"""What is true of the made-up region, counted from the pupils themselves and not from the files."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date

from ravenstvo.sample.cast import Cast
from ravenstvo.sample.exams import exam_year
from ravenstvo.sample.programmes import Programmes
from ravenstvo.sample.pupils import MARK_SHARES, vpr_works
from ravenstvo.sample.region import School, build_schools
from ravenstvo.sample.spec import support, works
from ravenstvo.sample.staff import COUNTED, TEACHER, Course
from ravenstvo.sample.support_rows import Record

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


#: A course of fewer hours is no professional development (methodology 2.6).
LEAST_HOURS = 16
FINISHED = ("оригинал", "дубликат")
LITERACY = "функциональн"


@dataclass(frozen=True)
class Part:
    """Some of all: a numerator and its denominator."""

    some: int
    of: int


@dataclass(frozen=True)
class ProgrammeTruth:
    """What is true of a handful of indicators (methodology, part 3), counted from the generator's own objects.

    infrastructure: municipalities with an order and a service in the year (T06). agreements: papers in force that the
    programme counts (T09). coverage: helped schools with one of them, by (programme, year). trained: people by school
    and year who hold a fit course, in a counted position (T14). seminar: people with a number, all rows without one,
    and regions with the host's (T17). lone_municipalities: with exactly one school of the programme (M03). mentors:
    M04. meetings: quarters, and whether the meeting was held in them (P1.2). deficits: teachers whose deficits are
    closed, of those asked twice; leavers: those who left in between (P07). literate: teachers trained in the year, by
    year (P3.3).
    """

    infrastructure: dict[int, Part]
    agreements: dict[tuple[str, int], int]
    coverage: dict[tuple[str, int], Part]
    trained: dict[tuple[str, int], int]
    seminar: tuple[int, int, int]
    lone_municipalities: int
    mentors: int
    meetings: dict[str, bool]
    deficits: Part
    leavers: int
    literate: dict[int, Part]


def programme_truth(seed: int, n_schools: int, years: list[int]) -> ProgrammeTruth:
    """Truth of the support programmes in the region that `generate` makes of these arguments."""
    programmes = Programmes(seed, build_schools(seed, n_schools, years))
    cast, rows = programmes.cast, programmes.registers()
    links = _links(cast, rows["agreement"])
    equal = "lipetsk_2016_2018"
    places = Counter(school.municipality["code"] for school in cast.members(equal))
    closed, left = _deficits(rows["deficit"])
    return ProgrammeTruth(
        infrastructure=_infrastructure(rows["infrastructure"]),
        agreements={key: len({number for number, _ in found}) for key, found in links.items()},
        coverage={
            (code, year): Part(len({school for _, school in found}), len(cast.active(code, year)))
            for (code, year), found in links.items()
        },
        trained=_trained(programmes.courses),
        seminar=_seminar(rows["event"], rows["event_participant"]),
        lone_municipalities=sum(number == 1 for number in places.values()),
        mentors=len(cast.mentors(equal)),
        meetings=_meetings(rows["plan_item"]),
        deficits=closed,
        leavers=left,
        literate=_literate(programmes),
    )


def _infrastructure(rows: list[Record]) -> dict[int, Part]:
    found: dict[int, list[bool]] = defaultdict(list)
    for row in rows:
        if row["level"] == "муниципальный":
            found[int(str(row["year"]))].append(bool(row["ordered_on"]) and bool(row["services"]))
    return {year: Part(sum(served), len(served)) for year, served in found.items()}


def _links(cast: Cast, rows: list[Record]) -> dict[tuple[str, int], set[tuple[str, str]]]:
    """(number, school code) of the agreements that count, by programme and each of its own years."""
    helpers = {school.code for school in cast.schools if school.is_leader or school.is_innovation_site}
    links: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for code, spec in support()["programmes"].items():
        for year in range(spec["first"], spec["last"] + 1):
            helped = {school.code for school in cast.active(code, year)}
            links[code, year] = {
                (str(row["agreement_no"]), str(row["school_code"]))
                for row in rows
                if row["school_code"] in helped
                and row["programme"] in (code, None)
                and row.get("partner_code") in helpers - {str(row["school_code"])}
                and _in_force(row, year)
            }
    return links


def _in_force(row: Record, year: int) -> bool:
    start, end, stopped = row["valid_from"], row["valid_to"] or date.max, row["terminated_on"] or date.max
    if row["status"] == "проект" or not (isinstance(start, date) and isinstance(end, date)):
        return False
    last = min(end, stopped) if isinstance(stopped, date) else end
    return start <= last and start <= date(year, 12, 31) and last >= date(year, 1, 1)


def _trained(courses: list[Course]) -> dict[tuple[str, int], int]:
    people: dict[tuple[str, int], set[str]] = defaultdict(set)
    for course in courses:
        fits = course.hours >= LEAST_HOURS and course.status in FINISHED
        if fits and set(course.person.positions) & set(COUNTED):
            people[course.person.school.code, course.finished.year].add(course.person.snils)
    return {key: len(found) for key, found in people.items()}


def _seminar(events: list[Record], participants: list[Record]) -> tuple[int, int, int]:
    codes = {row["event_code"] for row in events if (row["level"], row["kind"]) == ("межрегиональный", "семинар")}
    came = [row for row in participants if row["event_code"] in codes]
    numbers = {row["person.snils"] for row in came if row["person.snils"]}
    return len(numbers), sum(not row["person.snils"] for row in came), len({row["region"] for row in came})


def _meetings(rows: list[Record]) -> dict[str, bool]:
    held = {}
    for row in rows:
        start, done = row["due_from"], row["done_on"]
        if (row["programme"], row["item_code"]) == ("priozersk_2020_2023", "1.2") and isinstance(start, date):
            quarter = f"{start.year}-Q{(start.month + 2) // 3}"
            held[quarter] = isinstance(done, date) and start <= done <= date.fromisoformat(str(row["due_to"]))
    return held


def _deficits(rows: list[Record]) -> tuple[Part, int]:
    at_start = {row["person.snils"] for row in rows if row["stage"] == "старт" and row["is_found"]}
    asked = {row["person.snils"] for row in rows if row["stage"] == "итог"}
    still = {row["person.snils"] for row in rows if row["stage"] == "итог" and row["is_found"]}
    return Part(len((at_start & asked) - still), len(at_start & asked)), len(at_start - asked)


def _literate(programmes: Programmes) -> dict[int, Part]:
    code = "priozersk_2020_2023"
    spec = support()["programmes"][code]
    literate: dict[int, Part] = {}
    for year in range(spec["first"], spec["last"] + 1):
        teachers = {
            person.snils
            for school in programmes.cast.active(code, year)
            for person in programmes.roster[school, year]
            if TEACHER in person.positions
        }
        trained = {
            course.person.snils
            for course in programmes.courses
            if course.finished.year == year and LITERACY in course.topic and course.status in FINISHED
        }
        literate[year] = Part(len(teachers & trained), len(teachers))
    return literate
