"""What the commands share: options that mean the same everywhere, and the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ravenstvo.settings import get_settings

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

CampaignYear = Annotated[int, typer.Option("--year", help="Год кампании")]
Method = Annotated[str | None, typer.Option(help="Код метода; без него — из справочника approval_method")]
By = Annotated[str, typer.Option(help="Кто это делает")]
Reason = Annotated[str, typer.Option(help="Почему")]


@contextmanager
def warehouse() -> Iterator[Connection]:
    """A connection to the warehouse; the embedded server is started when it is not up.

    Raises DowngradeError where a newer program has made the warehouse.
    """
    from ravenstvo.warehouse import migrate, server
    from ravenstvo.warehouse.connection import connect

    settings = get_settings()
    server.ensure_running(settings)
    migrate.refuse_newer(migrate.revisions(settings))
    with connect(settings) as connection:
        yield connection
