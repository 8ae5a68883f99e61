"""Sealing against whoever can write to the disk, against rot, and with keys that come and go."""

import math

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from files.chunkstore.backends import local
from files.chunkstore.backends.local import LocalBackend
from files.chunkstore.backends.memory import MemoryBackend
from files.chunkstore.errors import ChunkAbsent, ChunkDamaged, ChunkShort, KeyMissing, NodeError
from files.chunkstore.keyring import SLOT_SIZE, KeyRing
from files.chunkstore.sealed import (
    FRAME_SIZE,
    HEADER_SIZE,
    SEGMENT_SIZE,
    SUFFIX,
    Sealed,
    sealed_size,
)
from rapidserve.keys import MasterKey
from tests.files.chunkstore.conformance import KEY, OTHER_KEY, content, get, put

OLD = MasterKey("old", b"o" * 32)
NEW = MasterKey("new", b"n" * 32)
SMALL = content(100)
LARGE = content(2 * SEGMENT_SIZE + 5000)


@pytest.fixture
def inner():
    return MemoryBackend("main")


@pytest.fixture
def sealed(inner):
    return Sealed(inner, KeyRing([OLD]))


def overwrite(inner, key, data):
    """What an attacker or a rotting disk does."""
    inner.delete(key)
    writer = inner.writer(key, size=len(data), sha256=None)
    writer.write(data)
    writer.commit()


def flipped(data, position, bit=0):
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


def received_before_damage(sealed, key, start=0, length=None):
    """The bytes handed out until ChunkDamaged; fails when it doesn't come."""
    received = []
    with pytest.raises(ChunkDamaged):
        received.extend(sealed.read(key, start, length))
    return b"".join(received)


class TestAtRest:
    def test_the_node_sees_no_plain_byte_and_the_documented_size(self, inner, sealed):
        data = b"attack at dawn! " * 40_000

        put(sealed, KEY, data)

        stored = get(inner, KEY + SUFFIX)
        assert b"attack" not in stored
        assert len(stored) == HEADER_SIZE + len(data) + 16 * math.ceil(len(data) / SEGMENT_SIZE)
        assert len(stored) == sealed_size(len(data))
        assert [stored.key for stored in inner.list()] == [KEY + SUFFIX]

    def test_the_documented_layout_alone_is_enough_to_open_an_object(self, inner, sealed):
        put(sealed, KEY, content(SEGMENT_SIZE + 10))
        stored = get(inner, KEY + SUFFIX)

        preamble, slot, free = stored[:16], stored[16:104], stored[104:192]
        owner, nonce, wrapped = slot[:24], slot[24:36], slot[36:84]
        bound = preamble + KEY.encode() + owner
        data_key = AESGCM(OLD.value).decrypt(nonce, wrapped, bound)
        frames = [(stored[192 : 192 + 2**18], 0), (stored[192 + 2**18 :], 1)]
        opened = [
            AESGCM(data_key).decrypt(
                bytes(11) + bytes([index]), frame, KEY.encode() + bytes([0, 0, 0, index, index])
            )
            for frame, index in frames
        ]

        assert preamble == b"RSSEAL1\n" + (SEGMENT_SIZE + 10).to_bytes(8, "big")
        assert free == bytes(88)
        assert owner.startswith(b"old" + bytes(13))
        assert b"".join(opened) == content(SEGMENT_SIZE + 10)

    def test_the_same_chunk_sealed_twice_looks_different(self, inner, sealed):
        put(sealed, KEY, SMALL)
        put(sealed, OTHER_KEY, SMALL)

        first, second = get(inner, KEY + SUFFIX), get(inner, OTHER_KEY + SUFFIX)
        assert first[HEADER_SIZE:] != second[HEADER_SIZE:]

    def test_the_header_lies_in_the_first_disk_sector(self):
        assert HEADER_SIZE == 16 + 2 * SLOT_SIZE <= 512

    def test_a_sealed_file_is_never_offered_as_it_is(self, tmp_path):
        local.setup(tmp_path, "main")
        sealed = Sealed(LocalBackend("main", tmp_path), KeyRing([OLD]))

        put(sealed, KEY, SMALL)

        assert sealed.path(KEY) is None

    def test_a_refused_chunk_leaves_no_file(self, tmp_path):
        local.setup(tmp_path, "main")
        sealed = Sealed(LocalBackend("main", tmp_path), KeyRing([OLD]))
        writer = sealed.writer(KEY, size=len(LARGE), sha256="0" * 64)
        writer.write(LARGE)

        with pytest.raises(Exception, match="SHA-256"):
            writer.commit()

        assert [path for path in tmp_path.rglob("*") if KEY in path.name] == []

    def test_a_range_reads_only_the_segments_it_needs(self, inner, sealed):
        put(sealed, KEY, LARGE)
        stored = get(inner, KEY + SUFFIX)
        overwrite(inner, KEY + SUFFIX, flipped(stored, HEADER_SIZE + 10))

        assert get(sealed, KEY, SEGMENT_SIZE, 5000) == LARGE[SEGMENT_SIZE : SEGMENT_SIZE + 5000]


