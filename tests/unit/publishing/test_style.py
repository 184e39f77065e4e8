"""The shared look goes in front of a dashboard's own CSS and comes off again."""

from __future__ import annotations

from pathlib import Path

import pytest
from ravenstvo.publishing.bi import dashboards, style
from ravenstvo.publishing.bi.dashboards import Dashboard
from ravenstvo.settings import PROJECT_ROOT

SHARED = style.read(PROJECT_ROOT / "include" / "bi")


def test_there_is_a_shared_look_and_it_prints() -> None:
    assert "@media print" in SHARED


def test_no_file_no_shared_look(tmp_path: Path) -> None:
    assert style.read(tmp_path) == ""
    assert style.joined("", ".a {}") == ".a {}"


@pytest.mark.parametrize("own", ["", ".a {}", ".a {}\n", "\n\n.a {\n  color: red;\n}\n\n"])
def test_what_is_joined_comes_apart_again(own: str) -> None:
    assert style.split(style.joined(SHARED, own)) == (SHARED, own)
    # A browser's text field may turn the ends of lines.
    assert style.split(style.joined(SHARED, own).replace("\n", "\r\n")) == (SHARED, own)


@pytest.mark.parametrize("own", ["", ".a {}\n"])
def test_a_dashboard_that_went_there_and_back_is_the_same(own: str) -> None:
    document = {"dashboard_title": "Имя", "audience": ["analyst"], "layout": [{"code": "текст"}]}
    document |= {"css": own} if own else {}
    held = dashboards.compiled(Dashboard("imya", document), {}, {}, SHARED)
    assert held["css"].startswith(SHARED)
    back = dashboards.decompiled("imya", held, ["Аналитик"], {}, {})
    assert back.get("css", "") == own
