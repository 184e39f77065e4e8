"""The command line ``ravenstvo``. Every command is thin: the work is done by the module that it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ravenstvo.settings import Settings, get_settings

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

app = typer.Typer(
    help="Ежегодный расчёт региональной оценки качества образования.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Inbox = Annotated[Path | None, typer.Option(help="Папка с файлами; без неё — учебный регион")]
Year = Annotated[int | None, typer.Option(help="Год кампании; без него — последний в папке")]


def main() -> None:
    """Run a command; errors that a person can mend are told without a traceback."""
    import psycopg2
    from pydantic import ValidationError

    from ravenstvo.asking.explain import UnknownSchoolError
    from ravenstvo.calculation.lifecycle import CalculationError
    from ravenstvo.runtime.airflow_home import AirflowError
    from ravenstvo.runtime.recalculation import BusyError
    from ravenstvo.runtime.services import ServiceError
    from ravenstvo.warehouse.account import AccountError
    from ravenstvo.warehouse.server import ServerError
    from ravenstvo.warehouse.socket_folder import SocketError

    try:
        app()
    except (
        AccountError,
        AirflowError,
        BusyError,
        CalculationError,
        FileExistsError,
        ServerError,
        ServiceError,
        SocketError,
        UnknownSchoolError,
    ) as error:
        typer.echo(f"Ошибка: {error}", err=True)
        raise SystemExit(1) from None
    except psycopg2.Error as error:
        typer.echo(f"Ошибка базы данных: {str(error).strip()}", err=True)
        raise SystemExit(1) from None
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(["RAVENSTVO", *map(str, problem["loc"])]).upper()
            typer.echo(f"Ошибка: настройка {name}: {problem['msg']}", err=True)
        raise SystemExit(1) from None


@app.command()
def run(inbox: Inbox = None, year: Year = None) -> None:
    """Загрузить папку и пересчитать год."""
    from ravenstvo.runtime import recalculation

    settings = get_settings()
    folder = inbox.expanduser().absolute() if inbox else settings.inbox
    raise typer.Exit(recalculation.run(settings, folder, year or settings.year, typer.echo))


@app.command()
def up() -> None:
    """Запустить Airflow: веб-интерфейс, планировщик, обработчик DAG, триггеры."""
    from ravenstvo.runtime import services

    services.up(get_settings(), typer.echo)


@app.command()
def down() -> None:
    """Остановить Airflow и встроенный PostgreSQL."""
    from ravenstvo.runtime import services

    services.down(get_settings(), typer.echo)


@app.command()
def service(name: Annotated[str, typer.Argument(help="api-server, scheduler, dag-processor или triggerer")]) -> None:
    """Запустить одну службу Airflow на переднем плане: для контейнера."""
    from ravenstvo.runtime import services

    services.run_in_foreground(get_settings(), name)


@app.command()
def healthy(name: Annotated[str, typer.Argument(help="api-server, scheduler, dag-processor или triggerer")]) -> None:
    """Проверить, что служба работает: статус 0 — да, 1 — нет."""
    from ravenstvo.runtime import services

    raise typer.Exit(1 if name in services.unhealthy(get_settings()) else 0)


@app.command()
def migrate() -> None:
    """Подготовить хранилище (схемы, таблицы, роли) и базу метаданных Airflow."""
    from ravenstvo.runtime import airflow_home
    from ravenstvo.warehouse.migrate import upgrade

    settings: Settings = get_settings()
    settings.make_home()
    typer.echo("Хранилище обновлено." if upgrade(settings) else "Хранилище уже в порядке.")
    airflow_home.prepare(settings)


@app.command()
def query(statement: Annotated[str, typer.Argument(help="Запрос SELECT; без схемы — витрины")]) -> None:
    """Выполнить запрос и вывести CSV."""
    import sys

    from ravenstvo import asking

    with _warehouse() as connection:
        asking.query(connection, statement, sys.stdout)


@app.command()
def explain(
    school: Annotated[str, typer.Option(help="Код ОО или логин ФИС ОКО")],
    year: Annotated[int, typer.Option(help="Год кампании")],
) -> None:
    """Объяснить, почему школа в списке или не в списке."""
    from ravenstvo import asking

    with _warehouse() as connection:
        for line in asking.explain(connection, school, year):
            typer.echo(line)


@app.command()
def status() -> None:
    """Показать файлы, версии, отклонённые строки, последние расчёты."""
    from ravenstvo import asking

    with _warehouse() as connection:
        for line in asking.status(connection):
            typer.echo(line)


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Пустая или новая папка")],
    seed: Annotated[int, typer.Option(help="Начальное число: одно и то же даёт те же файлы")] = 1,
    schools: Annotated[int, typer.Option(help="Сколько школ", min=1)] = 60,
    years: Annotated[list[int] | None, typer.Option(help="Годы кампаний: --years 2021 2022 2023")] = None,
    more_years: Annotated[list[int] | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Сделать файлы учебного региона."""
    from ravenstvo.sample import DEFAULT_YEARS, generate

    # The command line gives an option one value; the years after the first arrive as arguments.
    files = generate(out, seed, schools, sorted({*(years or []), *(more_years or [])}) or list(DEFAULT_YEARS))
    typer.echo(f"Файлов: {len(files)}, папка: {out}")


@contextmanager
def _warehouse() -> Iterator[Connection]:
    """A connection to the warehouse; the embedded server is started when it is not up."""
    from ravenstvo.warehouse import server
    from ravenstvo.warehouse.connection import connect

    settings = get_settings()
    if settings.warehouse_url is None:
        server.ensure_running(settings)
    with connect(settings) as connection:
        yield connection