class TestTampering:
    @pytest.mark.parametrize("position", range(sealed_size(len(SMALL))))
    def test_a_flipped_bit_anywhere_is_seen_before_a_byte_is_out(self, inner, sealed, position):
        put(sealed, KEY, SMALL)
        stored = get(inner, KEY + SUFFIX)

        overwrite(inner, KEY + SUFFIX, flipped(stored, position, position % 8))

        assert received_before_damage(sealed, KEY) == b""

    @given(position=st.integers(0, sealed_size(len(LARGE)) - 1), bit=st.integers(0, 7))
    def test_a_flipped_bit_in_a_large_chunk_lets_only_whole_segments_out(self, position, bit):
        inner = MemoryBackend("main")
        sealed = Sealed(inner, KeyRing([OLD]))
        put(sealed, KEY, LARGE)

        overwrite(inner, KEY + SUFFIX, flipped(get(inner, KEY + SUFFIX), position, bit))

        segment = max(0, position - HEADER_SIZE) // FRAME_SIZE
        assert received_before_damage(sealed, KEY) == LARGE[: segment * SEGMENT_SIZE]

    @pytest.mark.parametrize(
        "length",
        [
            1,
            HEADER_SIZE - 1,
            HEADER_SIZE,
            HEADER_SIZE + 16,
            HEADER_SIZE + 17,
            HEADER_SIZE + FRAME_SIZE,
            HEADER_SIZE + 2 * FRAME_SIZE,
            sealed_size(len(LARGE)) - 1,
        ],
    )
    def test_an_object_cut_short_gives_nothing_not_even_its_first_segment(
        self, inner, sealed, length
    ):
        put(sealed, KEY, LARGE)

        overwrite(inner, KEY + SUFFIX, get(inner, KEY + SUFFIX)[:length])

        assert received_before_damage(sealed, KEY) == b""
        assert received_before_damage(sealed, KEY, 0, 10) == b""
        assert sealed.stat(KEY).size != len(LARGE)
        assert [stored.size for stored in sealed.list()] == [sealed.stat(KEY).size]

    @pytest.mark.parametrize("more", [b"\0", bytes(16), bytes(17), bytes(FRAME_SIZE)])
    def test_appended_bytes_are_damage(self, inner, sealed, more):
        put(sealed, KEY, LARGE)

        overwrite(inner, KEY + SUFFIX, get(inner, KEY + SUFFIX) + more)

        assert received_before_damage(sealed, KEY) == b""

    def test_objects_that_swapped_places_are_damage(self, inner, sealed):
        put(sealed, KEY, content(1000, 1))
        put(sealed, OTHER_KEY, content(1000, 2))
        first, second = get(inner, KEY + SUFFIX), get(inner, OTHER_KEY + SUFFIX)

        overwrite(inner, KEY + SUFFIX, second)
        overwrite(inner, OTHER_KEY + SUFFIX, first)

        assert received_before_damage(sealed, KEY) == b""
        assert received_before_damage(sealed, OTHER_KEY) == b""

    def test_a_header_of_another_object_opens_nothing(self, inner, sealed):
        put(sealed, KEY, content(1000, 1))
        put(sealed, OTHER_KEY, content(1000, 2))
        body = get(inner, KEY + SUFFIX)[HEADER_SIZE:]

        overwrite(inner, KEY + SUFFIX, get(inner, OTHER_KEY + SUFFIX)[:HEADER_SIZE] + body)

        assert received_before_damage(sealed, KEY) == b""

    def test_segments_that_swapped_places_are_damage(self, inner, sealed):
        put(sealed, KEY, content(2 * SEGMENT_SIZE))
        stored = get(inner, KEY + SUFFIX)
        header, body = stored[:HEADER_SIZE], stored[HEADER_SIZE:]

        overwrite(inner, KEY + SUFFIX, header + body[FRAME_SIZE:] + body[:FRAME_SIZE])

        assert received_before_damage(sealed, KEY) == b""

    def test_a_missing_segment_with_a_size_to_match_is_damage(self, inner, sealed):
        put(sealed, KEY, content(3 * SEGMENT_SIZE))
        stored = bytearray(get(inner, KEY + SUFFIX))
        stored[8:16] = (2 * SEGMENT_SIZE).to_bytes(8, "big")

        overwrite(inner, KEY + SUFFIX, bytes(stored[: HEADER_SIZE + 2 * FRAME_SIZE]))

        assert received_before_damage(sealed, KEY) == b""

    @pytest.mark.parametrize("garbage", [b"\0" * 1000, b"\xff" * 1000, content(1000)])
    def test_garbage_is_damage(self, inner, sealed, garbage):
        overwrite(inner, KEY + SUFFIX, garbage)

        assert received_before_damage(sealed, KEY) == b""

    def test_damaged_chunks_can_be_listed_deleted_and_put_again(self, inner, sealed):
        overwrite(inner, KEY + SUFFIX, b"rot")
        assert [stored.key for stored in sealed.list()] == [KEY]

        sealed.delete(KEY)
        put(sealed, KEY, SMALL)

        assert get(sealed, KEY) == SMALL


