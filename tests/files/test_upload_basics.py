import os

import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from tests.world import content_hash_of


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1])
def test_what_was_uploaded_comes_back_bit_for_bit(shared_world, size):
    data = os.urandom(size)

    done = shared_world.alice.upload("thesis.pdf", data)

    assert done["file"]["size"] == size
    assert done["file"]["content_hash"] == content_hash_of(data)
    assert shared_world.alice.download(done["file"]["id"]) == data
