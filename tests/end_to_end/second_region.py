"""A second made-up region, written as an inbox: registers, ВПР marks, social passports and every support register.

Rows are kept as dictionaries under canonical names (dates as dates, flags as booleans), so that the independent
calculation of `independent_programmes.py` reads the very rows that the files hold. Headers are those of the contract's
templates, copied by hand. Nobody here exists: people have a number instead of a name.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import xlsxwriter

Row = dict[str, object]
Tables = dict[str, list[Row]]

TOMSK, LIPETSK, LIPETSK_OLD = "tomsk_2018", "lipetsk_2019", "lipetsk_2016_2018"
OREL, PRIOZERSK = "orel_2019_2021", "priozersk_2020_2023"
PROGRAMMES = (TOMSK, LIPETSK, LIPETSK_OLD, OREL, PRIOZERSK)

#: The nine municipalities that the Lipetsk programme names, a town, and the district of Priozersk.
MUNICIPALITIES = {
    "031": "Воловский район",
    "032": "Данковский район",
    "033": "Добровский район",
    "034": "Добринский район",
    "035": "Измалковский район",
    "036": "Лебедянский район",
    "037": "Становлянский район",
    "038": "Чаплыгинский район",
    "039": "Липецкий район",
    "040": "Город Вязов",
    "041": "Приозерский район",
}

#: Headers of the templates, in their order, under the names that the rows have here: `name=Header; …`.
TEMPLATES = {
    "municipality": (
        "municipality_code=Код МСУ; municipality=Муниципалитет; oktmo=Код ОКТМО; coordinator=Муниципальный координатор"
    ),
    "school": (
        "school_code=Код ОО; school_login=Логин ФИС ОКО; full_name=Полное наименование; short_name=Краткое "
        "наименование; municipality_code=Код МСУ; municipality=Муниципалитет; school_kind=Вид ОО; locality=Тип "
        "местности; inn=ИНН; status=Статус; valid_from=Действует с; valid_to=Действует по; successor_code=Код ОО "
        "правопреемника; is_leader=Школа-лидер; is_innovation_site=Инновационная площадка; enrolment=Численность "
        "обучающихся"
    ),
    "school_name_alias": "alias=Вариант наименования; school_code=Код ОО; origin=Источник",
    "school_context": (
        "year=Год; school_code=Код ОО; pupils=Обучающихся всего; low_income=Из малообеспеченных семей; "
        "single_parent=Из неполных семей; large_family=Из многодетных семей; both_parents=Оба родителя с высшим "
        "образованием; unemployed=Родители безработные; not_native=Русский язык неродной; special_needs=Обучающихся с "
        "ОВЗ; on_register=На учёте (ПДН, КДН, внутришкольный); guardianship=Под опекой; distance_km=Расстояние до "
        "районного центра, км; teachers=Учителей всего; vacancies=Вакансий учителей"
    ),
    "vpr_school_summary": (
        "year=Год; grade=Класс; subject=Предмет; municipality=Муниципалитет; school_name=ОО; school_login=Логин; "
        "n=Кол-во участников; pct_2=2; pct_3=3; pct_4=4; pct_5=5"
    ),
    "agreement": (
        "agreement_no=Номер договора; signed_on=Дата подписания; valid_from=Действует с; valid_to=Действует по; "
        "school_code=Код ОО; partner_code=Код ОО партнёра; partner_name=Наименование партнёра; partner_kind=Вид "
        "партнёра; status=Статус; terminated_on=Дата расторжения; programme=Программа"
    ),
    "staff": (
        "year=Год; school_code=Код ОО; snils=СНИЛС; full_name=ФИО; birth_date=Дата рождения; position=Должность; "
        "subject=Предмет; category=Квалификационная категория; is_rkn=Русский как неродной; is_inclusive=Инклюзивные "
        "классы"
    ),
    "pd_record": (
        "snils=СНИЛС; school_code=Код ОО; position=Должность; course=Программа ПК; topic=Тема; "
        "subprogramme=Подпрограмма; hours=Часов; started_on=Дата начала; finished_on=Дата окончания; "
        "certificate_no=Номер удостоверения; status=Статус"
    ),
    "deficit": "snils=СНИЛС; school_code=Код ОО; stage=Этап; deficit_code=Код дефицита; is_found=Выявлен",
    "staffing": "year=Год; school_code=Код ОО; position=Должность; planned=Ставок по штату; filled=Ставок занято",
    "membership": (
        "programme=Программа; school_code=Код ОО; role=Роль; basis=Основание; document=Документ; "
        "included_from=Включена с; excluded_from=Исключена с"
    ),
    "transition_programme": (
        "programme=Программа; school_code=Код ОО; approved_on=Дата утверждения; planned=Мероприятий по плану; "
        "done=Мероприятий выполнено; is_expertised=Экспертиза пройдена; effective_from=Эффективный режим с; "
        "f1=Штатные специалисты; f2=Сетевое взаимодействие; f3=Ежегодный мониторинг; f4=Профессиональный рост команд; "
        "f5=Объединения педагогов"
    ),
    "event": (
        "event_code=Код мероприятия; held_on=Дата; level=Уровень; kind=Вид; topic=Тема; organiser=Организатор; "
        "programme=Программа"
    ),
    "event_participant": "event_code=Код мероприятия; region=Регион; school_code=Код ОО; snils=СНИЛС; role=Роль",
    "association": (
        "school_code=Код ОО; municipality_code=Код МСУ; level=Уровень; kind=Вид; name=Наименование; ordered_on=Дата "
        "приказа; meetings=Заседаний за год; year=Год"
    ),
    "infrastructure": (
        "municipality_code=Код МСУ; level=Уровень; ordered_on=Дата приказа; contact=Контакт; services=Услуг оказано "
        "за год; year=Год"
    ),
    "service": (
        "served_on=Дата; school_code=Код ОО; municipality_code=Код МСУ; snils=СНИЛС; kind=Вид услуги; "
        "programme=Программа"
    ),
    "quality_monitoring": (
        "held_on=Дата; school_code=Код ОО; component=Компонент; conducted_by=Кем проведён; score=Балл; "
        "is_complete=Завершён"
    ),
    "self_assessment": "year=Год; school_code=Код ОО; aspect=Направление; level=Уровень; score=Балл",
    "satisfaction": "surveyed_on=Дата; school_code=Код ОО; score=Балл",
    "plan_item": (
        "programme=Программа; item_code=Код пункта; stage=Этап; name=Наименование; school_code=Код ОО; "
        "municipality_code=Код МСУ; due_from=Срок с; due_to=Срок по; frequency=Периодичность; done_on=Исполнено; "
        "document=Документ"
    ),
    "document": (
        "programme=Программа; kind=Вид; number=Номер; dated_on=Дата; name=Наименование; level=Уровень; "
        "municipality_code=Код МСУ; school_code=Код ОО"
    ),
    "contest": "held_on=Дата; school_code=Код ОО; name=Наименование; level=Уровень; result=Результат",
    "practice": (
        "school_code=Код ОО; name=Наименование; approved_on=Дата утверждения; used_by=Использована школами (коды)"
    ),
    "facility": (
        "school_code=Код ОО; work_kind=Вид работ; due_on=Срок; done_on=Исполнено; meets_standard=Соответствует ФГОС"
    ),
}
HEADERS: dict[str, dict[str, str]] = {
    source: dict(pair.split("=") for pair in text.split("; ")) for source, text in TEMPLATES.items()
}

#: Eight schools as the Priozersk document calls them, and the ninth that it names only among works.
PRIOZERSK_NAMES = {
    "041001": "МОУ «Джатиевская ООШ»",
    "041002": "МОУ «Запорожская ООШ»",
    "041003": "МОУ «Красноармейская ООШ»",
    "041004": "МОУ «Красноозерненская ООШ»",
    "041005": "МОУ «Коммунарская ООШ»",
    "041006": "МОУ «Кузнеченская СОШ»",
    "041007": "МОУ «Мельниковская СОШ»",
    "041008": "МОУ «Отраденская СОШ»",
    "041009": "МОУ «Громовская СОШ»",
}
SUPPORTED = [
    "031001",
    "032001",
    "033001",
    "033002",
    "034001",
    "035001",
    "035002",
    "036001",
    "037001",
    "038001",
    "038002",
    "039001",
]
TOWN = ["040001", "040002", "040003", "040004", "040005", "040006"]
SCHOOLS = [*SUPPORTED, *TOWN, *PRIOZERSK_NAMES]
LEADERS, SITES = {"040001", "040003"}, {"040002"}
CLOSED, MERGED, SUCCESSOR = "040005", "040006", "040004"
CLOSED_ON, MERGED_ON = date(2021, 8, 31), date(2020, 6, 30)
#: Schools whose social passport is worst by far: the lower quarter of those who sent one.
ADVERSE = ("034001", "035001", "038001", "039001", "041003", "041004")
NO_CONTEXT = ("033002", "037001", "040003")

YEARS = range(2018, 2024)
RESULT_YEARS, CONTEXT_YEARS = range(2020, 2024), range(2020, 2023)
#: Procedures of 20 participants below the minimum, by year and school: number of pupils in each of the four.
LOW = {
    2020: {
        "031001": (8, 7, 0, 0),
        "032001": (6, 6, 1, 1),
        "041001": (10, 9, 8, 7),
        "041002": (6, 0, 0, 6),
        "040006": (9, 9, 0, 0),
        "033001": (6, 5, 5, 5),
        "041007": (0, 7, 8, 0),
    },
    2021: {
        "031001": (8, 6, 0, 0),
        "033001": (6, 6, 0, 0),
        "041001": (9, 9, 6, 6),
        "040005": (20, 20, 1, 1),
        "041002": (5, 5, 5, 20),
        "036001": (7, 7, 7, 7),
    },
    2022: {"041001": (6, 6, 0, 0), "031001": (2, 2, 2, 2), "036001": (9, 9, 0, 0)},
    2023: {"041005": (6, 6, 6, 6), "041004": (6, 1, 1, 1)},
}
NO_RESULTS = {2020: ("037001",), 2021: ("040006", "037001"), 2022: ("040005", "040006"), 2023: ("040005", "040006")}
GRADES = (("Русский язык", 5), ("Математика", 5), ("Русский язык", 6), ("Математика", 6))


def snils(number: int) -> str:
    """Eleven digits with the right check number."""
    digits = f"{100_000_000 + number:09d}"
    total = sum(int(digit) * (9 - place) for place, digit in enumerate(digits))
    check = total % 101 % 100
    return f"{digits}{check:02d}"


@dataclass
class Region:
    """Everything that the inbox holds: rows by source; `bad` are rows of the hostile variant with their reason."""

    tables: Tables = field(default_factory=lambda: {source: [] for source in HEADERS})
    bad: list[tuple[str, Row, str]] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    """Registers of the hostile variant whose bad rows stand above the good ones."""

    def add(self, source: str, **values: object) -> Row:
        unknown = values.keys() - HEADERS[source].keys()
        assert not unknown, (source, unknown)
        row = {name: values.get(name) for name in HEADERS[source]}
        self.tables[source].append(row)
        return row

    def spoil(self, source: str, reason: str, **values: object) -> None:
        """A row that must be rejected; `reason` is a word of its finding."""
        self.bad.append((source, {name: values.get(name) for name in HEADERS[source]}, reason))


def build(hostile: bool = False) -> Region:
    """The region; the hostile one has the same rows and some bad ones."""
    region, rng = Region(), random.Random(20210)
    _registers(region)
    _results(region)
    _contexts(region)
    _memberships(region)
    _agreements(region)
    _staff(region, rng)
    _deficits(region, rng)
    _courses(region, rng)
    _transitions(region)
    _events(region, rng)
    _seminars(region)
    _by_school_and_year(region, rng)
    _infrastructure(region, rng)
    _services(region, rng)
    _plan(region)
    _documents(region)
    _works(region)
    if hostile:
        _hostile(region)
    return region


# --- registers ---------------------------------------------------------------------------------------------------


def _registers(region: Region) -> None:
    for number, (code, name) in enumerate(MUNICIPALITIES.items(), 1):
        region.add("municipality", municipality_code=code, municipality=name, oktmo=f"776{number:02d}000")
    for number, code in enumerate(SCHOOLS, 1):
        region.add("school", **_school(code, number))
    region.add("school_name_alias", alias="Гимназия №2 г. Вязов", school_code="040002", origin="текст договора")
    region.add("school_name_alias", alias="МОУ «Отрадененская СОШ»", school_code="041008", origin="текст программы")
    region.add("school_name_alias", alias="МОУ «Красноозернинская ООШ»", school_code="041004", origin="текст программы")


def _school(code: str, number: int) -> Row:
    short, kind = _name(code)
    gone = {CLOSED: ("закрыта", CLOSED_ON), MERGED: ("реорганизована", MERGED_ON)}
    status, valid_to = gone.get(code, ("действует", None))
    return {
        "school_code": code,
        "school_login": login(code),
        "full_name": f"Муниципальное учреждение {short}",
        "short_name": short,
        "municipality_code": code[:3],
        "municipality": MUNICIPALITIES[code[:3]],
        "school_kind": kind,
        "locality": "город" if code in TOWN else "село",
        "inn": inn(number),
        "status": status,
        "valid_from": date(1980, 9, 1),
        "valid_to": valid_to,
        "successor_code": SUCCESSOR if code == MERGED else None,
        "is_leader": code in LEADERS,
        "is_innovation_site": code in SITES,
        "enrolment": 100 + number,
    }


def inn(number: int) -> str:
    """Ten digits with the right check digit."""
    digits = f"77{number:03d}0000"[:9]
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    return digits + str(sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11 % 10)


def _name(code: str) -> tuple[str, str]:
    if code in PRIOZERSK_NAMES:
        return PRIOZERSK_NAMES[code], PRIOZERSK_NAMES[code].rstrip("»").split()[-1]
    special = {
        "040001": ("МАОУ Лицей № 1 г. Вязов", "лицей"),
        "040002": ("МАОУ Гимназия № 2 г. Вязов", "гимназия"),
    }
    village = MUNICIPALITIES[code[:3]].split()[0]
    return special.get(code, (f"МБОУ СОШ № {int(code[3:])} ({village}, {code[:3]})", "СОШ"))


def login(code: str) -> str:
    return f"edu77{SCHOOLS.index(code) + 1:04d}"


def _results(region: Region) -> None:
    for year in RESULT_YEARS:
        for code in SCHOOLS:
            if code in NO_RESULTS[year]:
                continue
            below = LOW[year].get(code, (1, 2, 0, 5))
            for (subject, grade), count in zip(GRADES, below, strict=True):
                rest = 100 - 5 * count
                region.add(
                    "vpr_school_summary",
                    year=year,
                    grade=grade,
                    subject=subject,
                    municipality=MUNICIPALITIES[code[:3]],
                    school_name=_name(code)[0],
                    school_login=login(code),
                    n=20,
                    pct_2=5 * count,
                    pct_3=rest - rest // 10 * 5,
                    pct_4=rest // 10 * 5,
                    pct_5=0,
                )


def _contexts(region: Region) -> None:
    for year in CONTEXT_YEARS:
        for number, code in enumerate(SCHOOLS):
            gone = (code == MERGED and year > 2020) or (code == CLOSED and year > 2021)
            if code in NO_CONTEXT or gone:
                continue
            worse = 40 if code in ADVERSE else 0
            region.add(
                "school_context",
                year=year,
                school_code=code,
                pupils=200,
                low_income=10 + worse + number % 5,
                single_parent=12 + worse + number % 4,
                large_family=8 + worse + number % 3,
                both_parents=100 - worse - number % 6,
                unemployed=4 + worse + number % 2,
                not_native=3 + worse + number % 7,
                special_needs=5 + worse // 2 + number % 3,
                on_register=2 + worse // 2 + number % 2,
                guardianship=1 + worse // 4 + number % 3,
                distance_km=5 + worse + number,
                teachers=18,
                vacancies=1 + worse // 10,
            )


# --- programmes and partners -------------------------------------------------------------------------------------


def _memberships(region: Region) -> None:
    for programme, code, start, end, role, basis in _members():
        region.add(
            "membership",
            programme=programme,
            school_code=code,
            role=role,
            basis=basis,
            document="приказ",
            included_from=start,
            excluded_from=end,
        )


def _members() -> Iterator[tuple[str, str, date, date | None, str, str]]:
    advised, found, decided = "рекомендация", "идентификация", "решение комиссии"
    pupil, mentor = "участник", "наставник"
    for code in SUPPORTED:
        if code not in ("033002", "035002", "038002"):
            basis = found if code == "037001" else advised
            # One of the nine was never excluded: its programme has a member for years after its end.
            end = None if code == "034001" else date(2019, 1, 1)
            yield LIPETSK_OLD, code, date(2016, 9, 1), end, pupil, basis
    yield LIPETSK_OLD, "033002", date(2017, 1, 10), date(2018, 1, 1), pupil, advised
    for code in ("040001", "040002", "040003"):
        yield LIPETSK_OLD, code, date(2016, 9, 1), date(2019, 1, 1), mentor, decided
    for code in ("040004", "040005", "035002", "038002", "041009"):
        yield LIPETSK_OLD, code, date(2018, 2, 1), date(2019, 1, 1), mentor, decided
    for code in ("031001", "033001", "034001", CLOSED, MERGED):
        yield TOMSK, code, date(2018, 2, 1), None, pupil, found
    yield TOMSK.upper(), "032001", date(2018, 2, 1), date(2019, 6, 1), pupil, found
    yield TOMSK, "032001", date(2020, 1, 15), None, pupil, found
    yield TOMSK, "036001", date(2018, 2, 1), date(2021, 7, 1), pupil, found
    yield TOMSK, "035001", date(2020, 3, 1), None, pupil, found
    for code in ("037001", "038001", "033001", "041001"):
        yield LIPETSK, code, date(2019, 1, 15), date(2022, 1, 1), pupil, found
    yield LIPETSK, "039001", date(2019, 1, 15), date(2019, 12, 31), pupil, found
    for code in ("031001", "035002", "036001", "038002", "041005"):
        yield OREL, code, date(2019, 3, 1), date(2022, 1, 1), pupil, found
    for code in PRIOZERSK_NAMES:
        if code != "041009":
            end = date(2022, 9, 1) if code == "041008" else date(2023, 6, 1)
            yield PRIOZERSK, code, date(2020, 2, 3), end, pupil, found
    yield PRIOZERSK, "041009", date(2020, 2, 3), None, mentor, decided
    yield PRIOZERSK, "040001", date(2020, 2, 3), date(2023, 6, 1), mentor, decided


#: Number | signed | from | to | school | partner's code | its name | its kind | status | terminated | programme.
#: 2-П is a paper of three parties; then a draft, one without a signature and a school with itself; 5-П ended before it
#: began, 6-П in the second year, 7-П nobody knows when; 8-П to 11-П name partners by an alias, by the register's name,
#: by a name that nobody knows, and an institute; the partner of 12-П is no leader; 1-П is the number of two papers;
#: 13-П is signed on the last day of May, 14-П a day late, 15-П begins later, 16-П ended before the last day; 17-П to
#: 22-П are of the programmes' own years; 23-П was in force until its school closed.
AGREEMENTS = """
1-П|10.02.2020|15.02.2020|30.06.2021|031001|040001||школа-лидер|подписан||tomsk_2018
2-П|01.03.2020|01.03.2020|31.12.2022|032001|040001||школа-лидер|подписан||
2-П|01.03.2020|01.03.2020|31.12.2022|034001|040001||школа-лидер|подписан||
||01.04.2020||033001|040002||инновационная площадка|проект||
3-П||01.04.2020||033001|040001||школа-лидер|подписан||
4-П|01.04.2020|01.04.2020||035001|035001||социум|подписан||
5-П|01.05.2020|01.09.2020|31.08.2022|038001|040003||школа-лидер|расторгнут|15.08.2020|
6-П|01.05.2020|01.05.2020|31.12.2022|041003|040002||инновационная площадка|расторгнут|10.03.2021|
7-П|01.05.2020|01.05.2020|31.12.2022|036001|040002||инновационная площадка|расторгнут||
8-П|20.01.2021|01.02.2021||038001||Гимназия № 2 г. Вязов|инновационная площадка|подписан||
9-П|12.05.2021|12.05.2021||041007||МАОУ Гимназия №2 г. Вязов|инновационная площадка|подписан||PRIOZERSK_2020_2023
10-П|12.05.2021|12.05.2021||041008||МБОУ Лицей № 99 г. Заозерье|школа-лидер|подписан||priozersk_2020_2023
11-П|02.04.2021|02.04.2021||041006||Педагогический институт|вуз|подписан||priozersk_2020_2023
12-П|01.09.2020|01.09.2020||039001|040004||социум|подписан||
1-П|05.03.2020|05.03.2020|31.05.2023|041001|040003||школа-лидер|подписан||priozersk_2020_2023
13-П|31.05.2021|31.05.2021|31.05.2023|041002|040001||школа-лидер|подписан||priozersk_2020_2023
14-П|01.06.2021|01.06.2021||041004|040003||школа-лидер|подписан||priozersk_2020_2023
15-П|20.04.2021|01.09.2021||041006|040002||инновационная площадка|подписан||priozersk_2020_2023
16-П|15.04.2021|15.04.2021||041005|040001||школа-лидер|расторгнут|10.05.2021|priozersk_2020_2023
17-П|01.03.2018|01.03.2018|31.12.2018|031001|040003||школа-лидер|подписан||tomsk_2018
18-П|01.03.2018||31.12.2018|034001|040003||школа-лидер|подписан||tomsk_2018
19-П|01.04.2019|01.04.2019|31.12.2019|036001|040001||школа-лидер|подписан||orel_2019_2021
20-П|01.05.2019|01.05.2019||035002|040003||школа-лидер|подписан||
21-П|01.02.2019|01.02.2019|30.11.2019|037001|040002||инновационная площадка|подписан||lipetsk_2019
22-П|10.01.2017|10.01.2017|30.06.2018|033001|040001||школа-лидер|подписан||lipetsk_2016_2018
23-П|01.10.2020|01.10.2020|31.08.2021|040005|040001||школа-лидер|подписан||
"""


def _agreements(region: Region) -> None:
    for line in AGREEMENTS.strip().splitlines():
        cells = [cell.strip() or None for cell in line.split("|")]
        values: Row = dict(zip(HEADERS["agreement"], cells, strict=True))
        for name in ("signed_on", "valid_from", "valid_to", "terminated_on"):
            day = values[name]
            values[name] = date(*map(int, reversed(str(day).split(".")))) if day else None
        region.add("agreement", **values)


# --- people ------------------------------------------------------------------------------------------------------


def _staff(region: Region, rng: random.Random) -> None:
    number = 0
    for code in SCHOOLS:
        people = []
        for position, many in (("директор", 1), ("заместитель директора", 1), ("учитель", rng.randint(3, 7))):
            # Four people in all in one school: no deputy, three teachers.
            many = {"заместитель директора": 0, "учитель": 3}.get(position, 1) if code == "041002" else many
            for _ in range(many):
                number += 1
                people.append((number, position, rng.random() < 0.3, rng.random() < 0.3))
        number += 1
        people.append((number, "педагог-психолог", False, False))
        for year in YEARS:
            if (code == MERGED and year > 2020) or (code == CLOSED and year > 2021):
                continue
            for person, position, rkn, inclusive in people:
                _employ(region, year, code, person, position, rkn and position == "учитель", inclusive)
    for year in YEARS:
        # A head who also teaches; a teacher of two schools; one who moved in 2021.
        _employ(region, year, "041001", _head(region, "041001"), "учитель", False, False)
        _employ(region, year, "041004", 9001, "учитель", True, False)
        _employ(region, year, "041005", 9001, "учитель", True, False)
        _employ(region, year, "031001" if year < 2021 else "032001", 9002, "учитель", False, True)


def _head(region: Region, code: str) -> int:
    heads = (r for r in region.tables["staff"] if r["school_code"] == code and r["position"] == "директор")
    return int(str(next(heads)["snils"])[:9]) - 100_000_000


def _employ(region: Region, year: int, code: str, person: int, position: str, rkn: bool, inclusive: bool) -> None:
    region.add(
        "staff",
        year=year,
        school_code=code,
        snils=snils(person),
        full_name=f"Человек Номер {person}",
        birth_date=date(1970, 1, 1) + timedelta(days=person % 9000),
        position=position,
        subject="математика" if position == "учитель" else None,
        category=None,
        is_rkn=rkn,
        is_inclusive=inclusive,
    )


def _courses(region: Region, rng: random.Random) -> None:
    number = 0
    for year in YEARS:
        roster = [row for row in region.tables["staff"] if row["year"] == year]
        places = _places(roster)
        keen = {code: rng.choice((0.4, 0.9, 1.0)) for code in SCHOOLS}
        for row in roster:
            code, person = str(row["school_code"]), str(row["snils"])
            if rng.random() > keen[code]:
                continue
            for _ in range(rng.choice((1, 1, 1, 2))):
                number += 1
                finished = date(year, rng.randint(1, 12), rng.randint(1, 28))
                is_fg = rng.random() < 0.4
                region.add(
                    "pd_record",
                    snils=person,
                    school_code=None if len(places[person]) == 1 and rng.random() < 0.1 else code,
                    position=None if rng.random() < 0.1 else row["position"],
                    course="Управление качеством образования" if rng.random() < 0.5 else "Качество преподавания",
                    topic="функциональная грамотность" if is_fg else "оценивание",
                    subprogramme=rng.choice((None, "3", "4")),
                    hours=rng.choice((8, 15, 16, 36, 36, 72)),
                    started_on=finished - timedelta(days=rng.randint(1, 40)),
                    finished_on=finished,
                    certificate_no=f"ПК-{number:06d}",
                    status=rng.choice(("оригинал",) * 8 + ("дубликат", "не завершил", "отчислен")),
                )
    originals = [row for row in region.tables["pd_record"] if row["status"] == "оригинал"]
    for row in originals[::15]:
        region.add("pd_record", **{**row, "status": "дубликат"})


def _places(roster: Iterable[Row]) -> dict[str, set[str]]:
    places: dict[str, set[str]] = {}
    for row in roster:
        places.setdefault(str(row["snils"]), set()).add(str(row["school_code"]))
    return places


def _deficits(region: Region, rng: random.Random) -> None:
    teachers = {
        (str(row["snils"]), str(row["school_code"]))
        for row in region.tables["staff"]
        if row["year"] == 2020 and row["position"] == "учитель" and str(row["school_code"]) in PRIOZERSK_NAMES
    }
    for person, code in sorted(teachers):
        fate = rng.choice(("closed", "closed", "closed", "closed", "open", "left", "partly", "none"))
        found = rng.sample(("Д-01", "Д-02", "Д-03", "Д-04"), rng.randint(1, 3))
        for deficit in found:
            region.add(
                "deficit", snils=person, school_code=code, stage="старт", deficit_code=deficit, is_found=fate != "none"
            )
        # Somebody «left» has no final rows, and half of them are no more in the staff lists; «partly» is one row less.
        for place, deficit in enumerate(found):
            if fate == "left" or (fate == "partly" and place == 0):
                continue
            region.add(
                "deficit",
                snils=person,
                school_code=code,
                stage="итог",
                deficit_code=deficit,
                is_found=fate == "open" and place == 0,
            )
        if fate == "left" and rng.random() < 0.5:
            region.tables["staff"] = [
                row for row in region.tables["staff"] if row["snils"] != person or int(str(row["year"])) <= 2021
            ]
        if fate == "closed" and rng.random() < 0.3:
            region.add("deficit", snils=person, school_code=code, stage="итог", deficit_code="Д-09", is_found=True)


# --- programmes of schools, events, works ------------------------------------------------------------------------


def _transitions(region: Region) -> None:
    lines: list[tuple[str, str, date | None, int, int]] = [
        (PRIOZERSK, "041001", date(2021, 4, 30), 10, 10),
        (PRIOZERSK, "041002", date(2021, 5, 1), 10, 8),
        (PRIOZERSK, "041003", date(2021, 3, 15), 12, 9),
        (PRIOZERSK, "041004", None, 10, 10),
        (PRIOZERSK, "041005", date(2021, 4, 1), 10, 8),
        (PRIOZERSK, "041006", date(2020, 12, 1), 5, 4),
        (PRIOZERSK, "041007", date(2021, 4, 20), 10, 9),
        (PRIOZERSK, "041009", date(2021, 4, 20), 10, 10),
        (LIPETSK_OLD, "031001", date(2016, 12, 1), 10, 8),
        (LIPETSK_OLD, "032001", date(2017, 2, 1), 10, 9),
        (LIPETSK_OLD, "033001", date(2017, 2, 1), 10, 3),
        (LIPETSK_OLD, "033002", date(2017, 3, 1), 10, 9),
        (LIPETSK_OLD, "034001", date(2018, 3, 1), 10, 9),
        (LIPETSK_OLD, "035001", None, 10, 0),
    ]
    for number, (programme, code, approved, planned, done) in enumerate(lines):
        region.add(
            "transition_programme",
            programme=programme,
            school_code=code,
            approved_on=approved,
            planned=planned,
            done=done,
            is_expertised=number % 2 == 0,
            effective_from=date(2022, 1, 1) if number % 3 == 0 else None,
            **{f"f{i}": (number + i) % 4 != 0 for i in range(1, 6)},
        )


def _event(region: Region, code: str, held: date, level: str, kind: str, programme: str | None) -> None:
    region.add(
        "event",
        event_code=code,
        held_on=held,
        level=level,
        kind=kind,
        topic="обмен опытом работы школ",
        organiser="Институт развития образования",
        programme=programme,
    )


def _events(region: Region, rng: random.Random) -> None:
    exchange, regional = "обмен опытом", "региональный"
    for number, (level, kind, programme) in enumerate(
        (
            (regional, exchange, TOMSK),
            (regional, exchange, TOMSK),
            (regional, exchange, None),
            (regional, exchange, TOMSK.title()),
            (regional, exchange, LIPETSK_OLD),
            ("муниципальный", exchange, TOMSK),
            ("межрегиональный", exchange, TOMSK),
            (regional, "совещание", TOMSK),
        )
    ):
        _event(region, f"О-2018-{number:02d}", date(2018, 2 + number, 14), level, kind, programme)
    for year in YEARS:
        people = sorted({(str(r["school_code"]), str(r["snils"])) for r in region.tables["staff"] if r["year"] == year})
        for number in range(10):
            code = f"М-{year}-{number:02d}"
            held = date(year, rng.randint(1, 12), rng.randint(1, 28))
            level = rng.choice(("школьный", "муниципальный", regional, regional))
            # The first are exchanges, so that every year has some.
            kind = (
                exchange
                if number < 2
                else rng.choice(
                    (exchange, "семинар", "конференция", "вебинар", "совещание", "мастер-класс", "диссеминация")
                )
            )
            programme = rng.choice((None, TOMSK, OREL, PRIOZERSK, PRIOZERSK, LIPETSK))
            _event(region, code, held, level, kind, programme)
            for school, person in rng.sample(people, rng.randint(2, 14)):
                is_named = rng.random() < 0.85
                region.add(
                    "event_participant",
                    event_code=code,
                    school_code=school,
                    snils=person if is_named else None,
                    role="участник",
                )


def _seminars(region: Region) -> None:
    """Interregional seminars: enough or too few people and regions, our own among them or not."""
    ours = None
    cases: dict[int, list[tuple[str | None, int]]] = {
        2018: [(ours, 10), ("Курская область", 10), ("Орловская область", 10), ("Тамбовская область", 10)],
        2019: [(ours, 20), ("Курская область", 12), ("Тамбовская область", 10)],
        2020: [(ours, 9), ("Курская область", 10), ("Орловская область", 10), ("Тамбовская область", 10)],
        2021: [
            ("Курская область", 20),
            ("Орловская область", 10),
            ("Тамбовская область", 10),
            ("Пензенская область", 5),
        ],
        2022: [(ours, 30), ("Курская область", 10), ("курская  область", 5), ("Тамбовская область", 5)],
    }
    guest = 20000
    for year, parties in cases.items():
        code = f"С-{year}"
        _event(region, code, date(year, 10, 8), "межрегиональный", "семинар", TOMSK)
        own = sorted({(str(r["snils"]), str(r["school_code"])) for r in region.tables["staff"] if r["year"] == year})
        for party, many in parties:
            for place in range(many):
                guest += 1
                person, school = own[place * 3] if party is ours else (snils(guest), None)
                region.add("event_participant", event_code=code, region=party, school_code=school, snils=person)
        # One of them signed twice: still one person.
        again = region.tables["event_participant"][-1]
        region.add("event_participant", **{**again, "role": "докладчик"})


def _by_school_and_year(region: Region, rng: random.Random) -> None:
    components = ("результаты", "преподавание", "управление", "среда")
    for year in YEARS:
        for code in SCHOOLS:
            if rng.random() < 0.8:
                _association(region, rng, year, code)
            for component in components:
                for _ in range(rng.choice((0, 1, 1, 1, 1, 1, 2))):
                    region.add(
                        "quality_monitoring",
                        held_on=date(year, rng.randint(1, 12), rng.randint(1, 28)),
                        school_code=code,
                        component=component,
                        conducted_by="муниципалитет",
                        score=rng.randint(40, 95),
                        is_complete=rng.random() < 0.9,
                    )
            if rng.random() < 0.6:
                aspects = rng.sample(("управление", "преподавание", "культура"), rng.randint(1, 3))
                for aspect in aspects:
                    region.add(
                        "self_assessment",
                        year=year,
                        school_code=code,
                        aspect=aspect,
                        level="риск",
                        score=rng.randint(1, 5),
                    )
            if rng.random() < 0.3:
                score = rng.choice((88, 89.9, 90, 93.5, 97, 95))
                held = date(year, rng.randint(1, 12), rng.randint(1, 28))
                region.add("satisfaction", surveyed_on=held, school_code=code, score=score)
            if rng.random() < 0.5:
                region.add(
                    "contest",
                    held_on=date(year, rng.randint(1, 12), rng.randint(1, 28)),
                    school_code=code,
                    name=f"Школа года {year}",
                    level=rng.choice(("школьный", "муниципальный", "региональный", "межрегиональный")),
                    result=rng.choice(("участник", "призёр", "победитель")),
                )
            region.add(
                "staffing",
                year=year,
                school_code=code,
                position="педагог-психолог",
                planned=1,
                filled=rng.choice((0, 0.5, 1)),
            )
        region.add(
            "association",
            municipality_code="040",
            level="муниципальный",
            kind="совет директоров",
            name=f"Совет директоров {year}",
            ordered_on=date(2018, 1, 15),
            meetings=3,
            year=year,
        )
    for code in ("040001", "040002"):
        region.add("practice", school_code=code, name="Наставничество", approved_on=date(2021, 5, 1), used_by="041001")


def _association(region: Region, rng: random.Random, year: int, code: str) -> None:
    region.add(
        "association",
        school_code=code,
        municipality_code=code[:3],
        level="школьный",
        kind=rng.choice(("методическое объединение", "профессиональное сообщество")),
        name="Объединение учителей",
        ordered_on=rng.choice((None, *[date(2017, 9, 1)] * 6)),
        meetings=rng.choice((0, 1, 2, 3, 4, 5)),
        year=year,
    )


def _infrastructure(region: Region, rng: random.Random) -> None:
    for year in YEARS:
        good = {2018: 6, 2019: 10, 2021: 11}.get(year, rng.randint(3, 9))
        for place, code in enumerate(MUNICIPALITIES):
            # Those that are not good have no order, or an order and no service.
            is_good, is_ordered = place < good, place % 2 == 0
            region.add(
                "infrastructure",
                municipality_code=code,
                level="муниципальный",
                ordered_on=date(2018, 1, 20) if is_good or is_ordered else None,
                contact="отдел образования" if place % 3 else None,
                services=1 + place if is_good else 0 if is_ordered else 7,
                year=year,
            )
        region.add(
            "infrastructure",
            level="региональный",
            ordered_on=date(2018, 1, 10),
            contact="институт",
            services=40 if year != 2019 else 0,
            year=year,
        )


def _services(region: Region, rng: random.Random) -> None:
    kinds = (
        "консультация",
        "тьюторское сопровождение",
        "аналитический пакет",
        "методическая поддержка",
        "наставничество",
    )
    for year in YEARS:
        people = sorted({(str(r["school_code"]), str(r["snils"])) for r in region.tables["staff"] if r["year"] == year})
        for school, person in rng.sample(people, 90):
            whom = rng.choice(("person", "person", "both", "both", "school"))
            region.add(
                "service",
                served_on=date(year, rng.randint(2, 12), rng.randint(1, 28)),
                school_code=school if whom != "person" else None,
                municipality_code=None,
                snils=person if whom != "school" else None,
                kind=rng.choice(kinds),
                programme=rng.choice((None, None, TOMSK, LIPETSK, PRIOZERSK, PRIOZERSK)),
            )
        region.add("service", served_on=date(year, 3, 3), municipality_code="041", kind="консультация")


def _item(region: Region, code: str, due: date, done: date | None, programme: str = PRIOZERSK) -> None:
    region.add(
        "plan_item",
        programme=programme,
        item_code=code,
        stage="2",
        name=f"Пункт {code}",
        due_from=date(due.year, 1, 1),
        due_to=due,
        frequency=None,
        done_on=done,
        document="протокол" if done else None,
    )


def _plan(region: Region) -> None:
    d = date
    for year, done in (
        (2020, d(2020, 5, 20)),
        (2021, d(2021, 2, 2)),
        (2021, d(2021, 11, 2)),
        (2022, None),
        (2023, d(2023, 3, 1)),
    ):
        _item(region, "1.1", d(year, 12, 31), done)
    # 2020: no third quarter. 2021: all four and one more. 2022: five in the first. 2023: the second is after the end.
    meetings = [
        d(2020, 3, 10),
        d(2020, 5, 10),
        d(2020, 12, 30),
        d(2021, 1, 15),
        d(2021, 4, 1),
        d(2021, 9, 30),
        d(2021, 10, 1),
        d(2021, 11, 1),
        d(2022, 1, 10),
        d(2022, 1, 20),
        d(2022, 2, 1),
        d(2022, 2, 20),
        d(2022, 3, 31),
        d(2023, 2, 1),
        d(2023, 6, 15),
    ]
    for held in meetings:
        _item(region, "1.2", d(held.year, 12, 31), held)
    _item(region, "1.2", d(2020, 9, 30), None)
    for held in (
        d(2020, 3, 1),
        d(2020, 6, 1),
        d(2020, 9, 1),
        d(2020, 12, 1),
        d(2021, 2, 1),
        d(2021, 5, 1),
        d(2022, 4, 1),
        d(2022, 5, 1),
        d(2022, 8, 1),
        d(2022, 11, 1),
        d(2023, 1, 20),
        d(2023, 4, 20),
    ):
        _item(region, "2.1", d(held.year, 12, 31), held)
    _item(region, "1.3", d(2021, 1, 31), d(2021, 1, 29))
    _item(region, "1.4", d(2021, 2, 28), d(2021, 3, 9))
    _item(region, "1.1", d(2022, 12, 31), d(2022, 6, 1), programme=TOMSK)


def _documents(region: Region) -> None:
    def add(
        programme: str | None, kind: str, number: str | None, dated: date | None, level: str, code: str | None = None
    ) -> None:
        region.add(
            "document",
            programme=programme,
            kind=kind,
            number=number,
            dated_on=dated,
            name=f"{kind} {number or ''}".strip(),
            level=level,
            school_code=code,
        )

    add(OREL, "программа", "101", date(2019, 2, 14), "региональный")
    add(TOMSK, "программа", "102", date(2018, 2, 14), "региональный")
    add(OREL, "модель", None, None, "региональный")
    add(OREL, "модель", "103", date(2020, 2, 15), "региональный")
    add(OREL, "отчёт", "104", date(2019, 12, 20), "региональный")
    add(LIPETSK, "отчёт", "105", date(2020, 12, 20), "региональный")
    add(OREL, "отчёт", "106", date(2021, 12, 25), "региональный")
    for year in range(2020, 2024):
        for place, code in enumerate(PRIOZERSK_NAMES):
            if (place + year) % 5:
                # In the last year the second half of the reports came after the programme's end.
                dated = date(year, 7, 1) if year == 2023 and place % 2 else date(year, 4, 15)
                add(PRIOZERSK, "отчёт", f"С-{year}-{code}", dated, "школьный", code)


def _works(region: Region) -> None:
    repair, gym = "ремонт", "ремонт спортивного зала"
    lines: list[tuple[str, str, date, date | None]] = [
        ("041001", repair, date(2021, 8, 31), date(2021, 8, 25)),
        ("041004", repair, date(2021, 8, 31), date(2021, 12, 30)),
        ("041005", repair, date(2021, 8, 31), None),
        ("041007", repair, date(2021, 8, 31), date(2022, 1, 15)),
        ("041002", repair, date(2021, 8, 31), date(2021, 6, 1)),
        ("041008", repair, date(2021, 8, 31), date(2021, 7, 1)),
        ("041006", repair, date(2021, 8, 31), date(2021, 7, 1)),  # not among the six that the document names
        ("031001", repair, date(2021, 8, 31), date(2021, 7, 1)),  # no member
        ("041001", gym, date(2021, 12, 31), date(2020, 9, 1)),
        ("041002", gym, date(2021, 12, 31), date(2021, 12, 31)),
        ("041003", gym, date(2021, 12, 31), date(2022, 2, 1)),
        ("041007", gym, date(2021, 12, 31), date(2021, 2, 1)),  # not among the three
    ]
    for code, kind, due, done in lines:
        region.add(
            "facility", school_code=code, work_kind=kind, due_on=due, done_on=done, meets_standard=done is not None
        )


def _hostile(region: Region) -> None:
    d = date
    someone = region.tables["staff"][0]
    region.spoil(
        "agreement",
        "999999",
        agreement_no="90-П",
        signed_on=d(2020, 5, 1),
        valid_from=d(2020, 5, 1),
        school_code="999999",
        partner_code="040001",
        partner_kind="школа-лидер",
        status="подписан",
    )
    region.spoil(
        "agreement",
        "2202",
        agreement_no="91-П",
        signed_on=d(2202, 5, 1),
        valid_from=d(2020, 5, 1),
        school_code="031001",
        partner_code="040002",
        partner_kind="инновационная площадка",
        status="подписан",
    )
    region.spoil(
        "agreement",
        "раньше",
        agreement_no="92-П",
        signed_on=d(2020, 5, 1),
        valid_from=d(2021, 5, 1),
        valid_to=d(2020, 12, 31),
        school_code="033001",
        partner_code="040002",
        partner_kind="инновационная площадка",
        status="подписан",
    )
    region.spoil(
        "agreement",
        "статус",
        agreement_no="93-П",
        signed_on=d(2020, 5, 1),
        valid_from=d(2020, 5, 1),
        school_code="033001",
        partner_code="040002",
        partner_kind="инновационная площадка",
        status="подписон",
    )
    region.spoil(
        "pd_record",
        "СНИЛС",
        snils=snils(1)[:9] + f"{(int(snils(1)[9:]) + 1) % 100:02d}",
        school_code="031001",
        position="учитель",
        course="Качество преподавания",
        hours=36,
        finished_on=d(2020, 5, 1),
        certificate_no="ПК-999998",
        status="оригинал",
    )
    region.spoil(
        "pd_record",
        "раньше",
        snils=someone["snils"],
        school_code=someone["school_code"],
        position="учитель",
        course="Качество преподавания",
        hours=36,
        started_on=d(2020, 6, 1),
        finished_on=d(2020, 5, 1),
        certificate_no="ПК-999999",
        status="оригинал",
    )
    region.spoil(
        "membership",
        "",
        programme=OREL,
        school_code="031001",
        role="участник",
        basis="идентификация",
        included_from=d(2019, 3, 1),
    )
    region.spoil(
        "membership",
        "Программа",
        programme="нет такой программы",
        school_code="037001",
        role="участник",
        basis="идентификация",
        included_from=d(2020, 3, 1),
    )
    region.spoil("event_participant", "М-2099-77", event_code="М-2099-77", school_code="031001", snils=someone["snils"])
    region.spoil(
        "event",
        "2202",
        event_code="М-2202-01",
        held_on=d(2202, 3, 1),
        level="региональный",
        kind="обмен опытом",
        programme=TOMSK,
    )
    _hostile_registers(region, str(someone["snils"]))
    _hostile_above(region)


def _hostile_above(region: Region) -> None:
    """A wrong row above the right one of the same key: the sender has put it right below, and it counts."""
    region.above = ["satisfaction", "document"]
    score = region.tables["satisfaction"][0]
    region.spoil("satisfaction", "140", **{**score, "score": 140})
    paper = next(row for row in region.tables["document"] if row["programme"] == OREL and row["number"] == "101")
    region.spoil("document", "вид", **{**paper, "kind": "прогамма"})


def _hostile_registers(region: Region, someone: str) -> None:
    day = date(2020, 5, 1)
    course: Row = {"course": "Качество преподавания", "finished_on": day, "status": "оригинал"}
    region.spoil("pd_record", "часов", snils=someone, school_code="031001", hours=-5, certificate_no="Х-1", **course)
    region.spoil("pd_record", "36 ч", snils=someone, school_code="031001", hours="36 ч", certificate_no="Х-2", **course)
    region.spoil("pd_record", "снилс", snils="123-456", school_code="031001", hours=36, certificate_no="Х-3", **course)
    region.spoil("infrastructure", "777", municipality_code="777", level="муниципальный", services=3, year=2020)
    region.spoil("service", "", served_on=day, kind="консультация")
    region.spoil("service", "вид услуги", served_on=day, school_code="031001", kind="экскурсия")
    region.spoil("contest", "дата", school_code="031001", name="Школа года", level="школьный", result="участник")
    region.spoil(
        "quality_monitoring",
        "не дата",
        held_on="31.02.2020",
        school_code="031001",
        component="среда",
        is_complete=True,
    )
    region.spoil("facility", "вид работ", school_code="031001", work_kind="бассейн", done_on=day, meets_standard=True)
    region.spoil("transition_programme", "", programme=PRIOZERSK, school_code="041001", approved_on=day)


# --- files -------------------------------------------------------------------------------------------------------

#: Registers of which every year comes in a file of its own; the others come whole.
YEARLY = {"school_context": "Социальный паспорт", "vpr_school_summary": "ВПР", "staff": "Педагоги"}


def write(region: Region, inbox: Path) -> None:
    """One workbook for each register, or for each of its years; the header is the first row of the sheet."""
    rng = random.Random(7)
    for source in HEADERS:
        rows = rows_of(region, source)
        if source in YEARLY:
            for year in sorted({int(str(row["year"])) for row in rows}):
                path = inbox / str(year) / f"{YEARLY[source]} {year}.xlsx"
                _workbook(path, source, [row for row in rows if row["year"] == year], rng)
        else:
            _workbook(inbox / "Реестры и поддержка" / f"{source}.xlsx", source, rows, rng)


def rows_of(region: Region, source: str) -> list[Row]:
    """Rows of a register in the order of its sheet."""
    bad = [row for name, row, _ in region.bad if name == source]
    good = region.tables[source]
    return [*bad, *good] if source in region.above else [*good, *bad]


def sheet_row(region: Region, source: str, row: Row) -> int:
    """Number of a row's line in its sheet, for registers that come whole."""
    return 2 + next(place for place, one in enumerate(rows_of(region, source)) if one is row)


def _workbook(path: Path, source: str, rows: list[Row], rng: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Лист1")
        for column, header in enumerate(HEADERS[source].values()):
            sheet.write_string(0, column, header)
        for line, row in enumerate(rows, 1):
            for column, (name, value) in enumerate(row.items()):
                cell = as_written(name, value, rng)
                if isinstance(cell, int | float):
                    sheet.write_number(line, column, cell)
                elif cell:
                    sheet.write_string(line, column, cell)


def as_written(name: str, value: object, rng: random.Random) -> str | int | float:
    """How people write a value: codes that lost a leading zero, СНИЛС with and without signs, «Да» and «да»."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return rng.choice(("да", "Да", "да ")) if value else rng.choice(("нет", "Нет"))
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if name in ("school_code", "partner_code", "successor_code"):
        return int(str(value)) if rng.random() < 0.2 else str(value)
    if name == "snils":
        text = str(value)
        signed = f"{text[:3]}-{text[3:6]}-{text[6:9]} {text[9:]}"
        return rng.choice((text, signed, signed))
    if isinstance(value, int | float):
        return value
    return str(value)
