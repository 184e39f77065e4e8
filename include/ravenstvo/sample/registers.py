"""Registers and school-level forms of the made-up region."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from ravenstvo.sample.region import TITLES, School
from ravenstvo.sample.spec import names, template, works
from ravenstvo.sample.tables import Row, stamp, write_workbook

#: This school leaves most of its social passport blank.
TERSE_AT = 12
#: Places of columns of the registry.
FULL_NAME, SHORT_NAME, VALID_FROM, VALID_TO = 2, 3, 10, 11
#: So many schools have a past: some were merged, renamed, split or closed before the first files.
WITH_PAST = 10
LEVELS = ((0.3, "ниже базового"), (0.6, "базовый"), (0.85, "повышенный"), (1.01, "высокий"))


def write_registers(out: Path, schools: list[School], years: list[int]) -> None:
    """Write the registry of schools, the municipalities and the list of the older logins."""
    folder = out / "Реестры"
    rows = [row for school in schools for row in _records(school, max(years), with_past=len(schools) >= WITH_PAST)]
    if len(schools) >= WITH_PAST:
        rows += _former(schools)
    write_workbook(folder / "Реестр ОО.xlsx", {"Реестр ОО": [template("school"), *rows]})
    places = [[p["code"], p["name"], p["oktmo"], ""] for p in names()["municipalities"]]
    write_workbook(folder / "Муниципалитеты.xlsx", {"Муниципалитеты": [template("municipality"), *places]})
    first = min(years)
    logins = [[s.login(first), s.short_name, s.municipality["name"]] for s in schools]
    write_workbook(folder / "Логины.xlsx", {"Лист1": [template("school_login"), *logins]})


def _records(school: School, year: int, *, with_past: bool) -> list[Row]:
    """Records of a school in the registry: one, or two where it bore another name before."""
    row: list[Any] = list(_school(school, year))
    merged, renamed = names()["merged_at"], names()["renamed_at"]
    if with_past and school.index == merged["place"]:
        row[VALID_FROM] = merged["first_day"]
    if not with_past or school.index != renamed["place"]:
        return [row]
    before = [*row]
    before[FULL_NAME] = before[SHORT_NAME] = renamed["before"]
    before[VALID_TO], row[VALID_FROM] = renamed["until"], renamed["since"]
    return [before, row]


def _former(schools: list[School]) -> list[Row]:
    """Schools that were there before the first files: the registry still knows them, and what became of them."""
    former = names()["former_schools"]
    codes = [f"{names()['municipalities'][spec['place']]['code']}{spec['number']:03d}" for spec in former]
    rows: list[Row] = []
    for code, spec in zip(codes, former, strict=True):
        place = names()["municipalities"][spec["place"]]
        long_title, short_title = TITLES[spec["kind"]]
        tail = f"№ {spec['number']} с. {spec['village']}"
        into = [schools[at].code for at in spec.get("into", [])] + [codes[at] for at in spec.get("former", [])]
        rows.append(
            [
                code, "", f"Муниципальное общеобразовательное учреждение «{long_title.capitalize()} {tail}»",
                f"МОУ {short_title} {tail}", place["code"], place["name"], spec["kind"], "село", "", spec["status"],
                "01.09.1965", spec["last_day"], "; ".join(into), "нет", "нет", "",
            ]
        )  # fmt: skip
    return rows


def _school(school: School, year: int) -> Row:
    closed = school.closed_after
    return [
        # A number loses the leading zero of the code, text keeps it: registries hold both.
        int(school.code) if school.index % 3 == 0 else school.code,
        school.login(closed or year), school.full_name, school.short_name + " ", school.municipality["code"],
        school.municipality["name"], school.kind, "село" if school.is_rural else "Город", school.inn,
        "реорганизована" if closed else "действует", f"01.09.{1960 + school.index % 40}",
        f"31.08.{closed}" if closed else "", school.successor_code, "да" if school.is_leader else "нет",
        "да" if school.is_innovation_site else "нет", _grouped(school.size * len(school.grades) * 2),
    ]  # fmt: skip


def _grouped(number: int) -> object:
    """Thousands set apart by a no-break space, as spreadsheets of offices have them."""
    return number if number < 1000 else f"{number // 1000}\xa0{number % 1000:03d}"


def write_context(out: Path, seed: int, schools: list[School], year: int) -> None:
    """Write the social passport of the year; weak schools stand in harder conditions, a few cells are blank.

    One school tells too little of its families for an index of its conditions.
    """
    rows: list[Row] = [template("school_context")]
    for school in schools:
        if school.works_in(year):
            rows.append(_context(random.Random(f"{seed}|context|{year}|{school.index}"), school, year))
    path = out / str(year) / f"Социальный паспорт {year}.xlsx"
    write_workbook(path, {"Социальный паспорт": rows})
    stamp(path, year, 6, 30)


def _context(rng: random.Random, school: School, year: int) -> Row:
    pupils = school.size * len(school.grades) * 2 + rng.randint(0, 9)
    hardship = min(0.9, 0.1 + school.weakness)

    def part(share: float) -> int:
        return sum(rng.random() < share for _ in range(pupils))

    distance = f"{rng.randint(30, 900) / 10:.1f}".replace(".", ",") if school.is_rural else 0
    orphans: object = "" if rng.random() < 0.05 else part(0.02)
    row: list[object] = [
        year, school.code, _grouped(pupils), part(hardship * 0.6), part(hardship * 0.5), part(hardship * 0.4),
        part(0.5 - hardship / 2), part(hardship * 0.15), part(0.04), part(0.05), part(hardship * 0.1), orphans,
        distance, max(2, pupils // 11), rng.choice((0, 0, 0, 1, 2)),
    ]  # fmt: skip
    if school.index == TERSE_AT:
        row[3:10] = [""] * 7
    return row


def write_monitoring(out: Path, seed: int, schools: list[School], year: int) -> None:
    """Write the regional work of the year, sat by every third school."""
    work = works()["monitoring"]
    rows: list[Row] = [template("regional_monitoring")]
    for school in schools[::3]:
        if work["grade"] not in school.grades or not school.works_in(year):
            continue
        rng = random.Random(f"{seed}|monitoring|{year}|{school.index}")
        for number in range(1, school.size + 1):
            share = min(1.0, max(0.0, rng.gauss(0.62 - school.weakness / 2, 0.18)))
            level = next(name for bound, name in LEVELS if share < bound)
            score = round(share * work["max_score"])
            rows.append(
                [
                    year,
                    school.code,
                    work["name"],
                    work["grade"],
                    work["subject"],
                    number,
                    score,
                    work["max_score"],
                    level,
                ]
            )
    write_workbook(out / str(year) / f"Региональный мониторинг {year}.xlsx", {"Мониторинг": rows})
