"""Indicators of the five programmes by another road: plain Python over the rows that the files hold.

None of the project's SQL, seeds or code is used: what is counted was read from the five programme documents, the
contract and the methodology. Where they leave a choice, the reading is said beside the function. Rows are those of
`second_region.py` or of the same shape.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

Row = dict[str, Any]
Tables = dict[str, list[Row]]

TOMSK, LIPETSK, LIPETSK_OLD = "tomsk_2018", "lipetsk_2019", "lipetsk_2016_2018"
OREL, PRIOZERSK = "orel_2019_2021", "priozersk_2020_2023"
#: First and last day of each programme. The Priozersk one begins with its order and ends in May.
DATES = {
    TOMSK: (date(2018, 1, 1), date(2018, 12, 31)),
    LIPETSK: (date(2019, 1, 1), date(2019, 12, 31)),
    LIPETSK_OLD: (date(2016, 1, 1), date(2018, 12, 31)),
    OREL: (date(2019, 1, 1), date(2021, 12, 31)),
    PRIOZERSK: (date(2020, 1, 20), date(2023, 5, 31)),
}
#: «Воловский, Данковский, Добровский, Добринский, Измалковский, Лебедянский, Становлянский, Чаплыгинский, Липецкий».
NINE = [
    f"{name} район"
    for name in (
        "Воловский", "Данковский", "Добровский", "Добринский", "Измалковский", "Лебедянский", "Становлянский",
        "Чаплыгинский", "Липецкий",
    )
]  # fmt: skip
#: Road map of Priozersk, items 4.2 and 4.3: the schools whose works the document names.
REPAIRED = ["Джатиевская", "Красноозерненская", "Коммунарская", "Мельниковская", "Запорожская", "Отрадененская"]
GYMS = ["Запорожская", "Джатиевская", "Красноармейская"]
TRAINED_POSITIONS = ("директор", "заместитель директора", "учитель")
PERSONAL_SUPPORT = {"консультация", "тьюторское сопровождение", "методическая поддержка", "наставничество"}
REQUIRED = 5
THRESHOLD, MIN_LOW, HOURS = Fraction(3, 10), 2, 16


class Value(NamedTuple):
    """What an indicator shows: numbers that cannot be computed are None."""

    numerator: Fraction | None
    denominator: Fraction | None
    value: Fraction | None
    status: str


class Period(NamedTuple):
    start: date
    end: date

    def holds(self, day: date | None) -> bool:
        return day is not None and self.start <= day <= self.end


def fold(text: object) -> str:
    """Case, «ё», quotation marks and spaces do not tell names apart; «№2» is «№ 2»."""
    words = re.sub(r"[«»\"“”„']", " ", str(text or "").lower().replace("ё", "е")).replace("№", " № ")
    return " ".join(words.split())


def clipped(programme: str, year: int) -> Period:
    """A year cut to the programme's own dates; a year that is none of its own is whole."""
    first, last = DATES[programme]
    start, end = date(year, 1, 1), date(year, 12, 31)
    if start > last or end < first:
        return Period(start, end)
    return Period(max(start, first), min(end, last))


