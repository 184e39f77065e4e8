"""Questions to a warehouse that is already filled: a query, an explanation, an indicator, the state of things."""

from ravenstvo.asking.explain import explain
from ravenstvo.asking.indicator import indicator
from ravenstvo.asking.query import query
from ravenstvo.asking.status import status

__all__ = ["explain", "indicator", "query", "status"]
