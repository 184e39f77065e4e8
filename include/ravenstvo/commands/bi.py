"""Superset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.commands.common import warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer(help="Superset: дашборды на витринах.", no_args_is_help=True)


@commands.command("up")
def bi_up() -> None:
    """Подготовить Superset и запустить его."""
    from ravenstvo.runtime import bi

    bi.up(get_settings(), typer.echo)


@commands.command("provision")
def bi_provision() -> None:
    """Загрузить в Superset подключения, наборы данных, диаграммы, дашборды, роли и пользователей."""
    from ravenstvo.runtime import bi

    if not bi.provision(get_settings(), typer.echo):
        typer.echo("Изменений нет.")


@commands.command("export")
def bi_export(
    to: Annotated[Path | None, typer.Option(help="Папка с charts и dashboards; без неё — include/bi")] = None,
) -> None:
    """Записать диаграммы и дашборды, изменённые в Superset, в файлы."""
    from ravenstvo.runtime import bi

    bi.export(get_settings(), typer.echo, to)


@commands.command("map")
def bi_map(file: Annotated[Path, typer.Argument(help="Файл GeoJSON с границами муниципалитетов")]) -> None:
    """Загрузить границы муниципалитетов для карты; прежние будут заменены."""
    from ravenstvo.publishing.municipality_shapes import load_shapes, loaded_lines

    with warehouse() as connection, connection.cursor() as cursor:
        loaded = load_shapes(cursor, file)
    for line in loaded_lines(loaded, file):
        typer.echo(line)


@commands.command("down")
def bi_down() -> None:
    """Остановить Superset."""
    from ravenstvo.runtime import bi

    bi.down(get_settings(), typer.echo)


@commands.command("status")
def bi_status() -> None:
    """Показать, работает ли Superset и где."""
    from ravenstvo.runtime import bi

    bi.status(get_settings(), typer.echo)