@dataclass
class Programmes:
    """The registers, and what follows from them."""

    tables: Tables
    adverse: dict[int, set[str]]
    """Schools in unfavourable conditions by year: the index itself is checked elsewhere."""
    last_year: int
    _lists: dict[int, set[str]] = field(default_factory=dict)

    # --- the region -------------------------------------------------------------------------------------------

    @cached_property
    def schools(self) -> dict[str, Row]:
        return {row["school_code"]: row for row in self.tables["school"]}

    @cached_property
    def leaders(self) -> set[str]:
        """The register says who is a leader, whatever an agreement calls its partner."""
        return {code for code, row in self.schools.items() if row["is_leader"] or row["is_innovation_site"]}

    @cached_property
    def names(self) -> dict[str, str]:
        known = {fold(row["short_name"]): code for code, row in self.schools.items()}
        known |= {fold(row["full_name"]): code for code, row in self.schools.items()}
        return known | {fold(row["alias"]): row["school_code"] for row in self.tables["school_name_alias"]}

    def exists(self, code: str, day: date) -> bool:
        row = self.schools[code]
        return row["valid_from"] <= day and (row["valid_to"] is None or row["valid_to"] >= day)

    def named(self, words: Iterable[str]) -> set[str]:
        """Schools that a document names by one word of their name or of an alias of it."""
        wanted = [fold(word) for word in words]
        return {code for name, code in self.names.items() if any(word in name for word in wanted)}

    def came(self, source: str, year: int, column: str | None) -> bool:
        """Whether a register holds anything: of the year, where its rows are of a year."""
        rows = self.tables[source]
        if column is None:
            return bool(rows)
        days = [row[column] for row in rows if row[column] is not None]
        return any((day if isinstance(day, int) else day.year) == year for day in days)

    # --- lists ------------------------------------------------------------------------------------------------

    def verdicts(self, year: int) -> dict[str, bool]:
        """The 30 % rule over the marks of the year: two procedures of at least 30 % below the minimum."""
        low: dict[str, int] = {}
        codes = {row["school_login"]: code for code, row in self.schools.items()}
        for row in self.tables["vpr_school_summary"]:
            if row["year"] == year:
                code = codes[row["school_login"]]
                below = round(Fraction(row["n"] * row["pct_2"], 100))
                low[code] = low.get(code, 0) + (Fraction(below, row["n"]) >= THRESHOLD)
        return {code: count >= MIN_LOW for code, count in low.items()}

    def listed(self, year: int) -> set[str]:
        """N ∪ C of the year: schools with low results, and those in unfavourable conditions."""
        return {code for code, is_low in self.verdicts(year).items() if is_low} | self.adverse.get(year, set())

    # --- programmes -------------------------------------------------------------------------------------------

    def rows_of(self, source: str, programme: str) -> list[Row]:
        """Records of a programme: those that name it and those that name none."""
        return [row for row in self.tables[source] if row["programme"] is None or fold(row["programme"]) == programme]

    def members(self, programme: str, day: date, role: str = "участник") -> set[str]:
        """P(t): on this day included, not yet excluded, and still a school. A successor does not inherit."""
        return {
            row["school_code"]
            for row in self.rows_of("membership", programme)
            if row["role"] == role
            and row["included_from"] <= day
            and (row["excluded_from"] is None or row["excluded_from"] > day)
            and self.exists(row["school_code"], day)
        }

    def years(self, programme: str) -> list[int]:
        """Years with a member on at least one of their days."""
        rows = self.rows_of("membership", programme)
        return sorted(
            {
                year
                for row in rows
                for year in range(row["included_from"].year, self.last_year + 1)
                if row["excluded_from"] is None or row["excluded_from"] > date(year, 1, 1)
            }
        )

    def partner(self, row: Row) -> str | None:
        return row["partner_code"] or self.names.get(fold(row["partner_name"]))

    def span(self, row: Row) -> Period | None:
        """Days on which an agreement is in force: not before its signing, not on the day of its termination."""
        if row["signed_on"] is None or row["status"] == "проект":
            return None
        if row["status"] == "расторгнут" and row["terminated_on"] is None:
            return None
        start = max(row["signed_on"], row["valid_from"] or row["signed_on"])
        end = row["valid_to"] or date.max
        if row["terminated_on"] is not None:
            end = min(end, date.fromordinal(row["terminated_on"].toordinal() - 1))
        return Period(start, end) if start <= end else None

    def agreements(self, programme: str, period: Period, schools: set[str]) -> list[tuple[Any, str, str]]:
        """(paper, school, partner) in force on a day of the period between these schools and leaders or sites."""
        found: list[tuple[Any, str, str]] = []
        for number, row in enumerate(self.rows_of("agreement", programme)):
            span, partner = self.span(row), self.partner(row)
            if span is None or span.start > period.end or span.end < period.start:
                continue
            if row["school_code"] in schools and partner in self.leaders and partner != row["school_code"]:
                # One number of one day is one paper, however many parties sign it.
                paper = (row["agreement_no"], row["signed_on"]) if row["agreement_no"] else number
                found.append((paper, row["school_code"], str(partner)))
        return found

    # --- people -----------------------------------------------------------------------------------------------

    def roster(self, year: int) -> dict[str, list[Row]]:
        """Rows of the year's staff by person."""
        people: dict[str, list[Row]] = defaultdict(list)
        for row in self.tables["staff"]:
            if row["year"] == year:
                people[row["snils"]].append(row)
        return people

    def people(self, year: int, schools: set[str], positions: Iterable[str], flag: str | None = None) -> set[str]:
        """Distinct people in these positions at these schools."""
        return {
            row["snils"]
            for row in self.tables["staff"]
            if row["year"] == year
            and row["school_code"] in schools
            and row["position"] in positions
            and (flag is None or row[flag])
        }

    def courses(self, period: Period) -> list[Row]:
        """Records that prove a course: finished in the period, 16 hours or more, an original or a duplicate."""
        return [
            row
            for row in self.tables["pd_record"]
            if period.holds(row["finished_on"]) and row["hours"] >= HOURS and row["status"] in ("оригинал", "дубликат")
        ]

    def completed(self, period: Period) -> dict[str, dict[str, set[str]]]:
        """school → person → positions of those who finished a course. A blank is filled from the year's staff."""
        roster = self.roster(period.end.year)
        found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for row in self.courses(period):
            known = roster.get(row["snils"], [])
            schools = {row["school_code"]} if row["school_code"] else {one["school_code"] for one in known}
            for school in schools:
                if row["position"]:
                    positions = [row["position"]]
                else:
                    positions = [one["position"] for one in known if one["school_code"] == school]
                if counted := set(positions) & set(TRAINED_POSITIONS):
                    found[school][row["snils"]] |= counted
        return found

    def pd_completion(self, programme: str, year: int) -> dict[str, dict[str, Any]]:
        """mart_pd_completion of the programme's schools: courses that ended in the calendar year."""
        period = clipped(programme, year)
        completed = self.completed(Period(date(year, 1, 1), date(year, 12, 31)))
        rows = {}
        for school in self.members(programme, period.end):
            people = completed.get(school, {}).values()
            headcount = len(self.people(year, {school}, TRAINED_POSITIONS))
            n = len(people)
            # Who is in two positions stands under both.
            of = {position: sum(position in held for held in people) for position in TRAINED_POSITIONS}
            rows[school] = {
                "n_persons_completed": n,
                "n_directors": of[TRAINED_POSITIONS[0]],
                "n_deputies": of[TRAINED_POSITIONS[1]],
                "n_teachers": of[TRAINED_POSITIONS[2]],
                "headcount": headcount,
                "required": REQUIRED,
                "is_complete": n >= REQUIRED,
                "is_complete_adjusted": n >= min(REQUIRED, headcount),
            }
        return rows

    def partnership(self, programme: str, year: int) -> dict[str, tuple[int, int, int]]:
        """mart_partnership_coverage: municipality (or `region`) → target schools, covered, agreements."""
        members = self.members(programme, clipped(programme, year).end)
        links = self.agreements(programme, Period(date(year, 1, 1), date(year, 12, 31)), members)
        result = {}
        for territory in ("region", *{self.schools[code]["municipality_code"] for code in members}):
            inside = {c for c in members if territory in ("region", self.schools[c]["municipality_code"])}
            mine = [link for link in links if link[1] in inside]
            result[territory] = (len(inside), len({link[1] for link in mine}), len({link[0] for link in mine}))
        return result


