"""${message}."""

from alembic import op
from ravenstvo.warehouse import one_way

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
downgrade = one_way.downgrade


def upgrade() -> None:
    """Apply the change."""
    ${upgrades if upgrades else "raise NotImplementedError"}
