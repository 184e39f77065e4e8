"""Names that stay: an asset's uuid follows from its kind and the name of its file or table."""

from __future__ import annotations

import uuid

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "ravenstvo/bi")

# How the connections are called in Superset, by the schema that they read.
DATABASES = {"marts": "Витрины", "publish": "Публикация"}
# Database users of the connections, and the reading roles that they belong to (warehouse.roles).
LOGINS = {"marts": "ravenstvo_bi", "publish": "ravenstvo_bi_public"}
READER_ROLES = {"marts": "bi_reader", "publish": "public_reader"}

# Superset's version of every exported document.
VERSION = "1.0.0"


def asset_uuid(kind: str, name: str) -> str:
    """Uuid of a ``database`` (by its schema), ``dataset`` (by its table), ``chart`` or ``dashboard`` (by its file)."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))
