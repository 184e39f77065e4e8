"""Landing: a file is in or not in, the same bytes come in once, every row is accounted for."""

from __future__ import annotations

import csv
import io
import shutil
import uuid
from pathlib import Path

import psycopg2
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ravenstvo.intake import landing
from ravenstvo.intake.cells import clean
from ravenstvo.intake.discover import read_inbox
from ravenstvo.intake.landing import land

# A NUL in a text file makes it no text file: such a file is refused.
WRITABLE = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
PATH = "2021/5/Математика.xlsx"


def test_rows_come_with_their_file_and_row(intake, vpr):
    intake.write(PATH, vpr(("sch220001", 7), ("sch220002", 9)))
    assert intake.take() == {PATH: "landed"}
    rows = intake.ask(
        "select file.path, v.row_no, v.year, v.grade, v.subject, v.school_login, v.primary_score, v.item_scores::text"
        " from landing.vpr_result as v join ops.source_file as file using (file_id) order by v.row_no"
    )
    assert rows == [
        (PATH, 2, "2021", "5", "Математика", "sch220001", "7", '{"1":"7"}'),
        (PATH, 3, "2021", "5", "Математика", "sch220002", "9", '{"1":"9"}'),
    ]
    counts = intake.ask("select n_rows_read, n_rows_dropped, n_rows_landed, in_force, version from ops.source_part")
    assert counts == [(3, 1, 2, True, 1)]


def test_same_bytes_under_two_names_come_in_once(intake, vpr):
    first = intake.write(PATH, vpr(("sch220001", 7)))
    shutil.copy(first, intake.inbox / "2021" / "5" / "Копия.xlsx")
    assert len(intake.take()) == 1
    assert intake.take() == {}
    assert intake.ask("select count(*) from landing.vpr_result") == [(1,)]


def test_later_years_wait_for_their_campaign(intake, vpr):
    intake.write(PATH, vpr(("sch220001", 7)))
    intake.write("2022/5/Математика.xlsx", vpr(("sch220001", 8)))
    assert intake.take(2021) == {PATH: "landed", "2022/5/Математика.xlsx": "waiting"}
    assert intake.take(2021) == {}
    assert intake.take(2022) == {"2022/5/Математика.xlsx": "landed"}
    assert intake.ask("select year, count(*) from landing.vpr_result group by year order by year") == [
        ("2021", 1),
        ("2022", 1),
    ]
    assert intake.ask("select count(*) from ops.source_part where status = 'waiting'") == [(0,)]


def test_refused_file_is_told_and_does_not_stop_the_others(intake, vpr):
    intake.write(PATH, vpr(("sch220001", 7)))
    (intake.inbox / "текст.xlsx").write_text("не книга", encoding="utf-8")
    for _ in range(2):
        assert intake.take(2021)["текст.xlsx"] == "refused"
        assert intake.ask("select path, code from ops.file_problem") == [("текст.xlsx", "not_a_workbook")]
    assert intake.ask("select count(*) from landing.vpr_result") == [(1,)]


def test_landing_that_breaks_leaves_nothing_and_can_be_repeated(intake, vpr, monkeypatch):
    intake.write(PATH, vpr(("sch220001", 7), ("sch220002", 8)))
    plan = read_inbox(intake.inbox, None, intake.settings)
    whole = landing._copy

    def broken(*arguments):
        whole(*arguments)
        raise ConnectionError("killed after COPY")

    monkeypatch.setattr(landing, "_copy", broken)
    with pytest.raises(ConnectionError):
        landing.land(plan["files"][0], intake.settings)
    assert intake.ask("select count(*) from landing.vpr_result") == [(0,)]
    assert intake.ask("select count(*) from ops.source_file") == [(0,)]
    monkeypatch.undo()
    assert landing.land(plan["files"][0], intake.settings)["status"] == "landed"
    assert landing.land(plan["files"][0], intake.settings)["status"] == "known"
    assert intake.ask("select count(*) from landing.vpr_result") == [(2,)]


def test_two_readings_of_one_file_land_once(intake, vpr):
    intake.write(PATH, vpr(("sch220001", 7)))
    plan = read_inbox(intake.inbox, None, intake.settings)
    spool = intake.settings.spool_dir / plan["files"][0]["spool"]
    shutil.copytree(spool, intake.settings.spool_dir / "second")
    assert landing.land(plan["files"][0], intake.settings)["status"] == "landed"
    assert landing.land({"path": PATH, "spool": "second"}, intake.settings)["status"] == "known"
    assert intake.ask("select count(*) from landing.vpr_result") == [(1,)]


def test_spool_is_empty_afterwards(intake, vpr):
    intake.write(PATH, vpr(("sch220001", 7)))
    intake.take()
    assert list(intake.settings.spool_dir.iterdir()) == []


