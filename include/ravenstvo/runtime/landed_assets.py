"""The assets of what lands: one for each document of a source, named as its table; partitions are campaign years."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Asset

# Not read, and no module of the sources imported: DAGs do this when they are parsed.
_DOCUMENTS = Path(__file__).resolve().parents[1] / "sources"
LANDED = {path.stem: Asset(f"landing.{path.stem}") for path in sorted(_DOCUMENTS.glob("*.yml"))}
