"""Why a school is or is not on the list, down to the rows of the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import DictCursor

_ROWS_SHOWN = 12


class UnknownSchoolError(LookupError):
    """No school has such a key."""


_SCHOOL = """
    select school_id, school_code, login, name, municipality_name
    from core.dim_school
    where is_current
      and (school_id = %(key)s or school_code = %(key)s or login = %(key)s or school_id in (
        select school_id from core.int_school_key where school_key = %(key)s and key_kind in ('login', 'code')))
"""
_VERDICTS = """
    select i.*, m.title_ru, m.source as method_source
    from marts.mart_identification as i
    left join core.dim_method as m
      on i.method_code = m.method_code and i.method_version = m.method_version
    where i.school_id = %(school)s and i.year = %(year)s
    order by i.method_code
"""
_EVIDENCE = """
    select e.*, p.title_ru, f.source, f.n_absent, f.n_partial
    from marts.mart_identification_evidence as e
    left join core.dim_procedure as p on e.procedure_code = p.procedure_code
    left join core.fct_school_procedure as f
      on e.year = f.year and e.school_id = f.school_id and e.procedure_code = f.procedure_code
    where e.school_id = %(school)s and e.year = %(year)s and e.method_code = %(method)s
    order by e.is_low desc, e.procedure_code
"""
_PUPIL_ROWS = """
    select file.path, part.sheet, count(*) as n_rows, min(r.row_no) as first_row, max(r.row_no) as last_row,
      array_agg(r.row_no order by r.row_no)
        filter (where r.is_participant and r.is_below_min and r.is_first_attempt) as below
    from core.fct_result as r
    join ops.source_part as part using (part_id)
    join ops.source_file as file on part.file_id = file.file_id
    where r.school_id = %(school)s and r.year = %(year)s and r.procedure_code = %(procedure)s
    group by file.path, part.sheet
    order by file.path
"""
_SUMMARY_ROWS = """
    with named as (
      select s.part_id, s.row_no, s.year, k.school_id, p.procedure_code
      from staging.stg_ege_school_summary as s
      join core.int_school_key as k
        on k.key_kind = 'name' and s.school_name = k.school_key and s.municipality = k.municipality
      join core.int_procedure_key as p on p.exam = 'ege' and s.year = p.year and s.subject = p.subject
      union
      select s.part_id, s.row_no, s.year, k.school_id, p.procedure_code
      from staging.stg_vpr_school_summary as s
      join core.int_school_key as k on k.key_kind = 'login' and s.school_login = k.school_key
      join core.int_procedure_key as p
        on p.exam = 'vpr' and s.year = p.year and s.subject = p.subject and s.grade = p.grade
    )
    select file.path, part.sheet, 1 as n_rows, n.row_no as first_row, n.row_no as last_row, null as below
    from named as n
    join ops.source_part as part using (part_id)
    join ops.source_file as file on part.file_id = file.file_id
    where n.school_id = %(school)s and n.year = %(year)s and n.procedure_code = %(procedure)s
    order by file.path, n.row_no
