"""The report as PDF: Typst sets the same content, with tags, page numbers and hyphenation."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ravenstvo.publishing.report.content import Report, as_plain
from ravenstvo.publishing.report.page import SYMBOLS

_TEMPLATE = Path(__file__).with_name("report.typ")
# The fonts that Typst ships with have Cyrillic; those of the machine may differ from one to the next.
_FONT = "Libertinus Serif"


def render_pdf(report: Report) -> bytes:
    """The document, in bytes. What comes from data is text: nothing in it can be markup."""
    import typst

    content = json.dumps({"report": as_plain(report), "symbols": SYMBOLS}, ensure_ascii=False)
    content = re.sub(r'font-family=\\"[^"]*\\"', f'font-family=\\\\"{_FONT}\\\\"', content)
    # The stubs know no several sources in memory; the function does.
    made = typst.compile(  # type: ignore[call-overload]
        {"main.typ": _TEMPLATE.read_bytes(), "content.json": content.encode()},
        ignore_system_fonts=True,
        pdf_standards="ua-1",
    )
    if not isinstance(made, bytes):
        raise TypeError("Typst made no single document")
    return made
