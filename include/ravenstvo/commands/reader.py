"""Logins that see the rows of one municipality."""

from __future__ import annotations

from typing import Annotated

import typer

from ravenstvo.commands.common import By, Reason, warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer(
    help="Пользователи базы, которые видят в витринах строки одного муниципалитета.", no_args_is_help=True
)


@commands.command("add")
def reader_add(
    municipality: Annotated[str, typer.Option(help="Код или название муниципалитета")],
    by: By = "",
    reason: Reason = "",
) -> None:
    """Завести пользователя муниципалитета или дать ему новый пароль."""
    from ravenstvo.runtime import readers

    with warehouse():
        reader = readers.add(get_settings(), municipality, by, reason)
    typer.echo(f"Пользователь {reader.login} видит строки: {reader.municipality_code} {reader.municipality_name}")
    typer.echo(f"Пароль: {readers.passwords_file(get_settings())}")


@commands.command("remove")
def reader_remove(
    login: Annotated[str, typer.Argument(help="Пользователь, как в «reader list»")], by: By = "", reason: Reason = ""
) -> None:
    """Убрать пользователя муниципалитета."""
    from ravenstvo.runtime import readers

    with warehouse():
        readers.remove(get_settings(), login, by, reason)
    typer.echo(f"Пользователь {login} убран.")


@commands.command("list")
def reader_list() -> None:
    """Показать пользователей муниципалитетов."""
    from ravenstvo.runtime import readers

    with warehouse():
        found = readers.listed(get_settings())
    for reader in found:
        typer.echo(f"{reader.login}: {reader.municipality_code} {reader.municipality_name or 'нет в справочнике'}")
    if not found:
        typer.echo("Читателей нет. Завести: ravenstvo reader add --municipality …")
