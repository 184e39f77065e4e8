"""Rows of the support registers: agreements, events, services and what else is done with the schools."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from ravenstvo.sample.cast import Cast, places, running
from ravenstvo.sample.region import School
from ravenstvo.sample.spec import names, support
from ravenstvo.sample.staff import GUEST_NUMBERS, TEACHER, Employee, Roster, chosen, snils

Record = dict[str, object]
SELF_KIND = "инновационная площадка"


def memberships(cast: Cast) -> Iterator[Record]:
    """Who takes part in the programmes."""
    for member in cast.memberships:
        spec = support()["programmes"][member.programme]
        yield {
            "programme": member.programme, "school_code": member.school.code, "role": member.role,
            "basis": spec["basis"] if member.role == "участник" else "решение комиссии", "document": spec["document"],
            "included_from": member.joined, "excluded_from": member.left,
        }  # fmt: skip


def aliases(cast: Cast) -> Iterator[Record]:
    """How a programme's text writes the names of its schools."""
    for line in support()["named"]:
        if line["name"] in cast.named:
            for alias in line["aliases"]:
                code = cast.named[line["name"]].code
                yield {"alias": alias, "school_code": code, "origin": support()["alias_origin"]}


def agreements(cast: Cast) -> Iterator[Record]:
    """Agreements of the helped schools; a paper of many parties has a row for each of its schools."""
    for line_no, line in enumerate(support()["agreements"], 1):
        code = line.get("programme") or line["of"]
        members = cast.members(code)
        partners = cast.mentors(code) or list(cast.leaders)
        for order, school in enumerate(places(members, line)):
            paper = line_no * 10 + (0 if line.get("group") else order)
            partner = _partner(line, school, partners, 0 if line.get("group") else members.index(school))
            if partner:
                yield {
                    "agreement_no": None if line.get("draft") else f"{paper}-П/{line['year']}",
                    "signed_on": line.get("signed"), "valid_from": line["from"], "valid_to": line["to"],
                    "school_code": school.code, **partner, "status": _status(line),
                    "terminated_on": line.get("terminated"), "programme": line.get("programme"),
                }  # fmt: skip


def _partner(line: dict[str, Any], school: School, partners: list[School], at: int) -> Record:
    if "name" in line:
        return {"partner_name": line["name"], "partner_kind": line["kind"]}
    if line.get("self"):
        return {"partner_code": school.code, "partner_name": school.short_name, "partner_kind": SELF_KIND}
    if not partners:
        return {}
    found = partners[at % len(partners)]
    kind = "школа-лидер" if found.is_leader else SELF_KIND
    return {"partner_code": found.code, "partner_name": found.short_name, "partner_kind": kind}


def _status(line: dict[str, Any]) -> str:
    return "проект" if line.get("draft") else "расторгнут" if line.get("terminated") else "подписан"


def events(cast: Cast) -> Iterator[Record]:
    """Events that were held."""
    for line in support()["events"]:
        yield {
            "event_code": line["code"], "held_on": line["date"], "level": line["level"], "kind": line["kind"],
            "topic": line["topic"], "organiser": support()["organiser"], "programme": line.get("programme"),
        }  # fmt: skip


def event_participants(cast: Cast, roster: Roster) -> Iterator[Record]:
    """Who came to the events: people of the region, then guests; somebody is written down twice."""
    guest_no = 0
    for line in support()["events"]:
        guests = line["guests"]
        came = [
            (person, guests.get("role", "участник") if school in cast.leaders else "участник")
            for school, number in _invited(cast, line)
            for person in chosen(roster.get((school, line["date"].year), []), {**guests, "cap": number})
        ]
        if guests.get("twice"):
            came += came[:1]
        for at, (person, role) in enumerate(came):
            number = None if at < guests.get("unnamed", 0) and "named" not in guests else person.snils
            yield {
                "event_code": line["code"], "region": None, "school_code": person.school.code,
                "person.snils": number, "role": role,
            }  # fmt: skip
        for region, count in guests.get("named", {}).items():
            for at in range(count):
                guest_no += 1
                is_unnamed = at == 0 and guests.get("unnamed", 0)
                number = None if is_unnamed else snils(GUEST_NUMBERS + guest_no)
                yield {"event_code": line["code"], "region": region, "person.snils": number, "role": "участник"}


def _invited(cast: Cast, line: dict[str, Any]) -> Iterator[tuple[School, int]]:
    """Schools that send people to the event, and how many."""
    guests, code = line["guests"], line.get("programme")
    if code and "members" in guests:
        active = cast.active(code, line["date"].year)
        for school in places(cast.members(code), guests):
            if school in active or line["date"].year > support()["programmes"][code]["last"]:
                yield school, guests["members"]
    groups = {
        "mentors": cast.mentors(code) if code else [],
        "leaders": list(cast.leaders[:8]),
        "partners": list(cast.leaders[:4]),
    }
    for group, schools in groups.items():
        if group in guests:
            yield from ((school, guests[group]) for school in schools)


