"""The same figures by another road: plain Python over the real files, none of the project's code or seeds.

The constants below are test data, copied by hand from the public scales and rules the project's seeds quote;
if a seed and this file disagree, one of them is wrong and the end-to-end tests say so.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineWorkbook

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"
ALTAI = REAL / "altai"
ZABAYKALYE = REAL / "zabaykalye"

#: Highest primary score of a work, and the highest score that is still mark 2.
MAXIMUM = {
    "vpr_math_4": 20, "vpr_math_5": 20, "vpr_math_6": 16, "vpr_math_7": 19, "vpr_math_8": 25,
    "vpr_rus_4": 38, "vpr_rus_5": 45, "vpr_rus_6": 51, "vpr_rus_7": 47, "vpr_rus_8": 51,
}  # fmt: skip
TOP_OF_MARK_2 = {
    "vpr_math_4": 5, "vpr_math_5": 6, "vpr_math_6": 5, "vpr_math_7": 6, "vpr_math_8": 7,
    "vpr_rus_4": 13, "vpr_rus_5": 17, "vpr_rus_6": 24, "vpr_rus_7": 21, "vpr_rus_8": 25,
}  # fmt: skip
ABSENT = "отсутствовал"
THRESHOLD = Fraction(3, 10)
MIN_LOW = 2
EXAMS = frozenset({"oge_rus", "oge_math", "ege_rus", "ege_math_prof", "ege_math_base"})
NARROW = EXAMS | {f"vpr_{subject}_{grade}" for subject in ("rus", "math") for grade in (5, 6)}
WIDE = EXAMS | {f"vpr_{subject}_{grade}" for subject in ("rus", "math") for grade in (4, 5, 6, 7, 8)}
#: Login prefixes that name one school in different years.
SAME_SCHOOL_PREFIXES = ("sch", "edu")

#: Subjects of the yearly ЕГЭ form. Its oral parts repeat the written ones and are no procedures of their own.
EGE_PROCEDURES = {
    "русский язык": "ege_rus", "математика профильная": "ege_math_prof", "математика базовая": "ege_math_base",
    "физика": "ege_phys", "химия": "ege_chem", "биология": "ege_bio", "история": "ege_hist",
    "география": "ege_geo", "английский язык": "ege_eng", "немецкий язык": "ege_ger",
    "французский язык": "ege_fra", "обществознание": "ege_soc", "испанский язык": "ege_spa",
    "китайский язык": "ege_chi", "литература": "ege_lit", "информатика и икт (кегэ)": "ege_inf",
}  # fmt: skip


@dataclass
class Counts:
    """Pupils of one school in one procedure; rejected rows are counted apart and in nothing else."""

    n_listed: int = 0
    n_absent: int = 0
    n_partial: int = 0
    n_participants: int = 0
    n_below_min: int = 0
    n_rejected: int = 0
    sum_score: int = 0

    @property
    def is_low(self) -> bool:
        return self.n_participants > 0 and Fraction(self.n_below_min, self.n_participants) >= THRESHOLD


class Key(NamedTuple):
    """School key is `family + digits` of the login: sch220163 and edu220163 are both oo220163."""

    year: int
    school: str
    procedure: str


def school_key(login: str) -> str:
    match = re.fullmatch(r"([a-z]+)(\d+)", clean(login).lower())
    if match is None:
        return clean(login).lower()
    prefix, digits = match.groups()
    return ("oo" if prefix in SAME_SCHOOL_PREFIXES else prefix) + digits


def clean(cell: object) -> str:
    """Text of a cell without no-break spaces; 12.0 as 12."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).replace("\xa0", " ").split())


def rows_of(path: Path, sheet: str | int = 0) -> list[list[object]]:
    book = CalamineWorkbook.from_path(str(path))
    found = book.get_sheet_by_index(sheet) if isinstance(sheet, int) else book.get_sheet_by_name(sheet)
    return found.to_python(skip_empty_area=False)


# --- ВПР: pupils -------------------------------------------------------------------------------------------------


