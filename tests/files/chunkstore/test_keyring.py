import pytest

from files.chunkstore.errors import ChunkDamaged, KeyMissing
from files.chunkstore.keyring import EMPTY_SLOT, SLOT_SIZE, KeyRing
from rapidserve.keys import MasterKey

OLD = MasterKey("old", b"o" * 32)
NEW = MasterKey("new", b"n" * 32)
DATA_KEY = b"d" * 32
BOUND = b"what it belongs to"


def test_what_was_wrapped_is_unwrapped():
    slot = KeyRing([NEW]).wrap(DATA_KEY, BOUND)

    assert len(slot) == SLOT_SIZE
    assert DATA_KEY not in slot
    assert KeyRing([NEW]).unwrap([slot, EMPTY_SLOT], BOUND) == DATA_KEY
    assert KeyRing([NEW]).unwrap([EMPTY_SLOT, slot], BOUND) == DATA_KEY


def test_the_newest_key_wraps_and_older_ones_still_unwrap():
    slot = KeyRing([OLD]).wrap(DATA_KEY, BOUND)
    grown = KeyRing([NEW, OLD])

    assert grown.unwrap([slot], BOUND) == DATA_KEY
    assert KeyRing([NEW]).unwrap([grown.wrap(DATA_KEY, BOUND)], BOUND) == DATA_KEY


def test_in_the_middle_of_a_rotation_either_key_will_do():
    slots = [KeyRing([OLD]).wrap(DATA_KEY, BOUND), KeyRing([NEW]).wrap(DATA_KEY, BOUND)]

    assert KeyRing([OLD]).unwrap(slots, BOUND) == DATA_KEY
    assert KeyRing([NEW]).unwrap(slots, BOUND) == DATA_KEY


def test_every_wrap_looks_different():
    ring = KeyRing([NEW])

    assert ring.wrap(DATA_KEY, BOUND) != ring.wrap(DATA_KEY, BOUND)


def test_a_key_that_is_not_in_the_ring_is_missing_and_named():
    slot = KeyRing([OLD]).wrap(DATA_KEY, BOUND)

    with pytest.raises(KeyMissing, match="old"):
        KeyRing([NEW]).unwrap([slot, EMPTY_SLOT], BOUND)


def test_another_key_under_the_same_id_is_missing_and_not_damage():
    slot = KeyRing([OLD]).wrap(DATA_KEY, BOUND)

    with pytest.raises(KeyMissing):
        KeyRing([MasterKey("old", b"x" * 32)]).unwrap([slot], BOUND)


def test_an_empty_ring_can_neither_wrap_nor_unwrap():
    slot = KeyRing([OLD]).wrap(DATA_KEY, BOUND)

    assert not KeyRing([])
    with pytest.raises(KeyMissing):
        KeyRing([]).wrap(DATA_KEY, BOUND)
    with pytest.raises(KeyMissing):
        KeyRing([]).unwrap([slot], BOUND)


def test_a_slot_is_worth_nothing_elsewhere():
    slot = KeyRing([OLD]).wrap(DATA_KEY, BOUND)

    with pytest.raises(ChunkDamaged):
        KeyRing([OLD]).unwrap([slot], b"somewhere else")


def test_without_any_slot_the_header_is_damaged():
    with pytest.raises(ChunkDamaged):
        KeyRing([OLD]).unwrap([EMPTY_SLOT, EMPTY_SLOT], BOUND)


@pytest.mark.parametrize("position", range(SLOT_SIZE))
@pytest.mark.parametrize("which", [0, 1])
def test_a_flipped_bit_anywhere_in_either_slot_is_damage(position, which):
    slots = [KeyRing([OLD]).wrap(DATA_KEY, BOUND), EMPTY_SLOT]
    changed = bytearray(slots[which])
    changed[position] ^= 1 << position % 8
    slots[which] = bytes(changed)

    with pytest.raises(ChunkDamaged):
        KeyRing([OLD]).unwrap(slots, BOUND)
