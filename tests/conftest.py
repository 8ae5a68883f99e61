"""The world every test may use: alice owns, bob is another person, carol is outside."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from files.chunkstore import registry
from files.chunkstore.backends import local
from files.content import reader
from tests.engines import undo
from tests.world import World

undo.install()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Servers first: their files take longest, and at the end one core would wait for the other."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@contextmanager
def node_in(directory: Path) -> Iterator[None]:
    with override_settings(NODES=f"main=file://{directory}"):
        registry.reset()
        reader.forget_all()
        local.setup(directory, "main")
        yield
    registry.reset()


@pytest.fixture(autouse=True)
def _fresh_node(tmp_path: Path) -> Iterator[None]:
    """A node of its own for each test: an object that another test left would be a false proof."""
    with node_in(tmp_path / "chunks"):
        yield


@pytest.fixture
def world(db) -> World:
    return World()


@pytest.fixture
def shared_world(transactional_db) -> World:
    """As `world`, with data that threads and the plane see: nothing is rolled back around it."""
    return World()


@pytest.fixture(scope="module")
def _standing(request, django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Any]:
    """A world, the module's SCENE in it and the directory of its node's objects, made once."""
    directory = tmp_path_factory.mktemp("standing") / "chunks"

    def make() -> tuple[World, Any, Path]:
        with node_in(directory):
            world = World()
            world.everybody()
            return world, request.module.SCENE(world), directory

    with django_db_blocker.unblock(), undo.standing(make) as made, django_db_blocker.block():
        yield made


@pytest.fixture
def scene(_standing, db, tmp_path) -> Any:
    """What the module's SCENE makes of a world. Each test finds it as it was made; a module that
    has one has no other world, for alice is there already."""
    world, scene, directory = _standing
    shutil.copytree(directory, tmp_path / "chunks", dirs_exist_ok=True)
    world.look_again()
    return scene
