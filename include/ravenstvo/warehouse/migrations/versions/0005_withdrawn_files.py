"""Files that were withdrawn: they stay, with who withdrew them and why, and count no more."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0005"
down_revision = "0004"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Let files and parts be withdrawn."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
