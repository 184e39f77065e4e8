"""Who has not delivered what; messages and letters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ravenstvo.commands.common import CampaignYear, warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer()


@commands.command()
def expected(
    year: Annotated[
        int | None, typer.Option(help="Год кампании; без него — кампании, сроки которых прошли недавно или близки")
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="На какой день сравнить со сроками; без него — сегодня"),
    ] = None,
) -> None:
    """Показать, кто чего не прислал, к какому сроку и сколько дней прошло."""
    from datetime import timedelta

    from ravenstvo.asking.expected import campaigns, expected_lines, lacking
    from ravenstvo.runtime.notifying.days import here_today

    settings = get_settings()
    today = on.date() if on else here_today(settings)
    with warehouse() as connection, connection.cursor() as cursor:
        found = lacking(cursor)
    years = [year] if year else campaigns(found, today, timedelta(days=settings.notify_days_before))
    shown = [one for one in found if one.year in years]
    if not shown:
        typer.echo(f"Всё, чего ждали{f' за {year} год' if year else ''}, пришло, или расчёта ещё не было.")
    for line in expected_lines(shown, today):
        typer.echo(line)


@commands.command()
def notify_test(
    forget: Annotated[
        bool, typer.Option("--forget", help="Только убрать то, что не принято и отложено: больше не отправлять")
    ] = False,
) -> None:
    """Отправить пробное сообщение туда, куда сообщают о сбоях, и то, что ещё не ушло или было отложено."""
    from ravenstvo.runtime.notifying import outbox, sending

    settings = get_settings()
    if forget:
        typer.echo(f"Убрано отложенных сообщений: {outbox.forget_refused(settings)}.")
        return
    settings.make_home()
    whom, left = sending.test_message(settings)
    for one in whom:
        typer.echo(f"Кому: {one}")
    for message in left:
        typer.echo(f"Не отправлено: {message.subject}: {message.error}", err=True)
    aside = outbox.set_aside(settings)
    for message in aside:
        typer.echo(f"Не принято и отложено: {message.subject}: {message.error}", err=True)
    if aside:
        typer.echo(outbox.WHAT_TO_DO, err=True)
    if left or aside:
        raise typer.Exit(1)
    typer.echo("Отправлено.")


@commands.command()
def send_letters(
    year: CampaignYear,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Только показать, кому что уйдёт")] = False,
) -> None:
    """Разослать отправителям письма с замечаниями и книгами: каждое один раз, пока не изменилось."""
    from ravenstvo.runtime.notifying import letters, sending

    settings = get_settings()
    found = letters.addressed(settings, year)
    if not found:
        typer.echo(f"За {year} год писем нет: замечаний нет или расчёт ещё не выполнен.")
        return
    if not dry_run:
        letters.queue(settings, found)
        sending.send_waiting(settings)
        found = letters.addressed(settings, year)
    for line in letters.lines(found):
        typer.echo(line)
    for text in letters.summary(settings, found):
        typer.echo(text)
    raise typer.Exit(1 if not dry_run and any(one.state in letters.STUCK for one in found) else 0)
