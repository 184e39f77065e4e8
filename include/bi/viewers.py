"""Who only looks asks only what the charts ask: Superset itself lets everybody send SQL of their own with a chart's query.

Row-level security is a condition beside that SQL, and PostgreSQL has functions that run a query given as text
(``query_to_xml``), so that without this the rows of others could be read past it. It holds for users who may not make
charts: municipalities, guests, anonymous visitors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
from superset.exceptions import SupersetSecurityException
from superset.security import SupersetSecurityManager

_AGGREGATES = {"AVG", "COUNT", "COUNT_DISTINCT", "MAX", "MIN", "SUM"}


class SecurityManager(SupersetSecurityManager):
    """Superset's own, and for viewers one condition more."""

    def raise_for_access(self, *args: Any, **kwargs: Any) -> None:
        """As Superset's; also raises when a viewer's query holds SQL that its chart does not."""
        super().raise_for_access(*args, **kwargs)
        context = kwargs.get("query_context")
        if context is not None and not self.can_access("can_read", "Explore") and not self.is_admin():
            if any(_foreign(query, context.datasource, _Stored(context.slice_)) for query in context.queries):
                raise SupersetSecurityException(
                    SupersetError(
                        error_type=SupersetErrorType.DATASOURCE_SECURITY_ACCESS_ERROR,
                        message="Запрос содержит выражения, которых нет в диаграмме",
                        level=ErrorLevel.WARNING,
                    )
                )


class _Stored:
    """What the saved chart says: its SQL expressions and the names it uses."""

    def __init__(self, chart: Any) -> None:
        params = chart.params_dict if chart is not None else {}
        self.sql = {node["sqlExpression"] for node in _mappings(params) if node.get("sqlExpression")}
        self.labels = {str(node["label"]) for node in _mappings(params) if node.get("label")}


def _foreign(query: Any, datasource: Any, stored: _Stored) -> bool:
    """Whether a query asks for more than saved columns and metrics and what the chart itself defines."""
    columns = {column.column_name for column in datasource.columns}
    names = columns | {metric.metric_name for metric in datasource.metrics} | stored.labels
    asked = [
        *(query.columns or []),
        *(query.metrics or []),
        *(query.series_columns or []),
        *(order[0] for order in query.orderby or [] if order),
        *(condition.get("col") for condition in query.filter or []),
        *(value for value in (query.series_limit_metric, query.granularity) if value),
    ]
    if any(not _known(part, names, columns, stored) for part in asked):
        return True
    return any(_rest(query.extras.get(part) or "", stored) for part in ("where", "having"))


def _known(part: Any, names: set[str], columns: set[str], stored: _Stored) -> bool:
    if isinstance(part, str):
        return part in names
    if not isinstance(part, dict):
        return False
    if part.get("expressionType") == "SIMPLE":
        column = (part.get("column") or {}).get("column_name")
        return column in columns and part.get("aggregate") in _AGGREGATES
    return part.get("sqlExpression") in stored.sql


def _rest(condition: str, stored: _Stored) -> str:
    """What is left of a condition when the chart's own expressions are taken out, with the words that join them."""
    for expression in sorted(stored.sql, key=len, reverse=True):
        condition = condition.replace(f"({expression})", " ")
    return condition.replace("AND", " ").replace("(", " ").replace(")", " ").strip()


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside a value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _mappings(part)