"""


def percent(share: float | None) -> str:
    """Share as percent, with a decimal comma."""
    return "—" if share is None else f"{100 * share:.1f}".replace(".", ",") + " %"


def _fetch(connection: Connection, statement: str, **values: Any) -> list[Any]:
    with connection.cursor(cursor_factory=DictCursor) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _verdict(row: Any) -> str:
    if row["is_low_results"] is None:
        return "нет данных для вывода"
    return "НИЗКИЕ РЕЗУЛЬТАТЫ" if row["is_low_results"] else "не относится к школам с низкими результатами"


def _method_lines(row: Any) -> Iterator[str]:
    yield ""
    yield f"{row['title_ru'] or row['method_code']} ({row['method_code']}, версия {row['method_version']})"
    yield f"  Вывод: {_verdict(row)}"
    yield (
        f"  Процедур с участниками: {row['n_procedures']}, с низким результатом: {row['n_low_procedures']}"
        f"; две и более в этом году: {_yes(row['is_low_two_procedures'])}"
        f"; одна и та же два года подряд: {_yes(row['is_low_repeated'])}"
    )
    if row["is_low_results"] is None and row["n_procedures"]:
        yield "  Для вывода не хватает данных: минимальный балл или результаты прошлого года неизвестны."
    if row["is_fragile"]:
        yield "  Вывод неустойчив: его изменил бы один участник."
    yield f"  Участников всего: {row['n_participants_total']}, надёжность: {row['evidence_grade']}"
    if row["years_identified"]:
        yield f"  Лет подряд в списке: {row['years_identified']}"
    if row["decided_status"]:
        decided = f"{row['decided_status']} ({row['decided_by']}, {row['decided_at']:%d.%m.%Y})"
        yield f"  Решение: {decided}; документ: {row['decision_document']}"
    yield f"  Источник правила: {row['method_source']}"


def _yes(value: bool | None) -> str:
    return "нет данных" if value is None else "да" if value else "нет"


def _evidence_line(row: Any) -> str:
    title = row["title_ru"] or row["procedure_code"]
    if row["n_below_min"] is None:
        return f"    {title}: участников {row['n_participants']}, минимальный балл этого года неизвестен"
    low = "низкий результат" if row["is_low"] else "в норме"
    line = f"    {title}: ниже минимума {row['n_below_min']} из {row['n_participants']}"
    line += f" ({percent(row['share_below_min'])}), порог {percent(float(row['threshold']))} — {low}"
    if row["ci_low"] is not None:
        line += f"; доверительный интервал {percent(row['ci_low'])} – {percent(row['ci_high'])}"
    if row["regional_share"] is not None:
        line += f"; по региону {percent(row['regional_share'])}"
    if row["n_participants_last_year"]:
        line += f"; годом раньше {row['n_below_min_last_year']} из {row['n_participants_last_year']}"
        line += " — тоже низкий" if row["is_repeated"] else ""
    if row["one_pupil_flips"]:
        line += "; один участник изменил бы вывод по процедуре"
    return line


def _rows_line(row: Any) -> str:
    place = f"строка {row['first_row']}"
    if row["first_row"] != row["last_row"]:
        place = f"строки {row['first_row']}–{row['last_row']}, записей {row['n_rows']}"
    line = f"      {row['path']}, лист «{row['sheet']}», {place}"
    below = row["below"] or []
    if below:
        shown = ", ".join(map(str, below[:_ROWS_SHOWN])) + (", …" if len(below) > _ROWS_SHOWN else "")
        line += f"; ниже минимума: {shown}"
    return line


def _find(connection: Connection, key: str) -> Any:
    schools = _fetch(connection, _SCHOOL, key=key.strip())
    if not schools:
        raise UnknownSchoolError(f"Школы «{key}» в хранилище нет: укажите код ОО или логин ФИС ОКО")
    return schools[0]


def explain(connection: Connection, key: str, year: int) -> Iterator[str]:
    """Lines that explain every method's verdict on a school in a year.

    Args:
        connection: to the warehouse.
        key: code, login or ``school_id`` of the school.
        year: campaign year.

    Raises:
        UnknownSchoolError: no school has this key.
    """
    school = _find(connection, key)
    keys = ", ".join(filter(None, (school["school_code"], school["login"], school["school_id"])))
    yield f"{school['name'] or 'Школа без названия'} ({keys})"
    yield f"{school['municipality_name'] or 'Муниципалитет не указан'}, {year} год"
    verdicts = _fetch(connection, _VERDICTS, school=school["school_id"], year=year)
    if not verdicts:
        yield ""
        yield f"За {year} год расчёта по этой школе нет: не было её результатов, или год не пересчитан."
    named: set[str] = set()
    for verdict in verdicts:
        yield from _method_lines(verdict)
        scope = {"school": school["school_id"], "year": year}
        for row in _fetch(connection, _EVIDENCE, **scope, method=verdict["method_code"]):
            yield _evidence_line(row)
            procedure = row["procedure_code"]
            if procedure not in named:
                named.add(procedure)
                statement = _SUMMARY_ROWS if row["source"] == "summary" else _PUPIL_ROWS
                for place in _fetch(connection, statement, **scope, procedure=procedure):
                    yield _rows_line(place)
    if verdicts:
        yield ""
        yield f"Расчёт: {verdicts[0]['calculation_id']}"
