"""The chunk store stands alone: its tests make the nodes they need and no database."""

import pytest

from files.chunkstore import registry


@pytest.fixture(autouse=True)
def _fresh_node():
    """In place of the node that every other test is given."""
    registry.reset()
    yield
    registry.reset()
