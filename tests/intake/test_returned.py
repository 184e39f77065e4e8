"""Rows that come back corrected: which row each takes the place of, what it takes from it, and how long it counts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ravenstvo.intake.recognise import recognise
from ravenstvo.layouts import load_layouts
from ravenstvo.layouts.returned import PART_KEY_SQL, key_header, load_returned, part_key, returned_layout, row_key
from ravenstvo.runtime.withdrawal import withdraw
from ravenstvo.sources import load_sources
from support_forms import filled

pytestmark = pytest.mark.slow(seconds=15)

SNILS, OTHER_SNILS = "112-233-445 95", "980-000-001 45"
COUNTED = """
    select file.path, landed.row_no, landed.{column}
    from landing.{source} as landed
    join ops.source_part as part using (part_id) join ops.source_file as file on file.file_id = part.file_id
    where part.in_force and not exists (
      select 1 from ops.superseded_row as past
      where past.part_id = landed.part_id and past.row_no = landed.row_no and past.record_key = ''
    ) and not exists (
      select 1 from ops.superseded_school as past
      where past.part_id = landed.part_id and past.school_key = landed.{school}
    )
    order by landed.row_no, file.path
"""
STAFF = COUNTED.format(source="staff", column="position", school="school_code")
VPR = COUNTED.format(source="vpr_result", column="primary_score", school="school_login")


@pytest.fixture
def intake(emptied):
    return emptied


def staff(*posts: str, **changes: str) -> list[list[Any]]:
    """A register of teachers, a person a row."""
    form = filled(
        "staff", {"person.snils": SNILS, "person.full_name": "Ёлкина Аглая", "person.birth_date": "03.02.1980"}
    )
    form |= changes
    return [list(form), *([*(form | {"Должность": post}).values()] for post in posts)]


def sent(file: Path, sheet: str, content: str) -> str:
    """Key of a part, from what its sender can know."""
    return part_key(hashlib.sha256(file.read_bytes()).hexdigest(), sheet, 1, content)


def sheet(layout: str, part: str, *rows: tuple[int, dict[str, Any]]) -> list[list[Any]]:
    """A sheet of returned rows as the workbook has it: what to do, headers, rows (number, cells by column)."""
    columns = {name: mapped.header[0] for name, mapped in returned_layout(layout).columns.items()}
    names = [name for name in columns if name != "origin.key"]
    head = ["Что исправить", *(columns[name] for name in names), "Исходный файл", "Исходная строка", key_header(layout)]
    lines = [["почему", *(said.get(n, "") for n in names), "f.xlsx", no, row_key(part, no)] for no, said in rows]
    return [["Исправьте выделенные ячейки"], head, *lines]


def test_every_form_can_go_back_and_is_known_by_its_keys() -> None:
    data = {layout.name for layout in load_layouts().values() if not layout.not_data}
    assert {layout.name for layout in load_returned().values()} == {f"returned_{name}" for name in data}
    for layout in load_returned().values():
        headers = [mapped.header[0] for mapped in layout.columns.values()]
        assert len({header.lower() for header in headers}) == len(headers), layout.name
        name = layout.name.removeprefix("returned_")
        fit = recognise(sheet(name, "0" * 16), {}, "Лист1")
        assert (fit.layout.name, fit.header, fit.is_exact) == (layout.name, 1, True)
        assert set(fit.columns) == set(layout.columns), "each header means its own column"
        assert set(load_sources()[layout.source].content) - set(layout.constants) <= {
            name for fact in layout.columns for name in (fact, f"{fact}.year")
        }, layout.name


def test_corrected_row_takes_the_place_of_the_rejected_one_and_what_it_does_not_say_from_it(intake) -> None:
    file = intake.write("2021/staff.xlsx", staff("учитель", "космонавт", "логопед"), "Люди")
    intake.take(2021)
    (key,) = intake.ask(
        f"select {PART_KEY_SQL} from ops.source_part as part join ops.source_file as file using (file_id)"
    )[0]
    assert key == sent(file, "Люди", "staff|2021")
    said = {"year": 2021, "school_code": "041001", "position": "учитель", "subject": "химия"}
    intake.write("возврат.xlsx", sheet("staff", key, (3, said)), "Педагогический состав")
    intake.take(2021)
    assert intake.ask(STAFF) == [
        ("2021/staff.xlsx", 2, "учитель"),
        ("возврат.xlsx", 3, "учитель"),
        ("2021/staff.xlsx", 4, "логопед"),
    ]
    people = intake.ask("select distinct person_key, name_key, snils_state, birth_year from landing.staff")
    assert len(people) == 1 and None not in people[0]
    assert intake.ask("select subject, category is null from landing.staff where row_no = 3 order by part_id") == [
        ("математика", False),
        ("химия", True),
    ]
    # Read = landed + dropped, and a replaced row is among the dropped.
    counts = (
        "select n_rows_read, n_rows_landed, n_rows_dropped from ops.source_part where source is not null order by 1"
    )
    assert intake.ask(counts) == [(3, 1, 2), (4, 2, 2)]
    assert intake.ask("select n_rows from ops.dropped_row where reason = 'corrected'") == [(1,)]


def test_number_that_is_written_again_makes_another_person_and_keeps_the_rest(intake) -> None:
    file = intake.write("2021/staff.xlsx", staff("учитель"))
    intake.take(2021)
    said = {"year": 2021, "school_code": "041001", "position": "учитель", "person.snils": OTHER_SNILS}
    intake.write("возврат.xlsx", sheet("staff", sent(file, "Лист1", "staff|2021"), (2, said)))
    intake.take(2021)
    old, new = intake.ask("select person_key, name_key, snils_state, birth_year from landing.staff order by part_id")
    assert old[0] != new[0] is not None
    assert old[1:] == new[1:]


def test_later_correction_of_a_row_is_in_force_and_a_withdrawn_one_gives_its_place_back(intake, vpr) -> None:
    file = intake.write("2021/5/Математика.xlsx", vpr(("sch220001", 99), ("sch220001", 7)))
    intake.take()
    key = sent(file, "Лист1", "vpr_result|2021|5|math")
    base = {"school_login": "sch220001", "pupil_code": 50001, "year": 2021, "grade": 5, "subject": "математика"}
    for name, score in (("первая.xlsx", 11), ("вторая.xlsx", 12)):
        intake.write(name, sheet("vpr_result_2021", key, (2, base | {"primary_score": score})))
        intake.take()
    of_file = ("2021/5/Математика.xlsx", 3, "7")
    assert intake.ask(VPR) == [("вторая.xlsx", 2, "12"), of_file]
    assert intake.ask("select distinct item_scores::text, items_total from landing.vpr_result where row_no = 2") == [
        ('{"1":"99"}', "99")
    ]
    withdraw(intake.settings, "вторая.xlsx", "Иванова", "не та")
    assert intake.ask(VPR) == [("первая.xlsx", 2, "11"), of_file]
    withdraw(intake.settings, "первая.xlsx", "Иванова", "не та")
    assert intake.ask(VPR) == [("2021/5/Математика.xlsx", 2, "99"), of_file]
    assert intake.ask("select n_rows_landed, n_rows_dropped from ops.source_part where in_force") == [(2, 1)]


def test_newer_version_of_the_file_or_of_a_school_ends_the_corrections_of_the_old(intake, vpr) -> None:
    rows = (("sch220001", 99), ("sch220002", 98), ("sch220003", 7))
    file = intake.write("2021/5/Математика.xlsx", vpr(*rows))
    intake.take()
    key = sent(file, "Лист1", "vpr_result|2021|5|math")
    base = {"year": 2021, "grade": 5, "subject": "математика", "primary_score": 11}
    said = [(2, base | {"school_login": "sch220001"}), (3, base | {"school_login": "sch220002"})]
    # The school's own file was there before the rows came back.
    intake.write("2021/5/Математика, школа 2.xlsx", vpr(("sch220002", 12)))
    intake.take()
    intake.write("возврат.xlsx", sheet("vpr_result_2021", key, *said))
    intake.take()
    assert [(path, score) for path, _row, score in intake.ask(VPR)] == [
        ("2021/5/Математика, школа 2.xlsx", "12"),
        ("возврат.xlsx", "11"),
        ("2021/5/Математика.xlsx", "7"),
    ]
    intake.write("2021/5/Математика v2.xlsx", vpr(("sch220001", 13), *rows[1:]))
    intake.take()
    assert {path for path, _row, _score in intake.ask(VPR)} == {"2021/5/Математика v2.xlsx"}
    told = "select code, severity, message from ops.file_problem"
    assert intake.ask(told) == [
        ("returned_alone", "warning", "Исходный файл этих строк заменён более новым или отозван: строки не учтены")
    ]


def test_rows_that_come_before_their_file_wait_for_it(intake, vpr) -> None:
    rows = vpr(("sch220001", 99), ("sch220001", 7))
    file = intake.write("2021/5/Математика.xlsx", rows)
    content = file.read_bytes()
    file.unlink()
    key = sent_of(content, "Лист1", "vpr_result|2021|5|math")
    base = {"school_login": "sch220001", "year": 2021, "grade": 5, "subject": "математика", "primary_score": 11}
    intake.write("возврат.xlsx", sheet("vpr_result_2021", key, (2, base), (77, base)))
    intake.take()
    assert intake.ask(VPR) == []
    assert intake.ask("select code from ops.file_problem") == [("returned_alone",)]
    file.write_bytes(content)
    intake.take()
    assert intake.ask(VPR) == [("возврат.xlsx", 2, "11"), ("2021/5/Математика.xlsx", 3, "7")]
    # Of a row that the file never had nothing is taken in.
    assert intake.ask("select code from ops.file_problem") == [("returned_row_unknown",)]
    assert intake.ask("select n_rows from ops.dropped_row where reason = 'no_origin'") == [(1,)]


def sent_of(content: bytes, sheet: str, part: str) -> str:
    return part_key(hashlib.sha256(content).hexdigest(), sheet, 1, part)


def test_keys_that_say_nothing_or_stand_twice_are_dropped_and_told(intake) -> None:
    file = intake.write("2021/staff.xlsx", staff("космонавт", "логопед"))
    intake.take(2021)
    key = sent(file, "Лист1", "staff|2021")
    said = {"year": 2021, "school_code": "041001", "position": "учитель"}
    rows = sheet("staff", key, (2, said), (2, said | {"position": "директор"}), (3, said), (3, said))
    rows[-1][-1] = ""
    rows[-2][-1] = row_key(key, 3)[:-1] + ("0" if row_key(key, 3)[-1] != "0" else "1")
    intake.write("возврат.xlsx", rows)
    intake.take(2021)
    assert intake.ask(STAFF) == [("возврат.xlsx", 2, "директор"), ("2021/staff.xlsx", 3, "логопед")]
    dropped = "select reason, n_rows from ops.dropped_row where reason in ('no_origin', 'repeated') order by 1"
    assert intake.ask(dropped) == [("no_origin", 2), ("repeated", 1)]
    assert intake.ask("select code, row_no from ops.file_problem order by 2") == [
        ("returned_twice", 3),
        ("returned_key", 5),
        ("returned_key", 6),
    ]


def test_sheets_that_hold_nothing_to_load_are_no_version_of_anything(intake) -> None:
    file = intake.write("2021/staff.xlsx", staff("учитель"))
    intake.take(2021)
    intake.write("возврат.xlsx", sheet("staff", sent(file, "Лист1", "staff|2021")))
    assert intake.take(2021) == {"возврат.xlsx": "refused"}
    assert intake.ask(STAFF) == [("2021/staff.xlsx", 2, "учитель")]


def test_record_of_a_wide_row_goes_back_alone(intake) -> None:
    subjects = ["Химия", "", "Физика", ""]
    measures = ["приняло участие", "не преодолен min порог"] * 2
    head = [["", "Муниципалитет", "Наименование ОО", *subjects], ["№", "", "", *measures]]
    file = intake.write("2022/ЕГЭ/сводная форма.xlsx", [*head, [1, "Район", "Школа", 12, "плохо", 8, 1]])
    intake.take()
    key = sent(file, "Лист1", "ege_school_summary|2022")
    said = {"municipality": "Район", "school_name": "Школа", "subject": "Химия", "n_participants": 12, "n_below_min": 2}
    rows = sheet("ege_school_summary", key, (3, said | {"year": 2022}))
    rows[-1][-1] = row_key(key, 3, "Химия")
    intake.write("возврат.xlsx", rows)
    intake.take()
    counted = """
        select landed.subject, n_below_min
        from landing.ege_school_summary as landed join ops.source_part as part using (part_id)
        where in_force and not exists (
          select 1 from ops.superseded_row as past
          where past.part_id = landed.part_id and past.row_no = landed.row_no and past.record_key = landed.subject
        )
        order by 1
    """
    assert intake.ask(counted) == [("Физика", "1"), ("Химия", "2")]
    # The row still has a record of its own: it is not among the dropped.
    assert intake.ask("select count(*) from ops.dropped_row where reason = 'corrected'") == [(0,)]


def test_pupil_of_another_school_must_be_named_again(intake) -> None:
    head = ["Код ОО", "Фамилия", "Имя", "Отчество", "Первичный балл", "Оценка"]
    rows = [["02 - Математика 2021.05.23"], head, *(["041001", name, "Кира", "Глебовна", 20, 4] for name in "АБВ")]
    file = intake.write("2021/ОГЭ/математика.xlsx", rows)
    intake.take()
    key = sent(file, "Лист1", "oge_result|2021|math|2021-05-23|основной")
    said = {"year": 2021, "subject": "Математика", "exam_date": "23.05.2021", "wave": "основной", "mark": 5}
    named = {f"person.{part}": word for part, word in zip(("surname", "given_name", "patronymic"), "БВГ", strict=True)}
    intake.write(
        "возврат.xlsx",
        sheet(
            "oge_result",
            key,
            (3, said | {"school_code": "041001"}),
            (4, said | {"school_code": "041002"}),
            (5, said | {"school_code": "041002"} | named),
        ),
    )
    intake.take()
    keys = dict(intake.ask("select row_no, person_key from landing.oge_result where mark = '4'"))
    again = dict(intake.ask("select row_no, person_key from landing.oge_result where mark = '5'"))
    assert again[3] == keys[3]
    assert again[4] is None
    assert again[5] not in (None, keys[5])
