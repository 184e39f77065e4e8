"""Rows of the programmes' own papers: road maps, documents, schools' programmes, works on buildings, courses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from ravenstvo.sample.cast import Cast, places
from ravenstvo.sample.region import School
from ravenstvo.sample.spec import support
from ravenstvo.sample.staff import Course
from ravenstvo.sample.support_rows import Record

Term = tuple[date, date]


def plan_items(cast: Cast) -> Iterator[Record]:
    """Items of the road maps: a row for every term of an item, and for every school where schools do it."""
    for plan in support()["plans"]:
        for item in plan["items"]:
            for school in _schools(cast, plan["programme"], item):
                for term in _terms(plan["programme"], item):
                    done = _done(plan["programme"], item, term, school, cast)
                    yield {
                        "programme": plan["programme"], "item_code": item["code"], "name": item["name"],
                        "stage": item.get("stage") or stage(plan["programme"], term[1]),
                        "school_code": school and school.code, "due_from": term[0], "due_to": term[1],
                        "frequency": item.get("often"), "done_on": done,
                        "document": f"{item['document']} от {done:%d.%m.%Y}" if done and "document" in item else None,
                    }  # fmt: skip


def _schools(cast: Cast, programme: str, item: dict[str, Any]) -> list[School | None]:
    if "named" in item:
        return [cast.named[name] for name in item["named"] if name in cast.named]
    return list(cast.members(programme)) if item.get("members") else [None]


def stage(programme: str, day: date) -> str:
    """Number of the stage in which the day lies; the last one for later days, none where there are no stages."""
    stages = support()["stages"].get(programme, {})
    return next((number for number, (_, end) in stages.items() if day <= end), max(stages, default=""))


def _span(programme: str) -> Term:
    stages = support()["stages"].get(programme)
    if stages:
        return min(start for start, _ in stages.values()), max(end for _, end in stages.values())
    spec = support()["programmes"][programme]
    return date(spec["first"], 1, 1), date(spec["last"], 12, 31)


def _terms(programme: str, item: dict[str, Any]) -> list[Term]:
    """Terms of the item: the one it names, or every quarter, year, winter or stage of the programme."""
    if "due" in item:
        return [(item["due"][0], item["due"][1])]
    start, end = _span(programme)
    years = range(start.year, end.year + 1)
    if item["each"] == "stages":
        return [(first, last) for first, last in support()["stages"][programme].values()]
    if item["each"] == "winters":
        return [(date(year - 1, 12, 1), date(year, 3, 31)) for year in years if year > start.year]
    months = (1, 4, 7, 10) if item["each"] == "quarters" else (1,)
    length = 12 // len(months)
    starts = [date(year, month, 1) for year in years for month in months]
    return [(day, _last(day, length)) for day in starts if day <= end and _last(day, length) >= start]


def _last(day: date, months: int) -> date:
    month = day.month + months
    return date(day.year + (month > 12), (month - 1) % 12 + 1, 1) - timedelta(1)


def _done(programme: str, item: dict[str, Any], term: Term, school: School | None, cast: Cast) -> date | None:
    """When the item was done: in time, unless the list says it was late or not done."""
    mark: object = term[0]
    if school is not None:
        mark = next((name for name, found in cast.named.items() if found == school), None) if "named" in item else None
        if school not in places(cast.members(programme), {"skip": item.get("skip", [])}) and "named" not in item:
            return None
    if mark in item.get("undone", []):
        return None
    late: date | None = item.get("late", {}).get(mark)
    if late:
        return late
    if "done" in item:
        return item["done"] or None
    if "day" in item:
        return date.fromisoformat(f"{term[1].year}-{item['day']}")
    return term[1] - timedelta(12)


def documents(cast: Cast) -> Iterator[Record]:
    """Orders and other papers, the papers of the road maps, and the reports of the schools."""
    for line in support()["documents"]:
        yield {
            "programme": line["programme"], "kind": line["kind"], "number": line["number"], "dated_on": line["date"],
            "name": line["name"], "level": line["level"], "municipality_code": line.get("municipality"),
        }  # fmt: skip
    yield from _papers_of_plans(cast)
    yield from _papers_of_schools(cast)


def _papers_of_plans(cast: Cast) -> Iterator[Record]:
    kinds = {(p["programme"], i["code"], i["name"]): i.get("document") for p in support()["plans"] for i in p["items"]}
    number = 0
    for item in plan_items(cast):
        kind = kinds[item["programme"], item["item_code"], item["name"]]
        if kind and item["done_on"]:
            number += 1
            yield {
                "programme": item["programme"], "kind": kind, "number": f"{number}-к", "dated_on": item["done_on"],
                "name": item["name"], "level": "школьный" if item["school_code"] else "муниципальный",
                "school_code": item["school_code"],
            }  # fmt: skip


def _papers_of_schools(cast: Cast) -> Iterator[Record]:
    reports, maps = support()["self_reports"], support()["road_maps"]
    for year, skipped in reports["skip"].items():
        for at, school in enumerate(places(cast.members(reports["programme"]), {"skip": skipped})):
            day = date.fromisoformat(f"{year}-{reports['day']}") - timedelta(at)
            yield _school_paper(
                reports["programme"], school, "отчёт", at + 1, day, "Отчёт о результатах самообследования"
            )
    for at, school in enumerate(places(cast.members(maps["programme"]), maps)):
        name = "Дорожная карта сетевого консультирования и тьюторского сопровождения"
        yield _school_paper(maps["programme"], school, "дорожная карта", at + 1, maps["date"], name)


def _school_paper(programme: str, school: School, kind: str, number: int, day: date, name: str) -> Record:
    return {
        "programme": programme, "kind": kind, "number": f"{number}-ш", "dated_on": day, "name": name,
        "level": "школьный", "school_code": school.code, "municipality_code": school.municipality["code"],
    }  # fmt: skip


def transition_programmes(cast: Cast) -> Iterator[Record]:
    """Schools' programmes of the change to an effective mode."""
    for line in support()["transition"]:
        for at, school in enumerate(cast.members(line["programme"])):
            approved = None if at in line["without"] else line["approved"]
            effective = next((day for day, moved in line["effective"].items() if at in moved), None)
            lack = line.get("lack")
            yield {
                "programme": line["programme"], "school_code": school.code, "approved_on": approved,
                "measures_planned": line["planned"] if approved else None,
                "measures_done": _measures(line["planned"], at, bool(effective)) if approved else None,
                "is_expertised": bool(approved) and at not in line.get("unexpertised", []),
                "effective_from": effective if approved else None,
                **{
                    flag: bool(approved) and (lack is None or (at + shift) % lack != 0)
                    for shift, flag in enumerate(("has_specialists", "has_network"))
                },
                "has_monitoring": bool(approved), "has_team_growth": bool(approved), "has_associations": bool(approved),
            }  # fmt: skip


