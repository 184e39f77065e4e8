"""What stands beside the verdicts of a school: conditions, markers, history, changes, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection

from ravenstvo.asking.numbers import status_word
from ravenstvo.asking.reading import fetch, number, percent
from ravenstvo.decisions import TITLES as DECIDED

_CONTEXT = """
    select c.*, f.row_no, part.sheet, part.path
    from marts.mart_school_context as c
    left join core.fct_school_context as f on c.year = f.year and c.school_id = f.school_id
    left join ops.part_place as part on f.part_id = part.part_id
    where c.school_id = %(school)s and c.year = %(year)s
"""
_SHARES = """
    select input_code, title_ru from seeds.context_input order by input_code
"""
_MARKERS = """
    select o.*, p.title_ru as procedure_title
    from marts.mart_objectivity as o
    left join core.dim_procedure as p on o.procedure_code = p.procedure_code
    where o.school_id = %(school)s and o.year = %(year)s and o.is_flagged
    order by o.marker, o.procedure_code
"""
_CORRECTED = """
    select b.*, p.title_ru as procedure_title
    from marts.mart_bunching as b
    left join core.dim_procedure as p on b.procedure_code = p.procedure_code
    where b.area_kind = 'school' and b.area_id = %(school)s and b.year = %(year)s and b.is_minimum
      and b.share_below_min_corrected is not null
    order by b.procedure_code
"""
_HISTORY = """
    select method_code, year, is_low_results, n_low_procedures, status, exit_state
    from marts.mart_identification
    where school_id = %(school)s and year <= %(year)s and method_code in (
      select method_code from core.dim_method where kind in ('low_share', 'crisis_risk'))
    order by method_code, year
"""
_BECAME = """
    select told from marts.mart_school_history
    where school_id = %(school)s
    order by happened_on nulls last, history_id
"""
_CHANGES = """
    select * from marts.mart_identification_change
    where school_id = %(school)s and year = %(year)s
    order by comparison, method_code
"""
_PROCEDURES = """
    select procedure_code, title_ru from core.dim_procedure
"""
_PUBLISHED = """
    select * from marts.mart_identification_published
    where school_id = %(school)s and year = %(year)s
    order by publication_id
"""
_CHANGED = {
    "entered": "вошла в список",
    "left": "вышла из списка",
    "stayed": "осталась в списке",
    "stayed_out": "не в списке, числа изменились",
    "no_verdict": "была в списке, теперь вывода нет",
}
_VERDICT_SIGNS = {True: "низкие", False: "нет", None: "—"}


def school_lines(connection: Connection, school_id: str, year: int) -> Iterator[str]:
    """Lines on a school's conditions, markers, history, changes and decisions in a year."""
    scope = {"school": school_id, "year": year}
    yield from _context_lines(connection, scope)
    yield from _marker_lines(connection, scope)
    yield from _history_lines(fetch(connection, _HISTORY, **scope))
    yield from _became_lines(fetch(connection, _BECAME, school=school_id))
    titles = {row["procedure_code"]: row["title_ru"] for row in fetch(connection, _PROCEDURES)}
    yield from _change_lines(fetch(connection, _CHANGES, **scope), titles)
    yield from _decision_lines(fetch(connection, _PUBLISHED, **scope))


def _context_lines(connection: Connection, scope: dict[str, Any]) -> Iterator[str]:
    found = fetch(connection, _CONTEXT, **scope)
    yield ""
    if not found:
        yield "Условия работы: сведений за этот год не поступало."
        return
    row = found[0]
    yield "Условия работы"
    if row["context_index"] is None:
        yield f"  Индекс не посчитан: нет {row['n_missing_inputs'] or 'всех'} составляющих из {row['n_inputs'] or '—'}"
    else:
        yield (
            f"  Индекс {number(row['context_index'], 1)} из 100 (0 — тяжелее всего), четверть "
            f"{row['context_quartile']} из 4; редакция {row['index_code']} {row['index_version']}, нет составляющих: "
            f"{row['n_missing_inputs']}"
        )
    if row["expected_score"] is not None:
        yield (
            f"  Результат {number(row['outcome_score'])}, по условиям ожидается {number(row['expected_score'])} "
            f"(в стандартных отклонениях учеников); отклонение {number(row['residual_z'])} стандартной ошибки"
        )
    titles = {one["input_code"]: one["title_ru"] for one in fetch(connection, _SHARES)}
    for name, value in row.items():
        if name.endswith("_share") and value is not None:
            yield f"    {titles.get(name.removesuffix('_share'), name)}: {percent(value)}"
    if row["path"]:
        yield f"    {row['path']}, лист «{row['sheet']}», строка {row['row_no']}"


