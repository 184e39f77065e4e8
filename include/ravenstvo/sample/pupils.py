"""ВПР works of the made-up pupils, with the faults that real files have; each work knows what it truly is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ravenstvo.sample.region import ALL_GRADES, School
from ravenstvo.sample.spec import names, vpr_items, vpr_layout, works

ABSENT = "отсутствовал"
#: Shares of the works with each fault.
ABSENT_SHARE, NO_TOTAL_SHARE, WRONG_ITEM_SHARE, PARTIAL_SHARE = 0.06, 0.002, 0.004, 0.04
MARK_SHARES = (0.45, 0.38, 0.17)  # marks 3, 4, 5 among those who pass
BLANK_ITEMS = ("X", "Х", "x", "не пройд.")


@dataclass(frozen=True)
class Work:
    """A pupil's row. `truth`: present, absent, partial, no_total or rejected (its total is no possible one)."""

    year: int
    login: str
    school: School | None
    grade: int
    subject: str
    pupil_code: int
    class_label: str
    sex: str
    variant: str
    variant_2: str
    journal_mark: str
    items: list[str] = field(default_factory=list)
    total: int | None = None
    mark: int | None = None
    truth: str = "present"

    @property
    def procedure(self) -> str:
        """Subject and grade, such as `math_5`."""
        return f"{self.subject}_{self.grade}"


def mark_of(procedure: str, total: int) -> int:
    """Mark 2..5 of a total by the scale of the sample's works."""
    return 2 + sum(total >= bound for bound in works()["vpr"][procedure]["marks"])


def vpr_works(seed: int, schools: list[School], year: int, first_year: int) -> Iterator[Work]:
    """All works of a year, ordered by work and school; two totals are impossible, one login is in no register."""
    for grade in ALL_GRADES:
        for subject in works()["vpr_subjects"]:
            listed = [work for school in schools for work in _class(seed, school, year, grade, subject, first_year)]
            rng = random.Random(f"{seed}|faults|{year}|{subject}_{grade}")
            present = [i for i, work in enumerate(listed) if work.truth == "present"]
            if present and grade in (5, 7):
                at = rng.choice(present)
                highest = sum(score for _, score in vpr_items(listed[at].procedure))
                listed[at] = replace(listed[at], total=highest + rng.randint(1, 4), truth="rejected")
            if present and subject == "rus" and grade == 6:
                listed += _strangers(listed[present[0]])
            # «Ф1» lists those who sat the work only.
            yield from (work for work in listed if not (work.truth == "absent" and vpr_layout(year) == "f1"))


def _strangers(example: Work) -> list[Work]:
    """Two works under a login that no register knows."""
    prefix = example.login.rstrip("0123456789")
    return [
        replace(example, login=prefix + names()["unknown_login"], school=None, pupil_code=60000 + i) for i in (1, 2)
    ]


def _class(seed: int, school: School, year: int, grade: int, subject: str, first_year: int) -> Iterator[Work]:
    if grade not in school.grades or not school.works_in(year):
        return
    rng = random.Random(f"{seed}|vpr|{year}|{school.index}|{subject}_{grade}")
    label = rng.choice(("НЕТ", "нет", f"{grade}", f"{grade}А", f"{grade} «Б»", "а"))
    enrolled = grade + 1 if vpr_layout(year) == "technical" else grade
    for number in range(1, max(1, school.size + rng.randint(-2, 2)) + 1):
        yield _work(rng, school, year, grade, subject, enrolled * 10000 + number, label, first_year)


def _work(
    rng: random.Random, school: School, year: int, grade: int, subject: str, code: int, label: str, first_year: int
) -> Work:
    procedure = f"{subject}_{grade}"
    mark = 2 if rng.random() < school.fail_rate(year, first_year) else rng.choices((3, 4, 5), MARK_SHARES)[0]
    two_parts = vpr_layout(year) == "technical" and procedure == "rus_4"
    work = Work(
        year=year, login=school.login(year), school=school, grade=grade, subject=subject, pupil_code=code,
        class_label=label, sex=rng.choice("мж"), variant=rng.choice("12"),
        variant_2=rng.choice(("1", "2", "")) if two_parts else "",
        journal_mark=rng.choices(("2", "3", "4", "5", "ж", "12", ""), (3, 40, 35, 15, 0.3, 0.2, 1))[0],
    )  # fmt: skip
    draw = rng.random()
    if draw < ABSENT_SHARE:
        return replace(work, variant=ABSENT, variant_2=ABSENT if two_parts else "", truth="absent")
    bounds = [0, *works()["vpr"][procedure]["marks"], sum(score for _, score in vpr_items(procedure)) + 1]
    total = rng.randint(max(bounds[mark - 2], 1), bounds[mark - 1] - 1)
    work = replace(work, items=_items(rng, procedure, total), total=total, mark=mark)
    if draw < ABSENT_SHARE + NO_TOTAL_SHARE and vpr_layout(year) != "f1":
        return replace(work, total=None, mark=None, truth="no_total")
    if two_parts and draw > 1 - PARTIAL_SHARE:
        return replace(work, variant_2=ABSENT, truth="partial")
    return work


def _items(rng: random.Random, procedure: str, total: int) -> list[str]:
    """Item scores that add up to the total; a few rows disagree by a point, zeros are written in many ways."""
    highest = [score for _, score in vpr_items(procedure)]
    left = [position for position, score in enumerate(highest) for _ in range(score)]
    scores = [0] * len(highest)
    for position in rng.sample(left, total):
        scores[position] += 1
    if rng.random() < WRONG_ITEM_SHARE:
        position = rng.randrange(len(scores))
        scores[position] = highest[position] - scores[position] if highest[position] != 2 * scores[position] else 0
    return [rng.choice(BLANK_ITEMS) if score == 0 and rng.random() < 0.15 else str(score) for score in scores]
