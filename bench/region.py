"""A made-up region of any size, written straight into the landing tables: no files, no reading, no checks of rows.

    python bench/region.py --schools 3000 --years 10 [--pupils 25] [--last 2023]

Registers of municipalities, schools and logins; for each year ВПР in two subjects of five grades with scores by item,
ОГЭ in four subjects, ЕГЭ in four, and the schools' context: about 16 result rows to a pupil of a grade, so 300 schools
of 25 pupils a grade have 118,000 rows a year. Every row is set-based SQL, every part of a file is entered and counts as
checked and accepted. The same arguments give the same rows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from ravenstvo.intake.versions import settle
from ravenstvo.quality import validate
from ravenstvo.settings import Settings, get_settings
from ravenstvo.warehouse.connection import connect
from ravenstvo.warehouse.migrate import upgrade

N_MUNICIPALITIES = 60
N_ITEMS = 12
# A grade's pupils who take the state exams: nearly all of the ninth, half of the eleventh.
_EGE_SHARE = 0.5

# Highest primary scores, roughly those of the real works.
_VPR = {("Русский язык", "rus"): (38, 45, 51, 47, 51), ("Математика", "math"): (20, 20, 16, 19, 25)}
_OGE = {("Математика", "math"): 31, ("Русский язык", "rus"): 33, ("Физика", "phys"): 45, ("Биология", "bio"): 48}
_EGE = {"Русский язык": "rus", "Математика профильная": "math_prof", "Физика": "phys", "Биология": "bio"}
_EXAM_DATE = {"oge": "{}-05-23", "ege": "{}-05-30"}

# A school is better or worse for good; a pupil is so within the school.
_SKILL = "least(1, greatest(0, 0.25 + 0.5 * school.quality + 0.22 * (random() + random() + random() - 1.5)))"

_SCHOOLS = """
create temporary table bench_school on commit drop as
select
    number,
    to_char(100000 + number, 'FM000000') as code,
    'edu' || to_char(100000 + number, 'FM000000') as login,
    'СОШ № ' || number as name,
    to_char(101 + number % {n_municipalities}, 'FM000') as municipality_code,
    'Район ' || 101 + number % {n_municipalities} as municipality,
    abs(hashint4(number) % 1000) / 1000.0 as quality
