"""What every backend and every decorator must do. Subclass it and give it a `backend` fixture."""

import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from files.chunkstore.backend import BLOCK_SIZE, Backend
from files.chunkstore.chunk import CHUNK_SIZE
from files.chunkstore.errors import (
    ChunkAbsent,
    ChunkShort,
    DigestMismatch,
    LengthMismatch,
)

KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def put(backend: Backend, key: str, data: bytes, block: int = 300_000):
    writer = backend.writer(key, size=len(data), sha256=sha256(data))
    for offset in range(0, len(data), block):
        writer.write(data[offset : offset + block])
    writer.commit()


def get(backend: Backend, key: str, start: int = 0, length: int | None = None) -> bytes:
    return b"".join(backend.read(key, start, length))


def assert_absent(backend: Backend, key: str):
    with pytest.raises(ChunkAbsent):
        get(backend, key)
    with pytest.raises(ChunkAbsent):
        backend.stat(key)
    assert backend.path(key) is None
    assert key not in {stored.key for stored in backend.list()}


NOT_KEYS = [
    "",
    "0",
    KEY + "0",
    KEY.upper(),
    KEY + "\n",
    "../" + KEY[3:],
    "../../../../etc/passwd",
    "/etc/passwd",
    KEY[:-1] + "/",
    KEY[:-1] + "\0",
    KEY + "/../" + OTHER_KEY,
    KEY + ".../x",
    KEY + ".sealed.sealed",
    KEY + ".SEALED",
    "٠" * 32,
]

SIZES = [
    1,
    15,
    16,
    17,
    BLOCK_SIZE - 17,
    BLOCK_SIZE - 16,
    BLOCK_SIZE - 15,
    BLOCK_SIZE,
    BLOCK_SIZE + 1,
    2 * (BLOCK_SIZE - 16),
    2 * (BLOCK_SIZE - 16) + 1,
    CHUNK_SIZE - 1,
    CHUNK_SIZE,
]


