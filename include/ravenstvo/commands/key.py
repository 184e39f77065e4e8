"""The key of the pseudonyms."""

from __future__ import annotations

import typer

from ravenstvo.commands.common import By, Reason, warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer(help="Ключ псевдонимов.", no_args_is_help=True)


@commands.command("status")
def key_status() -> None:
    """Показать версии и отпечатки ключей; проверить, что файл ключа — тот самый."""
    from ravenstvo.runtime import key_rotation

    with warehouse():
        known = key_rotation.state(get_settings())
    for version, fingerprint in enumerate(known.fingerprints, start=1):
        typer.echo(f"Версия {version}: отпечаток {fingerprint}")
    typer.echo(f"Действует версия {len(known.fingerprints)}. Файл: {get_settings().key_file}")
    if known.is_unfinished:
        typer.echo("Смена ключа не доведена до конца: повторите «ravenstvo key rotate».")


@commands.command("rotate")
def key_rotate(by: By = "", reason: Reason = "") -> None:
    """Ввести новый ключ и перевести на него загруженные записи: имена для этого не нужны."""
    from ravenstvo.runtime import key_rotation

    with warehouse():
        done = key_rotation.rotate(get_settings(), by, reason)
    typer.echo(
        f"Действует ключ версии {done.version}. Переведено псевдонимов: {done.n_pseudonyms}, строк: {done.n_rows}"
    )
    typer.echo(f"Сохраните копию файла отдельно от базы: {get_settings().key_file}")
    typer.echo("Звезду и витрины переведёт следующий расчёт: ravenstvo run")
