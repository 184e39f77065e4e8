"""``ravenstvo spark``: the pupil-grain models on Apache Spark, beside what PostgreSQL has built."""

from __future__ import annotations

from typing import Annotated

import typer

from ravenstvo.commands.common import warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer()


@commands.command()
def spark(
    year: Annotated[list[int] | None, typer.Option(help="Год; можно несколько раз; без него — все годы")] = None,
) -> None:
    """Построить таблицы учеников на Spark и сравнить с таблицами PostgreSQL, ничего в них не меняя."""
    from ravenstvo.runtime.spark_check import check

    with warehouse():
        pass
    found = check(get_settings(), sorted(set(year or [])), typer.echo)
    if any(not comparison.agrees for comparison in found):
        raise typer.Exit(1)
