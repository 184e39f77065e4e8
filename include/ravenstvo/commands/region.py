"""``ravenstvo region``: the region's code, and the warehouse that several regions share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.commands.common import By, Reason, warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer(help="Код региона и общее хранилище нескольких регионов.", no_args_is_help=True)

Region = Annotated[str, typer.Argument(help="Код региона, две цифры")]


@commands.command("set")
def set_code(region: Region, by: By = "", reason: Reason = "") -> None:
    """Исправить код региона этого хранилища: всех его файлов; после этого нужен пересчёт."""
    from ravenstvo.settings import Settings
    from ravenstvo.warehouse import regions

    code = Settings(region=region).region
    with warehouse() as connection, connection.cursor() as cursor:
        n_files = regions.change(cursor, code, by, reason)
    typer.echo(f"Регион {code}: исправлено файлов — {n_files}.")
    typer.echo(f"Задайте RAVENSTVO_REGION={code} и выполните «ravenstvo run»: таблицы получат новый код.")


@commands.command()
def collect(
    origin: Annotated[
        Path,
        typer.Option("--from", help="Папка RAVENSTVO_HOME региона или файл с адресом его хранилища"),
    ],
    another_warehouse: Annotated[
        bool, typer.Option("--another-warehouse", help="Хранилище региона сменилось: принять код от нового")
    ] = False,
) -> None:
    """Собрать регион в общее хранилище: его строки заменяются целиком, без персональных столбцов."""
    from ravenstvo.runtime.shared.collect import collect as bring

    done = bring(get_settings(), origin.absolute(), another=another_warehouse)
    typer.echo(
        f"Регион {done.region_code}, расчёт {done.calculation_id}: таблиц {len(done.rows)}, "
        f"строк {sum(done.rows.values())}"
    )


@commands.command()
def status() -> None:
    """Показать, какие регионы собраны в общее хранилище и когда."""
    from ravenstvo.runtime.shared.collect import listed

    found = listed(get_settings())
    for region, calculation_id, n_rows, collected_at in found:
        typer.echo(f"{region}: расчёт {calculation_id}, строк {n_rows}, собран {collected_at:%d.%m.%Y %H:%M}")
    if not found:
        typer.echo("Общее хранилище пусто. Собрать регион: ravenstvo region collect --from …")


@commands.command()
def forget(region: Region) -> None:
    """Убрать строки региона из общего хранилища; его собственное хранилище остаётся как есть."""
    from ravenstvo.runtime.shared.collect import forget as take_out

    take_out(get_settings(), region)
    typer.echo(f"Региона {region} в общем хранилище больше нет.")


@commands.command("reader-add")
def reader_add(
    region: Annotated[str | None, typer.Option(help="Код региона; без него — все регионы")] = None,
    by: By = "",
    reason: Reason = "",
) -> None:
    """Завести пользователя общего хранилища или дать ему новый пароль."""
    from ravenstvo.runtime.shared import readers
    from ravenstvo.settings import Settings

    settings = get_settings()
    code = Settings(region=region).region if region is not None else None
    login = readers.add(settings, code, by, reason)
    typer.echo(f"Пользователь {login} видит строки: {'всех регионов' if code is None else f'региона {code}'}")
    typer.echo(f"Пароль: {readers.passwords_file(settings)}")


@commands.command("reader-remove")
def reader_remove(
    login: Annotated[str, typer.Argument(help="Пользователь, как в «region readers»")], by: By = "", reason: Reason = ""
) -> None:
    """Убрать пользователя общего хранилища."""
    from ravenstvo.runtime.shared import readers

    readers.remove(get_settings(), login, by, reason)
    typer.echo(f"Пользователь {login} убран.")


@commands.command("readers")
def reader_list() -> None:
    """Показать пользователей общего хранилища."""
    from ravenstvo.runtime.shared import readers

    found = readers.listed(get_settings())
    for login, region in found:
        typer.echo(f"{login}: {region or 'все регионы'}")
    if not found:
        typer.echo("Читателей нет. Завести: ravenstvo region reader-add")
