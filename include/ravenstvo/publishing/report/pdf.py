"""The report as PDF: Typst sets the same content, with tags, page numbers and hyphenation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ravenstvo.publishing.report.content import Report, as_plain
from ravenstvo.publishing.report.page import SYMBOLS

_TEMPLATE = Path(__file__).with_name("report.typ")
# The fonts that Typst ships with have Cyrillic; those of the machine may differ from one to the next.
_FONT = "Libertinus Serif"


def render_pdf(report: Report) -> bytes:
    """The document, in bytes. What comes from data is text: nothing in it can be markup."""
    import typst

    plain = {"report": _with_font(as_plain(report)), "symbols": SYMBOLS}
    content = json.dumps(plain, ensure_ascii=False)
    # The stubs know no several sources in memory; the function does.
    made = typst.compile(  # type: ignore[call-overload]
        {"main.typ": _TEMPLATE.read_bytes(), "content.json": content.encode()},
        ignore_system_fonts=True,
        pdf_standards="ua-1",
    )
    if not isinstance(made, bytes):
        raise TypeError("Typst made no single document")
    return made


def _with_font(thing: Any) -> Any:
    """The same content with its drawings lettered in the font of the document."""
    if isinstance(thing, list):
        return [_with_font(one) for one in thing]
    if not isinstance(thing, dict):
        return thing
    changed = {name: _with_font(value) for name, value in thing.items()}
    if thing.get("is") == "Picture":
        changed["svg"] = re.sub(r'font-family="[^"]*"', f'font-family="{_FONT}"', thing["svg"])
    return changed