# --- indicators --------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """One indicator of one year: what a formula needs to know."""

    data: Programmes
    programme: str
    year: int
    period: Period
    members: set[str]


Pair = tuple[int | None, int | None]
Formula = Callable[[Asked], Pair]


def analysed(a: Asked) -> Pair:
    """T01, L01: of the schools of 20 September, those with a verdict and an accepted context form."""
    everyone = {code for code in a.data.schools if a.data.exists(code, date(a.year, 9, 20))}
    forms = {row["school_code"] for row in a.data.tables["school_context"] if row["year"] == a.year}
    return len(everyone & forms & a.data.verdicts(a.year).keys()), len(everyone)


def included(a: Asked) -> Pair:
    """T03: programme schools among those on the list."""
    listed = a.data.listed(a.year)
    return len(a.members & listed), len(listed)


def included_of_all(a: Asked) -> Pair:
    """L03 by the letter (A; B is by analogy with T03): programme schools among all schools."""
    return len(a.members), sum(a.data.exists(code, date(a.year, 9, 20)) for code in a.data.schools)


def regional_infrastructure(a: Asked) -> Pair:
    rows = [r for r in a.data.tables["infrastructure"] if r["year"] == a.year and r["level"] == "региональный"]
    return int(any(is_ordered(r, a) and r["contact"] and r["services"] >= 1 for r in rows)), None


