"""A finished calculation of a made-up region, as its stages would have left it: a list to be approved."""

from __future__ import annotations

from typing import Any

from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

YEAR, METHOD, CALCULATION = 2022, "two_low", "2022-first"

# Only what approving reads; the real tables have more columns.
TABLES = """
create table marts.mart_identification (
  year int, school_id text, school_code text, login text, school_name text, municipality_name text, method_code text,
  method_version text, is_low_results boolean, is_adverse_context boolean, status text, n_procedures int,
  n_low_procedures int, low_procedures text[], n_participants_total int, evidence_grade text,
  probability_low double precision, is_fragile boolean, years_identified int, decided_status text, decided_by text,
  decided_at timestamptz, decision_document text, calculation_id text);
create table marts.mart_identification_evidence (
  year int, school_id text, method_code text, method_version text, procedure_code text, n_participants int,
  n_below_min int, is_low boolean, is_low_last_year boolean, calculation_id text);
create table core.dim_method (method_code text, title_ru text, label_ru text, valid_from_year int, valid_to_year int);
create table core.dim_procedure (procedure_code text, title_ru text);
create table core.dim_school (
  school_id text, school_code text, login text, name text, municipality_name text, is_current boolean);
create table core.int_school_key (key_kind text, school_key text, school_id text);
create table seeds.approval_method (year_from int, year_to int, method_code text);
insert into core.dim_method values ('two_low', 'Две низкие процедуры', 'Две', 2020, null);
insert into core.dim_method values ('other', 'Другой метод', 'Другой', 2020, null);
insert into core.dim_procedure values ('vpr_math_5', 'ВПР, математика, 5 класс');
insert into seeds.approval_method values (2020, null, 'two_low');
"""
# id, code, login, name, on the list this year, fragile
SCHOOLS: list[tuple[str, str, str, str, bool | None, bool]] = [
    ("C100001", "100001", "sch100001", "Школа № 1", True, False),
    ("C100002", "100002", "sch100002", "Школа № 2 *особая*", True, True),
    ("C100003", "100003", "sch100003", "Лицей", False, False),
    ("C100004", "100004", "sch100004", "Гимназия", None, False),
]
# A school of the register of which the method has nothing to say.
REGISTERED = ("C100005", "100005", "sch100005", "Вечерняя школа", "Район")
LAST_YEAR = {"C100001": False, "C100002": True, "C100003": True}


def do(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a statement run in a transaction of its own."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def fill(settings: Settings) -> None:
    """Make the tables and a finished calculation whose verdicts are kept."""
    do(settings, TABLES)
    for school_id, code, login, name, *_ in SCHOOLS:
        do(settings, "insert into core.dim_school values (%s, %s, %s, %s, 'Район', true)", school_id, code, login, name)
        do(settings, "insert into core.int_school_key values ('code', %s, %s)", code, school_id)
        do(settings, "insert into core.int_school_key values ('login', %s, %s)", login, school_id)
    do(settings, "insert into core.dim_school values (%s, %s, %s, %s, %s, true)", *REGISTERED)
    # A login of before: a school may be named by it too.
    do(settings, "insert into core.int_school_key values ('login', 'sch900001', 'C100001')")
    calculate(settings, CALCULATION)


def calculate(settings: Settings, calculation_id: str, changed: dict[str, bool] | None = None) -> None:
    """Fill the marts anew and keep the verdicts, as a calculation does."""
    do(
        settings,
        "insert into ops.calculation (calculation_id, year, years, status, finished_at) "
        "values (%s, %s, %s, 'done', now())",
        *(calculation_id, YEAR, [YEAR - 1, YEAR]),
    )
    do(settings, "truncate marts.mart_identification; truncate marts.mart_identification_evidence")
    for school_id, code, login, name, is_low, is_fragile in SCHOOLS:
        for year in (YEAR - 1, YEAR):
            low = (changed or {}).get(school_id, is_low) if year == YEAR else LAST_YEAR.get(school_id)
            do(
                settings,
                "insert into marts.mart_identification values (%s, %s, %s, %s, %s, 'Район', 'two_low', '1', %s, null, "
                "null, 1, %s, %s, 10, 'B', null, %s, 1, null, null, null, null, %s)",
                *(year, school_id, code, login, name, low, int(bool(low))),
                *(["vpr_math_5"] if low else [], is_fragile, calculation_id),
            )
            do(
                settings,
                "insert into marts.mart_identification_evidence "
                "values (%s, %s, 'two_low', '1', 'vpr_math_5', 10, %s, %s, false, %s)",
                *(year, school_id, 4 if low else 1, bool(low), calculation_id),
            )
    do(
        settings,
        "insert into core.history_identification select calculation_id, year, school_id, method_code, method_version, "
        "is_low_results, is_adverse_context, status, n_procedures, n_low_procedures, low_procedures, "
        "n_participants_total, evidence_grade, probability_low, is_fragile, years_identified "
        "from marts.mart_identification",
    )