def test_link_out_of_the_inbox_is_not_followed(intake, vpr, tmp_path: Path):
    outside = tmp_path / "чужое.xlsx"
    intake.write(PATH, vpr(("sch220001", 7))).rename(outside)
    (intake.inbox / "2021" / "5" / "Математика.xlsx").symlink_to(outside)
    intake.take()
    assert intake.ask("select status from ops.source_file") == [("refused",)]
    assert intake.ask("select code from ops.file_problem") == [("link_outside",)]
    assert intake.ask("select count(*) from landing.vpr_result") == [(0,)]


def test_rows_that_name_their_year_are_parts_of_their_own(intake):
    header = ["Год", "Класс", "Предмет", "Муниципалитет", "ОО", "Логин", "Кол-во участников", 2, 3, 4, 5]
    rows = [[year, 5, "Русский язык", "Город", "СОШ", "sch220001", 10, 10, 40, 40, 10] for year in (2020, 2021, 2022)]
    intake.write("marks.xlsx", [header, *rows])
    assert intake.take(2021) == {"marks.xlsx": "landed"}
    parts = intake.ask("select year, status from ops.source_part order by year")
    assert parts == [(2020, "landed"), (2021, "landed"), (2022, "waiting")]
    assert intake.ask("select count(*) from landing.vpr_school_summary") == [(2,)]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(WRITABLE, min_size=1, max_size=40), min_size=1, max_size=8))
@example(names=["\\.", "\\N", 'а"б', "в\tг\nд", "'; drop table landing.school_login; --", "\x01х", "=1+1", "😀"])
def test_whatever_a_cell_holds_arrives_as_it_was_cleaned(intake, names):
    intake.ask("delete from landing.school_login returning 1")
    rows = [[f"sch{220000 + number}", name, "Город"] for number, name in enumerate(names)]
    # Bytes decide whether a file is new.
    rows.append(["sch999999", str(uuid.uuid4()), "Город"])
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([["логин", "имя", "регион"], *rows])
    written = text.getvalue().encode("utf-8-sig", "replace")
    (intake.inbox / "логины.csv").write_bytes(written)
    assert intake.take(2021) == {"логины.csv": "landed"}
    landed = dict(intake.ask("select school_login, coalesce(school_name, '') from landing.school_login"))
    kept = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""), delimiter=";"))[1:]
    assert landed == {login: clean(name) for login, name, _ in kept}


def test_a_form_that_is_described_afterwards_loads_at_the_next_run(intake):
    rows = [["учётное имя", "как зовут", "где"], ["edu220001", "Школа № 1", "Район"]]
    intake.write("логины.xlsx", rows)
    assert intake.take() == {"логины.xlsx": "refused"}
    folder = intake.settings.layouts_dir
    folder.mkdir(exist_ok=True)
    headers = {"school_login": rows[0][0], "school_name": rows[0][1], "municipality": rows[0][2]}
    (folder / "own_logins.yml").write_text(
        yaml.safe_dump(
            {
                "name": "own_logins",
                "source": "school_login",
                "title": "Логины по-своему",
                "columns": {name: {"header": [header], "required": True} for name, header in headers.items()},
            },
            allow_unicode=True,
        ),
        encoding="utf-8",
    )
    assert intake.take() == {"логины.xlsx": "landed"}
    assert intake.ask("select school_login, school_name, municipality from landing.school_login") == [tuple(rows[1])]


def test_a_connection_that_drops_in_the_middle_of_copy_leaves_nothing_and_is_tried_again(intake, vpr, monkeypatch):
    intake.write(PATH, vpr(*((f"sch22{n:04}", 7) for n in range(500))))
    (file,) = read_inbox(intake.inbox, None, intake.settings)["files"]
    read = landing._Numbered.read

    def dropped(self, size=-1):
        piece = read(self, size)
        copying = "from pg_stat_activity where query like 'copy %' and pid <> pg_backend_pid()"
        assert intake.ask(f"select count(pg_terminate_backend(pid)) {copying}") == [(1,)]
        return piece

    with monkeypatch.context() as patched:
        patched.setattr(landing._Numbered, "read", dropped)
        with pytest.raises(psycopg2.Error):
            land(file, intake.settings)
    assert intake.ask("select count(*) from landing.vpr_result") == [(0,)]
    assert intake.ask("select count(*) from ops.source_file") == [(0,)]
    landed = land(file, intake.settings)
    assert (landed["status"], landed["rows"]) == ("landed", 500)
    assert intake.ask("select count(*) from landing.vpr_result") == [(500,)]
    # The task was killed after its transaction: when it is tried again, it still tells what it brought.
    again = land(file, intake.settings)
    assert (again["status"], again["rows"], again["brought"]) == ("known", 0, [["vpr_result", 2021]])
