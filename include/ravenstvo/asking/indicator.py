"""One indicator of a programme in a year: words, numbers, parts, schools, and the rows of files behind them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection

from ravenstvo.asking.indicator_rows import asked_scope, row_lines
from ravenstvo.asking.indicator_words import (
    ITEMS_SHOWN,
    MORE,
    folded_code,
    nearest,
    plain,
    sets_text,
    shortened,
    shown_period,
    sources_text,
    status_text,
    target_text,
    value_text,
)
from ravenstvo.asking.reading import fetch
from ravenstvo.reference import programme_of


class UnknownIndicatorError(LookupError):
    """No indicator has such a code, no programme such a name, or the indicator has no such territory."""


_INDICATORS = """
    select i.*, p.short_title, p.territory, p.year_from, p.year_to, p.date_from, p.date_to, p.stages
    from marts.dim_indicator as i
    join marts.dim_programme as p using (programme_code)
    order by p.year_from, i.programme_code, i.indicator_code, i.version
"""
_VALUES = """
    select one.*, coalesce(one.territory_name, one.territory_code) as place,
      case one.territory_kind when 'municipality' then one.territory_code
        else (
          select min(s.municipality_code) from marts.dim_school as s
          where s.is_current and coalesce(s.school_code, s.login, s.school_id) = one.territory_code) end as municipality
    from marts.mart_programme_indicator as one
    where one.programme_code = %(programme)s and one.indicator_code = %(indicator)s and one.year = %(year)s
    order by array_position(array['year', 'quarter', 'stage', 'programme'], one.period_kind), one.period, one.version,
      one.territory_kind, place, one.territory_code
"""
_COMPONENTS = """
    select * from marts.mart_programme_indicator_component
    where programme_code = %(programme)s and indicator_code = %(indicator)s and year = %(year)s
      and territory_code = coalesce(%(territory)s, 'region')
    order by component
"""
_YEARS = """
    select distinct year from marts.mart_programme_indicator
    where programme_code = %(programme)s and indicator_code = %(indicator)s order by year
"""
_REMARKS = """
    select * from marts.mart_programme_remark where programme_code = %(programme)s
    order by remark_kind, remark_code, remark
"""
_OTHERS = """
    select indicator_code, version, title, status, completeness
    from marts.mart_programme_indicator
    where programme_code = %(programme)s and period = %(period)s and year = %(year)s and territory_kind = 'region'
      and indicator_code = any(%(codes)s)
    order by indicator_code, version
