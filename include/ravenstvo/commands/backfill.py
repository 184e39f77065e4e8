"""Several years by one command."""

from __future__ import annotations

from typing import Annotated

import typer

from ravenstvo.settings import get_settings

commands = typer.Typer()


@commands.command()
def backfill(
    first: Annotated[int, typer.Option("--from", help="Первый год кампании")],
    last: Annotated[int, typer.Option("--to", help="Последний год кампании")],
    reverse: Annotated[bool, typer.Option("--reverse", help="Начать с последнего")] = False,
    again: Annotated[bool, typer.Option("--again", help="И те годы, которые уже были запущены и удались")] = False,
) -> None:
    """Пересчитать годы подряд в запущенном Airflow, по одному."""
    from ravenstvo.runtime import airflow_home
    from ravenstvo.runtime.backfill import backfill as order

    settings = get_settings()
    order(settings, first, last, reverse=reverse, again=again)
    typer.echo(f"Поставлено в очередь: {first}–{last}. Ход — в Airflow: {airflow_home.web_url(settings)}/dags")
