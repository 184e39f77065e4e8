"""Keys of schools that nothing explains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.commands.common import warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer(help="Ключи школ, которые не распознаны: книга и решения.", no_args_is_help=True)


@commands.command("review")
def schools_review(
    out: Annotated[Path | None, typer.Option(help="Куда записать книгу .xlsx; без неё — в папку отчётов")] = None,
) -> None:
    """Записать книгу нераспознанных ключей школ: где встретились, на какие школы похожи; решает человек."""
    from ravenstvo.publishing import school_review

    with warehouse() as connection, connection.cursor() as cursor:
        keys, schools = school_review.open_keys(cursor)
    target = school_review.write_review(out or get_settings().school_review_file, keys, schools)
    n_open = sum(key.is_open for key in keys)
    typer.echo(f"Ключей на решение: {n_open}, решённых: {len(keys) - n_open}. Книга: {target}")


@commands.command("decide")
def schools_decide(
    file: Annotated[Path, typer.Argument(help="Заполненная книга, которую пишет «schools review»")],
    by: Annotated[str, typer.Option(help="Кто решил, где в строке не сказано")] = "",
) -> None:
    """Принять решения о ключах школ из книги; следующий расчёт их учтёт."""
    from ravenstvo.calculation import school_decisions

    with warehouse():
        done = school_decisions.decide(get_settings(), file, by)
    for line in school_decisions.told(done):
        typer.echo(line)
