"""The support registers: for each a row with nothing wrong, and rows that differ from it, as in ``quality_cases``."""

from __future__ import annotations

from typing import Any

Case = tuple[dict[str, Any], set[str]]
PERSON = "d" * 32
NAME = "e" * 32


def missing(*columns: str) -> list[Case]:
    """Columns that may not be blank."""
    return [({column: None}, {f"{column}_missing"}) for column in columns]


def dates(first: int, *columns: str) -> list[Case]:
    """Columns of dates from the first year on; «2202» is 2022 with a slip."""
    return [
        case
        for column in columns
        for case in (
            ({column: "31.06.2021"}, {f"{column}_odd"}),
            ({column: "2021-02-30"}, {f"{column}_odd"}),
            ({column: f"{first}-01-01"}, set()),
            ({column: f"{first - 1}-12-31"}, {f"{column}_outside"}),
            ({column: "2202-04-01"}, {f"{column}_outside"}),
        )
    ]


def years(column: str = "year") -> list[Case]:
    return [
        ({column: None}, {f"{column}_missing"}),
        ({column: "2021/22"}, {f"{column}_odd"}),
        ({column: "1999"}, {f"{column}_outside"}),
        ({column: "20211"}, {f"{column}_outside"}),
    ]


def whole(*columns: str) -> list[Case]:
    return [
        case
        for column in columns
        for case in (({column: "2.5"}, {f"{column}_not_whole"}), ({column: "-1"}, {f"{column}_negative"}))
    ]


def numbers(*columns: str) -> list[Case]:
    return [
        case
        for column in columns
        for case in (({column: "мало"}, {f"{column}_not_number"}), ({column: "-0.5"}, {f"{column}_negative"}))
    ]


def unknown(**values: str) -> list[Case]:
    """Values that are in no list."""
    return [({column: value}, {f"{column}_unknown"}) for column, value in values.items()]


def flags(*columns: str) -> list[Case]:
    return [
        case
        for column in columns
        for case in (({column: "иногда"}, {f"{column}_unknown"}), ({column: "ДА"}, set()), ({column: "0"}, set()))
    ]


def schools(column: str = "school_code") -> list[Case]:
    return [
        ({column: "1010011"}, {f"{column}_malformed"}),
        ({column: "10100а"}, {f"{column}_malformed"}),
        ({column: "101999"}, {f"{column}_unknown"}),
    ]


MUNICIPALITIES: list[Case] = [
    ({"municipality_code": "10А"}, {"municipality_code_malformed"}),
    ({"municipality_code": "999"}, {"municipality_code_unknown"}),
    ({"municipality_code": "0101"}, set()),
]
PROGRAMMES: list[Case] = [
    ({"programme": "Томск 2081"}, {"programme_unknown"}),
    ({"programme": "показатели  мероприятий 2.2 «ФЦПРО»"}, set()),
    ({"programme": "ТОМСК, 2018"}, set()),
]
WRONG_SNILS: list[Case] = [
    ({"person_key": None, "snils_state": "malformed"}, {"snils_malformed"}),
    ({"person_key": None, "snils_state": "wrong_check"}, {"snils_wrong_check"}),
]
NO_SNILS = {"person_key": None, "snils_state": "missing"}

