"""Writing the registers of the five support programmes, in the layouts of the centre's templates."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from ravenstvo.layouts import load_layouts
from ravenstvo.sample import plan_rows, support_rows
from ravenstvo.sample.cast import Cast, build_cast
from ravenstvo.sample.region import School
from ravenstvo.sample.spec import support
from ravenstvo.sample.staff import Course, Roster, build_courses, build_roster
from ravenstvo.sample.support_rows import Record
from ravenstvo.sample.tables import Row, csv_bytes, stamp, write_workbook

FOLDER = "Программы"
#: Columns whose codes a spreadsheet turns into numbers, so that their leading zero is lost.
CODES = ("school_code", "partner_code")
Dates = tuple[str, ...]


class Programmes:
    """The programmes of one made-up region: its cast, its staff, their courses."""

    def __init__(self, seed: int, schools: list[School]) -> None:
        self.seed = seed
        self.cast: Cast = build_cast(schools)
        self.roster: Roster = build_roster(seed, self.cast)
        self.courses: list[Course] = build_courses(self.cast, self.roster)

    def registers(self) -> dict[str, list[Record]]:
        """Rows of every register that comes in a template, by the source's name."""
        cast, roster, seed = self.cast, self.roster, self.seed
        found_deficits = list(support_rows.deficits(cast, roster))
        deficient = {str(row["person.snils"]) for row in found_deficits if row["is_found"]}
        rows: dict[str, Iterable[Record]] = {
            "membership": support_rows.memberships(cast),
            "school_name_alias": support_rows.aliases(cast),
            "agreement": support_rows.agreements(cast),
            "staff": support_rows.staff(roster),
            "pd_record": plan_rows.pd_records([c for c in self.courses if not self.is_federal(c)]),
            "deficit": found_deficits,
            "staffing": support_rows.staffing(seed, cast),
            "transition_programme": plan_rows.transition_programmes(cast),
            "event": support_rows.events(cast),
            "event_participant": support_rows.event_participants(cast, roster),
            "association": support_rows.associations(cast),
            "infrastructure": support_rows.infrastructure(),
            "service": support_rows.services(cast, roster, deficient),
            "quality_monitoring": support_rows.quality_monitoring(seed, cast),
            "self_assessment": support_rows.self_assessment(seed, cast),
            "satisfaction": support_rows.satisfaction(seed, cast),
            "plan_item": plan_rows.plan_items(cast),
            "document": plan_rows.documents(cast),
            "contest": support_rows.contests(cast),
            "practice": support_rows.practices(cast),
            "facility": plan_rows.facilities(cast),
        }
        return {name: list(found) for name, found in rows.items()}

    def is_federal(self, course: Course) -> bool:
        """Whether the course came in the federal register and not in the centre's template."""
        return course.finished.year == support()["frdo"]["year"]


#: How registers are cut into files: by the year of a column, by a column, or not at all.
BY_YEAR = {"staff": "year", "pd_record": "finished_on", "service": "served_on"}
BY_VALUE = {"plan_item": "programme", "deficit": "stage"}
TITLES = {
    "lipetsk_2019": "Липецк 2019",
    "orel_2019_2021": "Орёл 2019-2021",
    "priozersk_2020_2023": "Приозерск 2020-2023",
}
#: Dates are typed into these registers as text; in `MIXED` only in some rows.
TEXT_DATES, MIXED = {"event", "satisfaction", "infrastructure", "plan_item"}, {"agreement", "pd_record", "service"}
#: Registers whose senders write the title of a programme at times, and not its code.
TITLED = {"event", "service"}
#: Years before this one came in one file.
ONE_FILE_BEFORE = {"staff": 2021, "service": 2020}


def write_programmes(out: Path, seed: int, schools: list[School], last_year: int) -> None:
    """Write the registers under `out/Программы`; a register without rows is not sent.

    Lists of years after `last_year` are left out: they would make a later campaign of themselves.
    """
    programmes = Programmes(seed, schools)
    folder = out / FOLDER
    for source, found in programmes.registers().items():
        rows = [row for row in found if int(str(row.get("year", last_year))) <= last_year]
        for name, part in _files(source, rows).items():
            _write(folder / name, source, part, random.Random(f"{seed}|file|{name}"))
    federal = [course for course in programmes.courses if programmes.is_federal(course)]
    if federal:
        _write_federal(folder / f"ФИС ФРДО {support()['frdo']['year']}.csv", federal)
    for path in folder.rglob("*.*"):
        stamp(path, 2023, 9, 1)


def _files(source: str, rows: list[Record]) -> dict[str, list[Record]]:
    """Rows by the name of their file."""
    title = load_layouts()[source].title.removesuffix(" (шаблон центра)")
    files: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        if source in BY_YEAR:
            when = row[BY_YEAR[source]]
            year = when.year if isinstance(when, date) else int(str(when))
            first = ONE_FILE_BEFORE.get(source, 0)
            name = f"{title}/{title} {f'до {first - 1}' if year < first else year}.xlsx"
        elif source in BY_VALUE:
            value = str(row[BY_VALUE[source]])
            name = f"{title}/{title} - {TITLES.get(value, value)}.xlsx"
        else:
            name = f"{title}.xlsx"
        files[name].append(row)
    return files


def _write(path: Path, source: str, rows: list[Record], rng: random.Random) -> None:
    layout = load_layouts()[source]
    header: Row = [mapped.header[0] for mapped in layout.columns.values()]
    loses_zeros = rng.random() < 0.3
    table = [[_cell(name, row.get(name), source, loses_zeros, rng) for name in layout.columns] for row in rows]
    write_workbook(path, {layout.title.removesuffix(" (шаблон центра)")[:31]: [header, *table]})


def _cell(name: str, value: object, source: str, loses_zeros: bool, rng: random.Random) -> object:
    """A value as people type it: dates as dates or text, codes as numbers at times, yes and no as words."""
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, date):
        is_text = source in TEXT_DATES or (source in MIXED and rng.random() < 0.3)
        return f"{value:%d.%m.%Y}" if is_text else value
    if name in CODES and value and loses_zeros:
        return int(str(value))
    if name == "programme" and source in TITLED and rng.random() < 0.2:
        return support()["spellings"].get(value, value)
    return value


def _write_federal(path: Path, courses: list[Course]) -> None:
    header = support()["frdo"]["columns"].split(";")
    rows = [
        [f"{cell:%d.%m.%Y}" if isinstance(cell, date) else cell for cell in row] for row in plan_rows.frdo_rows(courses)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(csv_bytes([header, *rows], "cp1251"))
