"""Outlines of municipalities that a person has loaded, for the map."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0003"
down_revision = "0002"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Create the table."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
