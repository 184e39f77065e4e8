"""One normal text for a cell."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ravenstvo.intake.cells import Cells, ColumnCells, clean, iso_date


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        ("12.0", "12"),
        ("71,61", "71.61"),
        (0.5, "0.5"),
        ("\xa04\xa0", "4"),
        (None, ""),
        ("  ", ""),
        (True, "1"),
        (datetime(2021, 6, 24), "2021-06-24"),
        (date(2021, 6, 24), "2021-06-24"),
        ("а\tб\nв", "а б в"),
        ("со\u202eхи", "сохи"),
        ("п:1111 у:1081", "п:1111 у:1081"),
        ("4501, 123", "4501, 123"),
    ],
)
def test_clean(value, text):
    assert clean(value) == text


@given(st.text())
def test_cleaned_text_is_safe_for_copy_and_stays_itself(value):
    text = clean(value)
    assert not any(unicodedata.category(sign) == "Cc" and ord(sign) < 128 for sign in text)
    assert clean(text) == text
    assert Cells()[value] == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value(value):
    assert float(clean(value)) == value


@pytest.mark.parametrize("written", ["24.06.2021", "2021.6.24", "2021-06-24"])
def test_iso_date(written):
    assert iso_date(written) == "2021-06-24"
    assert iso_date("вчера") == "вчера"


def test_column_cells_extract_replace_and_pad():
    codes = ColumnCells(None, {}, 6, False)
    assert [codes[code] for code in ("1001", "001001", 45002.0, "школа")] == ["001001", "001001", "045002", "школа"]
    assert codes.restored == {"1001", "45002"}, "only codes that have lost zeros got them back"
    assert ColumnCells(r"reg\d+_vpr_(m\d+)", {}, None, False)["22,reg22_vpr_m004,x"] == "m004"
    assert ColumnCells(None, {"нет отметки": ""}, None, False)["НЕТ отметки"] == ""
