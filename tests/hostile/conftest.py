"""A migrated warehouse for each test."""

from __future__ import annotations

import pytest
from ravenstvo.settings import Settings


@pytest.fixture
def warehouse(migrated: Settings) -> Settings:
    """The tests of this folder need the tables at once."""
    return migrated
