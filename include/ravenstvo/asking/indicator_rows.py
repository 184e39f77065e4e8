"""The rows of the files behind an indicator: counted deeds, and the registers that its schools and people come from."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection

from ravenstvo.asking.indicator_words import MORE, row_numbers
from ravenstvo.asking.reading import fetch

# How a school's code stands in the marts: its code, else its login, else its key in the warehouse.
_SCHOOLS = """
    with school as (
      select distinct school_id from core.dim_school
      where coalesce(school_code, login, school_id) = any(%(schools)s)
    )
"""
_PLACE = """
    join ops.part_place as part on one.part_id = part.part_id
"""
_BY_PLACE = " group by 1, part.path, part.sheet order by 1, part.path, part.sheet"
_ROLES = {"numerator": "Засчитано", "denominator": "Знаменатель", "among": "Среди кого считается"}
# Kinds of measures whose registers below tell more exactly what their deeds are: done and undone, start and end.
_OWN_ROWS = frozenset(
    ("deficit_change", "deficit_closed", "deficit_supported", "frequency", "named_share", "score_share", "seminar")
)
_DEEDS = f"""
    select one.role, part.path, part.sheet, array_agg(distinct one.row_no) as rows
    from marts.mart_indicator_row as one {_PLACE}
    where one.programme_code = %(programme)s and one.indicator_code = %(indicator)s and one.version = %(version)s
      and one.period = %(period)s and one.year = %(year)s
      and (%(territory)s is null or %(territory)s in (one.school_code, one.municipality_code))
    {_BY_PLACE}
"""


def _register(label: str, table: str, condition: str) -> str:
    """Statement for rows of a register that concern the schools of an indicator."""
    return (
        f"{_SCHOOLS} select '{label}' as label, part.path, part.sheet, array_agg(distinct one.row_no) as rows "
        f"from core.{table} as one {_PLACE} where {condition} {_BY_PLACE}"
    )


_OF_SCHOOL = "one.school_id in (select school_id from school)"
_MEMBERSHIP = _register(
    "Участники программы",
    "fct_membership",
    "one.programme_code = %(programme)s and one.role = any(%(roles)s) and one.included_from <= %(as_of)s "
    # The first list of a programme keeps the schools that have left it since.
    f"and (%(any_school)s or {_OF_SCHOOL}) and (%(cohort)s or coalesce(one.excluded_from > %(as_of)s, true))",
)
_STAFF = _register(
    "Списки работников",
    "fct_staff",
    f"one.year = %(year)s and {_OF_SCHOOL} and (%(positions)s is null or one.position = any(%(positions)s)) "
    "and case %(flag)s when 'russian_not_native' then one.teaches_russian_not_native "
    "when 'inclusive' then one.teaches_inclusive else true end",
)
_FORM = _register("Формы условий", "fct_school_context", f"one.year = %(year)s and {_OF_SCHOOL}")
_TRANSITION = _register(
    "Программы перехода", "fct_transition_programme", f"one.programme_code = %(programme)s and {_OF_SCHOOL}"
)
_RATING = _register("Независимая оценка", "fct_satisfaction", f"one.surveyed_on <= %(as_of)s and {_OF_SCHOOL}")
_DEFICIT = _register("Диагностика дефицитов", "fct_deficit", _OF_SCHOOL)
_DEFICIT_SERVICE = _register(
    "Услуги этим работникам",
    "int_support_fact",
    "one.fact = 'service' and one.happened_on between %(date_from)s and %(date_to)s "
    "and (%(kinds)s is null or one.kind = any(%(kinds)s)) and coalesce(one.programme_code = %(programme)s, true) "
    "and one.person_id in (select d.person_id from core.fct_deficit as d join school on d.school_id = school.school_id"
    " where d.stage = 'старт' and d.is_found)",
)
_EXAM = _register(
    "Результаты экзаменов",
    "fct_result",
    f"one.year = %(year)s and {_OF_SCHOOL} and one.is_participant and one.is_below_min is not null "
    "and (one.procedure_code = any(%(procedures)s) or (%(procedures)s is null and one.procedure_code in "
    "(select procedure_code from core.dim_procedure where exam in ('oge', 'ege') "
    "and not subject = any(%(compulsory)s))))",
)
# An item of the plan without its term is nobody's duty by a day; the stage is its own, else that of its term.
_PLAN = f"""
    select case when one.done_on <= case when %(on_time)s then one.due_to else %(as_of)s end
        then 'Исполнено' else 'Не исполнено' end as label,
      part.path, part.sheet, array_agg(distinct one.row_no) as rows
    from core.int_plan_item as one {_PLACE}
    where one.programme_code = %(programme)s and (%(sections)s is null or one.section = any(%(sections)s))
      and (
        not %(on_time)s
        or case when %(stage)s is null or one.stage_no is null
          then one.due_to between %(date_from)s and %(date_to)s else one.stage_no = %(stage)s end)
    {_BY_PLACE}
