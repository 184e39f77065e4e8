"""How high a row of a workbook must be: not every program makes it as high as its wrapped text."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Points of a line, and how many lines a row may have.
_LINE_HEIGHT, _MOST_LINES = 15, 8
# A word that does not fit goes to the next line whole.
_WIDENING = 1.15


def row_height(cells: Sequence[object], widths: Sequence[int]) -> int:
    """Height in points for a row with ``cells`` in columns that are ``widths`` characters wide; only texts wrap."""
    texts = [(cell, width) for cell, width in zip(cells, widths, strict=False) if isinstance(cell, str)]
    n_lines = max((_n_lines(text, width) for text, width in texts), default=1)
    return _LINE_HEIGHT * min(n_lines, _MOST_LINES)


def _n_lines(text: str, width: int) -> int:
    return sum(max(1, math.ceil(_WIDENING * len(part) / width)) for part in text.split("\n"))
