"""Questions to a warehouse that is already filled: a query, an explanation, an indicator, its state, the journal."""

from ravenstvo.asking.explain import explain
from ravenstvo.asking.indicator import indicator
from ravenstvo.asking.journal import journal_lines
from ravenstvo.asking.query import query
from ravenstvo.asking.status import status

__all__ = ["explain", "indicator", "journal_lines", "query", "status"]