"""
_REPEATED = f"""
    select 'Исполнено' as label, part.path, part.sheet, array_agg(distinct one.row_no) as rows
    from core.int_plan_item as one {_PLACE}
    where one.programme_code = %(programme)s and one.item_code = %(item)s and one.done_on is not null
      and case when %(each)s = 'stage'
        then coalesce(one.stage_no, (
          select max(ended.stage_no) from seeds.programme_stage as ended
          where ended.programme_code = one.programme_code and ended.date_to <= one.done_on)) = any(%(stages)s)
        else one.done_on <= least(%(date_to)s, %(due_to)s) and (%(due_to)s is not null or one.done_on >= %(date_from)s)
        end
    {_BY_PLACE}
"""
_WORK = _register(
    "Работы в названных школах",
    "fct_facility",
    f"{_OF_SCHOOL} and (%(kinds)s is null or one.work_kind = any(%(kinds)s))",
)
_MEETING = _register(
    "Мероприятия",
    "fct_event",
    "one.held_on between %(date_from)s and %(date_to)s and one.kind = any(%(kinds)s) and one.level = any(%(levels)s) "
    "and coalesce(one.programme_code = %(programme)s, true)",
)
_GUESTS = _register(
    "Участники мероприятий",
    "fct_event_participant",
    "one.event_code in (select event_code from core.fct_event where held_on between %(date_from)s and %(date_to)s "
    "and kind = any(%(kinds)s) and level = any(%(levels)s) and coalesce(programme_code = %(programme)s, true))",
)

# Registers that a kind of measure rests on besides the deeds that it counts.
_REGISTERS: dict[str, tuple[str, ...]] = {
    "member_share": (_MEMBERSHIP,),
    "fact_count": (_MEMBERSHIP,),
    "municipality_share": (_MEMBERSHIP,),
    "listed_municipalities": (_MEMBERSHIP,),
    "person_share": (_MEMBERSHIP, _STAFF),
    "roster_share": (_MEMBERSHIP, _STAFF),
    "set_share": (_MEMBERSHIP, _FORM, _TRANSITION),
    "set_count": (_MEMBERSHIP,),
    "exam_passed": (_MEMBERSHIP, _EXAM),
    "elective_fails": (_MEMBERSHIP, _EXAM),
    "change": (_MEMBERSHIP,),
    "change_share": (_MEMBERSHIP,),
    "gap_change": (_MEMBERSHIP,),
    "context_share": (_MEMBERSHIP, _FORM),
    "score_share": (_MEMBERSHIP, _RATING),
    "deficit_closed": (_MEMBERSHIP, _DEFICIT),
    "deficit_supported": (_MEMBERSHIP, _DEFICIT, _DEFICIT_SERVICE),
    "deficit_change": (_MEMBERSHIP, _DEFICIT),
    "plan_share": (_PLAN,),
    "frequency": (_REPEATED,),
    "named_share": (_WORK,),
    "seminar": (_MEETING, _GUESTS),
}
_NEEDED = {_MEMBERSHIP: "membership", _FORM: "school_context", _TRANSITION: "transition_programme"}
# Where the numbers come from that are no rows of one file: verdicts, counts of procedures, other indicators.
_ELSEWHERE = {
    "set_share": "Чем обоснован вывод о школе: ravenstvo explain --school КОД --year {year}",
    "set_count": "Чем обоснован вывод о школе: ravenstvo explain --school КОД --year {year}",
    "set_flag": "Выводы о школах: marts.mart_identification; о каждой — ravenstvo explain --school КОД --year {year}",
    "change": "Счёт по процедурам обоих лет: marts.fct_school_procedure (n_participants, n_below_min)",
    "change_share": "Счёт по процедурам обоих лет: marts.fct_school_procedure (n_participants, n_below_min)",
    "gap": "Средние по процедурам: marts.fct_school_procedure; о школе — ravenstvo explain --school КОД --year {year}",
    "gap_change": "Средние по процедурам: marts.fct_school_procedure, год и первый год программы",
    "persistent": "По годам: marts.mart_school_persistence, procedure_code = 'all'",
    "municipal_low": "По муниципалитетам: marts.mart_municipality_identification, is_default",
    "label": "Названия категорий: справочник method_label",
    "none": "Источника этих сведений нет",
}


def row_lines(connection: Connection, scope: dict[str, Any], measure: str, sources: list[str]) -> Iterator[str]:
    """Lines that name the rows of the files behind one period of one version of an indicator.

    Args:
        connection: to the warehouse.
        scope: values of the statements: programme, indicator, version, period, year, date_from, date_to, as_of,
            territory, schools, limit and the parameters of the measure; see ``rows_scope``.
        measure: kind of measure.
        sources: the sources that the indicator needs.
    """
    values = {
        **scope,
        "any_school": not scope["schools"] and scope["territory"] is None,
    }
    deeds = fetch(connection, _DEEDS, **values) if measure not in _OWN_ROWS else []
    for role, label in _ROLES.items():
        yield from _place_lines(label, [row for row in deeds if row["role"] == role], scope["limit"])
    for statement in _REGISTERS.get(measure, ()):
        if statement in _NEEDED and _NEEDED[statement] not in sources:
            continue
        found = fetch(connection, statement, **values)
        for label in sorted({row["label"] for row in found}):
            yield from _place_lines(label, [row for row in found if row["label"] == label], scope["limit"])
    if measure in _ELSEWHERE:
        yield "    " + _ELSEWHERE[measure].format(year=scope["year"])


def _asked(parameters: dict[str, Any]) -> dict[str, Any]:
    """Values for the statements out of a measure's parameters: lists as lists, what is not there as None."""
    groups = parameters.get("groups")
    exams = groups.values() if isinstance(groups, dict) else ()
    passed = [procedure for exam in exams for subject in exam for procedure in subject]
    return {
        "positions": parameters.get("positions"),
        "flag": parameters.get("flag"),
        "kinds": parameters.get("kinds"),
        "levels": parameters.get("levels"),
        "item": parameters.get("item"),
        "each": parameters.get("each"),
        "on_time": bool(parameters.get("on_time")),
        "sections": parameters.get("sections"),
        "procedures": passed or None,
        "roles": ["наставник"] if "mentor" in (parameters.get("set") or []) else ["участник"],
        "cohort": "cohort" in (parameters.get("denominator") or []),
        "compulsory": parameters.get("compulsory") or [],
    }


