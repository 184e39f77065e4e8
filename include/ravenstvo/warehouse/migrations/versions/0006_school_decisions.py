"""Keys of schools: codes that got their zeros back, and what people decided about keys that the files leave open."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0006"
down_revision = "0005"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Make the table of decisions, which is only ever added to."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
