"""What the pipeline tells of itself."""

from __future__ import annotations

import typer

from ravenstvo.commands.common import warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer()


@commands.command()
def metrics() -> None:
    """Вывести показатели работы в формате Prometheus."""
    from ravenstvo.runtime import metrics as measured

    with warehouse():
        typer.echo(measured.text(measured.collect(get_settings())), nl=False)
