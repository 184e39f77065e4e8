"""Sums over the marts' rows by year: a calculation hashes its own years only. Indexes of the histories by year."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0011"
down_revision = "0010"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Make the tables and the indexes."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
