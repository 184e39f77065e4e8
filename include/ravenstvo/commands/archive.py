"""The encrypted archive of originals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ravenstvo.commands.common import By, Reason, warehouse
from ravenstvo.settings import get_settings

commands = typer.Typer(help="Зашифрованный архив исходных файлов.", no_args_is_help=True)


@commands.command("list")
def archive_list() -> None:
    """Показать, какие исходные файлы лежат в архиве и до какого дня."""
    from ravenstvo.runtime import archive

    with warehouse():
        originals = archive.listed(get_settings())
    for one in originals:
        stays = f"удалён {one.removed_at:%d.%m.%Y}" if one.removed_at else f"до {one.keep_until:%d.%m.%Y}"
        typer.echo(f"{one.file_id} · {one.path} · {one.size_bytes} байт · {one.archived_at:%d.%m.%Y} · {stays}")
    n_kept = sum(one.removed_at is None for one in originals)
    typer.echo(f"В архиве файлов: {n_kept}, удалено по сроку: {len(originals) - n_kept}")


@commands.command("restore")
def archive_restore(
    file_id: Annotated[int, typer.Argument(help="Номер файла, как в «archive list»")],
    by: By = "",
    reason: Reason = "",
    out: Annotated[Path | None, typer.Option(help="Куда записать; без неё — в текущую папку под своим именем")] = None,
) -> None:
    """Расшифровать исходный файл. Кто и почему это сделал, остаётся в журнале."""
    from ravenstvo.runtime import archive

    with warehouse():
        restored = archive.restore(get_settings(), file_id, by, reason, out)
    typer.echo(f"Записан {restored}: в нём личные данные, удалите его, как только он станет не нужен.")


@commands.command("expire")
def archive_expire() -> None:
    """Удалить из архива файлы, срок хранения которых истёк; расчёт делает это и сам."""
    from ravenstvo.runtime import archive

    with warehouse():
        typer.echo(f"Удалено файлов: {archive.expire(get_settings())}")
