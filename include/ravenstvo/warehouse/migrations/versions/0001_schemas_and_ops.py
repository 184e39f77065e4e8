"""Schemas of the warehouse and the tables of ``ops``."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0001"
down_revision = None
downgrade = one_way.downgrade


def upgrade() -> None:
    """Create the schemas and the book-keeping tables."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