from generate_series(1, {n_schools}) as number
"""


@dataclass(frozen=True)
class Part:
    """One sheet of one file: what it holds, and the SELECT of its rows after the columns of the file and the part."""

    source: str
    layout: str
    exam: str
    content_key: str
    columns: str
    rows: str
    year: int | None = None
    grade: int | None = None
    subject: str | None = None
    exam_date: str | None = None
    items: tuple[str, ...] = ()


def parts(years: list[int], pupils: int) -> Iterator[Part]:
    """All parts of the region, registers first."""
    yield Part(
        "municipality", "municipality", "municipality", "municipality",
        "municipality_code, municipality, oktmo",
        "select distinct municipality_code, municipality, '88' || municipality_code || '000' from bench_school",
    )  # fmt: skip
    yield Part(
        "school", "school", "school", "school",
        "school_code, school_login, full_name, short_name, municipality_code, municipality, school_kind, locality, "
        "status, valid_from, enrolment",
        "select code, login, 'Средняя общеобразовательная школа № ' || number, name, municipality_code, municipality, "
        f"'СОШ', 'село', 'действует', '1990-09-01', '{pupils * 11}' from bench_school as school",
    )  # fmt: skip
    yield Part(
        "school_login", "school_login", "school", "school_login",
        "school_login, school_name, municipality",
        "select login, name, municipality from bench_school as school",
    )  # fmt: skip
    for year in years:
        yield _context(year, pupils)
        for (subject, code), highest in _VPR.items():
            for grade, high in zip(range(4, 9), highest, strict=True):
                yield _vpr(year, grade, subject, code, high, pupils)
        for (subject, code), high in _OGE.items():
            yield _exam(year, "oge", subject, code, high, pupils)
        for subject, code in _EGE.items():
            yield _exam(year, "ege", subject, code, 100, round(pupils * _EGE_SHARE))


def _context(year: int, pupils: int) -> Part:
    n = pupils * 11
    return Part(
        "school_context", "school_context", "school", f"school_context|{year}",
        "year, school_code, pupils, low_income, single_parent, large_family, both_parents_higher_education, "
        "parents_unemployed, russian_not_native, special_needs, on_register, under_guardianship, distance_km, "
        "teachers, teacher_vacancies",
        f"select '{year}', code, '{n}', {_share(n, 0.4)}, {_share(n, 0.3)}, {_share(n, 0.2)}, {_share(n, 0.4)}, "
        f"{_share(n, 0.1)}, {_share(n, 0.1)}, {_share(n, 0.1)}, {_share(n, 0.05)}, {_share(n, 0.05)}, "
        "cast(round(cast(random() * 100 as numeric), 1) as text), '20', '1' from bench_school as school",
        year=year,
    )  # fmt: skip


def _share(n: int, most: float) -> str:
    """A count that is the larger, the worse the school is."""
    return f"cast(round({n} * {most} * (0.6 * (1 - school.quality) + 0.4 * random())) as integer)"


def _vpr(year: int, grade: int, subject: str, code: str, high: int, pupils: int) -> Part:
    items = tuple(str(number) for number in range(1, N_ITEMS + 1))
    scores = " || ', ' || ".join(f"""'"{item}": "' || cast(round(skill * 2) as integer) || '"'""" for item in items)
    return Part(
        "vpr_result", "vpr_result_2022", "vpr", f"vpr_result|{year}|{grade}|{code}",
        "year, school_login, school_name, municipality, grade, subject, pupil_code, class_label, sex, variant, "
        "attendance, primary_score, journal_mark, items_total, item_scores",
        f"select '{year}', login, name, municipality, '{grade}', '{subject}', cast({grade}0000 + pupil as text), 'а', "
        f"case when pupil % 2 = 0 then 'ж' else 'м' end, cast(1 + pupil % 2 as text), 'present', "
        f"cast(round(skill * {high}) as text), cast(2 + least(3, floor(skill * 4)) as text), "
        f"cast(round(skill * {high}) as text), cast('{{' || {scores} || '}}' as json) "
        f"from (select school.*, pupil, {_SKILL} as skill from bench_school as school "
        f"cross join generate_series(1, {pupils}) as pupil) as work",
        year=year, grade=grade, subject=subject, items=items,
    )  # fmt: skip


def _exam(year: int, exam: str, subject: str, code: str, high: int, pupils: int) -> Part:
    date = _EXAM_DATE[exam].format(year)
    mark = "cast(2 + least(3, floor(skill * 4)) as text)" if exam == "oge" else "null"
    test = "cast(round(skill * 100) as text)" if exam == "ege" else "null"
    person = f"md5('{exam}{year}' || code || pupil)"
    return Part(
        f"{exam}_result", f"{exam}_result", exam, f"{exam}_result|{year}|{code}|{date}|основной",
        "year, exam_date, wave, school_code, municipality_code, class_label, station_code, room, person_key, name_key, "
        "link_level, subject, short_answers, primary_score, mark, test_score",
        f"select '{year}', '{date}', 'основной', code, municipality_code, '9А', '101', '0001', {person}, "
        f"md5({person}), '2', '{subject}', '+-+-+-+++--+-+++', cast(round(skill * {high}) as text), {mark}, {test} "
        f"from (select school.*, pupil, {_SKILL} as skill from bench_school as school "
        f"cross join generate_series(1, {pupils}) as pupil) as work",
        year=year, subject=subject, exam_date=date,
    )  # fmt: skip


def make(settings: Settings, n_schools: int, years: list[int], pupils: int, *, checked: bool = True) -> int:
    """Write the region. Returns the rows of results; with ``checked=False`` a calculation will check them first."""
    upgrade(settings)
    # With nothing to check it only notes by which rules: the rows that come now count as checked by them.
    validate(settings)
    n_results = 0
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(_SCHOOLS.format(n_schools=n_schools, n_municipalities=N_MUNICIPALITIES))
        cursor.execute("select setseed(0.5)")
        for part in parts(years, pupils):
            n_rows = _land(cursor, part)
            n_results += n_rows if part.subject else 0
    if checked:
        # What comes into force is due to be checked: these rows count as checked.
        settle(settings)
        with connect(settings) as connection, connection.cursor() as cursor:
            cursor.execute("update ops.source_part set validated_at = ops.moment() where validated_at is null")
    return n_results


def _land(cursor: Cursor, part: Part) -> int:
    name = part.content_key.replace("|", " ")
    values: dict[str, Any] = {"name": f"{name}.xlsx", "path": f"{part.year or 'реестры'}/{name}.xlsx"}
    cursor.execute(
        "insert into ops.source_file (sha256, name, path, size_bytes, modified_at, status) "
        "values (encode(sha256(cast(%(path)s as bytea)), 'hex'), %(name)s, %(path)s, 1, ops.moment(), 'landed') "
        "returning file_id",
        values,
    )
    (file_id,) = cursor.fetchone() or (0,)
    values |= {field: getattr(part, field) for field in ("source", "layout", "exam", "content_key", "year", "grade")}
    values |= {"file": file_id, "subject": part.subject, "exam_date": part.exam_date, "items": list(part.items) or None}
    cursor.execute(
        "insert into ops.source_part (file_id, sheet, block_no, source, layout, exam, content_key, year, grade, "
        "subject, exam_date, wave, item_labels, scope_kind, scope_key, status, header_row, n_rows_read, "
        "n_rows_dropped, n_rows_landed, n_records, n_blanks_as_zero, landed_at) values (%(file)s, 'Лист1', 1, "
        "%(source)s, %(layout)s, %(exam)s, %(content_key)s, %(year)s, %(grade)s, %(subject)s, %(exam_date)s, "
        "case when %(exam_date)s is not null then 'основной' end, %(items)s, 'region', '', 'landed', 1, 0, 0, 0, 0, 0, "
        "ops.moment()) returning part_id",
        values,
    )
    (part_id,) = cursor.fetchone() or (0,)
    cursor.execute(
        f"insert into landing.{part.source} (file_id, part_id, row_no, {part.columns}) "
        f"select {file_id}, {part_id}, 1 + row_number() over (), rows.* from ({part.rows}) as rows"
    )
    n_rows = int(cursor.rowcount)
    cursor.execute(
        "update ops.source_part set n_rows_read = %(n)s, n_rows_landed = %(n)s, n_records = %(n)s, "
        "n_rows_accepted = %(n)s, n_rows_rejected = 0, n_warnings = 0 "
        "where part_id = %(part)s",
        {"n": n_rows, "part": part_id},
    )
    return n_rows


def main() -> None:
    """Make a region in the warehouse of ``RAVENSTVO_HOME``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schools", type=int, default=300)
    parser.add_argument("--years", type=int, default=1, help="how many")
    parser.add_argument("--last", type=int, default=2023, help="the last of them")
    parser.add_argument("--pupils", type=int, default=25, help="of a grade of a school")
    asked = parser.parse_args()
    started = time.monotonic()
    years = list(range(asked.last - asked.years + 1, asked.last + 1))
    n_rows = make(get_settings(), asked.schools, years, asked.pupils)
    print(f"{n_rows} rows of results in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