def services(cast: Cast, roster: Roster, deficient: set[str]) -> Iterator[Record]:
    """Consultations and other help: to municipalities, to schools, to people."""
    for line in support()["services"]:
        code = line["programme"]
        for day in line["dates"]:
            if line.get("municipalities"):
                for at, place in enumerate(names()["municipalities"]):
                    if place["code"] != line["but"]:
                        yield _service(line, day + timedelta(at), municipality_code=place["code"])
                continue
            active = cast.active(code, day.year)
            for at, school in enumerate(places(cast.members(code), line)):
                if school not in active:
                    continue
                if "who" not in line:
                    yield _service(line, day + timedelta(at % 4), school_code=school.code)
                    continue
                for person in chosen(roster.get((school, day.year), []), line):
                    if not line.get("deficit") or person.snils in deficient:
                        yield _service(line, day, school_code=school.code, **{"person.snils": person.snils})


def _service(line: dict[str, Any], day: date, **whom: object) -> Record:
    return {"served_on": day, "kind": line["kind"], "programme": line["programme"], **whom}


def staff(roster: Roster) -> Iterator[Record]:
    """Lists of staff: one row for each post that a person holds."""
    for (school, year), people in sorted(roster.items(), key=lambda item: (item[0][1], item[0][0].index)):
        for person in people:
            for position in person.positions:
                teaches = position == TEACHER
                yield {
                    "year": year, "school_code": school.code, "person.snils": person.snils,
                    "person.full_name": person.full_name, "person.birth_date": person.birth, "position": position,
                    "subject": person.subject if teaches else None, "category": person.category(year),
                    "teaches_russian_not_native": person.has_native and teaches,
                    "teaches_inclusive": person.has_inclusive and teaches,
                }  # fmt: skip


def deficits(cast: Cast, roster: Roster) -> Iterator[Record]:
    """Deficits of teachers: found at the start, and which of them are left at the end; those who left are not asked."""
    spec = support()["deficits"]
    number = 0
    for school in cast.members(spec["programme"]):
        stayed = {person.snils for person in roster.get((school, spec["end"]), [])}
        for at, person in enumerate(chosen(roster.get((school, spec["start"]), []), {"who": [TEACHER]})):
            codes = _deficits(spec, school, at)
            number += 1
            for code in spec["codes"]:
                found = code in codes
                if found or at % spec["clean"] == 0:
                    yield _deficit(person, "старт", code, found)
                if found and person.snils in stayed:
                    yield _deficit(person, "итог", code, number % spec["left"] == 0 and code == codes[0])


def _deficits(spec: dict[str, Any], school: School, at: int) -> list[str]:
    if at % spec["clean"] == 0:
        return []
    codes = spec["codes"]
    first = (school.index + at) % len(codes)
    return [codes[first], codes[(first + 2) % len(codes)]] if at % 2 else [codes[first]]


def _deficit(person: Employee, stage: str, code: str, found: bool) -> Record:
    return {
        "person.snils": person.snils, "school_code": person.school.code, "stage": stage,
        "deficit_code": code, "is_found": found,
    }  # fmt: skip


def staffing(seed: int, cast: Cast) -> Iterator[Record]:
    """Specialists' posts: more of them year by year; a tiny school has two, the first of them empty at times."""
    spec = support()["staffing"]
    for year in range(spec["first"], spec["last"] + 1):
        for school in cast.helped_in(year) or cast.helped_in(year + 1):
            rng = random.Random(f"{seed}|staffing|{school.index}")
            for at, position in enumerate(spec["positions"][: 2 if school.size <= 4 else None]):
                planned = rng.choice((0.25, 0.5, 1, 1))
                since = spec["first"] + rng.randint(-1, 4)
                filled = planned if year >= since else 0 if at % 2 else planned / 2
                yield {
                    "year": year, "school_code": school.code, "position": position,
                    "positions_planned": planned, "positions_filled": filled,
                }  # fmt: skip


def in_programme_years(cast: Cast) -> Iterator[tuple[str, int, int, School]]:
    """(programme, year, place, school) of the schools that a programme helps in its own years."""
    for year in range(2000, 2101):
        for code in running(year):
            members = cast.members(code)
            for school in cast.active(code, year):
                yield code, year, members.index(school), school


def quality_monitoring(seed: int, cast: Cast) -> Iterator[Record]:
    """Yearly monitoring of four components; of a school in two programmes once."""
    spec = support()["monitoring"]
    gaps = {
        (gap["year"], school, gap["component"]): gap["how"]
        for gap in spec["gaps"]
        for school in places(cast.members(gap["programme"]), {"at": [gap["at"]]})
    }
    told: set[tuple[int, School]] = set()
    for code, year, _, school in in_programme_years(cast):
        if (year, school) in told:
            continue
        told.add((year, school))
        rng = random.Random(f"{seed}|quality|{year}|{school.index}")
        for number, component in enumerate(spec["components"]):
            how = gaps.get((year, school, component))
            if how != "missing":
                yield {
                    "held_on": date(year, spec["month"][code], 4 + 5 * number), "school_code": school.code,
                    "component": component, "conducted_by": spec["by"][number % len(spec["by"])],
                    "score": None if how else rng.randint(40, 90), "is_complete": not how,
                }  # fmt: skip


