"""A clock that never goes back, and what corrections changed in the rows of the files."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0007"
down_revision = "0006"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Create the function and the tables."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