"""
# Measures whose schools are of sets, and whose denominators are not all members.
_OF_SETS = frozenset(("set_share", "set_count", "set_flag"))
_WHOLE = {
    "named_share": "названные в документе школы",
    "score_share": "участники с оценкой",
    "person_share": "работники участников, по одному на школу",
    "roster_share": "работники участников, по одному на школу",
}


def indicator(
    connection: Connection,
    code: str,
    year: int,
    programme: str | None = None,
    territory: str | None = None,
    limit: int | None = ITEMS_SHOWN,
) -> Iterator[str]:
    """Lines that tell of an indicator in a year, down to the rows of the files.

    Args:
        connection: to the warehouse.
        code: the indicator's code; case and Cyrillic letters of the same look do not matter.
        year: whose periods are told: the year, its quarters, stages and programmes that end in it.
        programme: code, title or short title; without it every programme that has the code.
        territory: code of a school or municipality to tell of instead of the region.
        limit: so many schools, sheets and ranges of rows of each list; None: all of them.

    Raises:
        UnknownIndicatorError: no such indicator, programme or territory.
    """
    found = _find(connection, code, programme)
    by_programme: dict[str, list[Any]] = {}
    for row in found:
        by_programme.setdefault(row["programme_code"], []).append(row)
    is_shortened = False
    for place, versions in enumerate(by_programme.values()):
        if place:
            yield ""
        for line in _indicator_lines(connection, versions, year, territory, limit or 10**9):
            is_shortened = is_shortened or MORE in line
            yield line
    if is_shortened:
        yield "Списки целиком — с --full"


def _find(connection: Connection, code: str, programme: str | None) -> list[Any]:
    rows = fetch(connection, _INDICATORS)
    if programme is not None:
        named = programme_of(programme)
        if named is None:
            known = sorted({f"{row['programme_code']} ({row['short_title']})" for row in rows})
            raise UnknownIndicatorError(f"Программы «{programme}» нет. Есть: {'; '.join(known)}")
        rows = [row for row in rows if row["programme_code"] == named]
    wanted = folded_code(code)
    found = [row for row in rows if folded_code(row["indicator_code"]) == wanted]
    if not found:
        alike = nearest(code, (row["indicator_code"] for row in rows))
        hint = f". Похожие: {', '.join(alike)}" if alike else ""
        raise UnknownIndicatorError(f"Показателя «{code}» нет{hint}")
    return found


def _indicator_lines(
    connection: Connection, versions: list[Any], year: int, territory: str | None, limit: int
) -> Iterator[str]:
    about = versions[0]
    asked = {"programme": about["programme_code"], "indicator": about["indicator_code"], "year": year}
    values = fetch(connection, _VALUES, **asked)
    if territory is not None and values and territory not in {row["territory_code"] for row in values}:
        raise UnknownIndicatorError(
            f"У показателя {about['indicator_code']} за {year} год нет территории «{territory}»: "
            "укажите код школы или муниципалитета, по которым он считается"
        )
    yield from _head_lines(versions)
    if not values:
        yield ""
        yield _no_year(fetch(connection, _YEARS, **asked), year)
    by_period: dict[tuple[str, str], list[Any]] = {}
    for row in values:
        by_period.setdefault((row["period"], row["version"]), []).append(row)
    components = fetch(connection, _COMPONENTS, **asked, territory=territory)
    of_version = {row["version"]: row for row in versions}
    for (period, version), rows in by_period.items():
        parts = [row for row in components if (row["period"], row["version"]) == (period, version)]
        yield from _period_lines(connection, of_version[version], rows, parts, territory, limit)
    yield from _remark_lines(fetch(connection, _REMARKS, **asked), about, limit)
    if values:
        yield ""
        yield f"Расчёт: {values[0]['calculation_id']}"


def _no_year(years: list[Any], year: int) -> str:
    known = ", ".join(str(row["year"]) for row in years)
    return f"За {year} год показателя нет. " + (
        f"Есть годы: {known}" if known else "Не рассчитан ни за один год: у программы нет участников в реестре"
    )


def _head_lines(versions: list[Any]) -> Iterator[str]:
    about = versions[0]
    years = f"{about['year_from']}–{about['year_to']}" if about["year_to"] > about["year_from"] else about["year_from"]
    yield f"Программа «{about['short_title']}» ({about['programme_code']}): {about['territory']}, {years}"
    yield f"{about['indicator_code']}. {about['title']}"
    for quote in (about["quote"], *about["more_quotes"]):
        yield f"  «{quote}» — {about['quote_source']}"
    yield f"  Единица: {about['unit']}; цель: {target_text(about['target'], about['comparator'], about['unit'])}"
    yield from _term_lines(about)
    yield f"  Нужные источники: {sources_text(about['sources']) or 'не нужны'}"
    for row in versions:
        named = f" ({row['version']})" if row["version"] else ""
        yield f"  Как считается{named}: {row['formula']}"
        if row["reading"]:
            yield f"  Как прочитано{named}: {row['reading']}"


def _term_lines(about: Any) -> Iterator[str]:
    said = []
    if about["due_from"]:
        said.append(f"с {about['due_from']:%d.%m.%Y}")
    if about["due_to"]:
        said.append(f"по {about['due_to']:%d.%m.%Y}")
    if said:
        yield f"  Исполнение засчитывается {' '.join(said)}"
    if about["scored_to"]:
        yield f"  Оценивается по {about['scored_to']} год"


def _period_lines(
    connection: Connection, about: Any, rows: list[Any], parts: list[Any], territory: str | None, limit: int
) -> Iterator[str]:
    first = rows[0]
    yield ""
    yield shown_period(first["period"], first["period_kind"]) + (
        f", прочтение {first['version']}" if first["version"] else ""
    )
    main = [row for row in rows if row["territory_code"] == (territory or "region")]
    for row in main:
        name = f"{row['place']}: " if territory else ""
        yield f"  {name}{_numbers(row, about['unit'])} — {status_text(row['status'], why_tracked(about, row))}"
        yield from _completeness_lines(row)
    for row in parts:
        yield f"    в том числе {row['component']}: {_numbers(row, about['unit'])}"
    inside = [row for row in rows if territory is None or territory in (row["municipality"], row["territory_code"])]
    schools = [row for row in inside if row["territory_kind"] == "school"]
    if territory is None:
        yield from _municipality_lines([row for row in rows if row["territory_kind"] == "municipality"], about["unit"])
    yield from _school_lines(schools, about, limit)
    if about["measure"] in ("gap", "gap_change"):
        yield f"    Сравниваются {sets_text(about['parameters']['groups'])} — и остальные школы"
    if about["measure"] in ("group", "quality"):
        yield from _other_lines(connection, about, first)
    yield from row_lines(
        connection, _scope(about, first, schools, territory, limit), about["measure"], list(about["sources"])
    )


def why_tracked(about: Any, row: Any) -> str:
    """Why a value is not judged: what ``fct_indicator_value`` asks for before it judges, in the same order."""
    year = row["year"]
    if about["target"] is None:
        return "цели в тексте нет"
    if not about["year_from"] <= year <= about["year_to"]:
        return "год вне срока программы, цель не применяется"
    if about["scored_to"] and year > about["scored_to"]:
        return f"оценивается по {about['scored_to']} год"
    if about["due_to"] and year < about["due_to"].year:
        return "срок ещё не наступил"
    return "" if row["territory_kind"] == "region" else "цель задана для региона в целом"


def _numbers(row: Any, unit: str) -> str:
    if row["numerator"] is None and row["value"] is None:
        known = f"; знаменатель {plain(row['denominator'])}" if row["denominator"] is not None else ""
        return f"значения нет{known}"
    value = value_text(row["value"], unit)
    if row["denominator"] is None or row["numerator"] is None:
        return value
    return f"{plain(row['numerator'])} из {plain(row['denominator'])}: {value}"


def _completeness_lines(row: Any) -> Iterator[str]:
    missing = sources_text(row["missing_sources"])
    if not missing and row["status"] == "no_data":
        yield "    Источники: пришли все, но сведений для расчёта в них нет"
        return
    yield "    Источники: " + (
        f"пришли не все ({plain(round(100 * row['completeness'], 1))} %), нет: {missing}" if missing else "пришли все"
    )


def _municipality_lines(rows: list[Any], unit: str) -> Iterator[str]:
    if rows:
        yield "    По муниципалитетам:"
    for row in rows:
        status = status_text(row["status"]) if row["status"] in ("met", "not_met") else ""
        yield f"      {row['place']} ({row['territory_code']}): {_numbers(row, unit)}" + (status and f" — {status}")


def _named(row: Any) -> str:
    return f"{row['place']} ({row['territory_code']})" if row["place"] != row["territory_code"] else row["place"]


def _school_lines(rows: list[Any], about: Any, limit: int) -> Iterator[str]:
    """Schools of the numerator and the denominator; where people or pupils are counted, how many of each school."""
    if not rows:
        return
    parameters = about["parameters"]
    if all(row["denominator"] is None for row in rows):
        yield from _counted_schools(rows, about, limit)
    elif all((row["denominator"] or 0) <= 1 for row in rows):
        whole = [row for row in rows if row["denominator"]]
        of = _WHOLE.get(about["measure"], "участники")
        if parameters.get("among"):
            of = "участники, среди которых считается"
        if about["measure"] in _OF_SETS:
            of = sets_text(parameters.get("denominator") or [])
            yield f"    Числитель — {sets_text(parameters.get('numerator') or [])}"
        if any(row["numerator"] is None for row in whole):
            yield f"    Знаменатель — {of}: {len(whole)}: {shortened([_named(row) for row in whole], limit)}"
            return
        done = [_named(row) for row in whole if row["numerator"]]
        undone = [_named(row) for row in whole if not row["numerator"]]
        yield f"    Знаменатель — {of}: {len(whole)}"
        yield f"      выполнено: {len(done)}" + (f": {shortened(done, limit)}" if done else "")
        yield f"      не выполнено: {len(undone)}" + (f": {shortened(undone, limit)}" if undone else "")
    else:
        yield f"    По школам ({len(rows)}):"
        told = [f"      {_named(row)}: {_numbers(row, about['unit'])}" for row in rows]
        yield from told[:limit]
        if len(told) > limit:
            yield f"      {MORE} школ: {len(told) - limit}"


def _counted_schools(rows: list[Any], about: Any, limit: int) -> Iterator[str]:
    counted = [row for row in rows if row["numerator"] or (row["numerator"] is None and row["value"] is not None)]
    if about["measure"] in _OF_SETS:
        yield f"    Считаются {sets_text(about['parameters'].get('set') or [])}"
    if counted:
        with_value = [
            _named(row) + ("" if about["measure"] in _OF_SETS else f": {_numbers(row, about['unit'])}")
            for row in counted
        ]
        yield f"    Школы ({len(counted)}): {shortened(with_value, limit)}"


def _other_lines(connection: Connection, about: Any, row: Any) -> Iterator[str]:
    """The other indicators that one about them counts."""
    if about["measure"] == "quality":
        yield "    Засчитан показатель, чьи источники пришли все и без отклонённых строк:"
    others = fetch(
        connection,
        _OTHERS if about["measure"] == "group" else _OTHERS.replace("and indicator_code = any(%(codes)s)", ""),
        programme=about["programme_code"],
        period=row["period"],
        year=row["year"],
        codes=about["parameters"].get("indicators"),
    )
    for other in others:
        if other["indicator_code"] == about["indicator_code"]:
            continue
        said = status_text(other["status"])
        if about["measure"] == "quality":
            said = "источники пришли все" if other["completeness"] == 1 else "источники пришли не все"
        yield f"      {other['indicator_code']}{other['version']} {other['title']}: {said}"


def _is_about(remark: Any, about: Any) -> bool:
    """Whether a remark names an indicator, by its code or by the number of its item, or quotes its words."""
    code = about["indicator_code"]
    names = [code, code[1:]] if about["section"] == "road_map" else [code]
    if any(re.search(rf"(?<![\w.])(?<!раздел ){re.escape(name)}(?![\w]|\.\d)", remark["remark"]) for name in names):
        return True
    return any(remark["quote"] and remark["quote"] in quote for quote in (about["quote"], *about["more_quotes"]))


def _remark_lines(remarks: list[Any], about: Any, limit: int) -> Iterator[str]:
    own: list[str] = []
    others: list[str] = []
    for row in remarks:
        (own if _is_about(row, about) else others).append(row["remark"])
    for title, told in (("Замечания к показателю", own), ("Другие замечания к программе", others)):
        if not told:
            continue
        yield ""
        yield title
        for remark in told[:limit]:
            yield f"  {remark}"
        if len(told) > limit:
            yield f"  {MORE} {len(told) - limit}"


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


def _scope(about: Any, row: Any, schools: list[Any], territory: str | None, limit: int) -> dict[str, Any]:
    date_from, date_to = period_dates(about, row["period"], row["period_kind"], row["year"])
    return {
        **asked_scope(about["parameters"]),
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
