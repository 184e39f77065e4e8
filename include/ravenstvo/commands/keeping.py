"""Backups and their return, housekeeping, the doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.settings import get_settings

commands = typer.Typer()
Out = Annotated[Path | None, typer.Option(help="В какой папке завести копию; без неё — RAVENSTVO_BACKUPS")]
WithAirflow = Annotated[bool, typer.Option("--airflow", help="Вместе с историей запусков Airflow")]
Source = Annotated[Path, typer.Argument(help="Папка копии или её manifest.json")]
Replace = Annotated[bool, typer.Option("--replace", help="Заменить то, что есть, без возможности отмены")]
OnlyCheck = Annotated[bool, typer.Option("--check", help="Только проверить, цела ли копия, и сказать, что в ней")]


@commands.command()
def backup(out: Out = None, airflow: WithAirflow = False) -> None:
    """Записать резервную копию: хранилище, исходные файлы, формы, решения, отчёты. Ключей в ней нет."""
    from ravenstvo.runtime.backup import back_up
    from ravenstvo.runtime.terminal import Terminal

    back_up(get_settings(), out.expanduser().absolute() if out else None, Terminal(), with_airflow=airflow)


@commands.command()
def restore(source: Source, replace: Replace = False, check: OnlyCheck = False) -> None:
    """Вернуть резервную копию в пустое хранилище и сверить каждую витрину с описью."""
    from ravenstvo.runtime import backup as backups
    from ravenstvo.runtime.terminal import Terminal

    folder = source.expanduser().absolute()
    if check:
        backups.check(folder, Terminal())
    else:
        backups.restore(get_settings(), folder, Terminal(), replace=replace)


@commands.command()
def housekeeping(
    only: Annotated[
        str | None, typer.Option(help="Один шаг: backup, retention, files, archive, docs, vacuum, airflow")
    ] = None,
) -> None:
    """Сделать то, что DAG housekeeping делает раз в неделю: копию, уборку старого, статистику базы."""
    from ravenstvo.runtime.housekeeping import keep_house
    from ravenstvo.runtime.terminal import Terminal

    settings = get_settings()
    settings.make_home()
    raise typer.Exit(0 if keep_house(settings, Terminal(), only) else 1)


@commands.command()
def doctor() -> None:
    """Проверить установку и назвать, что не так и что делать. Код: 0 — в порядке, 3 — замечания, 1 — неполадки."""
    from ravenstvo.runtime.doctor import tell
    from ravenstvo.runtime.terminal import Terminal

    raise typer.Exit(tell(get_settings(), Terminal()))
