"""The world every test may use: alice owns, bob is another person, carol is outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from files.chunkstore import registry
from files.chunkstore.backends import local
from files.content import reader
from tests.engines import undo
from tests.world import World

undo.install()


@pytest.fixture(autouse=True)
def _fresh_node(tmp_path: Path, settings) -> Iterator[None]:
    """A node of its own for each test: an object that another test left would be a false proof."""
    directory = tmp_path / "chunks"
    settings.NODES = f"main=file://{directory}"
    registry.reset()
    reader.forget_all()
    local.setup(directory, "main")
    yield
    registry.reset()


@pytest.fixture
def world(db) -> World:
    return World()


@pytest.fixture
def shared_world(transactional_db) -> World:
    """As `world`, with data that threads and the plane see: nothing is rolled back around it."""
    return World()
