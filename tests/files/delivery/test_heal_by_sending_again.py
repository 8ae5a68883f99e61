"""Damage on a disk must not cost a second person, nor the same one a second time."""

import os

import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from files.content import reader

DATA = os.urandom(CHUNK_SIZE + 1000)


def rot(tmp_path, position):
    """Flip a bit in every object of the node; sizes and headers stay as they are."""
    for file in (tmp_path / "chunks" / "objects").rglob("*.sealed"):
        content = bytearray(file.read_bytes())
        content[position] ^= 1
        file.write_bytes(content)
    reader.forget_all()


@pytest.fixture
def alices(shared_world):
    return shared_world.alice.upload("a.bin", DATA)["file"]["id"]


def test_bobs_bytes_are_kept_when_alices_have_rotted(shared_world, alices, tmp_path):
    rot(tmp_path, -20)

    done = shared_world.bob.upload("b.bin", DATA)

    assert shared_world.bob.download(done["file"]["id"]) == DATA


def test_what_a_reader_found_damaged_is_asked_for_again(shared_world, alices, tmp_path):
    alice = shared_world.alice
    rot(tmp_path, 300)
    for chunk in alice.get(f"/api/download/{alices}").json()["chunks"]:
        assert shared_world.plane.get(chunk["url"]).status_code == 503

    registered = alice.register("again.bin", DATA).json()
    done = alice.upload("again.bin", DATA)

    assert [slot["state"] for slot in registered["chunks"]] == ["upload", "upload"]
    assert alice.download(done["file"]["id"]) == DATA


def test_what_is_gone_from_the_disk_is_asked_for_again(shared_world, alices, tmp_path):
    alice = shared_world.alice
    for file in (tmp_path / "chunks" / "objects").rglob("*.sealed"):
        file.unlink()

    done = alice.upload("again.bin", DATA)

    assert alice.download(done["file"]["id"]) == DATA
