"""Manifests in two levels: which of them answers, and what happens when a chunk has moved."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis import Redis

from files.chunkstore import registry
from files.chunkstore.backends import local
from files.content import reader
from files.models import Entry, Replica
from rapidserve import cache
from tests.engines.redis import redis_server
from tests.world import CHUNK_SIZE

DATA = b"a" * CHUNK_SIZE + b"b" * 1000


@pytest.fixture
def redis(settings):
    with redis_server() as running:
        settings.CACHES = cache.configured(running.url)
        cache.shared.cache_clear()
        yield running
    cache.shared.cache_clear()


@pytest.fixture
def version(shared_world):
    file_id = shared_world.alice.upload("a.bin", DATA)["file"]["id"]
    reader.forget_all()
    return Entry.objects.get(id=file_id).current_version_id


def manifest(version):
    return reader.version_facts(version), [reader.extent(version, index) for index in (0, 1)]


def queries(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def content(version):
    return b"".join(
        b"".join(reader.read(version, extent, 0, extent.length)) for extent in manifest(version)[1]
    )


def test_what_the_memory_has_asks_nobody(version):
    assert queries(lambda: manifest(version)) > 0

    assert queries(lambda: manifest(version)) == 0


def test_without_redis_a_new_process_asks_the_database(version):
    manifest(version)
    reader.forget_all()

    assert queries(lambda: manifest(version)) > 0


def test_what_redis_has_asks_no_database_and_is_the_same(redis, version):
    asked = manifest(version)
    reader.forget_all()

    with CaptureQueriesContext(connection) as captured:
        found = manifest(version)

    assert len(captured) == 0
    assert found == asked
    assert content(version) == DATA


def test_garbage_in_redis_asks_the_database(redis, version):
    asked = manifest(version)
    with Redis(port=redis.port) as client:
        names = client.keys("rapidserve:*")
        for name in names:
            client.set(name, b"\x80garbage")
    reader.forget_all()

    assert len(names) == 2
    assert manifest(version) == asked
    reader.forget_all()
    assert queries(lambda: manifest(version)) == 0


@pytest.fixture
def moved(redis, version, settings, tmp_path):
    """Both levels say the chunks are on "main"; they are on "second" now."""
    manifest(version)
    local.setup(tmp_path / "second", "second")
    settings.NODES = f"{settings.NODES};second=file://{tmp_path / 'second'}"
    registry.reset()
    objects = tmp_path / "chunks" / "objects"
    objects.rename(tmp_path / "moving")
    objects.mkdir()
    (tmp_path / "second" / "objects").rmdir()
    (tmp_path / "moving").rename(tmp_path / "second" / "objects")
    Replica.objects.update(node="second")
    return version


@pytest.mark.parametrize("level", ["memory", "redis"])
def test_a_copy_that_is_gone_is_looked_up_again_and_both_levels_learn(moved, level):
    if level == "redis":
        reader.forget_all()

    assert content(moved) == DATA
    assert reader.cached_extent(moved, 0).nodes == ("second",)
    reader.forget_all()
    with CaptureQueriesContext(connection) as captured:
        assert reader.extent(moved, 0).nodes == ("second",)
        assert content(moved) == DATA
    assert len(captured) == 0


def test_downloads_go_on_while_redis_is_killed_and_comes_back(redis, version, monkeypatch):
    monkeypatch.setattr(cache, "REST_SECONDS", 0.0)
    for step in (lambda: None, redis.kill, redis.start):
        step()
        for _ in range(2):
            reader.forget_all()
            assert content(version) == DATA

    reader.forget_all()
    assert queries(lambda: manifest(version)) == 0
