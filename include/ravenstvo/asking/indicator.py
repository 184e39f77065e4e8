"""One indicator of a programme in a year: words, numbers, parts, schools, and the rows of files behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection

from ravenstvo.asking.indicator_lines import (
    completeness_lines,
    head_lines,
    municipality_lines,
    numbers,
    remark_lines,
    school_lines,
    why_tracked,
)
from ravenstvo.asking.indicator_rows import row_lines, rows_scope
from ravenstvo.asking.indicator_words import (
    ITEMS_SHOWN,
    MORE,
    folded_code,
    nearest,
    sets_text,
    shown_period,
    status_text,
)
from ravenstvo.asking.reading import fetch
from ravenstvo.errors import ToldError
from ravenstvo.reference import programme_of


class UnknownIndicatorError(ToldError):
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
    yield from head_lines(versions)
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
    yield from remark_lines(fetch(connection, _REMARKS, **asked), about, limit)
    if values:
        yield ""
        yield f"Расчёт: {values[0]['calculation_id']}"


def _no_year(years: list[Any], year: int) -> str:
    known = ", ".join(str(row["year"]) for row in years)
    return f"За {year} год показателя нет. " + (
        f"Есть годы: {known}" if known else "Не рассчитан ни за один год: у программы нет участников в реестре"
    )


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
        yield f"  {name}{numbers(row, about['unit'])} — {status_text(row['status'], why_tracked(about, row))}"
        yield from completeness_lines(row)
    for row in parts:
        yield f"    в том числе {row['component']}: {numbers(row, about['unit'])}"
    inside = [row for row in rows if territory is None or territory in (row["municipality"], row["territory_code"])]
    schools = [row for row in inside if row["territory_kind"] == "school"]
    if territory is None:
        yield from municipality_lines([row for row in rows if row["territory_kind"] == "municipality"], about["unit"])
    yield from school_lines(schools, about, limit)
    if about["measure"] in ("gap", "gap_change"):
        yield f"    Сравниваются {sets_text(about['parameters']['groups'])} — и остальные школы"
    if about["measure"] in ("group", "quality"):
        yield from _other_lines(connection, about, first)
    yield from row_lines(
        connection, rows_scope(about, first, schools, territory, limit), about["measure"], list(about["sources"])
    )


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
