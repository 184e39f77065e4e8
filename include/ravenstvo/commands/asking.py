"""Questions to the warehouse."""

from __future__ import annotations

from typing import Annotated

import typer

from ravenstvo.commands.common import warehouse

commands = typer.Typer()


@commands.command()
def query(statement: Annotated[str, typer.Argument(help="Запрос SELECT; без схемы — витрины")]) -> None:
    """Выполнить запрос и вывести CSV."""
    import sys

    from ravenstvo import asking

    with warehouse() as connection:
        asking.query(connection, statement, sys.stdout)


@commands.command()
def explain(
    school: Annotated[str, typer.Option(help="Код ОО или логин ФИС ОКО")],
    year: Annotated[int, typer.Option(help="Год кампании")],
) -> None:
    """Объяснить, почему школа в списке или не в списке."""
    from ravenstvo import asking

    with warehouse() as connection:
        for line in asking.explain(connection, school, year):
            typer.echo(line)


@commands.command()
def indicator(
    code: Annotated[str, typer.Argument(help="Код показателя, как в mart_programme_indicator; можно русскими буквами")],
    year: Annotated[int, typer.Option(help="Год, за который рассчитан показатель")],
    programme: Annotated[
        str | None, typer.Option(help="Код или название программы; без него — все с таким кодом")
    ] = None,
    territory: Annotated[str | None, typer.Option(help="Код школы или муниципалитета; без него — регион")] = None,
    full: Annotated[bool, typer.Option("--full", help="Списки школ и строк целиком, без «и ещё»")] = False,
) -> None:
    """Рассказать о показателе программы: цитата, числа, школы и строки файлов, из которых они получены."""
    from ravenstvo import asking
    from ravenstvo.asking.indicator_words import ITEMS_SHOWN

    with warehouse() as connection:
        for line in asking.indicator(connection, code, year, programme, territory, None if full else ITEMS_SHOWN):
            typer.echo(line)


@commands.command()
def status() -> None:
    """Показать файлы, версии, отклонённые строки, последние расчёты, неотправленные сообщения."""
    from ravenstvo import asking
    from ravenstvo.runtime.notifying.outbox import waiting_lines
    from ravenstvo.settings import get_settings

    with warehouse() as connection:
        for line in asking.status(connection):
            typer.echo(line)
    if lines := waiting_lines(get_settings()):
        typer.echo("\n" + "\n".join(lines))


@commands.command()
def audit() -> None:
    """Показать журнал: кто открывал исходные файлы, менял ключ и круг читателей; проверить, что он не изменён."""
    from ravenstvo.asking import journal_lines

    with warehouse() as connection:
        lines, is_whole = journal_lines(connection)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(0 if is_whole else 1)