class BackendConformance:
    @pytest.mark.parametrize("size", SIZES)
    def test_what_was_put_is_read_back(self, backend, size):
        data = content(size)

        put(backend, KEY, data)

        assert get(backend, KEY) == data
        assert backend.stat(KEY).size == size

    @pytest.mark.parametrize("block", [1, 4096, BLOCK_SIZE, 2**20])
    def test_the_size_of_the_blocks_written_does_not_matter(self, backend, block):
        data = content(5000 if block == 1 else 3 * BLOCK_SIZE + 5)

        put(backend, KEY, data, block)

        assert get(backend, KEY) == data

    def test_empty_blocks_change_nothing(self, backend):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abc"))

        for block in (b"", b"ab", b"", b"c", b""):
            writer.write(block)
        writer.commit()

        assert get(backend, KEY) == b"abc"

    def test_read_hands_out_bytes_in_blocks_of_at_most_256_kib(self, backend):
        put(backend, KEY, content(CHUNK_SIZE))

        blocks = list(backend.read(KEY))

        assert {type(block) for block in blocks} == {bytes}
        assert all(1 <= len(block) <= BLOCK_SIZE for block in blocks)

    def test_nothing_is_visible_before_commit(self, backend):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abc"))
        writer.write(b"abc")

        assert_absent(backend, KEY)

        writer.commit()
        assert get(backend, KEY) == b"abc"

    def test_a_writer_that_is_aborted_leaves_nothing(self, backend):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abc"))
        writer.write(b"abc")

        writer.abort()
        writer.abort()

        assert_absent(backend, KEY)

    def test_a_writer_that_is_dropped_leaves_nothing_to_see(self, backend):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abc"))
        writer.write(b"abc")

        del writer

        assert_absent(backend, KEY)

    def test_abort_after_commit_changes_nothing(self, backend):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abc"))
        writer.write(b"abc")
        writer.commit()

        writer.abort()

        assert get(backend, KEY) == b"abc"

    @pytest.mark.parametrize("end", ["commit", "abort"])
    def test_a_closed_writer_takes_nothing_more(self, backend, end):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abc"))
        writer.write(b"abc")
        getattr(writer, end)()

        with pytest.raises(ValueError, match="closed"):
            writer.write(b"d")
        with pytest.raises(ValueError, match="closed"):
            writer.commit()

    def test_another_hash_than_announced_stores_nothing(self, backend):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abd"))
        writer.write(b"abc")

        with pytest.raises(DigestMismatch):
            writer.commit()

        assert_absent(backend, KEY)

    def test_too_few_bytes_store_nothing(self, backend):
        writer = backend.writer(KEY, size=4, sha256=sha256(b"abc"))
        writer.write(b"abc")

        with pytest.raises(LengthMismatch):
            writer.commit()

        assert_absent(backend, KEY)

    def test_no_bytes_at_all_store_nothing(self, backend):
        writer = backend.writer(KEY, size=4, sha256=sha256(b""))

        with pytest.raises(LengthMismatch):
            writer.commit()

        assert_absent(backend, KEY)

    @pytest.mark.parametrize("blocks", [[b"abcd"], [b"abc", b"d"], [bytes(BLOCK_SIZE * 2)]])
    def test_too_many_bytes_are_refused_as_they_come(self, backend, blocks):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abc"))

        *right, one_too_many = blocks
        for block in right:
            writer.write(block)
        with pytest.raises(LengthMismatch):
            writer.write(one_too_many)

        with pytest.raises(ValueError, match="closed"):
            writer.commit()
        assert_absent(backend, KEY)

    def test_a_refused_put_can_be_repeated_with_the_right_bytes(self, backend):
        wrong = backend.writer(KEY, size=3, sha256=sha256(b"abc"))
        wrong.write(b"xyz")
        with pytest.raises(DigestMismatch):
            wrong.commit()

        put(backend, KEY, b"abc")

        assert get(backend, KEY) == b"abc"

    def test_without_a_hash_only_the_length_is_verified(self, backend):
        writer = backend.writer(KEY, size=3, sha256=None)
        writer.write(b"abc")
        writer.commit()

        assert get(backend, KEY) == b"abc"

    def test_without_a_hash_a_wrong_length_stores_nothing(self, backend):
        writer = backend.writer(KEY, size=3, sha256=None)
        writer.write(b"ab")

        with pytest.raises(LengthMismatch):
            writer.commit()

        assert_absent(backend, KEY)

    @pytest.mark.parametrize("size", [0, -1, 2 * CHUNK_SIZE])
    def test_a_size_no_chunk_has_is_refused(self, backend, size):
        with pytest.raises(ValueError, match="bytes"):
            backend.writer(KEY, size=size, sha256=sha256(b""))

    @pytest.mark.parametrize("digest", ["", "abc", sha256(b"a").upper(), sha256(b"a") + "\n"])
    def test_what_is_no_hash_is_refused(self, backend, digest):
        with pytest.raises(ValueError, match="SHA-256"):
            backend.writer(KEY, size=1, sha256=digest)

    @pytest.mark.parametrize("key", NOT_KEYS)
    def test_what_is_no_key_is_refused_everywhere(self, backend, key):
        for use in (
            lambda: backend.writer(key, size=1, sha256=None),
            lambda: get(backend, key),
            lambda: backend.stat(key),
            lambda: backend.delete(key),
            lambda: backend.path(key),
            lambda: backend.authenticates(key),
        ):
            with pytest.raises(ValueError, match="key"):
                use()

    def test_the_first_object_under_a_key_stays(self, backend):
        put(backend, KEY, b"first")

        put(backend, KEY, b"second")

        assert get(backend, KEY) == b"first"
        assert [stored.key for stored in backend.list()] == [KEY]

    def test_a_taken_key_does_not_excuse_wrong_bytes(self, backend):
        put(backend, KEY, b"first")
        writer = backend.writer(KEY, size=5, sha256=sha256(b"first"))
        writer.write(b"tsrif")

        with pytest.raises(DigestMismatch):
            writer.commit()

        assert get(backend, KEY) == b"first"

    def test_sixteen_threads_putting_the_same_chunk_all_succeed(self, backend):
        data = content(700_000)
        together = threading.Barrier(16)

        def one_put(_):
            together.wait()
            put(backend, KEY, data)

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(one_put, range(16)))

        assert get(backend, KEY) == data
        assert [stored.key for stored in backend.list()] == [KEY]

    def test_threads_read_each_their_own_bytes(self, backend):
        chunks = {f"{seed:032x}": content(600_000, seed) for seed in range(8)}
        for key, data in chunks.items():
            put(backend, key, data)

        with ThreadPoolExecutor(16) as threads:
            reads = list(threads.map(lambda key: (key, get(backend, key)), [*chunks] * 4))

        assert all(chunks[key] == data for key, data in reads)

    def test_absent_is_said_of_absent_chunks_only(self, backend):
        put(backend, KEY, b"abc")

        assert_absent(backend, OTHER_KEY)

    def test_delete_removes_and_deleting_again_succeeds(self, backend):
        put(backend, KEY, b"abc")
        put(backend, OTHER_KEY, b"stays")

        backend.delete(KEY)
        backend.delete(KEY)

        assert_absent(backend, KEY)
        assert get(backend, OTHER_KEY) == b"stays"

    def test_a_deleted_key_can_be_put_again(self, backend):
        put(backend, KEY, b"abc")
        backend.delete(KEY)

        put(backend, KEY, b"abcd")

        assert get(backend, KEY) == b"abcd"
        assert backend.stat(KEY).size == 4

    def test_a_chunk_deleted_while_it_is_read_is_never_read_short(self, backend):
        data = content(CHUNK_SIZE)
        put(backend, KEY, data)
        blocks = backend.read(KEY)
        received = [next(blocks)]

        backend.delete(KEY)
        try:
            received += blocks
        except ChunkAbsent:
            received = [data]

        assert b"".join(received) == data

    def test_reads_beside_deletes_give_all_or_absent(self, backend):
        data = content(400_000)
        outcomes = []

        def read_often():
            for _ in range(40):
                try:
                    outcomes.append(get(backend, KEY) == data)
                except ChunkAbsent:
                    outcomes.append(True)

        def delete_and_put():
            for _ in range(20):
                backend.delete(KEY)
                put(backend, KEY, data)

        put(backend, KEY, data)
        with ThreadPoolExecutor(3) as threads:
            work = [threads.submit(f) for f in (read_often, read_often, delete_and_put)]
            for one in work:
                one.result()

        assert outcomes
        assert all(outcomes)

    def test_list_names_every_chunk_once_with_its_plain_size(self, backend):
        sizes = {f"{n:032x}": n for n in (1, 7, 300, BLOCK_SIZE, 2 * BLOCK_SIZE)}
        for key, size in sizes.items():
            put(backend, key, content(size))

        found = [(stored.key, stored.size) for stored in backend.list()]

        assert sorted(found) == sorted(sizes.items())

    def test_list_goes_on_when_chunks_vanish_meanwhile(self, backend):
        keys = {f"{n:032x}" for n in range(10)}
        for key in keys:
            put(backend, key, b"abc")
        listing = backend.list()
        seen = {next(listing).key}

        for key in keys:
            backend.delete(key)
        seen |= {stored.key for stored in listing}

        assert seen <= keys
        assert list(backend.list()) == []

    def test_modified_at_is_an_aware_time_of_the_put(self, backend):
        before = datetime.now(UTC) - timedelta(seconds=5)

        put(backend, KEY, b"abc")

        assert before < backend.stat(KEY).modified_at < before + timedelta(minutes=10)
        assert [stored.modified_at for stored in backend.list()] == [backend.stat(KEY).modified_at]

    @pytest.mark.parametrize(("start", "length"), [(-1, None), (-1, 1), (0, -1), (3, -1)])
    def test_a_range_that_cannot_be_is_an_error(self, backend, start, length):
        put(backend, KEY, b"abc")

        with pytest.raises(ValueError, match="no range"):
            get(backend, KEY, start, length)

    @pytest.mark.parametrize(("start", "length"), [(0, 4), (3, 1), (4, None), (4, 0), (2**40, 1)])
    def test_a_range_beyond_the_end_is_an_error_and_never_short(self, backend, start, length):
        put(backend, KEY, b"abc")

        with pytest.raises(ChunkShort):
            get(backend, KEY, start, length)

    @pytest.mark.parametrize(("start", "length"), [(0, 0), (3, None), (3, 0), (1, 0)])
    def test_an_empty_range_is_empty(self, backend, start, length):
        put(backend, KEY, b"abc")

        assert list(backend.read(KEY, start, length)) == []

    def test_a_reader_may_stop_early(self, backend):
        put(backend, KEY, content(CHUNK_SIZE))

        blocks = backend.read(KEY)
        next(blocks)
        blocks.close()

        assert next(blocks, None) is None

    def test_path_names_a_file_with_exactly_the_bytes_or_nothing(self, backend):
        data = content(300_000)
        put(backend, KEY, data)

        path = backend.path(KEY)

        assert path is None or path.read_bytes() == data

    def test_sweep_leaves_what_is_stored_and_what_is_being_written(self, backend):
        put(backend, KEY, b"abc")
        writer = backend.writer(OTHER_KEY, size=3, sha256=sha256(b"xyz"))
        writer.write(b"xyz")

        backend.sweep(datetime.now(UTC) - timedelta(hours=1))
        writer.commit()

        assert get(backend, KEY) == b"abc"
        assert get(backend, OTHER_KEY) == b"xyz"

    def test_a_working_node_passes_its_check_and_keeps_nothing_of_it(self, backend):
        backend.check()

        assert list(backend.list()) == []
        assert backend.sweep(datetime.now(UTC) + timedelta(hours=1)) == 0

    def test_it_knows_its_name(self, backend):
        assert backend.name == "main"