def _marker_lines(connection: Connection, scope: dict[str, Any]) -> Iterator[str]:
    markers = fetch(connection, _MARKERS, **scope)
    yield ""
    yield "Признаки ВПР — повод рассмотреть, а не обвинение" if markers else "Признаков ВПР не отмечено."
    for row in markers:
        odds = "" if row["p_value"] is None else f", вероятность случайного {percent(row['p_value'])}"
        yield (
            f"  {row['marker']} {row['procedure_title'] or row['procedure_code']}: {row['marker_title']}; значение "
            f"{number(row['value'], 3)} при пороге {number(row['threshold'], 3)}, работ {row['n']}{odds}"
        )
    for row in fetch(connection, _CORRECTED, **scope):
        interval = (
            f"{percent(row['share_below_min_corrected_ci_low'])} – {percent(row['share_below_min_corrected_ci_high'])}"
        )
        yield (
            f"  {row['procedure_title'] or row['procedure_code']}: ниже минимума по файлам "
            f"{percent(row['share_below_min'])}, если бы никого не подняли через границу — "
            f"{percent(row['share_below_min_corrected'])} (интервал {interval})"
        )


def _history_lines(rows: list[Any]) -> Iterator[str]:
    by_method: dict[str, list[str]] = {}
    for row in rows:
        verdict = (
            status_word(row["status"]) if row["method_code"] == "crisis_risk" else _VERDICT_SIGNS[row["is_low_results"]]
        )
        by_method.setdefault(row["method_code"], []).append(
            f"{row['year']} {verdict} (низких процедур {row['n_low_procedures']})"
        )
    if by_method:
        yield ""
        yield "По годам"
        for method, years in by_method.items():
            yield f"  {method}: {'; '.join(years)}"


def _became_lines(rows: list[Any]) -> Iterator[str]:
    if rows:
        yield ""
        yield "Что стало со школой (по реестру)"
        yield from (f"  {row['told']}" for row in rows)


def _change_lines(rows: list[Any], titles: dict[str, str]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield "Что изменилось"
    for row in rows:
        against = (
            f"с {row['base_year']} годом" if row["comparison"] == "year" else f"с расчётом {row['base_calculation_id']}"
        )
        line = f"  По сравнению {against}, {row['method_code']}: {_CHANGED[row['change']]}"
        line += f"; {_titled(row['counts'], titles)}" if row["counts"] else ""
        line += f"; {row['reason']}" if row["reason"] else ""
        yield line + (f": {row['file_path']}" if row["file_path"] else "")


def _titled(counts: str, titles: dict[str, str]) -> str:
    """``code: 1 из 2 → 2 из 3; …`` with the titles of the procedures."""
    pairs = (one.partition(":") for one in counts.split("; "))
    return "; ".join(f"{titles.get(code, code)}{colon}{numbers}" for code, colon, numbers in pairs)


def _decision_lines(rows: list[Any]) -> Iterator[str]:
    yield ""
    if not rows:
        yield "Решения человека о школе за этот год нет."
        return
    yield "Решения"
    for row in rows:
        standing = "действует" if row["is_in_force"] else "заменено более поздним"
        yield (
            f"  {row['method_code']}: {DECIDED[row['decided_status']]} — {row['decided_by']}, "
            f"{row['decided_at']:%d.%m.%Y}, документ: {row['decision_document'] or 'не указан'} ({standing}); вывод "
            f"метода тогда: {_VERDICT_SIGNS[row['is_low_results']]}; расчёт {row['calculation_id']}"
        )
        if row["reason"]:
            yield f"    Основание: {row['reason']}"
