"""Forms of files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.settings import get_settings

commands = typer.Typer(help="Формы файлов: что понято, чего не хватает, как описать новую.", no_args_is_help=True)
InboxFile = Annotated[Path, typer.Argument(help="Файл, как он пришёл; папки над ним могут называть год и класс")]


@commands.command("check")
def layout_check(file: InboxFile) -> None:
    """Сказать, какой форме соответствует файл и чем стал каждый столбец; ничего не загружать."""
    from ravenstvo.runtime import layouts
    from ravenstvo.runtime.terminal import Terminal

    raise typer.Exit(layouts.check(get_settings(), file, Terminal()))


@commands.command("propose")
def layout_propose(
    file: InboxFile,
    source: Annotated[
        str | None, typer.Option(help="Вид сведений (имя документа из sources/), если он известен")
    ] = None,
) -> None:
    """Предложить документ новой формы: на стандартный вывод — документ, в поток ошибок — в чём нет уверенности."""
    from ravenstvo.runtime import layouts

    raise typer.Exit(layouts.propose(get_settings(), file, source))
