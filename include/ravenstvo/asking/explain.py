"""Why a school is or is not on the list: every method, how surely, what people decided; down to the rows of files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection

from ravenstvo.asking.numbers import method_numbers
from ravenstvo.asking.reading import fetch, percent
from ravenstvo.asking.school import school_lines
from ravenstvo.decisions import TITLES as DECIDED
from ravenstvo.errors import ToldError

_ROWS_SHOWN = 12


class UnknownSchoolError(ToldError):
    """No school has such a key."""


_SCHOOL = """
    select school_id, school_code, login, name, municipality_name
    from core.dim_school
    where is_current
      and (school_id = %(key)s or school_code = %(key)s or login = %(key)s or school_id in (
        select school_id from core.int_school_key where school_key = %(key)s and key_kind in ('login', 'code')
          and coalesce(year_from <= %(year)s, true) and coalesce(year_to >= %(year)s, true)))
    order by school_code = %(key)s or school_id = %(key)s desc, school_id
"""
_VERDICTS = """
    select i.*, m.title_ru, m.kind, m.source as method_source, m.condition
    from marts.mart_identification as i
    left join core.dim_method as m
      on i.method_code = m.method_code and i.method_version = m.method_version
    where i.school_id = %(school)s and i.year = %(year)s
    order by m.kind <> 'low_share', i.method_code
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
    select part.path, part.sheet, count(*) as n_rows, min(r.row_no) as first_row, max(r.row_no) as last_row,
      array_agg(r.row_no order by r.row_no)
        filter (where r.is_participant and r.is_below_min and r.is_first_attempt) as below
    from core.fct_result as r
    join ops.part_place as part using (part_id)
    where r.school_id = %(school)s and r.year = %(year)s and r.procedure_code = %(procedure)s
    group by part.path, part.sheet
    order by part.path
"""
_SUMMARY_ROWS = """
    with named as (
      select s.part_id, s.row_no, s.year, k.school_id, p.procedure_code
      from staging.stg_ege_school_summary as s
      join core.int_school_key as k
        on k.key_kind = 'name' and s.school_name = k.school_key and s.municipality = k.municipality
          and coalesce(s.year >= k.year_from, true) and coalesce(s.year <= k.year_to, true)
      join core.int_procedure_key as p on p.exam = 'ege' and s.year = p.year and s.subject = p.subject
      union
      select s.part_id, s.row_no, s.year, k.school_id, p.procedure_code
      from staging.stg_vpr_school_summary as s
      join core.int_school_key as k
        on k.key_kind = 'login' and s.school_login = k.school_key
          and coalesce(s.year >= k.year_from, true) and coalesce(s.year <= k.year_to, true)
      join core.int_procedure_key as p
        on p.exam = 'vpr' and s.year = p.year and s.subject = p.subject and s.grade = p.grade
    )
    select part.path, part.sheet, 1 as n_rows, n.row_no as first_row, n.row_no as last_row, null as below
    from named as n
    join ops.part_place as part using (part_id)
    where n.school_id = %(school)s and n.year = %(year)s and n.procedure_code = %(procedure)s
    order by part.path, n.row_no
