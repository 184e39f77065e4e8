"""How tables of the warehouse are named in events."""

from __future__ import annotations

from dataclasses import dataclass

from ravenstvo.settings import Settings
from ravenstvo.warehouse.connection import parameters


@dataclass(frozen=True)
class Place:
    """A database: the namespace of its tables and its name."""

    namespace: str
    database: str

    def table(self, schema: str, name: str) -> str:
        """Name of a table in the namespace."""
        return f"{self.database}.{schema}.{name}"


def place(settings: Settings) -> Place:
    """The warehouse. A server behind a socket of this machine is called ``localhost``: its folder is a secret."""
    known = parameters(settings)
    host = str(known.get("host") or "localhost")
    return Place(
        f"postgres://{'localhost' if host.startswith('/') else host}:{known.get('port') or 5432}",
        str(known.get("dbname")),
    )