def period_dates(about: Any, period: str, kind: str, year: int) -> tuple[datetime.date, datetime.date]:
    """First and last day of a period of a programme; in its own years it begins and ends with the programme."""
    if kind == "programme":
        return about["date_from"], about["date_to"]
    if kind == "stage":
        stage = next(one for one in about["stages"] if f"stage-{one['no']}" == period)
        return datetime.date.fromisoformat(stage["from"]), datetime.date.fromisoformat(stage["to"])
    first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    if kind == "quarter":
        last_month = 3 * int(period.split("-Q")[1])
        first = datetime.date(year, last_month - 2, 1)
        last = datetime.date(year + last_month // 12, last_month % 12 + 1, 1) - datetime.timedelta(days=1)
    if about["year_from"] <= year <= about["year_to"]:
        return max(first, about["date_from"]), min(last, about["date_to"])
    return first, last


def rows_scope(about: Any, row: Any, schools: list[Any], territory: str | None, limit: int) -> dict[str, Any]:
    """Whose rows ``row_lines`` tells: a value's period, its schools, the territory, what its measure asks for."""
    date_from, date_to = period_dates(about, row["period"], row["period_kind"], row["year"])
    return {
        **_asked(about["parameters"]),
        "programme": about["programme_code"],
        "indicator": about["indicator_code"],
        "version": row["version"],
        "period": row["period"],
        "year": row["year"],
        "date_from": date_from,
        "date_to": date_to,
        "as_of": date_to,
        "territory": territory,
        "schools": [one["territory_code"] for one in schools],
        "due_to": about["due_to"],
        "stage": int(row["period"].removeprefix("stage-")) if row["period_kind"] == "stage" else None,
        "stages": [
            one["no"]
            for one in about["stages"]
            if date_from.isoformat() <= one["to"] <= date_to.isoformat()
            and row["period"] in (f"stage-{one['no']}", str(row["year"]), "programme")
        ],
        "limit": limit,
    }


def _place_lines(label: str, places: list[Any], limit: int) -> Iterator[str]:
    if not places:
        return
    yield f"    {label}, строки файлов ({sum(len(row['rows']) for row in places)}):"
    for row in places[:limit]:
        yield f"      {row['path']}, лист «{row['sheet']}», {row_numbers(row['rows'], limit)}"
    if len(places) > limit:
        yield f"      {MORE} листов: {len(places) - limit}"
