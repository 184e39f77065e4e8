"""Who reads which municipality, which keys are in use, what the vault holds and who has looked into it."""

from pathlib import Path

from alembic import op
from ravenstvo.warehouse import one_way

revision = "0009"
down_revision = "0008"
downgrade = one_way.downgrade


def upgrade() -> None:
    """Make the tables, and the trigger that chains the entries of the journal."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
