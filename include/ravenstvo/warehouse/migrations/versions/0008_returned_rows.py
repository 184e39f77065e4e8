"""Rows that a sender corrected in the workbook of remarks and sent back: whose place they take."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0008"
down_revision = "0007"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Create the table and the columns."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
