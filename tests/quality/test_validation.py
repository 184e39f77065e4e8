"""What a validation does around the rules: counts, repeats, reports."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from quality_cases import KEYS, SOURCES
from quality_warehouse import land, query
from ravenstvo.quality import gx, validate
from ravenstvo.quality.ahead import check_tables
from ravenstvo.quality.parts import Pending, compared_with
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


def test_two_validations_at_once_give_one_result(settings: Settings, known_school: None) -> None:
    part = land(settings, "vpr_result", works(40, sex="?"))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(validate, [settings, settings]))
    assert sorted(len(result["sources"]) for result in results) == [0, 1]
    assert query(settings, "select count(*) from ops.row_finding where part_id = %s", part) == [(40,)]


def test_what_comes_while_a_source_is_validated_is_validated_too(
    settings: Settings, known_school: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = land(settings, "vpr_result", works(5, sex="?"))
    asked, run_suite = [], gx.run_suite

    def correct_meanwhile(*arguments: Any) -> dict[str, str]:
        if not asked:
            with connect(settings) as connection, connection.cursor() as cursor:
                cursor.execute("update landing.vpr_result set sex = 'м' where part_id = %s and row_no > 3", (part,))
                cursor.execute("update ops.source_part set validated_at = null where part_id = %s", (part,))
        asked.append(1)
        return run_suite(*arguments)

    monkeypatch.setattr(gx, "run_suite", correct_meanwhile)
    assert validate(settings)["sources"]["vpr_result"]["n_warnings"] == 2
    assert len(asked) == 2
    assert query(settings, "select row_no from ops.row_finding where part_id = %s order by 1", part) == [(2,), (3,)]


def test_tables_are_no_more_made_once_the_block_is_left(settings: Settings, known_school: None) -> None:
    part = land(settings, "vpr_result", works(1))
    with connect(settings) as connection, connection.cursor() as cursor:
        # Nothing can be read until this connection ends: who waited for the table would wait for ever.
        cursor.execute("lock table landing.vpr_result in access exclusive mode")
        with pytest.raises(ZeroDivisionError), check_tables(settings, [Pending("vpr_result", [part])]):
            raise ZeroDivisionError
        pending = [Pending("vpr_result", [part]), Pending("no_such_source", [part])]
        with pytest.raises(KeyError), check_tables(settings, pending) as tables:
            next(tables)
    validate(settings)


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