"""


def _verdict(row: Any) -> str:
    if row["kind"] == "context_share":
        words = {True: "НЕБЛАГОПРИЯТНЫЕ УСЛОВИЯ", False: "условия не относятся к неблагоприятным"}
        return words.get(row["is_adverse_context"], "нет данных для вывода")
    if row["is_low_results"] is None:
        return "нет данных для вывода"
    return "НИЗКИЕ РЕЗУЛЬТАТЫ" if row["is_low_results"] else "не относится к школам с низкими результатами"


def _method_lines(row: Any) -> Iterator[str]:
    yield ""
    yield f"{row['title_ru'] or row['method_code']} ({row['method_code']}, версия {row['method_version']})"
    yield f"  Вывод: {_verdict(row)}"
    if row["kind"] == "low_share":
        yield from _low_share_lines(row)
    else:
        yield from method_numbers(row)
    if row["is_fragile"]:
        which = " (ниже сказано, по какой процедуре)" if row["kind"] == "low_share" else ""
        yield f"  Вывод неустойчив: его изменил бы один участник{which}."
    if row["n_participants_total"]:
        yield f"  Участников всего: {row['n_participants_total']}, надёжность: {row['evidence_grade']}"
    yield from _standing_lines(row)
    if row["decided_status"]:
        yield f"  Решение: {DECIDED[row['decided_status']]}; {row['decided_by']}, {row['decided_at']:%d.%m.%Y}"
        yield f"  Документ решения: {row['decision_document'] or 'не указан'}"
    yield f"  Источник правила: {row['method_source']}"


def _low_share_lines(row: Any) -> Iterator[str]:
    yield (
        f"  Процедур с участниками: {row['n_procedures']}, с низким результатом: {row['n_low_procedures']}"
        f"; две и более в этом году: {_yes(row['is_low_two_procedures'])}"
        f"; одна и та же два года подряд: {_yes(row['is_low_repeated'] if row['has_last_year'] else None)}"
    )
    if row["is_low_results"] is None and row["n_procedures"]:
        yield "  Для вывода не хватает данных: минимальный балл или результаты прошлого года неизвестны."
    if row["probability_low"] is not None:
        yield (
            "  Вероятность, что правило выполнено для истинных долей школы, а не только в этом году: "
            f"{percent(row['probability_low'])}"
        )


def _standing_lines(row: Any) -> Iterator[str]:
    if row["years_identified"]:
        yield f"  Лет подряд в списке: {row['years_identified']}"
    elif row["exit_state"] == "watch":
        yield f"  Была в списке; не низкая лет: {row['years_not_low']}, для выхода этого ещё мало"
    elif row["exit_state"] == "exited":
        yield f"  Вышла из списка: не низкая лет: {row['years_not_low']}"


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
        line += "; одним участником ниже минимума " + (
            "меньше — и процедура была бы в норме" if row["is_low"] else "больше — и процедура была бы низкой"
        )
    return line


def _sureness_line(row: Any) -> str | None:
    """What else is known of a procedure: shrunk share, several years, who took part, markers."""
    said = []
    if row["shrunk_share"] is not None:
        said.append(f"стянутая доля {percent(row['shrunk_share'])}")
        said.append(f"вероятность, что истинная доля не ниже порога, {percent(row['probability_low'])}")
    if row["n_participants_pooled"] > row["n_participants"]:
        interval = f"{percent(row['ci_low_pooled'])} – {percent(row['ci_high_pooled'])}"
        counts = f"{row['n_below_pooled']} из {row['n_participants_pooled']}"
        said.append(f"за годы по предмету {counts} ({percent(row['share_pooled'])}, интервал {interval})")
    if row["participation_rate"] is not None:
        low = " — мало" if row["is_low_participation"] else ""
        said.append(f"участвовали {row['n_participants']} из {row['n_enrolled']}{low}")
    if row["is_excluded"]:
        said.append("этим методом не учитывается: результат отмечен признаком")
    return "      " + "; ".join(said) if said else None


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


def _find(connection: Connection, key: str, year: int) -> Any:
    """The school of a key: a login that has passed from one school to another is that of the year."""
    schools = fetch(connection, _SCHOOL, key=key.strip(), year=year)
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
    school = _find(connection, key, year)
    keys = ", ".join(filter(None, (school["school_code"], school["login"], school["school_id"])))
    yield f"{school['name'] or 'Школа без названия'} ({keys})"
    yield f"{school['municipality_name'] or 'Муниципалитет не указан'}, {year} год"
    scope = {"school": school["school_id"], "year": year}
    verdicts = fetch(connection, _VERDICTS, **scope)
    if not verdicts:
        yield ""
        yield f"За {year} год расчёта по этой школе нет: не было её результатов, или год не пересчитан."
    yield from _in_short(verdicts)
    shown: dict[str, str] = {}
    for verdict in verdicts:
        yield from _method_lines(verdict)
        if verdict["kind"] == "low_share":
            yield from _ground_lines(connection, verdict["method_code"], scope, shown)
    yield from school_lines(connection, school["school_id"], year)
    if verdicts:
        yield ""
        yield f"Расчёт: {verdicts[0]['calculation_id']}"


def _in_short(verdicts: list[Any]) -> Iterator[str]:
    judged = [row for row in verdicts if row["is_low_results"] is not None]
    low = [row["method_code"] for row in judged if row["is_low_results"]]
    if judged:
        named = ": " + ", ".join(low) if low else ""
        yield f"Методов с выводом о результатах: {len(judged)}, называют низкими: {len(low)}{named}"


def _ground_lines(connection: Connection, method: str, scope: dict[str, Any], shown: dict[str, str]) -> Iterator[str]:
    """Procedures behind a verdict, with the rows of the files; what an earlier method has shown is only named."""
    again = []
    for row in fetch(connection, _EVIDENCE, **scope, method=method):
        procedure, line = row["procedure_code"], _evidence_line(row)
        if shown.get(procedure) == line and not row["is_excluded"]:
            again.append(row["title_ru"] or procedure)
            continue
        yield line
        if procedure not in shown:
            statement = _SUMMARY_ROWS if row["source"] == "summary" else _PUPIL_ROWS
            for place in fetch(connection, statement, **scope, procedure=procedure):
                yield _rows_line(place)
        sureness = _sureness_line(row)
        if sureness:
            yield sureness
        shown.setdefault(procedure, line)
    if again:
        yield f"    Как показано выше: {'; '.join(again)}"