def municipal_infrastructure(a: Asked) -> Pair:
    """T06, L04: an order and at least one service, both of the infrastructure register."""
    rows = [r for r in a.data.tables["infrastructure"] if r["year"] == a.year and r["level"] == "муниципальный"]
    good = {r["municipality_code"] for r in rows if is_ordered(r, a) and r["services"] >= 1}
    return len(good), len(a.data.tables["municipality"])


def is_ordered(row: Row, a: Asked) -> bool:
    return row["ordered_on"] is not None and row["ordered_on"] <= a.period.end


def agreements_of_listed(a: Asked) -> Pair:
    """T09: papers of schools on the list, members or not. A year without verdicts has no list but its members."""
    schools = a.data.listed(a.year) if a.data.verdicts(a.year) else a.members
    links = a.data.agreements(a.programme, a.period, schools)
    return len({paper for paper, _, _ in links}), None


def paired(a: Asked) -> Pair:
    """T20, L06, O23: programme schools with a leader or a site at their side on a day of the period."""
    links = a.data.agreements(a.programme, a.period, a.members)
    return len({school for _, school, _ in links}), len(a.members)


def given_packs(a: Asked) -> Pair:
    """T07: programme schools that were given an analytic pack."""
    given = {
        row["school_code"]
        for row in a.data.rows_of("service", a.programme)
        if a.period.holds(row["served_on"]) and row["kind"] == "аналитический пакет"
    }
    return len(given & a.members), len(a.members)


def events_of(a: Asked) -> list[Row]:
    return [row for row in a.data.rows_of("event", a.programme) if a.period.holds(row["held_on"])]


def regional_exchanges(a: Asked) -> Pair:
    return sum(row["level"] == "региональный" and row["kind"] == "обмен опытом" for row in events_of(a)), None


def exchanges(a: Asked) -> Pair:
    return sum(row["kind"] == "обмен опытом" for row in events_of(a)), None


def seminars(a: Asked) -> Pair:
    return sum(row["kind"] == "семинар" for row in events_of(a)), None


def interregional_seminar(with_ours: bool) -> Formula:
    """T17: 40 people of 4 regions; whether ours, written as a blank, is one of the four, the text leaves open."""

    def formula(a: Asked) -> Pair:
        for event in events_of(a):
            if event["level"] == "межрегиональный" and event["kind"] == "семинар":
                rows = [r for r in a.data.tables["event_participant"] if r["event_code"] == event["event_code"]]
                n = len({r["snils"] for r in rows if r["snils"]}) + sum(r["snils"] is None for r in rows)
                regions = {fold(r["region"]) for r in rows if r["region"] or with_ours}
                if n >= 40 and len(regions) >= 4:
                    return 1, None
        return 0, None

    return formula


def monitored(*components: str) -> Formula:
    """Programme schools where each of these components was measured to the end in the period."""

    def formula(a: Asked) -> Pair:
        seen = defaultdict(set)
        for row in a.data.tables["quality_monitoring"]:
            if a.period.holds(row["held_on"]) and row["is_complete"]:
                seen[row["school_code"]].add(row["component"])
        needed = set(components)
        return sum(needed <= seen[c] if needed else bool(seen[c]) for c in a.members), len(a.members)

    return formula


def trained_schools(a: Asked) -> Pair:
    rows = a.data.pd_completion(a.programme, a.year)
    return sum(row["is_complete"] for row in rows.values()), len(a.members)


def associations(a: Asked) -> Pair:
    active = {
        row["school_code"]
        for row in a.data.tables["association"]
        if row["year"] == a.year and row["level"] == "школьный" and is_ordered(row, a) and (row["meetings"] or 0) >= 1
    }
    return len(active & a.members), len(a.members)


def trained_people(position: str) -> Formula:
    """L16.3, L16.4: people of the year's staff; a course counts whatever school it names."""

    def formula(a: Asked) -> Pair:
        people = a.data.people(a.year, a.members, (position,))
        return len(people & {row["snils"] for row in a.data.courses(a.period)}), len(people)

    return formula


def served(a: Asked) -> set[str]:
    """People who got support by name: an analytic pack is for a school."""
    return {
        row["snils"]
        for row in a.data.rows_of("service", a.programme)
        if a.period.holds(row["served_on"]) and row["snils"] and row["kind"] in PERSONAL_SUPPORT
    }


