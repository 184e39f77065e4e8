"""Whose files they are: every file bears the region's code, and files of another region are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from ravenstvo.settings import Settings
from ravenstvo.warehouse import regions
from ravenstvo.warehouse.connection import connect

PATH = "2021/5/Математика.xlsx"


def test_a_warehouse_holds_one_region_until_its_code_is_mended(intake, vpr):
    intake.settings = intake.settings.model_copy(update={"region": "01"})
    intake.write(PATH, vpr(("sch220001", 7)))
    assert intake.take() == {PATH: "landed"}
    assert intake.ask("select region_code from ops.source_file") == [("01",)]

    other = intake.settings.model_copy(update={"region": "02"})
    intake.settings = other
    intake.write("2021/6/Математика.xlsx", vpr(("sch220001", 7), ("sch220002", 8)))
    with pytest.raises(regions.RegionError, match="файлы региона 01, а настройка RAVENSTVO_REGION называет 02"):
        intake.take()
    assert intake.ask("select count(*), (select count(*) from landing.vpr_result) from ops.source_file") == [(1, 1)]

    with connect(other) as connection, connection.cursor() as cursor:
        with pytest.raises(regions.RegionError, match="--by"):
            regions.change(cursor, "02", "", "опечатка")
        assert regions.change(cursor, "02", "Иванова", "опечатка") == 1
        assert regions.region_of(cursor, "00") == "02"
    assert intake.take()["2021/6/Математика.xlsx"] == "landed"
    assert intake.ask("select distinct region_code from ops.source_file") == [("02",)]
    assert intake.ask("select previous_code, region_code, changed_by, reason from ops.region_change") == [
        ("01", "02", "Иванова", "опечатка")
    ]


def test_files_from_before_the_codes_get_the_first_one(intake, vpr):
    intake.write(PATH, vpr(("sch220001", 7)))
    intake.take()
    with connect(intake.settings) as connection, connection.cursor() as cursor:
        cursor.execute("update ops.source_file set region_code = null")
        assert regions.region_of(cursor, "77") == "77"
    intake.settings = intake.settings.model_copy(update={"region": "03"})
    intake.write("2021/6/Математика.xlsx", vpr(("sch220002", 8)))
    intake.take()
    assert intake.ask("select region_code, count(*) from ops.source_file group by 1") == [("03", 2)]


@pytest.mark.parametrize("code", ["1", "001", "1а", "٠١", "-1"])
def test_a_code_is_two_digits(code, tmp_path):
    with pytest.raises(ValidationError, match="из двух цифр"):
        Settings(home=tmp_path, region=code)
