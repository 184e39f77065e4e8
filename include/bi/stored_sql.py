"""What a query may ask in the name of a chart: names that the dataset keeps, and SQL that the chart keeps.

Knows nothing of Superset, only the form of its queries. SQL that somebody sends is never run: a condition is read,
compared part by part with what is stored, and written anew from what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

_DIALECT = "postgres"
_AGGREGATES = {"AVG", "COUNT", "COUNT_DISTINCT", "MAX", "MIN", "SUM"}
# Kinds of an answer; the others bypass the chart or tell how it is made.
_RESULTS = {"full", "results", "post_processed"}
# Arithmetic on the rows of the answer: no reading, no forecasts.
_OPERATIONS = {
    *("aggregate", "boxplot", "compare", "contribution", "cum", "diff", "flatten", "histogram", "pivot", "rank"),
    *("rename", "select", "sort"),
}
# What a required filter without a value sends.
_NOTHING = "1 = 0"


class Stored:
    """SQL that a document of Superset keeps: parameters of a chart, or configuration of a filter.

    ``expressions`` are those of columns and figures; ``where`` and ``having`` conditions by their canonical text.
    """

    def __init__(self, document: Any = None) -> None:
        self.expressions: set[str] = set()
        self.annotations: set[Any] = set()
        conditions: dict[str, list[str]] = {"WHERE": [_NOTHING], "HAVING": []}
        for node in _mappings(document):
            sql = node.get("sqlExpression")
            if node.get("sourceType") == "NATIVE" and isinstance(node.get("value"), int):
                self.annotations.add(node["value"])
            elif not isinstance(sql, str) or not sql.strip():
                continue
            elif node.get("clause") is None:
                self.expressions.add(sql.strip())
            elif str(node["clause"]).upper() in conditions:
                conditions[str(node["clause"]).upper()].append(sql)
        self.where = _canonical(conditions["WHERE"])
        self.having = _canonical(conditions["HAVING"])


def foreign_part(query: Any, columns: set[str], metrics: set[str], stored: Stored) -> str | None:
    """The part of a query that asks for what neither the dataset nor the chart keeps; None when there is none.

    Conditions of the query are replaced by the stored ones that they stand for.
    """
    own = {
        str(part["label"])
        for part in _parts(query.columns, query.metrics)
        if isinstance(part, dict) and "label" in part
    }
    checks = {
        "columns": all(_is_column(part, columns, stored) for part in _parts(query.columns, query.series_columns)),
        "metrics": all(_is_metric(part, metrics, columns, stored) for part in _parts(query.metrics)),
        "orderby": all(_is_order(order, columns | metrics | own, columns, stored) for order in query.orderby or []),
        "filters": all(_is_filter(condition, columns, stored) for condition in query.filter or []),
        "series_limit_metric": _is_metric(query.series_limit_metric or "", metrics | {""}, columns, stored),
        "granularity": not query.granularity or query.granularity in columns,
        "time_offsets": not query.time_offsets,
        "annotation_layers": all(_is_annotation(layer, stored) for layer in query.annotation_layers or []),
        "post_processing": all(_is_arithmetic(step) for step in query.post_processing or []),
        "result_type": query.result_type is None or is_result(query.result_type),
        "where": _restore(query.extras, "where", stored.where),
        "having": _restore(query.extras, "having", stored.having),
    }  # fmt: skip
    return next((part for part, is_known in checks.items() if not is_known), None)


def conjunction(condition: str, stored: dict[str, str]) -> str | None:
    """The condition in the words of the stored ones, when it is nothing but some of them joined by AND."""
    try:
        parts = [stored.get(_text(part)) for part in _conjuncts(_parsed(condition))]
    except (SqlglotError, RecursionError):
        return None
    known = [part for part in parts if part is not None]
    return " AND ".join(f"({part})" for part in known) if known and len(known) == len(parts) else None


def _canonical(conditions: Iterable[str]) -> dict[str, str]:
    """Each part of the conditions by its canonical text.

    Superset writes a condition anew before it gets here, so that the text of the second reading counts too; what
    cannot be read matches nothing.
    """
    known: dict[str, str] = {}
    for condition in conditions:
        try:
            texts = [_text(part) for part in _conjuncts(_parsed(condition))]
            again = [_text(_bare(_parsed(text))) for text in texts]
        except (SqlglotError, RecursionError):
            continue
        known |= dict(zip(texts, texts, strict=True)) | dict(zip(again, texts, strict=True))
    return known


def _parsed(condition: str) -> exp.Expression:
    """A condition and nothing after it: no second statement, no command."""
    return parse_one(condition, into=exp.Condition, dialect=_DIALECT)


def _conjuncts(condition: exp.Expression) -> Iterator[exp.Expression]:
    condition = _bare(condition)
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _bare(condition: exp.Expression) -> exp.Expression:
    while isinstance(condition, exp.Paren):
        condition = condition.this
    return condition


def _text(condition: exp.Expression) -> str:
    return condition.sql(dialect=_DIALECT, comments=False, normalize=False)


def _restore(extras: dict[str, Any], clause: str, stored: dict[str, str]) -> bool:
    asked = extras.get(clause)
    if not asked:
        return True
    condition = conjunction(asked, stored) if isinstance(asked, str) else None
    if condition is None:
        return False
    extras[clause] = condition
    # The stored words are of the database's own dialect.
    extras.pop("transpile_to_dialect", None)
    return True


def _is_column(part: Any, columns: set[str], stored: Stored) -> bool:
    if isinstance(part, str):
        return part in columns
    if not isinstance(part, dict):
        return False
    # The axis of a chart names its column as if it were an expression.
    sql = part.get("sqlExpression")
    return isinstance(sql, str) and (sql in columns or sql.strip() in stored.expressions)


def _is_metric(part: Any, metrics: set[str], columns: set[str], stored: Stored) -> bool:
    if isinstance(part, str):
        return part in metrics
    if not isinstance(part, dict):
        return False
    sql = part.get("sqlExpression")
    if part.get("expressionType") == "SIMPLE" and not sql:
        column = part.get("column")
        name = column.get("column_name") if isinstance(column, dict) else None
        return name in columns and part.get("aggregate") in _AGGREGATES
    return part.get("expressionType") == "SQL" and isinstance(sql, str) and sql.strip() in stored.expressions


def _is_order(order: Any, names: set[str], columns: set[str], stored: Stored) -> bool:
    return not order or _is_metric(order[0], names, columns, stored)


def _is_filter(condition: Any, columns: set[str], stored: Stored) -> bool:
    """A name that the dataset lacks does no harm: Superset leaves such a filter out and says so."""
    column = condition.get("col") if isinstance(condition, dict) else None
    return isinstance(column, str) or _is_column(column, columns, stored)


def _is_annotation(layer: Any, stored: Stored) -> bool:
    """Layers of notes that the chart shows; a layer of another kind would run another chart."""
    return layer.get("sourceType") == "NATIVE" and layer.get("value") in stored.annotations


def _is_arithmetic(step: dict[str, Any]) -> bool:
    """Options name columns of the answer; arguments for the library's functions are nobody's."""
    return step.get("operation") in _OPERATIONS and not any(
        "options" in node for node in _mappings(step.get("options"))
    )


def is_result(kind: Any) -> bool:
    """Whether an answer of this kind is what a chart shows."""
    return str(getattr(kind, "value", kind)) in _RESULTS


def _parts(*lists: Any) -> list[Any]:
    return [part for one in lists for part in one or []]


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside a value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _mappings(part)