def supported(flag: str | None) -> Formula:
    def formula(a: Asked) -> Pair:
        people = a.data.people(a.year, a.members, ("учитель",), flag)
        return len(people & served(a)), len(people)

    return formula


def one_of_each(a: Asked) -> Pair:
    """M03: of the nine municipalities, those with exactly one participant."""
    count: dict[str, int] = defaultdict(int)
    for code in a.members:
        count[a.data.schools[code]["municipality"]] += 1
    return sum(count[name] == 1 for name in NINE), len(NINE)


def advising(a: Asked) -> Pair:
    """M12: municipalities of the nine with a school that takes part, on whatever basis."""
    return len({a.data.schools[c]["municipality"] for c in a.members} & set(NINE)), len(NINE)


def mentors(a: Asked) -> Pair:
    return len(a.data.members(a.programme, a.period.end, "наставник")), None


def approved_by(a: Asked, day: date, members: set[str]) -> int:
    rows = a.data.rows_of("transition_programme", a.programme)
    return len({r["school_code"] for r in rows if r["approved_on"] and r["approved_on"] <= day} & members)


def developed(a: Asked) -> Pair:
    """M08: approved programmes of the participants, whom the text supposes to be nine."""
    return approved_by(a, a.period.end, a.members), len(a.members)


def document(kind: str, level: str | None = None, kept: bool = False) -> Formula:
    """An adopted document of the period, or (kept) of the programme up to the period's end."""

    def formula(a: Asked) -> Pair:
        period = Period(DATES[a.programme][0], a.period.end) if kept else a.period
        return int(any(
            row["kind"] == kind and row["number"] and period.holds(row["dated_on"]) and level in (None, row["level"])
            for row in a.data.rows_of("document", a.programme)
        )), None  # fmt: skip

    return formula


def in_contests(a: Asked) -> Pair:
    """O07: contests and projects of the regional and municipal levels."""
    schools = {
        row["school_code"]
        for row in a.data.tables["contest"]
        if a.period.holds(row["held_on"]) and row["level"] in ("региональный", "муниципальный")
    }
    return len(schools & a.members), len(a.members)


def in_events(a: Asked) -> Pair:
    codes = {row["event_code"] for row in events_of(a)}
    schools = {row["school_code"] for row in a.data.tables["event_participant"] if row["event_code"] in codes}
    return len(schools & a.members), len(a.members)


def moved(a: Asked) -> Pair:
    """P01: not low two years running and four fifths of the programme done, of the schools of 2020."""
    cohort = {
        row["school_code"]
        for row in a.data.rows_of("membership", a.programme)
        if row["role"] == "участник" and row["included_from"] <= date(2020, 12, 31)
    }
    now, before = a.data.verdicts(a.year), a.data.verdicts(a.year - 1)
    done = {
        row["school_code"]
        for row in a.data.rows_of("transition_programme", a.programme)
        if row["planned"] and Fraction(row["done"], row["planned"]) >= Fraction(8, 10)
    }
    return sum(now.get(c) is False and before.get(c) is False and c in done for c in cohort), len(cohort)


def deficits_closed(a: Asked) -> Pair:
    """P07: people with a deficit at the start who have none of these at the end.

    Who left stands apart: without a final diagnosis and no more in the school's latest staff list. Who stayed and was
    not seen again is not known to have closed anything; of who was seen again, only what is told was found."""
    start: dict[tuple[str, str], set[str]] = defaultdict(set)
    final: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    for row in a.data.tables["deficit"]:
        whose = (row["snils"], row["school_code"])
        if row["school_code"] in a.members:
            if row["stage"] == "старт" and row["is_found"]:
                start[whose].add(row["deficit_code"])
            elif row["stage"] == "итог":
                final[whose][row["deficit_code"]] = row["is_found"]
    latest = max(row["year"] for row in a.data.tables["staff"])
    works = {(row["snils"], row["school_code"]) for row in a.data.tables["staff"] if row["year"] == latest}
    stayed = {one for one in start if one in final or one in works}
    closed = {one for one in stayed & final.keys() if not any(final[one].get(code) for code in start[one])}
    # Somebody at two schools still has a deficit while one of them says so.
    people = {person for person, _ in stayed}
    return len(people - {person for person, _ in stayed - closed}), len(people)


