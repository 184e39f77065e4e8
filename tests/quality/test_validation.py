"""What a validation does around the rules: counts, repeats, reports."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openpyxl
import pytest
from quality_cases import KEYS, SOURCES
from quality_warehouse import land, query
from ravenstvo.quality import validate
from ravenstvo.quality.parts import compared_with
from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import connect

pytestmark = pytest.mark.slow(seconds=25)

COUNTS = "select n_rows_accepted, n_rows_rejected, n_warnings from ops.source_part where part_id = %s"


def works(count: int, **changes: object) -> list[dict[str, object]]:
    clean = SOURCES["vpr_result"].clean
    return [{**clean, "pupil_code": str(number), **changes} for number in range(count)]


@pytest.fixture(scope="module")
def known_school(settings: Settings) -> None:
    land(settings, "school", [SOURCES["school"].clean])


def workbook(settings: Settings, path: str) -> openpyxl.Workbook:
    (found,) = settings.reports_dir.glob(f"*/errors/*{path}*")
    return openpyxl.load_workbook(found)


def test_every_failing_row_is_rejected_not_the_first_twenty(settings: Settings, known_school: None) -> None:
    # The five right rows have the codes of rejected ones.
    part = land(settings, "vpr_result", [*works(300, primary_score="99"), *works(5)], path="три сотни.xlsx")
    validate(settings)
    assert query(
        settings,
        "select count(*) from ops.row_finding where part_id = %s and expectation_id = 'vpr_result.score_above_max'",
        part,
    ) == [(300,)]
    assert query(settings, COUNTS, part) == [(5, 300, 0)]


def test_wide_row_is_rejected_only_with_all_of_its_records(settings: Settings) -> None:
    clean = SOURCES["ege_school_summary"].clean
    part = land(
        settings,
        "ege_school_summary",
        [
            {**clean, "row_no": 7, "subject": "Химия", "n_participants": "плохо"},
            {**clean, "row_no": 7, "subject": "Физика"},
            {**clean, "row_no": 8, "school_name": "Вторая школа", "subject": "Химия", "n_participants": "плохо"},
            {**clean, "row_no": 8, "school_name": "Вторая школа", "subject": "Физика", "n_participants": "плохо"},
        ],
    )
    validate(settings)
    assert query(settings, COUNTS, part)[0][:2] == (1, 1)
    rejected = query(settings, "select row_no, record_key from ops.rejected_row where part_id = %s order by 1, 2", part)
    assert rejected == [(7, "Химия"), (8, "Физика"), (8, "Химия")]


def test_repeated_validation_gives_the_same_findings(settings: Settings) -> None:
    part = land(settings, "vpr_result", [*works(3, sex="?"), *works(1)])
    validate(settings)
    everything = "select row_no, expectation_id, message from ops.row_finding where part_id = %s order by 1, 2"
    first, counts = query(settings, everything, part), query(settings, COUNTS, part)
    # As after a kill: the part does not count as validated, whatever was written of it.
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute("update ops.source_part set validated_at = null where part_id = %s", (part,))
    validate(settings)
    assert query(settings, everything, part) == first
    assert query(settings, COUNTS, part) == counts
    assert query(settings, "select count(*) from pg_tables where tablename like 'check\\_%%'") == [(0,)]


def test_new_register_changes_what_is_known_of_schools(settings: Settings, known_school: None) -> None:
    part = land(settings, "vpr_result", works(1, school_login="sch220777"))
    validate(settings)
    unknown = "select count(*) from ops.row_finding where part_id = %s and expectation_id = 'vpr_result.school_unknown'"
    assert query(settings, unknown, part) == [(1,)]
    land(settings, "school_login", [{**SOURCES["school_login"].clean, "school_login": "edu220777"}])
    validate(settings)
    assert query(settings, unknown, part) == [(0,)]


def test_new_register_of_events_accepts_their_participants(settings: Settings, known_school: None) -> None:
    part = land(settings, "event_participant", [{**SOURCES["event_participant"].clean, "event_code": "М-7"}])
    validate(settings)
    assert query(settings, COUNTS, part)[0][:2] == (0, 1)
    (finding,) = query(settings, "select message, value from ops.row_finding where part_id = %s", part)
    assert finding == ("Мероприятия с кодом «М-7» нет в реестре мероприятий.", "М-7")
    land(settings, "event", [{**SOURCES["event"].clean, "event_code": "М-7"}])
    validate(settings)
    assert query(settings, COUNTS, part)[0][:2] == (1, 0)


def test_new_school_and_new_municipality_accept_rows_that_waited_for_them(settings: Settings) -> None:
    clean = SOURCES["service"].clean
    land(settings, "municipality", [SOURCES["municipality"].clean])
    land(settings, "school", [SOURCES["school"].clean])
    school = land(settings, "service", [{**clean, "school_code": "101777"}])
    town = land(settings, "service", [{**clean, "school_code": None, "municipality_code": "177"}])
    validate(settings)
    assert [query(settings, COUNTS, part)[0][:2] for part in (school, town)] == [(0, 1), (0, 1)]
    land(settings, "school", [{**SOURCES["school"].clean, "school_code": "101777", "school_login": "sch220777"}])
    land(settings, "municipality", [{**SOURCES["municipality"].clean, "municipality_code": "177"}])
    validate(settings)
    assert [query(settings, COUNTS, part)[0][:2] for part in (school, town)] == [(1, 0), (1, 0)]


def test_nearest_known_programme_is_named(settings: Settings, known_school: None) -> None:
    part = land(settings, "membership", [{**SOURCES["membership"].clean, "programme": "томск 2018 год"}])
    validate(settings)
    ((message, advice),) = query(settings, "select message, advice from ops.row_finding where part_id = %s", part)
    assert message == "Неизвестная программа «томск 2018 год»."
    assert advice.endswith("Ближайшее известное значение: «Томск, 2018» (код tomsk_2018).")


def test_what_is_compared_with_a_register_follows_from_the_documents() -> None:
    assert compared_with("event") == ["event_participant"]
    assert set(compared_with("municipality")) == {
        "association",
        "document",
        "infrastructure",
        "plan_item",
        "service",
    }
    assert {"agreement", "membership", "vpr_result"} < set(compared_with("school"))
    assert {"event", "school", "school_context"}.isdisjoint(compared_with("school"))
    assert compared_with("agreement") == []


def test_nothing_to_validate_does_not_load_great_expectations(settings: Settings) -> None:
    validate(settings)
    program = (
        "import sys\nfrom pathlib import Path\nfrom ravenstvo.quality import validate\n"
        "from ravenstvo.settings import Settings\n"
        f"result = validate(Settings(home=Path({str(settings.home)!r}), warehouse_url={settings.warehouse_url!r}))\n"
        "assert result['sources'] == {}, result\nassert 'great_expectations' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_error_workbook_tells_what_is_wrong_and_cannot_run_anything(settings: Settings) -> None:
    rows = works(1, primary_score="99") + works(1, pupil_code="=1+1", journal_mark="=cmd|' /C calc'!A0")
    land(settings, "vpr_result", rows, path="2021/5/формулы.xlsx")
    validate(settings)
    book = workbook(settings, "формулы")
    assert book.sheetnames == ["Сводка", "Строки"]
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    lines = list(book["Строки"].iter_rows(values_only=True))
    titles = list(lines[0])
    rejected = next(line for line in lines if line[titles.index("Тяжесть")] == "Отклонена")
    assert rejected[titles.index("Файл")] == "2021/5/формулы.xlsx"
    assert rejected[titles.index("Строка")] == "2"
    assert rejected[titles.index("Значение")] == "99"
    assert rejected[titles.index("Первичный балл")] == "99"
    assert any("=cmd" in str(line) for line in lines)


def test_error_workbook_shows_a_sheet_as_the_sender_knows_it(settings: Settings, known_school: None) -> None:
    """Rows of one sheet that tell of several years are parts of one file; dates are shown day first."""
    clean = SOURCES["event_participant"].clean
    land(settings, "event", [{**SOURCES["event"].clean, "event_code": clean["event_code"]}])
    wrong = {**clean, "person_key": None, "snils_state": "wrong_check"}
    days = {**SOURCES["satisfaction"].clean, "score": "140"}
    first = land(settings, "satisfaction", [{**days, "row_no": 3}, {**days, "row_no": 5, "surveyed_on": "2202-05-01"}])
    second = land(settings, "satisfaction", [{**days, "row_no": 4, "surveyed_on": "2022-05-01"}], path="один лист.xlsx")
    land(settings, "event_participant", [wrong], path="с людьми.xlsx")
    with connect(settings) as connection, connection.cursor() as cursor:
        for table in ("ops.source_part", "landing.satisfaction"):
            cursor.execute(
                f"update {table} set file_id = (select file_id from ops.source_part where part_id = %s) "
                "where part_id = %s",
                (second, first),
            )
    validate(settings)
    book = workbook(settings, "один лист")
    sheets = [line for line in book["Сводка"].iter_rows(values_only=True) if line[0] == "Лист1"]
    assert [line[2:5] for line in sheets] == [("5", "0", "3")]
    titles, *lines = book["Строки"].iter_rows(values_only=True)
    assert [line[2] for line in lines] == ["3", "4", "5", "5"]
    assert [line[titles.index("Дата")] for line in lines] == ["30.10.2021", "01.05.2022", "01.05.2202", "01.05.2202"]
    told = {line[6]: line[4] for line in lines}
    assert told["«Дата»: 01.05.2202 — вне границ от 2000 до 2049 года."] == "01.05.2202"
    people = workbook(settings, "с людьми")
    assert people["Строки"]["D2"].value == "СНИЛС (номер не хранится)"
    assert "неверное контрольное число" in [cell.value for cell in people["Строки"][2]]
    notes = ["сюда не переписываются" in str(line[0]) for line in people["Сводка"].iter_rows(values_only=True)]
    assert sum(notes) == 1
    assert not any("сюда не переписываются" in str(line[0]) for line in book["Сводка"].iter_rows(values_only=True))


def test_total_that_the_rows_do_not_confirm_is_told(settings: Settings, known_school: None) -> None:
    part = land(settings, "vpr_result", works(2), path="с итогом.xlsx")
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.control_total (part_id, total_name, column_name, stated, computed, agrees, row_no) "
            "values (%s, 'Всего участников', null, '3', '2', false, 9)",
            (part,),
        )
    validate(settings)
    told = [line[3] for line in workbook(settings, "с итогом")["Сводка"].iter_rows(values_only=True)]
    assert "Итог «Всего участников» не сходится: в файле 3, по строкам 2." in told


def test_two_validations_at_once_give_one_result(settings: Settings, known_school: None) -> None:
    part = land(settings, "vpr_result", works(40, sex="?"))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(validate, [settings, settings]))
    assert sorted(len(result["sources"]) for result in results) == [0, 1]
    assert query(settings, "select count(*) from ops.row_finding where part_id = %s", part) == [(40,)]


def test_clean_file_has_no_workbook(settings: Settings, known_school: None) -> None:
    land(settings, "vpr_result", works(2), path="2021/чистый.xlsx")
    validate(settings)
    assert list(settings.reports_dir.glob("*/errors/*чистый*")) == []


def test_very_many_warnings_of_one_kind_share_a_line(settings: Settings, known_school: None) -> None:
    land(settings, "vpr_result", works(700, sex="?"), path="много.xlsx")
    validate(settings)
    lines = list(workbook(settings, "много")["Строки"].iter_rows(values_only=True))
    assert len(lines) == 1 + 200 + 1
    assert lines[-1][6].endswith("строкам: 500")
    assert lines[-1][2].startswith("202, 203") and lines[-1][2].endswith("701")


def test_problems_of_a_refused_file_get_a_workbook(settings: Settings) -> None:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.file_problem (path, sheet, row_no, column_name, value, code, severity, message, advice) "
            "values ('непонятный.xlsx', 'Лист1', 3, 'Баллл', null, 'unknown_column', 'error', "
            "'Неизвестная колонка', 'Переименуйте')"
        )
    written = validate(settings)["workbooks"]
    assert [Path(path).name.split(" ")[0] for path in written] == ["непонятный.xlsx"]
    summary = [line for line in workbook(settings, "непонятный")["Сводка"].iter_rows(values_only=True) if line[0]]
    assert summary[3][:4] == ("Ошибка файла", "Лист1, строка 3", "Баллл", "Неизвестная колонка")
    assert validate(settings)["workbooks"] == []


def test_data_docs_show_every_suite_and_nobody(settings: Settings) -> None:
    land(settings, "ege_result", [{**SOURCES["ege_result"].clean, "test_score": "500"}])
    index = Path(validate(settings)["data_docs"])
    assert index == settings.data_docs_dir / "index.html"
    pages = {
        path.relative_to(settings.data_docs_dir): path.read_text(encoding="utf-8")
        for path in settings.data_docs_dir.rglob("*.html")
    }
    assert {path.stem for path in pages if path.parts[0] == "expectations"} == set(SOURCES)
    assert "Тестовый балл от 0 до 100" in "".join(pages.values())
    assert not any(key in page for page in pages.values() for key in KEYS)
