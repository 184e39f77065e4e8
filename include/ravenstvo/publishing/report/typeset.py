"""Typst, fed with the content of a report: from standard input where it runs as a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

_TEMPLATE = Path(__file__).with_name("report.typ")


def typeset(content: bytes) -> bytes:
    """The PDF of a content in JSON."""
    import typst

    # The stubs know no several sources in memory; the function does.
    made = typst.compile(  # type: ignore[call-overload]
        {"main.typ": _TEMPLATE.read_bytes(), "content.json": content},
        ignore_system_fonts=True,
        pdf_standards="ua-1",
    )
    if not isinstance(made, bytes):
        raise TypeError("Typst made no single document")
    return made


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(sys.stdin.buffer.read()))