def in_network(a: Asked) -> Pair:
    """P08: teachers of programme and partner schools, and those at an event where people of two of these schools were."""
    partners = a.data.members(a.programme, a.period.end, "наставник")
    partners |= {partner for _, _, partner in a.data.agreements(a.programme, a.period, a.members)}
    teachers = a.data.people(a.year, a.members | partners, ("учитель",))
    present: dict[str, list[Row]] = defaultdict(list)
    for row in a.data.tables["event_participant"]:
        present[row["event_code"]].append(row)
    involved: set[str] = set()
    for event in events_of(a):
        schools = {row["school_code"] for row in present[event["event_code"]]}
        if len(schools & (a.members | partners)) > 1:
            involved |= {row["snils"] for row in present[event["event_code"]]}
    return len(teachers & involved), len(teachers)


def satisfied(a: Asked) -> Pair:
    """P10: the latest score of each school up to the period's end."""
    latest: dict[str, tuple[date, float]] = {}
    for row in a.data.tables["satisfaction"]:
        code, day = row["school_code"], row["surveyed_on"]
        if code in a.members and day <= a.period.end and (code not in latest or day > latest[code][0]):
            latest[code] = (day, row["score"])
    return sum(score >= 90 for _, score in latest.values()), len(latest)


def reports_of_schools(a: Asked) -> Pair:
    schools = {
        row["school_code"]
        for row in a.data.rows_of("document", a.programme)
        if row["kind"] == "отчёт" and row["number"] and a.period.holds(row["dated_on"])
    }
    return len(schools & a.members), len(a.members)


def self_assessed(a: Asked) -> Pair:
    schools = {row["school_code"] for row in a.data.tables["self_assessment"] if row["year"] == a.year}
    return len(schools & a.members), len(a.members)


def done_items(a: Asked, item: str) -> list[date]:
    rows = a.data.rows_of("plan_item", a.programme)
    return [row["done_on"] for row in rows if row["item_code"] == item and a.period.holds(row["done_on"])]


def times(item: str) -> Formula:
    return lambda a: (len(done_items(a, item)), None)


