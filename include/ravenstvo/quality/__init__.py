"""Validation: the suites of ``expectations/`` run on landing, rows rejected, the sender's error workbook."""

from ravenstvo.quality.validation import validate

__all__ = ["validate"]
