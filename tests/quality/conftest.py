"""A warehouse for the tests of validation: migrated, with the project's reference data, shared by a module."""

from __future__ import annotations

import pytest
from quality_warehouse import load_seeds
from ravenstvo.settings import Settings
from ravenstvo.warehouse.migrate import upgrade


@pytest.fixture(scope="module")
def settings(module_warehouse: Settings) -> Settings:
    """One database for all tests of a module: each lands parts of its own."""
    upgrade(module_warehouse)
    load_seeds(module_warehouse)
    return module_warehouse
