"""The page of the marts for analysts, ``docs/marts.md``: what each one is, its key, columns, metrics, first queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ravenstvo.publishing.dictionary import Column, Example, Mart

_HEAD = """# Витрины

Что читать аналитику: каждая витрина и таблица схемы `marts` — для чего она, чему равна одна строка, какие в ней
столбцы, какие величины над ней определены, с какого запроса начать. Страница собрана из описаний моделей командой
`ravenstvo docs --marts docs/marts.md`, руками её не правят.

* Запросы выполняются так: `ravenstvo query "select …"` — или в SQL Lab Superset. Имя без схемы ищется в `marts`.
* «Доля» — число от 0 до 1. Пусто — неизвестно или посчитать нельзя, это не ноль.
* Величины (metrics) определены один раз, дашборды, книги и отчёт берут их отсюда. Выражение можно вставить в любой
  запрос к витрине: `select year, <выражение> from <витрина> group by year`.
* Как посчитано и чего в витрине нет — «Business rules» словаря данных; `ravenstvo docs` пишет его одной страницей.
"""

_GROUPS = (("Витрины", "mart_"), ("Для публикации", "publish_"), ("Факты", "fct_"), ("Справочники", "dim_"))

_UNITS = {
    "share": "доля",
    "percent": "проценты",
    "count": "количество",
    "score": "балл",
    "number": "число",
    "year": "год",
}

# What a column without a unit holds, by PostgreSQL's type.
_TYPES = {
    "boolean": "да/нет",
    "text": "текст",
    "date": "дата",
    "timestamp with time zone": "дата и время",
    "jsonb": "JSON",
    "integer": "целое",
    "bigint": "целое",
}

_CLAUSES = re.compile(r" (?=(?:from|where|group by|having|order by|limit) )")


def marts_page(marts: dict[str, Mart]) -> str:
    """The page as markdown, for marts as :func:`ravenstvo.publishing.dictionary.load` gives them."""
    groups = [(title, members) for title, prefix in _GROUPS if (members := _of_group(marts.values(), prefix))]
    lines = [_HEAD]
    for title, members in groups:
        lines += [f"\n**{title}.**", "", *(f"* [{mart.title}](#{mart.name}) — `{mart.name}`" for mart in members)]
    for title, members in groups:
        lines.append(f"\n## {title}")
        for mart in members:
            lines += _mart(mart)
    return "\n".join(lines) + "\n"


def _of_group(marts: Iterable[Mart], prefix: str) -> list[Mart]:
    return sorted((mart for mart in marts if mart.name.startswith(prefix)), key=lambda mart: mart.title)


def _mart(mart: Mart) -> Iterator[str]:
    # The name, not the title, is the address: titles may change.
    yield f'\n<a id="{mart.name}"></a>\n\n### {mart.title}\n'
    yield f"`{mart.schema}.{mart.name}` — {_flat(mart.section('Overview'))}\n"
    yield f"**Одна строка:** {_flat(mart.section('Primary key'))}\n"
    yield f"<details><summary>Столбцы: {len(mart.columns)}</summary>\n"
    yield "| столбец | название | что в нём |\n|---|---|---|"
    for column in mart.columns:
        yield f"| `{column.name}` | {_cell(column.title)} | {_kind(column)} |"
    yield "\n</details>"
    if mart.metrics:
        yield "\n| величина | название | единица | выражение | о чём |\n|---|---|---|---|---|"
        for metric in mart.metrics:
            unit, told = _UNITS[metric.unit], _cell(_flat(metric.description))
            yield f"| `{metric.name}` | {_cell(metric.title)} | {unit} | `{_cell(metric.expression)}` | {told} |"
    for example in mart.examples:
        yield _example(example)


def _example(example: Example) -> str:
    note = f"\n{example.note[:1].upper()}{example.note[1:]}\n" if example.note else ""
    query = _CLAUSES.sub("\n", example.query)
    return f"\n```sql\n{query}\n```\n{note}".rstrip("\n")


def _kind(column: Column) -> str:
    if column.unit:
        return _UNITS[column.unit]
    return "список" if column.data_type.endswith("[]") else _TYPES[column.data_type]


def _flat(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
