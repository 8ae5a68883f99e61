"""GET and HEAD /d/chunk/{ticket}: one extent out, whole or a range of it."""

import os
import time

import pytest

from files.access import issue
from files.chunkstore.chunk import CHUNK_SIZE
from files.models import Entry
from tests.files.api.answers import answered, refused
from tests.world import path_of, sha256

DATA = os.urandom(CHUNK_SIZE + 1000)


@pytest.fixture
def chunks(shared_world):
    """The addresses of a file of two chunks."""
    file = shared_world.alice.upload("a.bin", DATA)["file"]["id"]
    manifest = answered(shared_world.alice.get(f"/api/download/{file}"))
    return [path_of(chunk["url"]) for chunk in manifest["chunks"]]


def test_each_address_gives_its_own_bytes(shared_world, chunks):
    for path, data in zip(chunks, [DATA[:CHUNK_SIZE], DATA[CHUNK_SIZE:]], strict=True):
        response = shared_world.plane.get(path)

        assert response.status_code == 200
        assert response.content == data
        assert response.headers["Content-Length"] == str(len(data))
        assert response.headers["ETag"] == f'"{sha256(data)}"'
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(("data", "index"), [(b"", 0), (b"one chunk", 1), (b"one chunk", 256)])
def test_a_chunk_that_the_version_does_not_have_is_not_found(shared_world, data, index):
    shared_world.alice.upload("a", data)
    actor = shared_world.alice.actor
    file = Entry.objects.select_related("current_version").get(name="a")
    ticket = issue.chunk_ticket(
        actor=actor,
        version=file.current_version,
        index=index,
        epochs=issue.read_epochs(actor, file),
        expires_at=issue.expiry(actor, 60),
    )

    refused(shared_world.plane.get(f"/d/chunk/{ticket}"), 404, "not_found")


def test_head_tells_the_same_without_the_bytes(shared_world, chunks):
    got = shared_world.plane.get(chunks[1])
    head = shared_world.plane.head(chunks[1])

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == got.headers


def test_what_the_client_holds_already_is_not_sent_again(shared_world, chunks):
    etag = f'"{sha256(DATA[CHUNK_SIZE:])}"'
    get = shared_world.plane.get

    for known in (etag, "*", f'"other", {etag}', f"W/{etag}"):
        response = get(chunks[1], headers={"If-None-Match": known})
        assert (response.status_code, response.content) == (304, b""), known
        assert response.headers["ETag"] == etag
    for other in ('"other"', sha256(DATA[:CHUNK_SIZE]), ""):
        assert get(chunks[1], headers={"If-None-Match": other}).status_code == 200, other


def test_a_range_of_a_chunk(shared_world, chunks):
    response = shared_world.plane.get(chunks[1], headers={"Range": "bytes=10-19"})

    assert response.status_code == 206
    assert response.content == DATA[CHUNK_SIZE + 10 : CHUNK_SIZE + 20]
    assert response.headers["Content-Range"] == "bytes 10-19/1000"
    assert response.headers["Content-Length"] == "10"


def test_a_range_beyond_the_chunk_is_416_with_its_size(shared_world, chunks):
    response = shared_world.plane.get(chunks[1], headers={"Range": "bytes=1000-"})

    error = refused(response, 416, "range_invalid")
    assert error["size"] == 1000
    assert response.headers["Content-Range"] == "bytes */1000"


def test_an_address_altered_in_any_one_character_is_refused(shared_world, chunks):
    prefix, ticket = chunks[1].rsplit("/", 1)

    for position, character in enumerate(ticket):
        other = "A" if character != "A" else "B"
        altered = ticket[:position] + other + ticket[position + 1 :]
        response = shared_world.plane.get(f"{prefix}/{altered}")
        refused(response, 403, "token_invalid")


def test_an_expired_address_is_refused(shared_world, chunks, monkeypatch):
    file = shared_world.alice.upload("b.bin", b"bytes")["file"]["id"]
    monkeypatch.setattr(issue, "expiry", lambda _actor, _seconds: int(time.time()))
    manifest = answered(shared_world.alice.get(f"/api/download/{file}"))

    response = shared_world.plane.get(path_of(manifest["chunks"][0]["url"]))

    refused(response, 403, "token_expired")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_only_reading_is_offered(shared_world, chunks, method):
    response = shared_world.plane.request(method, chunks[0])

    refused(response, 405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_a_ticket_for_one_chunk_reads_no_other(shared_world):
    # The index is under the signature; what the address says beside it changes nothing.
    file = shared_world.alice.upload("a.bin", bytes(4 * 2**20) + b"secret")["file"]["id"]
    manifest = answered(shared_world.alice.get(f"/api/download/{file}"))
    first = path_of(manifest["chunks"][0]["url"])

    for path in (f"{first}?index=1", f"{first}?start=1", f"{first}#1"):
        response = shared_world.plane.get(path)
        assert response.content == bytes(4 * 2**20)
    refused(shared_world.plane.get(f"{first}/1"), 404, "not_found")
