"""GET /api/upload/{id}, POST …/stored: where an upload stands, and having chunks proven early."""

import datetime as dt

import pytest
from django.utils import timezone

from files.chunkstore.chunk import CHUNK_SIZE
from files.models import Upload
from tests.files.api.answers import answered, refused
from tests.world import sha256

SMALL = b"small"
DATA = bytes(CHUNK_SIZE) + b"\1" * CHUNK_SIZE + SMALL


@pytest.fixture
def upload(world):
    """Three chunks, the last of them sent."""
    registered = answered(world.alice.register("a.bin", DATA), 201)
    assert world.alice.send(registered["chunks"][2], SMALL).status_code == 204
    return registered


def status(world, upload, query=""):
    return world.alice.get(f"/api/upload/{upload['upload_id']}{query}")


def stored(world, upload, indexes):
    return world.alice.post(f"/api/upload/{upload['upload_id']}/stored", {"indexes": indexes})


def test_the_answer_has_the_shape_of_register_and_next(world, upload):
    body = answered(status(world, upload))

    assert set(body) == {*upload, "next"}
    assert body["next"] is None
    assert body["upload_id"] == upload["upload_id"]
    assert [set(chunk) for chunk in body["chunks"]] == [set(c) for c in upload["chunks"]]


def test_it_tells_what_has_arrived_and_gives_addresses_for_the_rest(world, upload):
    chunks = answered(status(world, upload))["chunks"]

    assert [chunk["state"] for chunk in chunks] == ["upload", "upload", "have"]
    assert world.alice.send(chunks[0], DATA[:CHUNK_SIZE]).status_code == 204
    chunks = answered(status(world, upload))["chunks"]
    assert [chunk["state"] for chunk in chunks] == ["have", "upload", "have"]


def test_pages_follow_each_other_to_the_end(world, upload):
    seen, query = [], "?limit=2"
    while True:
        body = answered(status(world, upload, query))
        seen += [chunk["index"] for chunk in body["chunks"]]
        if body["next"] is None:
            break
        query = f"?limit=2&start={body['next']}"

    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("query", "indexes", "following"),
    [("?limit=1", [0], 1), ("?start=1&limit=1", [1], 2), ("?start=2&limit=1", [2], None)],
)
def test_start_and_limit_choose_the_page(world, upload, query, indexes, following):
    body = answered(status(world, upload, query))

    assert [chunk["index"] for chunk in body["chunks"]] == indexes
    assert body["next"] == following


def test_a_gap_in_what_was_registered_is_skipped(world):
    size = 1003 * CHUNK_SIZE - 1
    last = {"sha256": sha256(b"x"), "size": CHUNK_SIZE - 1}
    upload = answered(world.alice.register("b", b"", size=size, chunks=[]), 201)
    more = {"start": 1002, "chunks": [last]}
    answered(world.alice.post(f"/api/upload/{upload['upload_id']}/chunks", more))

    body = answered(status(world, upload))

    assert [(chunk["index"], chunk["state"]) for chunk in body["chunks"]] == [(1002, "upload")]
    assert body["next"] is None


def test_behind_a_gap_it_still_tells_what_has_arrived(world):
    size = 1002 * CHUNK_SIZE + len(SMALL)
    last = {"sha256": sha256(SMALL), "size": len(SMALL)}
    upload = answered(world.alice.register("b", b"", size=size, chunks=[]), 201)
    more = {"start": 1002, "chunks": [last]}
    path = f"/api/upload/{upload['upload_id']}/chunks"
    (slot,) = answered(world.alice.post(path, more))["chunks"]
    world.alice.send(slot, SMALL)

    body = answered(status(world, upload))

    assert [(chunk["index"], chunk["state"]) for chunk in body["chunks"]] == [(1002, "have")]


def test_asking_keeps_an_upload_alive(world, upload):
    soon = timezone.now() + dt.timedelta(minutes=1)
    Upload.objects.update(expires_at=soon)

    body = answered(status(world, upload))

    assert dt.datetime.fromisoformat(body["expires_at"]) > soon + dt.timedelta(days=6)


def test_proving_tells_the_proven_from_the_missing(world, upload):
    body = answered(stored(world, upload, [2, 0, 2]))

    assert body == {"proven": [2], "missing": [0]}


def test_proving_nothing_is_fine(world, upload):
    assert answered(stored(world, upload, [])) == {"proven": [], "missing": []}


def test_what_was_never_registered_is_missing(world):
    upload = answered(world.alice.register("b", DATA, chunks=[]), 201)

    assert answered(stored(world, upload, [1])) == {"proven": [], "missing": [1]}


def test_more_than_a_thousand_at_once_are_refused(world, upload):
    refused(stored(world, upload, [0] * 1001), 422, "type_invalid")


def test_bytes_are_not_believed_to_be_there_because_somebody_says_so(world, upload):
    answered(stored(world, upload, [0, 1, 2]))

    error = refused(world.alice.complete(upload["upload_id"]), 409, "chunks_missing")

    assert error["indexes"] == [0, 1]


def test_somebody_elses_upload_is_not_found(world, upload):
    path = f"/api/upload/{upload['upload_id']}"

    refused(world.bob.get(path), 404, "not_found")
    refused(world.bob.post(f"{path}/stored", {"indexes": [0]}), 404, "not_found")
    refused(world.bob.post(f"{path}/complete"), 404, "not_found")
    refused(world.bob.delete(path), 404, "not_found")
    assert answered(status(world, upload))["upload_id"] == upload["upload_id"]