SUPPORT: dict[str, tuple[dict[str, Any], list[Case]]] = {
    "agreement": (
        {
            "agreement_no": "12-П/2021",
            "signed_on": "2021-04-15",
            "valid_from": "2021-05-01",
            "school_code": "101001",
            "partner_name": "Педагогический университет",
            "partner_kind": "Вуз",
            "status": "подписан",
            "programme": "tomsk_2018",
        },
        [
            *missing("school_code", "status"),
            *dates(1990, "signed_on", "valid_from", "terminated_on"),
            ({"valid_to": "2021"}, {"valid_to_odd"}),
            ({"valid_to": "2202-05-01"}, {"valid_to_outside"}),
            ({"valid_to": "2021-04-30"}, {"valid_to_early"}),
            ({"valid_to": "2021-05-01"}, set()),
            *schools(),
            *schools("partner_code"),
            *unknown(partner_kind="вузик", status="в работе"),
            *PROGRAMMES,
            ({"programme": None}, set()),
            ({"partner_name": None}, {"partner_missing"}),
            ({"signed_on": None}, {"signing_date_missing"}),
            ({"signed_on": None, "status": "Проект", "agreement_no": None}, set()),
            ({"status": "расторгнут"}, {"termination_date_missing"}),
            ({"status": "расторгнут", "terminated_on": "2021-09-01"}, set()),
            ({"partner_code": "101001"}, {"partner_is_school"}),
            ({"partner_name": "ПЕДАГОГИЧЕСКИЙ  университет"}, {"duplicate"}),
        ],
    ),
    "staff": (
        {
            "year": "2021",
            "school_code": "101001",
            "person_key": PERSON,
            "snils_state": "valid",
            "name_key": NAME,
            "birth_year": "1980",
            "position": "Учитель",
            "subject": "математика",
            "category": "как принято у нас",
            "teaches_inclusive": "да",
        },
        [
            *years(),
            *missing("school_code", "position"),
            *schools(),
            *unknown(position="кочегар"),
            *flags("teaches_russian_not_native", "teaches_inclusive"),
            *WRONG_SNILS,
            (NO_SNILS, set()),
            ({**NO_SNILS, "name_key": None}, {"snils_missing"}),
            ({"birth_year": "2021"}, {"birth_year_outside"}),
            ({"subject": "Математика"}, {"duplicate"}),
        ],
    ),
    "pd_record": (
        {
            "person_key": PERSON,
            "snils_state": "valid",
            "school_code": "101001",
            "position": "зам. директора",
            "course": "Управление качеством образования",
            "hours": "36",
            "started_on": "2021-03-01",
            "finished_on": "2021-03-25",
            "certificate_no": "ПК-000123",
            "status": "Оригинал",
        },
        [
            *missing("course", "hours", "finished_on", "status"),
            ({"started_on": "март"}, {"started_on_odd"}),
            ({"started_on": "1999-12-31"}, {"started_on_outside"}),
            ({"started_on": "2202-03-01"}, {"started_on_outside", "finished_on_early"}),
            ({"finished_on": "март"}, {"finished_on_odd"}),
            ({"finished_on": "2202-03-25"}, {"finished_on_outside"}),
            ({"finished_on": "2021-02-28"}, {"finished_on_early"}),
            *schools(),
            *unknown(position="кочегар", status="утерян"),
            ({"hours": "36 ч"}, {"hours_not_whole"}),
            ({"hours": "0"}, {"hours_outside"}),
            ({"hours": "2001"}, {"hours_outside"}),
            ({"hours": "2000"}, set()),
            *WRONG_SNILS,
            (NO_SNILS, {"snils_missing"}),
            ({**NO_SNILS, "name_key": NAME, "document_kind": "Удостоверение о повышении квалификации"}, set()),
            ({"certificate_no": "пк-000123"}, {"duplicate"}),
        ],
    ),
    "deficit": (
        {
            "person_key": PERSON,
            "snils_state": "valid",
            "school_code": "101001",
            "stage": "старт",
            "deficit_code": "Д-03",
            "is_found": "да",
        },
        [
            *missing("school_code", "stage", "deficit_code", "is_found"),
            *schools(),
            *unknown(stage="середина"),
            *flags("is_found"),
            *WRONG_SNILS,
            (NO_SNILS, {"snils_missing"}),
            ({"stage": "стартовый"}, {"duplicate"}),
        ],
    ),
    "staffing": (
        {
            "year": "2021",
            "school_code": "101001",
            "position": "педагог-психолог",
            "positions_planned": "1",
            "positions_filled": "0.5",
        },
        [
            *years(),
            *missing("school_code", "position", "positions_planned", "positions_filled"),
            *schools(),
            *unknown(position="кочегар"),
            *numbers("positions_filled"),
            ({"positions_planned": "1 ст."}, {"positions_planned_not_number"}),
            ({"positions_planned": "-1"}, {"positions_planned_negative", "filled_above_planned"}),
            ({"positions_filled": "1.25"}, {"filled_above_planned"}),
            ({"position": "Психолог"}, {"duplicate"}),
        ],
    ),
    "membership": (
        {
            "programme": "tomsk_2018",
            "school_code": "101001",
            "role": "участник",
            "basis": "идентификация",
            "included_from": "2018-02-01",
            "excluded_from": "2019-01-01",
        },
        [
            *missing("programme", "school_code", "role", "included_from"),
            *PROGRAMMES,
            *schools(),
            *unknown(role="гость", basis="по любви"),
            ({"included_from": "01.02"}, {"included_from_odd"}),
            ({"included_from": "1989-12-31"}, {"included_from_outside"}),
            ({"included_from": "2201-02-01"}, {"included_from_outside", "excluded_from_early"}),
            ({"excluded_from": "нет"}, {"excluded_from_odd"}),
            ({"excluded_from": "2202-01-01"}, {"excluded_from_outside"}),
            ({"excluded_from": "2018-01-31"}, {"excluded_from_early"}),
            ({"included_from": "2018-12-31", "excluded_from": None}, {"overlap"}),
            ({"programme": "«Показатели мероприятий 2.2 ФЦПРО»"}, {"duplicate"}),
        ],
    ),
    "transition_programme": (
        {
            "programme": "tomsk_2018",
            "school_code": "101001",
            "approved_on": "2018-04-20",
            "measures_planned": "12",
            "measures_done": "7",
            "is_expertised": "да",
        },
        [
            *missing("programme", "school_code"),
            *PROGRAMMES,
            *schools(),
            *dates(1990, "approved_on", "effective_from"),
            ({"measures_planned": "12,5 шт."}, {"measures_planned_not_whole"}),
            ({"measures_planned": "-12"}, {"measures_planned_negative", "done_above_planned"}),
            *whole("measures_done"),
            ({"measures_done": "13"}, {"done_above_planned"}),
            *flags(
                "is_expertised",
                "has_specialists",
                "has_network",
                "has_monitoring",
                "has_team_growth",
                "has_associations",
            ),
            ({"approved_on": None}, {"duplicate"}),
        ],
    ),
    "event": (
        {
            "event_code": "М-2021-01",
            "held_on": "2021-03-17",
            "level": "Региональный",
            "kind": "обмен  опытом",
        },
        [
            *missing("event_code", "held_on", "level", "kind"),
            *dates(2000, "held_on"),
            *unknown(level="галактический", kind="пикник"),
            *PROGRAMMES,
            ({"event_code": "м-2021-01"}, {"duplicate"}),
        ],
    ),
    "event_participant": (
        {"event_code": "М-2021-01", "school_code": "101001", "person_key": PERSON, "snils_state": "valid"},
        [
            *missing("event_code"),
            *unknown(event_code="М-2021-99"),
            *schools(),
            *WRONG_SNILS,
            (NO_SNILS, set()),
            ({**NO_SNILS, "region": "Соседняя область", "school_code": None}, set()),
        ],
    ),
    "association": (
        {
            "school_code": "101001",
            "level": "школьный",
            "kind": "ШМО",
            "name": "ШМО учителей математики",
            "meetings": "4",
            "year": "2021",
        },
        [
            *years(),
            *missing("level", "kind", "name"),
            *schools(),
            *MUNICIPALITIES,
            *unknown(level="галактический", kind="кружок"),
            *dates(1990, "ordered_on"),
            *whole("meetings"),
            ({"kind": "методическое объединение"}, {"duplicate"}),
        ],
    ),
    "infrastructure": (
        {
            "municipality_code": "101",
            "level": "муниципальный",
            "ordered_on": "2021-02-01",
            "has_contact": "да",
            "services": "14",
            "year": "2021",
        },
        [
            *years(),
            *missing("level"),
            *MUNICIPALITIES,
            *unknown(level="галактический"),
            *dates(1990, "ordered_on"),
            *whole("services"),
            ({"municipality_code": None, "level": "региональный"}, set()),
            ({"municipality_code": "0101"}, {"duplicate"}),
        ],
    ),
    "service": (
        {
            "served_on": "2021-02-12",
            "school_code": "101001",
            "snils_state": "missing",
            "kind": "консультация",
        },
        [
            *missing("served_on", "kind"),
            *dates(2000, "served_on"),
            *schools(),
            *MUNICIPALITIES,
            *unknown(kind="утешение"),
            *PROGRAMMES,
            *WRONG_SNILS,
            ({"school_code": None, "person_key": PERSON, "snils_state": "valid"}, set()),
            ({"school_code": None}, {"nobody_named"}),
        ],
    ),
    "quality_monitoring": (
        {
            "held_on": "2021-05-20",
            "school_code": "101001",
            "component": "результаты",
            "score": "72.5",
            "is_complete": "да",
        },
        [
            *missing("held_on", "school_code", "component", "is_complete"),
            *dates(2000, "held_on"),
            *schools(),
            *unknown(component="погода"),
            *numbers("score"),
            *flags("is_complete"),
        ],
    ),
    "self_assessment": (
        {"year": "2021", "school_code": "101001", "aspect": "управление", "level": "риск", "score": "3"},
        [
            *years(),
            *missing("school_code", "aspect"),
            *schools(),
            *numbers("score"),
            ({"aspect": "Управление"}, {"duplicate"}),
        ],
    ),
    "satisfaction": (
        {"surveyed_on": "2021-10-30", "school_code": "101001", "score": "91.4"},
        [
            *missing("surveyed_on", "school_code", "score"),
            *dates(2000, "surveyed_on"),
            *schools(),
            ({"score": "отлично"}, {"score_not_number"}),
            ({"score": "-0.1"}, {"score_outside"}),
            ({"score": "100.1"}, {"score_outside"}),
            ({"score": "100"}, set()),
            ({"score": "50"}, {"duplicate"}),
        ],
    ),
    "plan_item": (
        {
            "programme": "tomsk_2018",
            "item_code": "1.2",
            "due_from": "2018-01-01",
            "due_to": "2018-03-31",
            "done_on": "2018-02-15",
        },
        [
            *missing("programme", "item_code"),
            *PROGRAMMES,
            *schools(),
            *MUNICIPALITIES,
            *dates(1990, "done_on"),
            ({"due_from": "I квартал"}, {"due_from_odd"}),
            ({"due_from": "1989-12-31"}, {"due_from_outside"}),
            ({"due_to": "март"}, {"due_to_odd"}),
            ({"due_to": "2108-03-31"}, {"due_to_outside"}),
            ({"due_to": "2017-03-31"}, {"due_to_early"}),
        ],
    ),
    "document": (
        {
            "programme": "tomsk_2018",
            "kind": "Отчет",
            "number": "15-р",
            "dated_on": "2018-02-01",
            "name": "О реализации программы",
            "level": "региональный",
        },
        [
            *missing("kind", "name", "level"),
            *PROGRAMMES,
            *dates(1990, "dated_on"),
            *unknown(kind="записка", level="галактический"),
            *MUNICIPALITIES,
            *schools(),
        ],
    ),
    "contest": (
        {
            "held_on": "2021-11-10",
            "school_code": "101001",
            "name": "Школа года",
            "level": "всероссийский",
            "result": "призер",
        },
        [
            *missing("held_on", "school_code", "name", "level", "result"),
            *dates(2000, "held_on"),
            *schools(),
            *unknown(level="галактический", result="зритель"),
        ],
    ),
    "practice": (
        {
            "school_code": "101001",
            "name": "Наставничество",
            "approved_on": "2021-12-20",
            "used_by_codes": "101001, 101001",
        },
        [
            *missing("school_code", "name"),
            *schools(),
            *dates(1990, "approved_on"),
            ({"used_by_codes": "101001; 101999"}, {"used_by_codes_unknown"}),
            ({"used_by_codes": "все школы"}, {"used_by_codes_unknown"}),
            ({"used_by_codes": "101001;"}, set()),
            ({"used_by_codes": None}, {"duplicate"}),
        ],
    ),
    "facility": (
        {"school_code": "101001", "work_kind": "точка роста", "due_on": "2021-08-31", "meets_standard": "да"},
        [
            *missing("school_code", "work_kind"),
            *schools(),
            *unknown(work_kind="снос"),
            *dates(1990, "due_on", "done_on"),
            *flags("meets_standard"),
        ],
    ),
    "school_name_alias": (
        {"alias": "Гимназия №2", "school_code": "101001"},
        [
            *missing("alias", "school_code"),
            *schools(),
            ({"alias": "гимназия №2"}, {"duplicate"}),
        ],
    ),
}
