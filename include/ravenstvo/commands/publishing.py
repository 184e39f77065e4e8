"""What people read and fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.commands.common import CampaignYear, warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer()


@commands.command()
def templates(out: Annotated[Path, typer.Option(help="Папка; одноимённые книги в ней будут заменены")]) -> None:
    """Записать пустые шаблоны .xlsx с подсказками: по одному на каждый вид сведений, которые присылают люди."""
    from ravenstvo.publishing.templates import write_templates
    from ravenstvo.reference import SEEDS

    written = write_templates(out, SEEDS)
    typer.echo(f"Шаблонов: {len(written)}, папка: {out}")


@commands.command()
def export(
    year: CampaignYear,
    municipality: Annotated[
        str | None, typer.Option(help="Код или название муниципалитета; без него — регион и все муниципалитеты")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Папка; без неё — в папке отчётов года")] = None,
) -> None:
    """Записать книги .xlsx за год: перечень школ, основания, условия, показатели, партнёрство, курсы, карточки."""
    from ravenstvo.publishing import export as publishing
    from ravenstvo.runtime.terminal import Terminal

    settings, terminal = get_settings(), Terminal()
    folder = (out or publishing.workbooks_dir(settings, year)).absolute()
    with terminal.stages(["витрины", "книги"]) as stages:
        stages.start("витрины")
        with warehouse() as connection, connection.cursor() as cursor:
            prepared = publishing.prepare(cursor, settings, year, municipality)
        stage, n_books, n_written = stages.start("книги"), len(prepared.territories), 0
        stage.progress = lambda: f"{n_written} из {n_books}"
        for _ in prepared.write(folder):
            n_written += 1
    terminal.say(f"Книг: {n_books}, папка: {folder}")


@commands.command()
def report(
    year: CampaignYear, out: Annotated[Path | None, typer.Option(help="Папка; без неё — папка отчётов года")] = None
) -> None:
    """Записать отчёт кампании: страницу HTML, которая открывается без сети, и PDF."""
    from ravenstvo.publishing.report import write_report

    with warehouse():
        written = write_report(get_settings(), year, out)
    typer.echo(f"Отчёт: {written.page}\nPDF: {written.pdf}")


@commands.command()
def docs(
    marts: Annotated[Path | None, typer.Option(help="Записать страницу витрин (docs/marts.md); без хранилища")] = None,
    exposures: Annotated[Path | None, typer.Option(help="Записать, кто читает витрины; без хранилища")] = None,
) -> None:
    """Записать словарь данных (dbt docs): одна страница HTML, которая открывается без сети."""
    from ravenstvo.calculation.dbt_docs import write_docs

    settings = get_settings()
    if marts or exposures:
        _write_documents(marts, exposures)
        return
    with warehouse():
        written = write_docs(settings)
    typer.echo(f"Словарь данных{'' if written else ' без изменений'}: {settings.dbt_docs_file}")


def _write_documents(marts: Path | None, exposures: Path | None) -> None:
    """Write the documents that are made of other documents and kept with them."""
    from ravenstvo.calculation.dbt_docs import parse_apart
    from ravenstvo.publishing import dictionary
    from ravenstvo.publishing import exposures as readers
    from ravenstvo.publishing.marts_page import marts_page

    with parse_apart(get_settings()) as target:
        known = dictionary.load(target)
    if marts:
        marts.write_text(marts_page(known), encoding="utf-8")
        typer.echo(f"Витрины: {marts}")
    if exposures:
        found = readers.exposures(get_settings().project_root / "include" / "bi")
        exposures.write_text(readers.exposures_file(found, known), encoding="utf-8")
        typer.echo(f"Кто читает витрины: {exposures}")