class TestReplacedWhileRead:
    """A repair deletes a damaged copy and puts the chunk again, under the same key."""

    def test_a_chunk_put_again_between_two_looks_is_not_called_damaged(self, sealed):
        put(sealed, KEY, LARGE)
        old = sealed._open(KEY)
        sealed.delete(KEY)
        put(sealed, KEY, LARGE)

        with pytest.raises(ChunkAbsent):
            list(sealed._read_segments(old, 0, len(LARGE)))


class TestKeys:
    def test_without_its_master_key_a_chunk_is_not_damaged(self, inner, sealed):
        put(sealed, KEY, SMALL)
        without = Sealed(inner, KeyRing([NEW]))

        with pytest.raises(KeyMissing, match="old") as raised:
            get(without, KEY)

        assert isinstance(raised.value, NodeError)
        assert not isinstance(raised.value, ChunkDamaged)
        assert without.stat(KEY).size == len(SMALL)

    def test_with_other_bytes_under_the_same_id_a_chunk_is_not_damaged(self, inner, sealed):
        put(sealed, KEY, SMALL)

        with pytest.raises(KeyMissing):
            get(Sealed(inner, KeyRing([MasterKey("old", b"?" * 32)])), KEY)

    def test_a_newer_key_seals_and_older_chunks_stay_readable(self, inner, sealed):
        put(sealed, KEY, SMALL)
        grown = Sealed(inner, KeyRing([NEW, OLD]))

        put(grown, OTHER_KEY, SMALL)

        assert get(grown, KEY) == SMALL
        assert get(Sealed(inner, KeyRing([NEW])), OTHER_KEY) == SMALL
        with pytest.raises(KeyMissing):
            get(sealed, OTHER_KEY)

    def test_a_second_slot_written_in_place_opens_the_chunk_as_well(self, inner, sealed):
        put(sealed, KEY, SMALL)
        stored = get(inner, KEY + SUFFIX)
        bound = stored[:16] + KEY.encode()
        data_key = KeyRing([OLD]).unwrap([stored[16 : 16 + SLOT_SIZE]], bound)
        slot = KeyRing([NEW]).wrap(data_key, bound)

        overwrite(inner, KEY + SUFFIX, stored[: 16 + SLOT_SIZE] + slot + stored[HEADER_SIZE:])

        assert get(sealed, KEY) == SMALL
        assert get(Sealed(inner, KeyRing([NEW])), KEY) == SMALL

    def test_sealing_without_any_key_stores_nothing(self, inner):
        with pytest.raises(KeyMissing):
            put(Sealed(inner, KeyRing([])), KEY, SMALL)

        assert list(inner.list()) == []