def quarters(item: str) -> Formula:
    """Quarters with at least one meeting, of those that the period touches."""

    def formula(a: Asked) -> Pair:
        touched = range((a.period.start.month + 2) // 3, (a.period.end.month + 2) // 3 + 1)
        return len({(day.month + 2) // 3 for day in done_items(a, item)}), len(touched)

    return formula


def by_deadline(item: str, deadline: date) -> Formula:
    return lambda a: (int(any(day <= deadline for day in done_items(a, item))), None)


def signed_in_time(a: Asked) -> Pair:
    """P1.7: signed by 31 May 2021 with a leader or a site, and not ended by that day."""
    day = date(2021, 5, 31)
    members = a.data.members(a.programme, day)
    good = set()
    for row in a.data.rows_of("agreement", a.programme):
        span, partner = a.data.span(row), a.data.partner(row)
        if span and row["signed_on"] <= day <= span.end and partner in a.data.leaders - {row["school_code"]}:
            good.add(row["school_code"])
    return len(good & members), len(members)


def programmes_in_time(a: Asked) -> Pair:
    day = date(2021, 4, 30)
    members = a.data.members(a.programme, day)
    return approved_by(a, day, members), len(members)


def taught_literacy(a: Asked) -> Pair:
    """P3.3: teachers of the year's staff with a course on functional literacy since the programme began."""
    teachers = a.data.people(a.year, a.members, ("учитель",))
    since = Period(DATES[a.programme][0], a.period.end)
    pattern = re.compile("функциональн\\w* грамотност")
    trained = {row["snils"] for row in a.data.courses(since) if pattern.search(fold(f"{row['topic']} {row['course']}"))}
    return len(teachers & trained), len(teachers)


def works(kind: str, words: list[str], year_from: int, year_to: int) -> Formula:
    """P4.2, P4.3: of the schools that the document names."""

    period = Period(date(year_from, 1, 1), date(year_to, 12, 31))

    def formula(a: Asked) -> Pair:
        done = {
            row["school_code"]
            for row in a.data.tables["facility"]
            if row["work_kind"] == kind and period.holds(row["done_on"])
        }
        return len(done & a.data.named(words)), len(words)

    return formula


class Indicator(NamedTuple):
    """A formula with its target. `unit` is `share`, `count` (value is the numerator) or `both`, a count of a number.

    `needs` names the registers without which nothing can be said, with the column of their year (None: any row)."""

    programme: str
    code: str
    formula: Formula
    unit: str
    target: Fraction | None
    needs: tuple[tuple[str, str | None], ...]
    only: int | None = None
    always: str | None = None
    period: str | None = None
    version: str = ""
    at_end: bool = False
    """A result of the whole programme, which the text puts in no year: measured at its end, tracked before."""


ALL = Fraction(1)
RESULTS = (("vpr_school_summary", "year"),)
MEMBERS: tuple[tuple[str, str | None], ...] = (("membership", None),)
EVENTS = (("event", "held_on"),)
COURSES = (("pd_record", "finished_on"),)
STAFF = (("staff", "year"),)
SERVICES = (("service", "served_on"),)
QUALITY = (("quality_monitoring", "held_on"),)
PLACES = (("infrastructure", "year"),)
DOCUMENTS: tuple[tuple[str, str | None], ...] = (("document", None),)
PLAN: tuple[tuple[str, str | None], ...] = (("plan_item", None),)
WORKS: tuple[tuple[str, str | None], ...] = (("facility", None),)
OWN: tuple[tuple[str, str | None], ...] = (("transition_programme", None),)
DEFICITS: tuple[tuple[str, str | None], ...] = (("deficit", None),)
PAPERS: tuple[tuple[str, str | None], ...] = (("agreement", None),)

INDICATORS = [
    Indicator(TOMSK, "T01", analysed, "share", ALL, (*RESULTS, ("school_context", "year"))),
    Indicator(TOMSK, "T03", included, "share", Fraction(1, 10), RESULTS),
    Indicator(TOMSK, "T05", regional_infrastructure, "count", ALL, PLACES),
    Indicator(TOMSK, "T06", municipal_infrastructure, "share", Fraction(1, 2), PLACES),
    Indicator(TOMSK, "T09", agreements_of_listed, "count", Fraction(5), PAPERS),
    Indicator(TOMSK, "T10", regional_exchanges, "count", Fraction(4), EVENTS),
    Indicator(TOMSK, "T12", monitored("результаты"), "share", ALL, QUALITY),
    Indicator(TOMSK, "T13", monitored("преподавание", "управление", "среда"), "share", ALL, QUALITY),
    Indicator(TOMSK, "T14", trained_schools, "share", ALL, COURSES),
    Indicator(TOMSK, "T16", associations, "share", ALL, (("association", "year"),)),
    Indicator(TOMSK, "T17", interregional_seminar(True), "count", ALL, EVENTS, always="ambiguous", version="A"),
    Indicator(TOMSK, "T17", interregional_seminar(False), "count", ALL, EVENTS, always="ambiguous", version="B"),
    Indicator(TOMSK, "T07", given_packs, "share", None, SERVICES),
    Indicator(TOMSK, "T20", paired, "share", None, PAPERS),
    Indicator(LIPETSK, "L06", paired, "share", None, PAPERS),
    Indicator(OREL, "O23", paired, "share", None, PAPERS),
    Indicator(LIPETSK, "L01", analysed, "share", ALL, (*RESULTS, ("school_context", "year"))),
    Indicator(LIPETSK, "L03", included_of_all, "share", Fraction(49, 100), MEMBERS, always="ambiguous", version="A"),
    Indicator(LIPETSK, "L03", included, "share", Fraction(49, 100), RESULTS, always="ambiguous", version="B"),
    Indicator(LIPETSK, "L04", municipal_infrastructure, "share", ALL, PLACES),
    Indicator(LIPETSK, "L16.3", trained_people("директор"), "share", None, (*COURSES, *STAFF)),
    Indicator(LIPETSK, "L16.4", trained_people("учитель"), "share", None, (*COURSES, *STAFF)),
    Indicator(LIPETSK, "L16.5", supported("is_rkn"), "share", None, (*SERVICES, *STAFF)),
    Indicator(LIPETSK_OLD, "M03", one_of_each, "both", Fraction(9), MEMBERS),
    Indicator(LIPETSK_OLD, "M04", mentors, "count", Fraction(8), MEMBERS),
    Indicator(LIPETSK_OLD, "M08", developed, "share", None, OWN),
    Indicator(LIPETSK_OLD, "M12", advising, "both", Fraction(9), MEMBERS),
    Indicator(OREL, "O01", document("программа", "региональный"), "count", ALL, DOCUMENTS, only=2019),
    Indicator(OREL, "O03", document("модель", kept=True), "count", ALL, DOCUMENTS, at_end=True),
    Indicator(OREL, "O07", in_contests, "share", None, (("contest", "held_on"),)),
    Indicator(OREL, "O15", in_events, "share", None, EVENTS),
    Indicator(OREL, "O20", seminars, "count", ALL, EVENTS, only=2019),
    Indicator(OREL, "O24", document("отчёт"), "count", ALL, DOCUMENTS),
    Indicator(PRIOZERSK, "P01", moved, "share", ALL, (*RESULTS, *OWN), at_end=True),
    Indicator(PRIOZERSK, "P06", supported(None), "share", ALL, (*SERVICES, *STAFF)),
    Indicator(PRIOZERSK, "P07", deficits_closed, "share", Fraction(9, 10), DEFICITS, 2023, period="programme"),
    Indicator(PRIOZERSK, "P08", in_network, "share", ALL, (*EVENTS, *STAFF)),
    Indicator(PRIOZERSK, "P10", satisfied, "share", ALL, (("satisfaction", None),)),
    Indicator(PRIOZERSK, "P13", monitored(), "share", ALL, QUALITY),
    Indicator(PRIOZERSK, "P14", reports_of_schools, "share", ALL, DOCUMENTS),
    Indicator(PRIOZERSK, "P1.1", times("1.1"), "count", ALL, PLAN),
    Indicator(PRIOZERSK, "P1.2", quarters("1.2"), "share", ALL, PLAN),
    Indicator(PRIOZERSK, "P1.3", by_deadline("1.3", date(2021, 1, 31)), "count", ALL, PLAN, only=2021),
    Indicator(PRIOZERSK, "P1.4", by_deadline("1.4", date(2021, 2, 28)), "count", ALL, PLAN, only=2021),
    Indicator(PRIOZERSK, "P1.7", signed_in_time, "share", ALL, PAPERS, only=2021),
    Indicator(PRIOZERSK, "P1.9", programmes_in_time, "share", ALL, OWN, only=2021),
    Indicator(PRIOZERSK, "P2.1", quarters("2.1"), "share", ALL, PLAN),
    Indicator(PRIOZERSK, "P3.3", taught_literacy, "share", ALL, (*COURSES, *STAFF)),
    Indicator(PRIOZERSK, "P3.6", exchanges, "count", ALL, EVENTS),
    Indicator(PRIOZERSK, "P4.2", works("ремонт", REPAIRED, 2021, 2021), "share", ALL, WORKS, only=2021),
    Indicator(PRIOZERSK, "P4.3", works("ремонт спортивного зала", GYMS, 2020, 2021), "share", ALL, WORKS, only=2021),
]  # fmt: skip


def expected(data: Programmes) -> dict[tuple[str, str, str, str], Value]:
    """Values over the region by programme, code, version (of a text with two readings) and period.

    Every year in which the programme has members has its values."""
    return {
        (one.programme, one.code, one.version, one.period or str(year)): evaluate(data, one, year)
        for one in INDICATORS
        for year in data.years(one.programme)
        if one.only in (None, year)
    }


def evaluate(data: Programmes, one: Indicator, year: int) -> Value:
    if not all(data.came(source, year, column) for source, column in one.needs):
        return Value(None, None, None, "no_data")
    period = clipped(one.programme, year)
    asked = Asked(data, one.programme, year, period, data.members(one.programme, period.end))
    pair = one.formula(asked)
    numerator, denominator = (None if number is None else Fraction(number) for number in pair)
    assert numerator is not None
    if one.unit == "share":
        if not denominator:
            return Value(numerator, denominator, None, "not_applicable")
        return Value(numerator, denominator, numerator / denominator, scored(one, year, numerator / denominator))
    return Value(numerator, denominator, numerator, scored(one, year, numerator))


def scored(one: Indicator, year: int, value: Fraction) -> str:
    """A value is measured against its target only in the programme's own years."""
    if one.always:
        return one.always
    first, last = DATES[one.programme]
    if one.target is None or not first.year <= year <= last.year or (one.at_end and year < last.year):
        return "tracked"
    return "met" if value >= one.target else "not_met"
