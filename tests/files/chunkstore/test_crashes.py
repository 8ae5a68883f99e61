"""Processes that are killed while they put or delete: whole or not there, and never in the way."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from files.chunkstore.backends import local
from files.chunkstore.backends.local import LocalBackend
from files.chunkstore.keyring import KeyRing
from files.chunkstore.sealed import Sealed
from rapidserve.keys import MasterKey
from tests.files.chunkstore.conformance import KEY, assert_absent, content, get, put

PROJECT = Path(__file__).resolve().parents[3]
DATA = content(700_000)

BUILD = """
import sys
from pathlib import Path
from files.chunkstore.backends.local import LocalBackend
from files.chunkstore.keyring import KeyRing
from files.chunkstore.sealed import Sealed
from rapidserve.keys import MasterKey
from tests.files.chunkstore.conformance import KEY, content, put
inner = LocalBackend("main", Path(sys.argv[1]))
backend = Sealed(inner, KeyRing([MasterKey("k1", b"1" * 32)]), seal_new=sys.argv[2] == "sealed")
"""
PUT = BUILD + "put(backend, KEY, content(700_000))"
DELETE = BUILD + "backend.delete(KEY)"
PUT_FOREVER = (
    BUILD
    + """
for seed in range(10**9):
    put(backend, f"{seed:032x}", content(50_000, seed))
    print(seed, flush=True)
"""
)


@pytest.fixture
def directory(tmp_path):
    local.setup(tmp_path / "node", "main")
    return tmp_path / "node"


@pytest.fixture(params=["plain", "sealed"])
def kind(request):
    return request.param


@pytest.fixture
def backend(directory, kind):
    ring = KeyRing([MasterKey("k1", b"1" * 32)])
    return Sealed(LocalBackend("main", directory), ring, seal_new=kind == "sealed")


def start(script, directory, kind, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", script, directory, kind],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def run_until_killed(script, directory, kind, point):
    process = start(script, directory, kind, RS_CRASH_AT=point)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def temporary_files(directory):
    return list((directory / "objects").rglob("*.tmp"))


def sweep_all(backend):
    return backend.sweep(datetime.now(UTC) + timedelta(hours=1))


@pytest.mark.parametrize("point", ["chunk.temporary", "chunk.synced"])
def test_killed_before_the_link_nothing_is_visible(backend, directory, kind, point):
    run_until_killed(PUT, directory, kind, point)

    assert_absent(backend, KEY)
    assert list(backend.list()) == []


def test_killed_after_the_link_the_chunk_is_whole(backend, directory, kind):
    run_until_killed(PUT, directory, kind, "chunk.linked")

    assert get(backend, KEY) == DATA
    assert backend.stat(KEY).size == len(DATA)


@pytest.mark.parametrize("point", ["chunk.temporary", "chunk.synced", "chunk.linked"])
def test_after_any_kill_the_chunk_can_be_put_again_and_sweep_tidies_up(
    backend, directory, kind, point
):
    run_until_killed(PUT, directory, kind, point)
    assert len(temporary_files(directory)) == 1

    put(backend, KEY, DATA)

    assert sweep_all(backend) == 1
    assert temporary_files(directory) == []
    assert get(backend, KEY) == DATA
    assert [stored.key for stored in backend.list()] == [KEY]


def test_killed_before_the_unlink_the_chunk_is_whole_and_can_be_deleted(backend, directory, kind):
    put(backend, KEY, DATA)

    run_until_killed(DELETE, directory, kind, "chunk.deleting")

    assert get(backend, KEY) == DATA
    backend.delete(KEY)
    assert_absent(backend, KEY)


def test_killed_at_any_moment_all_that_was_acknowledged_is_there_and_nothing_is_torn(
    backend, directory, kind
):
    for _ in range(3):
        process = start(PUT_FOREVER, directory, kind)
        for _ in range(random.randint(1, 20)):
            process.stdout.readline()
        time.sleep(random.random() / 100)
        process.kill()
        acknowledged = [int(line) for line in process.communicate(timeout=60)[0].split()]

        for seed in acknowledged:
            assert get(backend, f"{seed:032x}") == content(50_000, seed)
        for stored in list(backend.list()):
            assert get(backend, stored.key) == content(50_000, int(stored.key, 16))
    sweep_all(backend)
    assert temporary_files(directory) == []