class TestTurningSealingOnAndOff:
    def test_chunks_from_before_sealing_stay_readable(self, inner, sealed):
        put(inner, KEY, LARGE)

        assert get(sealed, KEY) == LARGE
        assert get(sealed, KEY, 70_000, 5) == LARGE[70_000:70_005]
        assert sealed.stat(KEY).size == len(LARGE)
        assert [(stored.key, stored.size) for stored in sealed.list()] == [(KEY, len(LARGE))]

    def test_chunks_from_before_sealing_can_be_sent_from_their_file(self, tmp_path):
        local.setup(tmp_path, "main")
        inner = LocalBackend("main", tmp_path)
        put(inner, KEY, SMALL)

        path = Sealed(inner, KeyRing([OLD])).path(KEY)

        assert path.read_bytes() == SMALL

    def test_sealing_turned_off_stores_plain_bytes_and_reads_both(self, inner, sealed):
        put(sealed, KEY, LARGE)
        off = Sealed(inner, KeyRing([OLD]), seal_new=False)

        put(off, OTHER_KEY, SMALL)

        assert get(inner, OTHER_KEY) == SMALL
        assert get(off, OTHER_KEY) == SMALL
        assert get(off, KEY) == LARGE
        assert {stored.key: stored.size for stored in off.list()} == {
            KEY: len(LARGE),
            OTHER_KEY: len(SMALL),
        }

    def test_without_keys_and_sealing_a_sealed_chunk_is_still_not_damaged(self, inner, sealed):
        put(sealed, KEY, SMALL)

        with pytest.raises(KeyMissing):
            get(Sealed(inner, KeyRing([]), seal_new=False), KEY)

    @pytest.mark.parametrize("seal_new", [True, False])
    def test_a_chunk_sent_again_in_the_other_kind_is_still_that_chunk(self, inner, seal_new):
        put(Sealed(inner, KeyRing([OLD]), seal_new=not seal_new), KEY, LARGE)
        now = Sealed(inner, KeyRing([OLD]), seal_new=seal_new)

        put(now, KEY, LARGE)

        assert get(now, KEY) == LARGE
        assert get(now, KEY, 70_000, 5) == LARGE[70_000:70_005]
        assert {(stored.key, stored.size) for stored in now.list()} == {(KEY, len(LARGE))}

    @pytest.mark.parametrize("seal_new", [True, False])
    def test_a_range_that_is_none_is_refused_whichever_kind_is_asked_first(self, inner, seal_new):
        sealed = Sealed(inner, KeyRing([OLD]), seal_new=seal_new)
        put(sealed, KEY, SMALL)

        with pytest.raises(ChunkShort):
            get(sealed, KEY, 50, len(SMALL))

    def test_delete_removes_both_kinds(self, inner, sealed):
        put(sealed, KEY, SMALL)
        put(inner, KEY, SMALL)

        sealed.delete(KEY)

        assert list(inner.list()) == []

    def test_a_plain_file_planted_beside_a_sealed_one_is_ignored(self, tmp_path):
        local.setup(tmp_path, "main")
        inner = LocalBackend("main", tmp_path)
        sealed = Sealed(inner, KeyRing([OLD]))
        put(sealed, KEY, b"genuine")

        put(inner, KEY, b"planted")

        assert get(sealed, KEY) == b"genuine"
        assert sealed.path(KEY) is None
        assert sealed.authenticates(KEY)

    def test_what_is_read_unsealed_is_not_vouched_for(self, tmp_path):
        """Else a file planted beside a sealed one would pass for it once sealing is off."""
        local.setup(tmp_path, "main")
        inner = LocalBackend("main", tmp_path)
        put(Sealed(inner, KeyRing([OLD])), KEY, b"genuine")
        off = Sealed(inner, KeyRing([OLD]), seal_new=False)
        assert off.authenticates(KEY)

        put(inner, KEY, b"planted")

        assert get(off, KEY) == b"planted"
        assert not off.authenticates(KEY)


def test_a_chunk_key_with_a_suffix_is_refused(sealed):
    for use in (get, Sealed.stat, Sealed.delete, Sealed.path, Sealed.authenticates):
        with pytest.raises(ValueError, match="key"):
            use(sealed, KEY + SUFFIX)
