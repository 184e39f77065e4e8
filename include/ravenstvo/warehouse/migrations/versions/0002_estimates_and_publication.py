"""Tables that the estimates write, and those of published lists and people's decisions."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0002"
down_revision = "0001"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Create the tables."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
