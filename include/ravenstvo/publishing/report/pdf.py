"""The report as PDF: Typst sets the same content, with tags, page numbers and hyphenation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from ravenstvo.publishing.report.content import Report, as_plain
from ravenstvo.publishing.report.page import SYMBOLS
from ravenstvo.publishing.report.shortening import shortened

# The fonts that Typst ships with have Cyrillic; those of the machine may differ from one to the next.
_FONT = "Libertinus Serif"


# From this size on, in bytes of the content, Typst takes hundreds of megabytes, and gives none of them back.
_LARGE = 2_000_000


def render_pdf(report: Report) -> bytes:
    """The document, in bytes, cut short where it would be endless. What comes from data is text, never markup.

    A large one is set in a process of its own: in the caller's its memory would come on top of all that the steps of a
    run have taken so far. Raises CalledProcessError when that process fails.
    """
    plain = {"report": _with_font(as_plain(shortened(report))), "symbols": SYMBOLS}
    content = json.dumps(plain, ensure_ascii=False).encode()
    if len(content) < _LARGE:
        from ravenstvo.publishing.report.typeset import typeset

        return typeset(content)
    command = [sys.executable, "-m", "ravenstvo.publishing.report.typeset"]
    return subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True).stdout


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
