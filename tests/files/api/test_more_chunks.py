"""POST /api/upload/{id}/chunks: hashes that follow while a file is still being read."""

import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from files.models import Upload
from tests.files.api.answers import answered, refused
from tests.world import sha256

SIZE = 3 * CHUNK_SIZE + 5
HASHES = [sha256(bytes([n])) for n in range(4)]


def specs(start, stop):
    sizes = [CHUNK_SIZE, CHUNK_SIZE, CHUNK_SIZE, 5]
    return [{"sha256": HASHES[n], "size": sizes[n]} for n in range(start, stop)]


@pytest.fixture
def upload(world):
    """Registered with the first of its four chunks."""
    return answered(world.alice.register("a", b"", size=SIZE, chunks=specs(0, 1)), 201)


def more(world, upload, start, chunks):
    body = {"start": start, "chunks": chunks}
    return world.alice.post(f"/api/upload/{upload['upload_id']}/chunks", body)


def test_the_answer_has_the_shape_of_register_and_only_these_chunks(world, upload):
    body = answered(more(world, upload, 1, specs(1, 3)))

    assert set(body) == set(upload)
    assert body["upload_id"] == upload["upload_id"]
    assert body["file_id"] == upload["file_id"]
    assert [chunk["index"] for chunk in body["chunks"]] == [1, 2]
    assert [chunk["sha256"] for chunk in body["chunks"]] == HASHES[1:3]
    assert {chunk["state"] for chunk in body["chunks"]} == {"upload"}
    assert all(set(chunk) == set(upload["chunks"][0]) for chunk in body["chunks"])


def test_no_chunks_is_an_empty_page(world, upload):
    assert answered(more(world, upload, 1, []))["chunks"] == []


def test_chunks_may_come_in_any_order(world, upload):
    answered(more(world, upload, 3, specs(3, 4)))
    answered(more(world, upload, 1, specs(1, 3)))

    error = refused(world.alice.complete(upload["upload_id"]), 409, "chunks_missing")

    assert error["indexes"] == [0, 1, 2, 3]  # all registered now, none stored


def test_repeating_an_index_with_the_same_hash_changes_nothing(world, upload):
    first = answered(more(world, upload, 0, specs(0, 2)))
    again = answered(more(world, upload, 0, specs(0, 2)))

    assert [c["sha256"] for c in first["chunks"]] == [c["sha256"] for c in again["chunks"]]
    assert Upload.objects.get(id=upload["upload_id"]).extents.count() == 2


def test_repeating_an_index_with_another_hash_is_a_conflict_and_changes_nothing(world, upload):
    other = [*specs(1, 2), {"sha256": HASHES[3], "size": CHUNK_SIZE}]
    answered(more(world, upload, 2, specs(2, 3)))

    error = refused(more(world, upload, 1, other), 409, "chunk_conflict")

    assert error["index"] == 2
    registered = Upload.objects.get(id=upload["upload_id"]).extents.order_by("index")
    assert list(registered.values_list("index", "sha256")) == [(0, HASHES[0]), (2, HASHES[2])]


def test_lengths_are_checked_against_their_place_in_the_file(world, upload):
    wrong = [{"sha256": HASHES[2], "size": CHUNK_SIZE}, {"sha256": HASHES[3], "size": 6}]

    error = refused(more(world, upload, 2, wrong), 422, "chunk_length_invalid")

    assert error["index"] == 3


def test_too_many_for_the_rest_of_the_file(world, upload):
    error = refused(more(world, upload, 3, specs(2, 4)), 422, "chunk_count_mismatch")

    assert error["expected"] == 4


def test_start_beyond_the_end_is_no_index(world, upload):
    refused(more(world, upload, 4, specs(3, 4)), 422, "chunk_index_invalid")


def test_a_repeated_chunk_within_the_file_is_sent_once(world):
    same = {"sha256": HASHES[0], "size": CHUNK_SIZE}
    upload = answered(world.alice.register("b", b"", size=SIZE, chunks=[same, same]), 201)

    later = answered(more(world, upload, 2, [same, specs(3, 4)[0]]))

    assert [chunk["state"] for chunk in upload["chunks"]] == ["upload", "have"]
    assert [chunk["state"] for chunk in later["chunks"]] == ["have", "upload"]


def test_somebody_elses_upload_is_not_found(world, upload):
    body = {"start": 1, "chunks": specs(1, 2)}

    refused(world.bob.post(f"/api/upload/{upload['upload_id']}/chunks", body), 404, "not_found")


def test_an_upload_that_was_cancelled_is_gone(world, upload):
    world.alice.delete(f"/api/upload/{upload['upload_id']}")

    refused(more(world, upload, 1, specs(1, 2)), 410, "upload_gone")
