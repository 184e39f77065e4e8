"""What people decide: withdrawn files, approved lists, and what differs from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.commands.common import CampaignYear, Method, warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer()


@commands.command()
def withdraw(
    file: Annotated[str, typer.Argument(help="Путь файла в папке, его имя или начало SHA-256")],
    by: Annotated[str, typer.Option(help="Кто отзывает")] = "",
    reason: Annotated[str, typer.Option(help="Почему")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Вернуть отозванный файл")] = False,
) -> None:
    """Отозвать файл: его строки больше не считаются, а то, что он заменил, снова действует."""
    from ravenstvo.runtime import withdrawal

    settings = get_settings()
    with warehouse():
        done = withdrawal.undo(settings, file, by) if undo else withdrawal.withdraw(settings, file, by, reason)
    for line in withdrawal.lines(done, is_undone=undo):
        typer.echo(line)


@commands.command()
def diff(
    year: Annotated[int | None, typer.Option(help="Год кампании; без него — последний с результатами")] = None,
    to: Annotated[Path | None, typer.Option(help="Куда записать книгу .xlsx; без неё — в папку отчётов")] = None,
) -> None:
    """Показать, чем расчёт года отличается от утверждённого (или прошлого), и записать книгу: школы, файлы, строки."""
    from ravenstvo.publishing import difference

    with warehouse() as connection, connection.cursor() as cursor:
        found = difference.difference(cursor, year)
    for line in difference.difference_lines(found):
        typer.echo(line)
    if found.is_there:
        target = difference.write_difference(found, to or difference.difference_path(get_settings(), found))
        typer.echo(f"Книга: {target}")


@commands.command()
def approve(
    year: CampaignYear,
    by: Annotated[str, typer.Option(help="Кто утверждает")] = "",
    document: Annotated[str, typer.Option(help="На каком документе: вид, номер, дата")] = "",
    method: Method = None,
    decisions: Annotated[Path | None, typer.Option(help="Книга решений .xlsx: школа, решение, основание")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Утвердить заново уже утверждённый расчёт")] = False,
    show: Annotated[bool, typer.Option("--show", help="Только показать предлагаемый перечень")] = False,
) -> None:
    """Утвердить перечень школ с низкими результатами: целиком или с изменениями из книги решений."""
    from ravenstvo.calculation import approval, proposal

    with warehouse() as connection, connection.cursor() as cursor:
        proposed = proposal.propose(cursor, year, method)
    if show:
        for line in proposal.proposal_lines(proposed):
            typer.echo(line)
        return
    done = approval.approve(
        *(get_settings(), year, by, document), method_code=method, workbook=decisions, replace=replace
    )
    typer.echo(approval.told(done))


@commands.command()
def decisions_template(
    year: CampaignYear, out: Annotated[Path, typer.Option(help="Куда записать книгу .xlsx")], method: Method = None
) -> None:
    """Записать книгу решений для заполнения: предлагаемый перечень, выводы и их основания."""
    from ravenstvo.calculation.proposal import propose
    from ravenstvo.publishing.decisions_template import write_template

    with warehouse() as connection, connection.cursor() as cursor:
        proposed = propose(cursor, year, method)
    write_template(out, year, proposed.method_title, proposed.schools)
    typer.echo(f"Книга решений: {out}. Школ в предлагаемом перечне: {len(proposed.listed)}.")
