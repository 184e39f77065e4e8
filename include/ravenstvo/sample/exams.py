"""ЕГЭ and ОГЭ results of the made-up graduates: attempts, a reserve day, appeals."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ravenstvo.sample.region import School
from ravenstvo.sample.spec import exam_plan, names, works

SATISFIED, DECLINED = "Удовлетворена", "Отклонена"
IMPOSSIBLE_TEST_SCORE = 104
GRADUATES_OF_GRADE = {"ege": 0.6, "oge": 1.0}  # graduates as a share of the usual class
RESERVE_REPEATS, RESERVE_LATE = 3, 2  # second attempts and first attempts on the reserve day


@dataclass(frozen=True)
class Person:
    """An invented graduate."""

    surname: str
    given_name: str
    patronymic: str
    series: str
    number: str
    class_label: str


@dataclass(frozen=True)
class Attempt:
    """One sitting. `score` is a test score or, where the exam is marked, a mark."""

    exam: str
    subject: str
    date: str
    school: School
    person: Person
    short: str
    long: str
    oral: str
    oral_primary: int
    primary: int
    score: int
    is_rejected: bool = False

    @property
    def is_below(self) -> bool:
        """Whether the score is under the minimum, or the mark is 2."""
        spec = works()[self.exam][self.subject]
        return self.score < spec.get("minimum", 3)


@dataclass(frozen=True)
class Appeal:
    """A changed result; `after` is the attempt as the appeal left it."""

    before: Attempt
    after: Attempt
    state: str


@dataclass(frozen=True)
class ExamYear:
    """All that happened in a year; `planned` pairs each protocol of the plan with its attempts."""

    planned: list[tuple[dict[str, Any], list[Attempt]]]
    appeals: list[Appeal]

    def final_first_attempts(self) -> list[Attempt]:
        """The attempt that counts for each person and subject: the earliest valid one, as its appeal left it."""
        changed = {appeal.before: appeal.after for appeal in self.appeals if appeal.state == SATISFIED}
        first: dict[tuple[str, str, Person], Attempt] = {}
        for _, attempts in self.planned:
            for attempt in attempts:
                key = (attempt.exam, attempt.subject, attempt.person)
                if not attempt.is_rejected and (key not in first or attempt.date < first[key].date):
                    first[key] = attempt
        return [changed.get(attempt, attempt) for attempt in first.values()]


def exam_year(seed: int, schools: list[School], year: int, first_year: int) -> ExamYear:
    """Attempts and appeals of the year's plan."""
    plan = exam_plan(year)
    people = {
        (exam, school): _graduates(seed, exam, school, year)
        for exam in ("ege", "oge")
        for school in schools
        if school.works_in(year) and (school.has_ege if exam == "ege" else school.has_oge)
    }
    planned: list[tuple[dict[str, Any], list[Attempt]]] = []
    main: dict[tuple[str, str], list[Attempt]] = {}
    for entry in plan:
        rng = random.Random(f"{seed}|exam|{year}|{entry['exam']}|{entry['subject']}|{entry['date']}")
        key = (entry["exam"], entry["subject"])
        if entry.get("reserve"):
            planned.append((entry, _reserve_day(rng, entry, year, main[key])))
            continue
        attempts = _main_day(rng, entry, year, people, first_year)
        main[key] = attempts
        planned.append((entry, attempts))
    planned = [(entry, _without_late(entry, attempts, planned)) for entry, attempts in planned]
    appeals = [
        appeal for entry, attempts in planned if entry.get("appeals") for appeal in _appeals(seed, attempts, planned)
    ]
    return ExamYear(planned, appeals)


def _graduates(seed: int, exam: str, school: School, year: int) -> list[Person]:
    rng = random.Random(f"{seed}|people|{exam}|{year}|{school.index}")
    count = max(1, round(school.size * GRADUATES_OF_GRADE[exam]) + rng.randint(-1, 1))
    taken: set[tuple[str, str, str]] = set()
    people: list[Person] = []
    while len(people) < count:
        boy = rng.random() < 0.5
        surname = rng.choice(names()["surnames"]) + ("" if boy else "а")
        given = rng.choice(names()["boys" if boy else "girls"])
        patronymic = rng.choice(names()["fathers"]) + ("ич" if boy else "на")
        if (surname, given, patronymic) in taken:
            continue
        taken.add((surname, given, patronymic))
        grade = "11" if exam == "ege" else "9"
        # Series of 00.. are issued to nobody.
        number = f"{year % 10}{school.index % 1000:03d}{len(people):02d}"
        people.append(Person(surname, given, patronymic, "0088" if exam == "ege" else "0089", number, grade + "А"))
    return people


def _main_day(
    rng: random.Random,
    entry: dict[str, Any],
    year: int,
    people: dict[tuple[str, School], list[Person]],
    first_year: int,
) -> list[Attempt]:
    exam, subject = entry["exam"], entry["subject"]
    attempts = []
    for (of_exam, school), persons in people.items():
        if of_exam != exam:
            continue
        for position, person in enumerate(persons):
            if not _sits(rng, subject, works()[exam][subject]["share"], position):
                continue
            fails = rng.random() < school.fail_rate(year, first_year) * (0.7 if subject == "rus" else 1.0)
            attempts.append(_attempt(rng, entry, year, school, person, fails))
    if exam == "ege" and subject == "math_prof" and attempts:
        at = rng.randrange(len(attempts))
        attempts[at] = replace(attempts[at], score=IMPOSSIBLE_TEST_SCORE, is_rejected=True)
    if exam == "oge" and subject == "math":  # enough points, but too few of them in geometry: the mark is lower
        enough = [i for i, attempt in enumerate(attempts) if attempt.score == 3]
        for at in rng.sample(enough, min(2, len(enough))):
            attempts[at] = replace(attempts[at], score=2)
    return attempts