def associations(cast: Cast) -> Iterator[Record]:
    """Associations of the helped schools, and those of municipalities and of the region."""
    spec = support()["associations"]
    idle = {(line["programme"], line["year"], line["at"]) for line in spec["inactive"]}
    told: set[tuple[int, School]] = set()
    for code, year, at, school in in_programme_years(cast):
        if (year, school) not in told:
            told.add((year, school))
            yield {
                "school_code": school.code, "municipality_code": school.municipality["code"], "level": "школьный",
                "kind": "методическое объединение", "name": spec["names"][school.index % len(spec["names"])],
                "ordered_on": date(2015, 9, 1 + school.index % 20), "year": year,
                "meetings": 0 if (code, year, at) in idle else 2 + (school.index + year) % 4,
            }  # fmt: skip
    for line in spec["shared"]:
        for year, meetings in line["years"].items():
            yield {
                "municipality_code": line.get("municipality"), "level": line["level"], "kind": line["kind"],
                "name": line["name"], "ordered_on": line["ordered"], "meetings": meetings, "year": year,
            }  # fmt: skip


def infrastructure() -> Iterator[Record]:
    """Who helps the schools of a municipality, and the region's own service."""
    spec = support()["infrastructure"]
    for year, state in spec["years"].items():
        yield _infrastructure(year, None, "региональный", date(2015, 9, 1), 40 + year % 10)
        for at, place in enumerate(names()["municipalities"]):
            code = place["code"]
            ordered = None if code in state["no_order"] else date(min(year, 2016), 3, 1 + at)
            yield _infrastructure(
                year, code, "муниципальный", ordered, 0 if code in state["idle"] else 5 + at + year % 7
            )


def _infrastructure(year: int, code: str | None, level: str, ordered: date | None, services: int) -> Record:
    return {
        "municipality_code": code, "level": level, "ordered_on": ordered, "services": services, "year": year,
        "person.contact": support()["infrastructure"]["contact"] if ordered else None,
    }  # fmt: skip


def self_assessment(seed: int, cast: Cast) -> Iterator[Record]:
    """What schools say of their own work."""
    spec = support()["self_assessment"]
    members = cast.members(spec["programme"])
    for year, skipped in spec["skip"].items():
        for school in places(cast.members(spec["programme"]), {"skip": skipped}):
            if school not in cast.active(spec["programme"], year):
                continue
            is_partial = members.index(school) == spec["partial"]["at"]
            for aspect in spec["aspects"][: spec["partial"]["aspects"] if is_partial else None]:
                level = random.Random(f"{seed}|self|{year}|{school.index}|{aspect}").choices((0, 1, 2), (3, 4, 2))[0]
                yield {
                    "year": year, "school_code": school.code, "aspect": aspect, "level": spec["levels"][level],
                    "score": 4 - level,
                }  # fmt: skip


def satisfaction(seed: int, cast: Cast) -> Iterator[Record]:
    """Independent assessment of the conditions: every school once in three years."""
    spec = support()["satisfaction"]
    for at, school in enumerate(cast.members(spec["programme"])):
        rng = random.Random(f"{seed}|satisfaction|{school.index}")
        score = rng.randint(820, 880) if at == spec["low"] else rng.randint(902, 978)
        yield {"surveyed_on": spec["dates"][at % len(spec["dates"])], "school_code": school.code, "score": score / 10}


def contests(cast: Cast) -> Iterator[Record]:
    """Contests and projects of the helped schools."""
    for line in support()["contests"]:
        members = cast.members(line["programme"])
        for at in line["at"]:
            if at < len(members) and members[at].works_in(line["date"].year):
                result = "победитель" if at in line["won"] else "призёр" if at % 3 == 1 else "участник"
                yield {
                    "held_on": line["date"], "school_code": members[at].code, "name": line["name"],
                    "level": line["level"], "result": result,
                }  # fmt: skip


def practices(cast: Cast) -> Iterator[Record]:
    """Practices worth spreading, and the schools that took them up."""
    for line in support()["practices"]:
        owners = list(cast.leaders) if "leader" in line else cast.members(line["programme"])
        at = line.get("leader", line.get("at"))
        if at < len(owners):
            users = [school for school in cast.members(line["programme"]) if school != owners[at]][: line["used"]]
            yield {
                "school_code": owners[at].code, "name": line["name"], "approved_on": line["approved"],
                "used_by_codes": "; ".join(school.code for school in users),
            }  # fmt: skip
