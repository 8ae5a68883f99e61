"""One suite over every backend and every stack of decorators, and reads against a model."""

import functools
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.chunkstore.backend import BLOCK_SIZE
from files.chunkstore.backends import local
from files.chunkstore.backends.local import LocalBackend
from files.chunkstore.backends.memory import MemoryBackend
from files.chunkstore.keyring import KeyRing
from files.chunkstore.metered import Metered
from files.chunkstore.sealed import SEGMENT_SIZE, Sealed
from rapidserve.keys import MasterKey
from tests.files.chunkstore.conformance import KEY, BackendConformance, content, get, put

RING = KeyRing([MasterKey("k1", b"1" * 32)])


def local_node(directory):
    local.setup(directory, "main")
    return LocalBackend("main", directory)


STACKS = {
    "memory": lambda _: MemoryBackend("main"),
    "local": local_node,
    "sealed(local)": lambda directory: Sealed(local_node(directory), RING),
    "sealed(memory)": lambda _: Sealed(MemoryBackend("main"), RING),
    "sealing off(local)": lambda directory: Sealed(local_node(directory), RING, seal_new=False),
    "metered(sealed(local))": lambda directory: Metered(Sealed(local_node(directory), RING)),
    "metered(memory)": lambda _: Metered(MemoryBackend("main")),
    "sealed(metered(memory))": lambda _: Sealed(Metered(MemoryBackend("main")), RING),
}


class TestEveryBackend(BackendConformance):
    @pytest.fixture(params=STACKS)
    def backend(self, request, tmp_path):
        return STACKS[request.param](tmp_path / "node")


BORDERS = [0, 1, SEGMENT_SIZE, BLOCK_SIZE, 2 * SEGMENT_SIZE, 3 * SEGMENT_SIZE]
MODEL = content(3 * SEGMENT_SIZE + 1000)


@functools.cache
def stored_model(stack):
    """Sealing or not is what differs between reads; the disk does not, so memory will do."""
    backend = {
        "memory": lambda: MemoryBackend("main"),
        "sealed": lambda: Sealed(MemoryBackend("main"), RING),
        "small blocks": lambda: Sealed(SmallBlocks("main"), RING),
    }[stack]()
    put(backend, KEY, MODEL)
    return backend


class SmallBlocks(MemoryBackend):
    """Gives fewer bytes at a time than it might, as a bucket does."""

    def read(self, key, start=0, length=None):
        for block in super().read(key, start, length):
            for offset in range(0, len(block), 100_003):
                yield block[offset : offset + 100_003]


positions = st.one_of(
    st.integers(0, len(MODEL)),
    st.builds(
        lambda border, step: min(max(border + step, 0), len(MODEL)),
        st.sampled_from([*BORDERS, len(MODEL)]),
        st.integers(-20, 20),
    ),
)


@pytest.mark.parametrize("stack", ["memory", "sealed", "small blocks"])
@given(a=positions, b=positions)
def test_any_range_is_that_slice_of_the_chunk(stack, a, b):
    start, end = sorted((a, b))

    assert get(stored_model(stack), KEY, start, end - start) == MODEL[start:end]


@pytest.mark.parametrize("stack", ["memory", "sealed", "small blocks"])
@given(start=positions)
def test_a_read_without_length_goes_to_the_end(stack, start):
    assert get(stored_model(stack), KEY, start) == MODEL[start:]


@given(cuts=st.lists(st.integers(0, len(MODEL)), max_size=8))
def test_any_cut_into_blocks_stores_the_same(cuts):
    backend = Sealed(MemoryBackend("main"), RING)
    writer = backend.writer(KEY, size=len(MODEL), sha256=None)

    edges = [0, *sorted(cuts), len(MODEL)]
    for start, end in itertools.pairwise(edges):
        writer.write(MODEL[start:end])
    writer.commit()

    assert get(backend, KEY) == MODEL