def _sits(rng: random.Random, subject: str, share: float, position: int) -> bool:
    """Everybody sits either base or profile mathematics, in turn; the rest is by choice."""
    if subject in ("math_prof", "math_base"):
        return (position % 2 == 0) == (subject == "math_prof")
    return rng.random() < share


def _reserve_day(rng: random.Random, entry: dict[str, Any], year: int, main: list[Attempt]) -> list[Attempt]:
    """Some who failed sit again, and some who missed the main day sit for the first time."""
    failed = [attempt for attempt in main if attempt.is_below]
    passed = [attempt for attempt in main if not attempt.is_below]
    again = rng.sample(failed, min(RESERVE_REPEATS, len(failed)))
    late = rng.sample(passed, min(RESERVE_LATE, len(passed)))
    return [_attempt(rng, entry, year, attempt.school, attempt.person, False) for attempt in again + late]


def _without_late(
    entry: dict[str, Any], attempts: list[Attempt], planned: list[tuple[dict[str, Any], list[Attempt]]]
) -> list[Attempt]:
    """Leave those who came on the reserve day for the first time out of the main day."""
    if entry.get("reserve"):
        return attempts
    later = {
        attempt.person
        for other, found in planned
        if other.get("reserve") and (other["exam"], other["subject"]) == (entry["exam"], entry["subject"])
        for attempt in found
    }
    return [attempt for attempt in attempts if attempt.person not in later or attempt.is_below]


def _appeals(seed: int, attempts: list[Attempt], planned: list[tuple[dict[str, Any], list[Attempt]]]) -> list[Appeal]:
    """One raised over the minimum, one lowered, one declined; never of a person with two attempts."""
    sittings: dict[tuple[str, str, Person], int] = defaultdict(int)
    for _, found in planned:
        for attempt in found:
            sittings[attempt.exam, attempt.subject, attempt.person] += 1
    free = [a for a in attempts if sittings[a.exam, a.subject, a.person] == 1 and not a.is_rejected]
    random.Random(f"{seed}|appeals|{attempts[0].date}" if attempts else "").shuffle(free)
    appeals = []
    lows = [attempt for attempt in free if attempt.is_below]
    highs = [attempt for attempt in free if not attempt.is_below and attempt.primary > 4]
    if lows:
        bound = _lowest_pass(works()[lows[0].exam][lows[0].subject])
        appeals.append(Appeal(lows[0], _rescored(lows[0], bound), SATISFIED))
    if len(highs) > 1:
        appeals.append(Appeal(highs[0], _rescored(highs[0], highs[0].primary - 1), SATISFIED))
        if highs[1].exam == "ege":  # the ОГЭ form has no column for the state: every row of it is a change
            appeals.append(Appeal(highs[1], highs[1], DECLINED))
    return appeals


def _rescored(attempt: Attempt, primary: int) -> Attempt:
    return replace(attempt, primary=primary, score=score_of(works()[attempt.exam][attempt.subject], primary))


def _attempt(
    rng: random.Random, entry: dict[str, Any], year: int, school: School, person: Person, fails: bool
) -> Attempt:
    spec = works()[entry["exam"]][entry["subject"]]
    bound, highest = _lowest_pass(spec), _highest(spec)
    primary = rng.randint(bound // 3, bound - 1) if fails else round(rng.triangular(bound, highest, bound + 6))
    short, long, oral, oral_primary = _answers(rng, spec, primary)
    date = f"{year}-{entry['date']}"
    score = score_of(spec, primary)
    return Attempt(
        entry["exam"], entry["subject"], date, school, person, short, long, oral, oral_primary, primary, score
    )


def _answers(rng: random.Random, spec: dict[str, Any], primary: int) -> tuple[str, str, str, int]:
    """Short, long and oral answers that add up to the primary score."""
    oral_points = spec.get("oral", 0)
    oral = min(oral_points, round(primary * oral_points / _highest(spec)))
    written = primary - oral
    of_long = sum(spec["long"])
    in_long = rng.randint(max(0, written - spec["short"]), min(of_long, written))
    taken = rng.sample([i for i, points in enumerate(spec["long"]) for _ in range(points)], in_long)
    long = "".join(f"{taken.count(i)}({points})" for i, points in enumerate(spec["long"]))
    right = set(rng.sample(range(spec["short"]), written - in_long))
    short = "".join("+" if i in right else "-" for i in range(spec["short"]))
    return short, long, f"{oral}({oral_points})" if oral_points else "", oral


def _highest(spec: dict[str, Any]) -> int:
    return int(spec["short"]) + sum(spec["long"]) + int(spec.get("oral", 0))


def score_of(spec: dict[str, Any], primary: int) -> int:
    """Mark of a marked exam, else the test score: a rising function of the primary score."""
    if "marks" in spec:
        return 2 + sum(primary >= bound for bound in spec["marks"])
    return round(100 * primary / _highest(spec))


def _lowest_pass(spec: dict[str, Any]) -> int:
    needed = spec.get("minimum", 3)
    return next(primary for primary in range(_highest(spec) + 1) if score_of(spec, primary) >= needed)


def by_school(attempts: Iterable[Attempt]) -> dict[School, list[Attempt]]:
    """Attempts of each school, in order."""
    grouped: dict[School, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        grouped[attempt.school].append(attempt)
    return dict(grouped)
