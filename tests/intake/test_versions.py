"""Which version is in force: later arrival, then later modification, then the name; and by what the files cover."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.slow(seconds=15)


def in_force(intake) -> dict[str, int]:
    """Rows of each file that count now."""
    return dict(
        intake.ask("""
            select file.path, count(v.row_no)
            from ops.source_part as part
            join ops.source_file as file using (file_id)
            left join landing.vpr_result as v on v.part_id = part.part_id and not exists (
              select 1 from ops.superseded_school as s where s.part_id = v.part_id and s.school_key = v.school_login)
            where part.in_force
            group by file.path
        """)
    )


REGION = (("sch220001", 7), ("sch220002", 8), ("sch220003", 9))


def test_later_file_replaces_the_earlier_and_it_stays_readable(intake, vpr):
    intake.write("2021/5/Математика.xlsx", vpr(*REGION))
    intake.take()
    intake.write("2021/5/Математика исправленная.xlsx", vpr(*REGION[:2], ("sch220003", 10)))
    intake.take()
    assert in_force(intake) == {"2021/5/Математика исправленная.xlsx": 3}
    assert intake.ask("select version, in_force from ops.source_part order by version") == [(1, False), (2, True)]
    assert intake.ask("select count(*) from landing.vpr_result") == [(6,)]


@pytest.mark.parametrize("names", [("v1", "v2"), ("v2", "v10")])
def test_in_one_load_the_name_decides_between_files_of_one_moment(intake, vpr, names):
    for name, total in zip(names, (7, 8), strict=True):
        path = intake.write(f"2021/5/Математика {name}.xlsx", vpr(("sch220001", total), ("sch220002", total)))
        os.utime(path, (1_700_000_000, 1_700_000_000))
    intake.take()
    assert in_force(intake) == {f"2021/5/Математика {names[1]}.xlsx": 2}


def test_in_one_load_later_modification_beats_the_name(intake, vpr):
    intake.write("2021/5/Математика v2.xlsx", vpr(("sch220001", 8), ("sch220002", 8)))
    intake.write("2021/5/Математика v1.xlsx", vpr(("sch220001", 7), ("sch220002", 7)))
    intake.take()
    assert in_force(intake) == {"2021/5/Математика v1.xlsx": 2}


def test_one_school_replaces_only_its_own_rows(intake, vpr):
    intake.write("2021/5/Математика.xlsx", vpr(*REGION))
    intake.take()
    intake.write("2021/5/Математика sch220002.xlsx", vpr(("sch220002", 12)))
    intake.take()
    assert in_force(intake) == {"2021/5/Математика.xlsx": 2, "2021/5/Математика sch220002.xlsx": 1}


def test_region_that_comes_later_replaces_the_schools_file(intake, vpr):
    intake.write("2021/5/Математика sch220002.xlsx", vpr(("sch220002", 12)))
    intake.take()
    path = intake.write("2021/5/Математика.xlsx", vpr(*REGION))
    rows = vpr(*REGION)
    rows[1][1] = "Район"
    intake.write(path.relative_to(intake.inbox).as_posix(), rows)
    intake.take()
    assert in_force(intake) == {"2021/5/Математика.xlsx": 3}


def test_files_of_different_schools_stand_side_by_side(intake, vpr):
    intake.write("2021/5/Математика sch220001.xlsx", vpr(("sch220001", 7)))
    intake.write("2021/5/Математика sch220002.xlsx", vpr(("sch220002", 8)))
    intake.take()
    assert len(in_force(intake)) == 2


def test_files_of_different_municipalities_stand_side_by_side(intake, vpr):
    intake.write("2021/5/Математика город.xlsx", vpr(("sch220001", 7), ("sch220002", 7)))
    intake.write("2021/5/Математика район.xlsx", vpr(("sch220003", 8), ("sch220004", 8), place="Район"))
    intake.take()
    assert len(in_force(intake)) == 2


def test_other_subject_is_other_content(intake, vpr):
    intake.write("2021/5/Математика.xlsx", vpr(*REGION))
    intake.write("2021/5/по русскому языку, 5 класс.xlsx", vpr(*REGION[:2]))
    intake.take()
    assert len(in_force(intake)) == 2


def test_order_of_landing_does_not_matter(intake, vpr):
    from ravenstvo.intake.discover import read_inbox
    from ravenstvo.intake.landing import land
    from ravenstvo.intake.versions import settle

    for name in ("v1", "v2", "v3"):
        intake.write(f"2021/5/Математика {name}.xlsx", vpr(*REGION[:2], ("sch220003", int(name[1]))))
    plan = read_inbox(intake.inbox, None, intake.settings)
    for file in reversed(plan["files"]):
        land(file, intake.settings)
    settle(intake.settings)
    assert in_force(intake) == {"2021/5/Математика v3.xlsx": 3}
