"""Of which region a file is, and who has changed the region's code."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0010"
down_revision = "0009"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Add the column and the table of changes."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
