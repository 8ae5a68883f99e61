import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from files.chunkstore.backends.memory import MemoryBackend
from files.chunkstore.errors import (
    ChunkAbsent,
    ChunkDamaged,
    DigestMismatch,
    LengthMismatch,
    NodeError,
    NodeFull,
    NodeOffline,
)
from files.chunkstore.metered import OPERATIONS, Metered
from tests.files.chunkstore.conformance import KEY, OTHER_KEY, content, get, put, sha256


class Failing(MemoryBackend):
    """Raises `error` wherever a node can."""

    def __init__(self, error):
        super().__init__("main")
        self.error = error

    def writer(self, *_args, **_options):
        raise self.error

    def read(self, *_args):
        yield b"one block"
        raise self.error

    def stat(self, _key):
        raise self.error

    def check(self):
        raise self.error


@pytest.fixture
def metered():
    return Metered(MemoryBackend("main"))


def counts(metered, operation):
    return metered.snapshot().operations[operation]


def test_before_any_call_everything_is_zero(metered):
    snapshot = metered.snapshot()

    assert snapshot.node == "main"
    assert set(snapshot.operations) == set(OPERATIONS)
    assert {(c.calls, c.errors, c.bytes) for c in snapshot.operations.values()} == {(0, 0, 0)}
    assert {c.latency_seconds for c in snapshot.operations.values()} == {None}


def test_every_operation_is_counted(metered):
    put(metered, KEY, b"abc")
    get(metered, KEY)
    metered.stat(KEY)
    list(metered.list())
    metered.path(KEY)
    metered.check()
    metered.sweep(datetime.now(UTC))
    metered.delete(KEY)

    operations = metered.snapshot().operations
    assert {name: operations[name].calls for name in OPERATIONS} == dict.fromkeys(OPERATIONS, 1)
    assert all(operations[name].latency_seconds >= 0 for name in OPERATIONS)


def test_bytes_stored_and_handed_out_are_counted(metered):
    put(metered, KEY, content(1_000_000))

    get(metered, KEY, 10, 500_000)

    assert counts(metered, "write").bytes == 1_000_000
    assert counts(metered, "read").bytes == 500_000


def test_a_reader_that_stops_is_counted_with_what_it_got(metered):
    put(metered, KEY, content(1_000_000))
    blocks = metered.read(KEY)

    received = len(next(blocks))
    blocks.close()

    assert counts(metered, "read").calls == 1
    assert counts(metered, "read").bytes == received < 1_000_000


@pytest.mark.parametrize("error", [NodeError(), NodeFull(), NodeOffline(), ChunkDamaged()])
def test_failures_of_the_node_are_errors_and_pass_unchanged(error):
    metered = Metered(Failing(error))

    for use in (
        lambda: put(metered, KEY, b"abc"),
        lambda: get(metered, KEY),
        lambda: metered.stat(KEY),
        metered.check,
    ):
        with pytest.raises(type(error)) as raised:
            use()
        assert raised.value is error

    for operation in ("write", "read", "stat", "check"):
        assert counts(metered, operation).errors == 1
    assert counts(metered, "stat").calls == 1
    assert counts(metered, "stat").latency_seconds is None
    assert counts(metered, "read").bytes == len(b"one block")


def test_what_is_absent_or_refused_is_no_error_of_the_node(metered):
    with pytest.raises(ChunkAbsent):
        metered.stat(KEY)
    with pytest.raises(ChunkAbsent):
        get(metered, KEY)
    with pytest.raises(LengthMismatch):
        metered.writer(KEY, size=1, sha256=None).write(b"too many")
    wrong = metered.writer(OTHER_KEY, size=1, sha256=sha256(b"b"))
    wrong.write(b"a")
    with pytest.raises(DigestMismatch):
        wrong.commit()

    assert [counts(metered, name).errors for name in OPERATIONS] == [0] * len(OPERATIONS)
    assert counts(metered, "write").bytes == 0


def test_threads_lose_no_count(metered):
    put(metered, KEY, b"abc")
    together = threading.Barrier(8)

    def read_often(_):
        together.wait()
        for _ in range(500):
            get(metered, KEY)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(read_often, range(8)))

    assert counts(metered, "read").calls == 4000
    assert counts(metered, "read").bytes == 12_000