def count_vpr(root: Path, years: Iterable[int]) -> dict[Key, Counts]:
    """Counts by year, school and procedure from `<root>/vpr/<year>/<grade>/*.xlsx` of 2020 and 2021."""
    counts: dict[Key, Counts] = defaultdict(Counts)
    for year in years:
        for path in sorted((root / "vpr" / str(year)).glob("*/*.xlsx")):
            subject = "math" if "матем" in path.name.lower() else "rus"
            procedure = f"vpr_{subject}_{int(path.parent.name)}"
            for login, variants, total in pupils(rows_of(path)):
                add_pupil(counts[Key(year, school_key(login), procedure)], procedure, variants, total)
    return dict(counts)


def pupils(rows: list[list[object]]) -> Iterator[tuple[str, list[str], str]]:
    """(login, variants of the parts, total) of each pupil row under the header."""
    header = [clean(cell).lower() for cell in rows[0]]
    technical = "user" in header
    login = header.index("user" if technical else "логин школы")
    total = header.index("sum" if technical else "всего баллов")
    variants = [i for i, name in enumerate(header) if name in ("var-1", "var-2", "вариант")]
    for row in rows[1:]:
        if any(clean(cell) for cell in row):
            yield clean(row[login]), [clean(row[i]).lower() for i in variants], clean(row[total]).replace(",", ".")


def add_pupil(counts: Counts, procedure: str, variants: list[str], total: str) -> None:
    score = to_score(total)
    if score is not None and not (score.denominator == 1 and 0 <= score <= MAXIMUM[procedure]):
        counts.n_rejected += 1
        return
    counts.n_listed += 1
    written = [variant for variant in variants if variant]
    if ABSENT in written:
        if set(written) == {ABSENT}:
            counts.n_absent += 1
        else:
            counts.n_partial += 1
    elif score is not None:
        counts.n_participants += 1
        counts.n_below_min += score <= TOP_OF_MARK_2[procedure]
        counts.sum_score += int(score)


def to_score(text: str) -> Fraction | None:
    """None for a blank; text that is no number is below zero, so that the caller rejects it."""
    if text == "":
        return None
    try:
        return Fraction(text)
    except ValueError:
        return Fraction(-1)


def registered_schools(root: Path) -> set[str]:
    """School keys of the login list and of the context form: a result of any other login belongs to no school."""
    found = set()
    for path in root.glob("*.xlsx"):
        rows = rows_of(path)
        header = [clean(cell).lower() for cell in rows[0]]
        column = next((i for i, name in enumerate(header) if name.startswith("логин")), None)
        if column is not None:
            found |= {school_key(clean(row[column])) for row in rows[1:] if clean(row[column])}
    return found


def resolved(counts: dict[Key, Counts], registered: set[str]) -> dict[Key, Counts]:
    """Counts of the schools that a register knows: exactly, or as the only one with these digits."""
    by_digits: dict[str, set[str]] = defaultdict(set)
    for school in registered:
        by_digits[re.sub(r"\D", "", school)].add(school)
    kept: dict[Key, Counts] = {}
    for key, value in counts.items():
        same_digits = by_digits[re.sub(r"\D", "", key.school)]
        if key.school in registered or len(same_digits) == 1:
            school = key.school if key.school in registered else next(iter(same_digits))
            kept[key._replace(school=school)] = value
    return kept


# --- verdicts ----------------------------------------------------------------------------------------------------


class Verdict(NamedTuple):
    is_low_results: bool | None
    low_procedures: tuple[str, ...]


def verdicts(counts: dict[Key, Counts]) -> dict[tuple[int, str, str], Verdict]:
    """Verdicts by (year, school, method) for every school and year with a row in `counts`."""
    by_school: dict[tuple[int, str], dict[str, Counts]] = defaultdict(dict)
    for key, value in counts.items():
        by_school[key.year, key.school][key.procedure] = value
    result = {}
    for (year, school), now in by_school.items():
        before = by_school.get((year - 1, school), {})
        result[year, school, "rosobr_30"] = by_number(now, NARROW)
        result[year, school, "rosobr_30_wide"] = by_number(now, WIDE)
        result[year, school, "rosobr_30_repeated"] = by_repetition(now, before, WIDE)
    return result


