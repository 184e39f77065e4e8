"""Which year is calculated: a slip of the pen is told before anything is."""

from __future__ import annotations

from pathlib import Path

import pytest
from ravenstvo.runtime.tasks import campaign_year
from ravenstvo.settings import Settings


def test_the_key_comes_before_the_parameter_and_that_before_the_setting(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, year=2021)
    assert campaign_year({"year": 2022}, "2023", settings) == 2023
    assert campaign_year({"year": 2022}, None, settings) == 2022
    assert campaign_year({}, None, settings) == 2021
    assert campaign_year({}, None, Settings(home=tmp_path, year=None)) is None


@pytest.mark.parametrize("given", ["1", 223, 20223, "-5", "год"])
def test_a_year_that_cannot_be_meant_is_refused(given: str | int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Год кампании"):
        campaign_year({"year": given}, None, Settings(home=tmp_path, year=None))
