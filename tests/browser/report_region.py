"""A made-up region in the marts alone: tables as the dbt documents describe them, rows enough for every section.

No calculation makes them, so that a region of 700 schools is there in a second, and names may be what no file holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values
from ravenstvo.publishing import dictionary
from ravenstvo.publishing.report import READ

YEAR = 2023
CALCULATION = "2023-20231001T030000"
METHODS = {"rosobr_30": "Две процедуры", "hse_context": "С учётом условий", "adverse_context": "Условия"}
PROCEDURES = {"oge_math": "ОГЭ, математика", "oge_rus": "ОГЭ, русский язык", "vpr_math_5": "ВПР, математика, 5 класс"}
HOSTILE = (
    '<script>document.title="взлом"</script><img src=x onerror="document.title=1">'
    "«Школа» \"в кавычках\" 'и апострофах' & {{ 7*7 }} ${x} #eval(1) *звёздочки* _черта_ \\ </table></data>"
)
LONG_NAME = (HOSTILE + " — Муниципальное бюджетное общеобразовательное учреждение" * 3)[:300]
_FINISHED = datetime(2023, 10, 1, 3, 5, tzinfo=UTC)


def make_tables(cursor: Cursor, target: Path) -> None:
    """Empty marts, each with the columns and types of its document (``target`` is dbt's folder of results)."""
    marts = dictionary.load(target)
    cursor.execute("create schema if not exists marts")
    for name in sorted({mart for marts_of_section in READ.values() for mart in marts_of_section}):
        columns = ", ".join(f'"{column.name}" {column.data_type or "text"}' for column in marts[name].columns)
        cursor.execute(f'drop table if exists marts."{name}"; create table marts."{name}" ({columns})')


def fill(cursor: Cursor, n_schools: int, n_municipalities: int) -> None:
    """Rows of a region: every seventh school is on the list, the first one has the hostile name of 300 characters."""
    schools = [_school(no, n_municipalities) for no in range(n_schools)]
    for year in (YEAR - 1, YEAR):
        _fill_year(cursor, year, schools)
    _fill_dimensions(cursor, schools)
    _fill_municipalities(cursor, n_municipalities, n_schools // n_municipalities)
    _fill_loading(cursor)
    _fill_programme(cursor, n_municipalities)


def insert(cursor: Cursor, mart: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows with the same columns; what they do not name is null."""
    rows = [
        {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()} for row in rows
    ]
    if rows:
        names = ", ".join(f'"{name}"' for name in rows[0])
        execute_values(cursor, f'insert into marts."{mart}" ({names}) values %s', [tuple(row.values()) for row in rows])


def _school(no: int, n_municipalities: int) -> dict[str, Any]:
    place = no % n_municipalities
    return {
        "school_id": f"C{no:06d}",
        "school_code": f"{no:06d}",
        "school_name": LONG_NAME if no == 0 else f"Муниципальная общеобразовательная школа № {no} села Ёлкино",
        "municipality_name": _place(place),
    }


def _place(no: int) -> str:
    return "<b>Жирный</b> «район»" if no == 0 else f"Район {no:02d}"


def _is_low(no: int, method: str, year: int) -> bool | None:
    if method == "adverse_context" or no % 31 == 30:
        return None
    return (no + (YEAR - year)) % {"rosobr_30": 7, "hse_context": 5}[method] == 0


def _fill_year(cursor: Cursor, year: int, schools: list[dict[str, Any]]) -> None:
    low = ["oge_math", "oge_rus"]
    verdicts, evidence, methods, changes = [], [], [], []
    for no, school in enumerate(schools):
        found = {method: _is_low(no, method, year) for method in METHODS}
        for method, is_low in found.items():
            verdicts.append(
                {
                    **school, "year": year, "method_code": method, "method_version": "1", "is_low_results": is_low,
                    "is_adverse_context": no % 4 == 0, "low_procedures": low if is_low else [],
                    "evidence_grade": "ABCD"[no % 4],
                    "probability_low": (no % 100) / 100 if is_low is not None else None,
                    "is_fragile": no % 3 == 0, "years_identified": 1 + no % 4 if is_low else 0,
                    "calculation_id": CALCULATION,
                }
            )  # fmt: skip
        if found["rosobr_30"]:
            evidence += [
                {
                    "year": year, "school_id": school["school_id"], "method_code": "rosobr_30", "procedure_code": code,
                    "n_below_min": 1 + no % 5, "n_participants": 5 + no % 9, "is_low": True,
                    "is_low_participation": no % 2 == 0,
                }
                for code in low
            ]  # fmt: skip
        named = [method for method, is_low in found.items() if is_low]
        known = [method for method, is_low in found.items() if is_low is not None]
        methods.append(
            {
                **school, "year": year, "n_methods": len(known), "n_methods_low": len(named),
                "is_low_by_any": bool(named) if known else None, "is_low_by_all": named == known if known else None,
                "is_adverse_context": no % 4 == 0,
            }
        )  # fmt: skip
        before = _is_low(no, "rosobr_30", year - 1)
        if year == YEAR and (found["rosobr_30"] or before):
            change = "stayed" if before and found["rosobr_30"] else "entered" if found["rosobr_30"] else "left"
            changes.append(
                {
                    **school, "year": year, "comparison": "year", "method_code": "rosobr_30",
                    "is_low_before": before, "is_low_now": found["rosobr_30"], "change": change,
                    "procedures_became_low": ["oge_math"] if change == "entered" else [],
                    "procedures_no_longer_low": [], "counts": "oge_math: 0 из 7 → 3 из 9; oge_rus: 2 из 7 → 1 из 9",
                }
            )  # fmt: skip
    insert(cursor, "mart_identification", verdicts)
    insert(cursor, "mart_identification_evidence", evidence)
    insert(cursor, "mart_identification_methods", methods)
    insert(cursor, "mart_identification_change", changes)
    insert(
        cursor, "mart_school_card", [{**school, "year": year, "list_method_code": "rosobr_30"} for school in schools]
    )
    insert(
        cursor,
        "mart_school_context",
        [{"year": year, "school_id": school["school_id"], "context_index": 37.25} for school in schools],
    )


def _fill_dimensions(cursor: Cursor, schools: list[dict[str, Any]]) -> None:
    insert(
        cursor,
        "mart_calculation",
        [
            {
                "calculation_id": CALCULATION,
                "year": YEAR,
                "years": [YEAR - 1, YEAR],
                "status": "done",
                "finished_at": _FINISHED,
            }
        ],
    )
    insert(
        cursor,
        "dim_method",
        [
            {
                "method_code": code, "method_version": "1", "kind": "low_share", "title_ru": f"{title}, целиком",
                "label_ru": title, "valid_from_year": 2018, "threshold_numerator": 3, "threshold_denominator": 10,
                "condition": "two_procedures", "source": f"Приказ «{code}» <№ 5>", "is_proposal": False,
                "procedures": json.dumps(list(PROCEDURES)), "grade_a_min_participants": 20,
                "grade_b_min_participants": 10, "grade_c_min_pooled": 10,
            }
            for code, title in METHODS.items()
        ],
    )  # fmt: skip
    insert(
        cursor,
        "dim_method",
        [
            {
                "method_code": "municipal", "method_version": "1", "kind": "municipality", "label_ru": "Ниже региона",
                "title_ru": "Муниципалитеты ниже региона", "valid_from_year": 2018,
                "parameters": {"groups": {"oge_math": ["oge_math"]}}, "source": "Программа",
            }
        ],
    )  # fmt: skip
    insert(cursor, "dim_procedure", [{"procedure_code": code, "title_ru": title} for code, title in PROCEDURES.items()])
    insert(
        cursor,
        "dim_school",
        [
            {"school_id": school["school_id"], "name": school["school_name"], "is_current": True, "short_name": short}
            for no, school in enumerate(schools)
            if (short := f"МОШ № {no}") and no
        ],
    )
    insert(
        cursor, "dim_method_label", [{"label_key": "low_results", "label_plural_ru": "Школы с низкими результатами"}]
    )


def _fill_municipalities(cursor: Cursor, n_municipalities: int, n_schools: int) -> None:
    results, found, marked = [], [], []
    for no in range(n_municipalities):
        place = {"year": YEAR, "municipality_id": f"M{no:03d}", "municipality_name": _place(no)}
        for code in PROCEDURES:
            share = 0.05 + 0.3 * no / n_municipalities
            results.append(
                {
                    **place, "procedure_code": code, "n_schools": n_schools, "n_participants": 100,
                    "n_below_min": round(100 * share), "share_below_min": share, "regional_share": 0.2,
                    "ci_low": max(share - 0.07, 0), "ci_high": share + 0.07, "is_low": share > 0.27,
                }
            )  # fmt: skip
        found.append(
            {
                **place,
                "method_code": "municipal",
                "method_version": "1",
                "is_default": True,
                "is_low_municipality": no == 1,
            }
        )
        marked.append(
            {**place, "area_kind": "municipality", "n_schools": n_schools, "n_schools_flagged": no % 3,
             "share_flagged": no % 3 / n_schools, "n_markers": no % 3}
        )  # fmt: skip
    insert(cursor, "mart_municipality_results", results)
    insert(cursor, "mart_municipality_identification", found)
    region = {"year": YEAR, "municipality_id": "", "municipality_name": None, "area_kind": "region",
              "n_schools": n_schools * n_municipalities, "n_schools_flagged": 21, "share_flagged": 0.03,
              "n_markers": 40}  # fmt: skip
    insert(cursor, "mart_objectivity_municipality", [*marked, region])
    insert(
        cursor,
        "mart_objectivity",
        [
            {"year": YEAR, "school_id": f"C{no:06d}", "procedure_code": "vpr_math_5", "marker": marker,
             "marker_title": f"Признак {marker}", "is_flagged": no % 9 == 0}
            for no in range(50)
            for marker in ("B1", "B4")
        ],
    )  # fmt: skip


def _fill_loading(cursor: Cursor) -> None:
    insert(
        cursor,
        "mart_data_quality",
        [
            {
                "source": source, "year": year, "n_files": 3, "n_rows_read": 12_400, "n_rows_accepted": 12_345,
                "n_rows_rejected": 5, "n_rows_dropped": 50, "n_warnings": 7, "n_suites_passed": 1, "n_suites": 2,
                "completeness": 12_345 / 12_350, "n_blanks_as_zero": 0, "n_unresolved_schools": 1,
                "n_control_totals": 4, "n_control_totals_failed": 1,
            }
            for source, year in (("vpr_result", YEAR), ("oge_result", YEAR), ("school", None))
        ],
    )  # fmt: skip
    insert(
        cursor,
        "mart_source_presence",
        [
            {"year": YEAR, "source": "ege_result", "source_title": "Результаты ЕГЭ", "is_yearly": True,
             "state": "missing_came_last_year", "state_title": "не пришёл, в прошлом году был",
             "n_schools": 0, "n_schools_last_year": 39}
        ],
    )  # fmt: skip
    insert(
        cursor,
        "mart_source_file",
        [
            {
                "year": None,
                "file_name": "<i>бит</i>ый.xlsx",
                "status": "refused",
                "problem": "Не открывается.",
                "advice": "",
            }
        ],
    )
    insert(
        cursor,
        "mart_rejection",
        [
            {"year": YEAR, "source": "vpr_result", "source_title": "Результаты ВПР", "rule_code": "score_above_max",
             "rule_title": "Балл не больше наибольшего", "severity": "critical", "severity_title": "отклонена",
             "municipality_code": code, "n_rows": 2}
            for code in ("001", "002")
        ],
    )  # fmt: skip


def _fill_programme(cursor: Cursor, n_municipalities: int) -> None:
    programme = {"programme_code": "priozersk", "title": "Программа <поддержки>", "short_title": "Приозерск",
                 "territory": "Район", "year_from": YEAR - 3, "year_to": YEAR, "source_document": "doc.txt",
                 "source": "Даты — по документу"}  # fmt: skip
    insert(
        cursor,
        "dim_programme",
        [programme, programme | {"programme_code": "later", "year_from": 2030, "year_to": 2031}],
    )
    statuses = (("met", "доля", 1), ("not_met", "доля", 0.125), ("tracked", "количество", 11),
                ("no_data", "доля", None),
                ("ambiguous", "да/нет", 1), ("not_met", "разность долей", -0.25))  # fmt: skip
    insert(
        cursor,
        "mart_programme_indicator",
        [
            {
                "year": YEAR, "programme_code": code, "indicator_code": f"P{no:02d}", "version": "",
                "section": "indicator",
                "title": f"Показатель {no}", "unit": unit, "period": str(YEAR), "period_kind": "year",
                "territory_kind": "region", "territory_code": "region", "numerator": 1, "denominator": 8,
                "value": value, "target": 0.9, "comparator": ">=", "status": status, "reading": "Читается <так>",
                "missing_sources": ["certification"] if status == "no_data" else None,
            }
            for code in ("priozersk", "later")
            for no, (status, unit, value) in enumerate(statuses)
        ],
    )  # fmt: skip
    insert(
        cursor,
        "mart_programme_remark",
        [
            {
                "programme_code": "priozersk",
                "remark_kind": "document",
                "remark_code": "x",
                "remark": "Номер <дважды>",
                "quote": "1.8",
            }
        ],
    )
    insert(
        cursor,
        "mart_programme_funnel",
        [{"year": YEAR, "programme_code": "priozersk", "n_all": 60, "n_analysed": 54, "n_identified": 21,
          "n_included": 8,
          "n_partnered": 7, "n_trained": 0, "n_moved": 1}],
    )  # fmt: skip
    places = [(None, None), *((f"{no:03d}", _place(no)) for no in range(min(n_municipalities, 5)))]
    insert(
        cursor,
        "mart_partnership_coverage",
        [
            {"year": YEAR, "programme_code": "priozersk", "municipality_code": code, "municipality_name": name,
             "n_schools_target": 8, "n_schools_covered": 7, "coverage": 0.875, "n_agreements": 9, "target": 1,
             "status": "not_met"}
            for code, name in places
        ],
    )  # fmt: skip
    insert(
        cursor,
        "mart_pd_rollup",
        [
            {"year": YEAR, "programme_code": "priozersk", "municipality_code": code, "municipality_name": name,
             "n_schools": 8, "n_schools_complete": 1, "n_persons_completed": 17, "headcount": 64, "n_directors": 8,
             "n_teachers": 53, "n_directors_trained": 2, "n_teachers_trained": 12, "median_hours": 24.5}
            for code, name in places
        ],
    )  # fmt: skip