def low_in(counts: dict[str, Counts], procedures: frozenset[str]) -> set[str]:
    return {name for name, value in counts.items() if name in procedures and value.is_low}


def anybody_in(counts: dict[str, Counts], procedures: frozenset[str]) -> bool:
    return any(value.n_participants for name, value in counts.items() if name in procedures)


def by_number(now: dict[str, Counts], procedures: frozenset[str]) -> Verdict:
    low = low_in(now, procedures)
    return Verdict(len(low) >= MIN_LOW if anybody_in(now, procedures) else None, tuple(sorted(low)))


def by_repetition(now: dict[str, Counts], before: dict[str, Counts], procedures: frozenset[str]) -> Verdict:
    if not (anybody_in(now, procedures) and anybody_in(before, procedures)):
        return Verdict(None, ())
    low = low_in(now, procedures) & low_in(before, procedures)
    return Verdict(bool(low), tuple(sorted(low)))


# --- the yearly ЕГЭ form -----------------------------------------------------------------------------------------


class FormKey(NamedTuple):
    """Names are folded: spaces, case, quotation marks and «ё»."""

    year: int
    municipality: str
    school: str
    procedure: str


def fold(name: object) -> str:
    text = clean(name).lower().replace("ё", "е")
    return " ".join(re.sub(r"[«»\"“”„']", " ", text).split())


def count_form(path: Path, years: Iterable[int]) -> dict[FormKey, Counts]:
    """Participants and pupils below the minimum, from the sheets named by their year; the total row is left out."""
    counts: dict[FormKey, Counts] = {}
    for year in years:
        rows = rows_of(path, str(year))
        top = next(i for i, row in enumerate(rows) if clean(row[0]).lower() == "муниципальное образование")
        for row in rows[top + 2 :]:
            if not clean(row[1]):  # the region's total names no school
                continue
            for column, title in enumerate(rows[top]):
                procedure = EGE_PROCEDURES.get(clean(title).lower())
                n = to_score(clean(row[column])) if procedure else None
                if procedure and n:
                    key = FormKey(year, fold(row[0]), fold(row[1]), procedure)
                    below = to_score(clean(row[column + 1])) or Fraction(0)
                    assert key not in counts, "a school is named twice in one municipality"
                    counts[key] = Counts(n_participants=int(n), n_below_min=int(below))
    return counts


def print_summary() -> None:
    counts = count_vpr(ALTAI, (2020, 2021))
    kept = resolved(counts, registered_schools(ALTAI))
    print(
        "unresolved keys:",
        len(counts) - len(kept),
        "logins:",
        len({k.school for k in counts} - {k.school for k in kept}),
    )
    for year in (2020, 2021):
        for label, group in (("all", counts), ("resolved", kept)):
            mine = [value for key, value in group.items() if key.year == year]
            fields = ("n_listed", "n_absent", "n_partial", "n_participants", "n_below_min", "n_rejected", "sum_score")
            totals = {field: sum(getattr(value, field) for value in mine) for field in fields}
            print(
                year, label, "keys:", len(mine), "with participants:", sum(v.n_participants > 0 for v in mine), totals
            )
    tally = Counter((year, method, v.is_low_results) for (year, _, method), v in verdicts(kept).items())
    for entry, number in sorted(tally.items(), key=str):
        print(*entry, number)
    form = count_form(next(ZABAYKALYE.glob("*.xlsx")), (2022, 2023))
    for year in (2022, 2023):
        mine = [value for key, value in form.items() if key.year == year]
        print(
            year, "form keys:", len(mine), "schools:", len({k[1:3] for k in form if k.year == year}),
            "participants:", sum(v.n_participants for v in mine), "below:", sum(v.n_below_min for v in mine),
            "below > participants:", sum(v.n_below_min > v.n_participants for v in mine),
        )  # fmt: skip


if __name__ == "__main__":
    print_summary()
