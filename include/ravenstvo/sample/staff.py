"""The made-up staff of the schools: who works where, year by year, and what they studied."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date
from math import ceil
from typing import Any

from ravenstvo.sample.cast import Cast, places
from ravenstvo.sample.region import School
from ravenstvo.sample.spec import names, support

#: Numbers of the insurance of people who do not exist: none is given out from here on.
OWN_NUMBERS, GUEST_NUMBERS = 980_000_000, 970_000_000
PER_SCHOOL, PER_POST = 1000, 20
MOVES_ON = 0.04
HEAD, DEPUTY, TEACHER = "директор", "заместитель директора", "учитель"
#: Whom the demand on the number of people trained speaks of (methodology 3.1, T14).
COUNTED = (HEAD, DEPUTY, TEACHER)
TINY = 2

Roster = dict[tuple[School, int], list["Employee"]]


@dataclass(frozen=True)
class Employee:
    """An invented employee. `positions` has two entries where one person holds two posts."""

    school: School
    surname: str
    given_name: str
    patronymic: str
    is_man: bool
    birth: date
    snils: str
    positions: tuple[str, ...]
    subject: str
    has_native: bool
    has_inclusive: bool
    rank: int

    @property
    def full_name(self) -> str:
        """Surname, name and patronymic."""
        return f"{self.surname} {self.given_name} {self.patronymic}"

    def category(self, year: int) -> str:
        """Qualification category in the year: it grows as years pass."""
        spec = support()["staff"]
        step = self.rank + (year - spec["first"]) // 4
        return str(spec["categories"][min(step, len(spec["categories"]) - 1)])


@dataclass(frozen=True)
class Course:
    """One person's course."""

    programme: str
    person: Employee
    title: str
    topic: str
    subprogramme: str
    hours: int
    started: date
    finished: date
    number: str
    status: str


def snils(number: int) -> str:
    """The number with its check digits, as it is written on paper."""
    digits = f"{number:09d}"
    check = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 0, -1), strict=True)) % 101 % 100
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]} {check:02d}"


def build_roster(seed: int, cast: Cast) -> Roster:
    """Staff by school and year, the head first; people stay for years, some are followed by others."""
    spec = support()["staff"]
    roster: Roster = {}
    for school in cast.staffed:
        posts = _posts(school)
        holders = [_person(seed, school, post, 0, positions) for post, positions in enumerate(posts)]
        terms = [0] * len(posts)
        for year in range(spec["first"], spec["last"] + 1):
            if not school.works_in(year):
                break
            for post, positions in enumerate(posts):
                rng = random.Random(f"{seed}|post|{school.index}|{post}|{year}")
                if year > spec["first"] and rng.random() < MOVES_ON:
                    terms[post] += 1
                    holders[post] = _person(seed, school, post, terms[post], positions)
            roster[school, year] = list(holders)
    return roster


def _posts(school: School) -> list[tuple[str, ...]]:
    """In a tiny school the head teaches and three more do; a large one has a deputy and specialists."""
    if school.size <= TINY:
        return [(HEAD, TEACHER), (TEACHER,), (TEACHER,), (TEACHER,)]
    teachers = [(TEACHER,)] * max(4, min(9, 3 + school.size // 2))
    specialists = [(title,) for title in support()["staff"]["specialists"][: min(2, school.size // 6)]]
    deputies = [(DEPUTY,)] if school.size >= 6 else []
    return [(HEAD,), *deputies, *teachers, *specialists]


def _person(seed: int, school: School, post: int, term: int, positions: tuple[str, ...]) -> Employee:
    rng = random.Random(f"{seed}|employee|{school.index}|{post}|{term}")
    spec = support()["staff"]
    subjects = spec["subjects"]
    subject = subjects[(post + school.index) % len(subjects)]
    man = rng.random() < 0.25
    return Employee(
        school=school,
        surname=rng.choice(names()["surnames"]) + ("" if man else "а"),
        given_name=rng.choice(names()["boys"] if man else names()["girls"]),
        patronymic=rng.choice(names()["fathers"]) + ("ич" if man else "на"),
        is_man=man,
        birth=date(rng.randint(1958, 1993), rng.randint(1, 12), rng.randint(1, 28)),
        snils=snils(OWN_NUMBERS + school.index * PER_SCHOOL + post * PER_POST + term),
        positions=positions,
        subject=subject if TEACHER in positions else "",
        has_native=subject in spec["native"] and TEACHER in positions and rng.random() < 0.6,
        has_inclusive=TEACHER in positions and rng.random() < 0.2,
        rank=rng.randrange(3),
    )


def chosen(staff: list[Employee], spec: dict[str, Any]) -> list[Employee]:
    """People of one school whom a line of `programmes.yml` means: by position, mark in the list, share or number."""
    found = [person for person in staff if set(person.positions) & set(spec.get("who", COUNTED))]
    if "flag" in spec:
        found = [person for person in found if getattr(person, "has_" + spec["flag"])]
    if "share" in spec:
        found = found[: ceil(spec["share"] * len(found))]
    return found[: spec.get("cap", len(found))]


def build_courses(cast: Cast, roster: Roster) -> list[Course]:
    """Courses of all programmes, with a few people who did not finish and a few second copies."""
    courses: list[Course] = []
    for spec in support()["courses"]:
        members = cast.members(spec["programme"])
        for year in spec["years"]:
            for school in places(members, spec):
                people = chosen(roster.get((school, year), []), spec)
                if spec.get("few") == members.index(school):
                    people = people[:4]
                for person in people:
                    courses.append(_course(spec, year, person, len(courses)))
    return [copy for number, course in enumerate(courses, 1) for copy in _copies(course, number)]


def _course(spec: dict[str, Any], year: int, person: Employee, number: int) -> Course:
    return Course(
        spec["programme"], person, spec["title"], spec["topic"], spec.get("subprogramme", ""), spec["hours"],
        date.fromisoformat(f"{year}-{spec['from']}"), date.fromisoformat(f"{year}-{spec['to']}"),
        f"ПК-{year % 100}{number + 1:05d}", "оригинал",
    )  # fmt: skip


def _copies(course: Course, number: int) -> list[Course]:
    """The course; every 29th person got the paper twice, every 31st did not finish an earlier try."""
    copies = [course]
    if number % 29 == 0:
        copies.append(replace(course, status="дубликат"))
    if number % 31 == 0:
        copies.insert(0, replace(course, number="", status="отчислен" if number % 2 else "не завершил"))
    return copies
