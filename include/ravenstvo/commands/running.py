"""A run, the services, the warehouse's state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.settings import get_settings, inbox_address

commands = typer.Typer()
Inbox = Annotated[
    str | None,
    typer.Option(help="Папка с файлами или хранилище (s3://подключение@корзина/папка); без неё — учебный регион"),
]
AsOf = Annotated[
    str | None,
    typer.Option(help="На какой момент: номер расчёта, день 2024-06-01 или время «2024-06-01 12:30»"),
]
Year = Annotated[int | None, typer.Option(help="Год кампании; без него — последний в папке")]
ServiceName = Annotated[
    str, typer.Argument(help="api-server, scheduler, dag-processor, triggerer, worker или superset")
]


@commands.command()
def run(inbox: Inbox = None, year: Year = None, as_of: AsOf = None) -> None:
    """Загрузить папку и пересчитать год; с --as-of — посчитать прежнее состояние, не меняя витрин."""
    from ravenstvo.runtime import recalculation
    from ravenstvo.runtime.terminal import Terminal

    settings = get_settings()
    if as_of is not None:
        from ravenstvo.runtime.as_of import recalculate_as_of

        if inbox is not None:
            raise typer.BadParameter("с --as-of папка не читается: берётся то, что уже загружено")
        recalculate_as_of(settings, as_of, year, Terminal())
        return
    try:
        address = inbox_address(inbox) if inbox else settings.inbox
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    raise typer.Exit(recalculation.run(settings, address, year or settings.year, Terminal()))


@commands.command()
def up() -> None:
    """Запустить Airflow: веб-интерфейс, планировщик, обработчик DAG, триггеры."""
    from ravenstvo.runtime import services
    from ravenstvo.runtime.terminal import Terminal

    services.up(get_settings(), Terminal())


@commands.command()
def down() -> None:
    """Остановить Airflow и встроенный PostgreSQL."""
    from ravenstvo.runtime import services

    services.down(get_settings(), typer.echo)


@commands.command()
def service(name: ServiceName) -> None:
    """Запустить одну службу на переднем плане: для контейнера."""
    from ravenstvo.runtime import services

    services.run_in_foreground(get_settings(), name)


@commands.command()
def healthy(name: ServiceName) -> None:
    """Проверить, что служба работает: статус 0 — да, 1 — нет."""
    from ravenstvo.runtime import services

    raise typer.Exit(0 if services.is_healthy(get_settings(), name) else 1)


@commands.command()
def migrate(
    repair: Annotated[bool, typer.Option("--repair", help="Вернуть роли и права, даже если всё было готово")] = False,
) -> None:
    """Подготовить хранилище (схемы, таблицы, роли) и базу метаданных Airflow."""
    from ravenstvo.runtime import airflow_home
    from ravenstvo.runtime.terminal import Terminal
    from ravenstvo.warehouse.migrate import upgrade

    settings = get_settings()
    settings.make_home()
    terminal = Terminal()
    with terminal.stages(["хранилище", "база Airflow"]) as stages:
        stages.start("хранилище")
        has_changed = upgrade(settings, anew=repair)
        stages.start("база Airflow")
        airflow_home.prepare(settings)
    terminal.say("Хранилище обновлено." if has_changed else "Хранилище уже в порядке.")


@commands.command()
def sample(
    out: Annotated[Path, typer.Option(help="Пустая или новая папка")],
    seed: Annotated[int, typer.Option(help="Начальное число: одно и то же даёт те же файлы")] = 1,
    schools: Annotated[int, typer.Option(help="Сколько школ", min=1)] = 60,
    years: Annotated[list[int] | None, typer.Option(help="Годы кампаний: --years 2021 2022 2023")] = None,
    more_years: Annotated[list[int] | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Сделать файлы учебного региона."""
    from ravenstvo.runtime.terminal import Terminal
    from ravenstvo.sample import DEFAULT_YEARS, generate

    # The command line gives an option one value; the years after the first arrive as arguments.
    wanted = sorted({*(years or []), *(more_years or [])}) or list(DEFAULT_YEARS)
    terminal = Terminal()
    with terminal.stages([]) as stages:
        files = generate(out, seed, schools, wanted, stages.start)
    terminal.say(f"Файлов: {len(files)}, папка: {out}")
