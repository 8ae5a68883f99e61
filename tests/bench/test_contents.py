"""What the bench sends."""

import hashlib

from bench.contents import CHUNK_SIZE, Source


def test_a_file_has_chunks_of_4_mib_and_a_shorter_last_one():
    file = Source().file("folder", "name", 2 * CHUNK_SIZE + 100)

    assert [chunk.size for chunk in file.chunks] == [CHUNK_SIZE, CHUNK_SIZE, 100]
    assert file.size == len(b"".join(file.parts)) == 2 * CHUNK_SIZE + 100


def test_no_two_chunks_are_alike_so_that_nothing_is_deduplicated():
    source = Source()

    files = [*source.files("one", 1000, 20), *source.files("two", 1000, 20)]

    assert len({chunk.sha256 for file in files for chunk in file.chunks}) == 40


def test_the_hash_that_is_announced_is_the_hash_of_what_is_sent():
    (chunk,) = Source().file("folder", "name", 5000).chunks

    assert chunk.sha256 == hashlib.sha256(b"".join(chunk.parts)).hexdigest()