def _measures(planned: int, at: int, is_moved: bool) -> int:
    """A school that moved did at least four fifths of its plan."""
    return planned - at % 3 if is_moved else planned // 2 + at % 4


def facilities(cast: Cast) -> Iterator[Record]:
    """Repairs, buses and equipment of the schools that the programme names."""
    for line in support()["facilities"]:
        for name in line["named"]:
            if name in cast.named:
                is_done = name not in line.get("undone", [])
                yield {
                    "school_code": cast.named[name].code, "work_kind": line["kind"], "due_on": line["due"],
                    "done_on": line.get("late", {}).get(name, line["done"]) if is_done else None,
                    "meets_standard": (line["meets"] == "да" and is_done) if "meets" in line else None,
                }  # fmt: skip


def pd_records(courses: list[Course]) -> Iterator[Record]:
    """Courses in the centre's template; every seventh row leaves the school to the list of staff."""
    for number, course in enumerate(courses):
        person = course.person
        yield {
            "person.snils": person.snils, "school_code": None if number % 7 == 5 else person.school.code,
            "position": person.positions[0], "course": course.title, "topic": course.topic,
            "subprogramme": course.subprogramme, "hours": course.hours, "started_on": course.started,
            "finished_on": course.finished, "certificate_no": course.number, "status": course.status,
        }  # fmt: skip


def frdo_rows(courses: list[Course]) -> Iterator[list[object]]:
    """The same as the federal register writes it: finished courses only, no school, some without a number."""
    spec = support()["frdo"]
    finished = [course for course in courses if course.status in ("оригинал", "дубликат")]
    for number, course in enumerate(finished, 1):
        person = course.person
        cells: dict[str, object] = {
            "Вид документа": spec["certificate"], "Статус документа": course.status.capitalize(),
            "Подтверждение утраты": "Да" if course.status == "дубликат" else "Нет", "Подтверждение обмена": "Нет",
            "Подтверждение уничтожения": "Нет", "Серия документа": "ПК", "Номер документа": course.number.split("-")[1],
            "Дата выдачи документа": course.finished, "Регистрационный номер": number,
            spec["columns"].split(";")[9]: "Повышение квалификации",
            "Наименование дополнительной профессиональной программы": course.title,
            "Наименование области профессиональной деятельности": "Образование и наука",
            "Уровень образования ВО/СПО": "Высшее образование",
            "Фамилия указанная в дипломе о ВО или СПО": person.surname,
            "Год начала обучения (для документа о квалификации)": course.started.year,
            "Год окончания обучения (для документа о квалификации)": course.finished.year,
            "Срок обучения, часов (для документа о квалификации)": course.hours,
            "Фамилия получателя": person.surname, "Имя получателя": person.given_name,
            "Отчество получателя": person.patronymic, "Дата рождения получателя": person.birth,
            "Пол получателя": "Муж" if person.is_man else "Жен", "СНИЛС": "" if number % 11 == 0 else person.snils,
            "Форма обучения": "Очно-заочная", "Источник финансирования обучения": "За счет бюджетных ассигнований",
            "Гражданство получателя (код страны по ОКСМ)": 643,
        }  # fmt: skip
        yield [cells.get(header, "") for header in spec["columns"].split(";")]
