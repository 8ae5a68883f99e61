"""PUT /d/upload/{ticket}: a chunk comes in whole and right, or nothing is stored."""

import asyncio
import base64
import json
import threading
import time

import pytest

from files.access import issue
from files.chunkstore.backends.local import _LocalWriter
from files.chunkstore.chunk import CHUNK_SIZE
from files.content.collect import collect
from files.tickets import PutTicket, seal
from tests.files.api.answers import answered, node_objects, refused
from tests.world import path_of, sha256

DATA = b"these very bytes"


@pytest.fixture
def upload(world):
    return answered(world.alice.register("a.txt", DATA), 201)


def put(world, path, data=DATA, **options):
    return world.plane.put(path, content=data, **options)


def path_to(upload):
    return path_of(upload["chunks"][0]["url"])


def put_scope(path, length=CHUNK_SIZE):
    """For a request of which the test plays both ends."""
    return {
        "type": "http",
        "method": "PUT",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-length", str(length).encode())],
    }


def assert_nothing_stored_and_still_open(world, upload):
    """After a refusal nothing is on the node, and the right bytes are still welcome."""
    assert node_objects() == set()
    chunk = answered(world.alice.get(f"/api/upload/{upload['upload_id']}"))["chunks"][0]
    assert chunk["state"] == "upload"
    assert put(world, path_of(chunk["url"])).status_code == 204
    assert answered(world.alice.complete(upload["upload_id"]))["file"]["size"] == len(DATA)


def test_the_right_bytes_are_stored_and_answered_with_their_hash(world, upload):
    response = put(world, path_to(upload))

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["ETag"] == f'"{upload["chunks"][0]["sha256"]}"'
    assert len(node_objects()) == 1


def test_an_address_needs_no_credentials_and_works_with_any(world, upload):
    headers = {"Authorization": "Bearer nonsense", "Cookie": "sessionid=nonsense"}

    assert put(world, path_to(upload), headers=headers).status_code == 204


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (DATA.replace(b"v", b"w"), "checksum_mismatch"),
        (bytes(len(DATA)), "checksum_mismatch"),
        (DATA[:-1], "size_mismatch"),
        (DATA + b"\0", "size_mismatch"),
        (b"", "size_mismatch"),
        (DATA * 1000, "size_mismatch"),
    ],
    ids=["altered", "zeros", "short", "long", "empty", "much-longer"],
)
def test_other_bytes_are_refused(world, upload, data, code):
    refused(put(world, path_to(upload), data), 422, code)

    assert_nothing_stored_and_still_open(world, upload)


def test_a_whole_chunk_with_one_bit_flipped_is_refused(world):
    data = bytearray(CHUNK_SIZE)
    upload = answered(world.alice.register("zeros", bytes(data)), 201)
    data[-1] ^= 1

    refused(put(world, path_to(upload), bytes(data)), 422, "checksum_mismatch")

    assert node_objects() == set()


def test_a_body_longer_than_a_chunk_is_refused(world, upload):
    error = refused(put(world, path_to(upload), bytes(CHUNK_SIZE + 1)), 422, "size_mismatch")

    assert error["expected"] == len(DATA)
    assert_nothing_stored_and_still_open(world, upload)


def test_a_body_of_undeclared_length_is_refused(world, upload):
    refused(put(world, path_to(upload), iter([DATA])), 422, "size_mismatch")

    assert_nothing_stored_and_still_open(world, upload)


def test_an_expired_address_is_refused(world, upload, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(issue, "expiry", lambda _actor, _seconds: int(time.time()))
        expired = answered(world.alice.get(f"/api/upload/{upload['upload_id']}"))

    refused(put(world, path_to(expired)), 403, "token_expired")

    assert_nothing_stored_and_still_open(world, upload)


def test_an_address_altered_in_any_one_character_is_refused(world, upload):
    prefix, ticket = path_to(upload).rsplit("/", 1)

    for position, character in enumerate(ticket):
        other = "A" if character != "A" else "B"
        altered = ticket[:position] + other + ticket[position + 1 :]
        refused(put(world, f"{prefix}/{altered}"), 403, "token_invalid")

    assert_nothing_stored_and_still_open(world, upload)


@pytest.mark.parametrize(
    "alter",
    [
        lambda t: t[:-1],
        lambda t: t + "A",
        lambda t: t + "=",
        lambda t: t.upper(),
        lambda t: t.partition(".")[0],
        lambda t: t.partition(".")[0] + ".",
        lambda t: "." + t.partition(".")[2],
        lambda t: t + "." + t,
        lambda _: "x" * 5000,
        lambda _: "%00",
        lambda _: "%C3%A9",
        lambda _: "none",
    ],
)
def test_what_is_no_ticket_is_refused(world, upload, alter):
    prefix, ticket = path_to(upload).rsplit("/", 1)

    refused(put(world, f"{prefix}/{alter(ticket)}"), 403, "token_invalid")

    assert node_objects() == set()


def test_a_ticket_with_other_contents_under_the_same_signature_is_refused(world, upload):
    prefix, ticket = path_to(upload).rsplit("/", 1)
    payload, _, signature = ticket.partition(".")
    values = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert values[0] == "put"
    for index in range(1, len(values)):
        altered = list(values)
        altered[index] = 2**40 if isinstance(altered[index], int) else "0" * 32
        encoded = base64.urlsafe_b64encode(json.dumps(altered).encode()).rstrip(b"=").decode()
        refused(put(world, f"{prefix}/{encoded}.{signature}"), 403, "token_invalid")


def test_a_ticket_signed_with_another_key_is_refused(world, upload):
    ticket = PutTicket(2**40, (), "0" * 32, "0" * 32, "main", len(DATA), sha256(DATA), "")
    forged = seal(ticket, b"another key")

    refused(put(world, f"/d/upload/{forged}"), 403, "token_invalid")

    assert_nothing_stored_and_still_open(world, upload)


def test_addresses_are_for_one_purpose_only(world, upload):
    put_path = path_to(upload)
    ticket = put_path.rsplit("/", 1)[1]
    file = world.alice.upload("b.txt", b"other bytes")["file"]["id"]
    manifest = answered(world.alice.get(f"/api/download/{file}"))
    chunk_ticket = path_of(manifest["chunks"][0]["url"]).rsplit("/", 1)[1]
    file_ticket = path_of(world.alice.get(f"/api/files/{file}/content")["Location"]).split("/")[3]
    before = node_objects()

    for other in (chunk_ticket, file_ticket):
        refused(put(world, f"/d/upload/{other}"), 403, "token_invalid")
    for path in (
        f"/d/chunk/{ticket}",
        f"/d/chunk/{file_ticket}",
        f"/d/file/{ticket}/b.txt",
        f"/d/file/{chunk_ticket}/b.txt",
    ):
        refused(world.plane.get(path), 403, "token_invalid")

    assert node_objects() == before


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_only_put_is_offered(world, upload, method):
    response = world.plane.request(method, path_to(upload))

    refused(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "PUT"


def test_an_address_outside_of_the_plane_is_not_found(world):
    for path in ("/d/", "/d/nothing", "/d/upload/", "/d/chunk/a/b"):
        refused(world.plane.get(path), 404, "not_found")


def test_the_same_chunk_sent_twice_is_stored_once(world, upload):
    assert put(world, path_to(upload)).status_code == 204
    assert put(world, path_to(upload)).status_code == 204

    assert len(node_objects()) == 1
    assert answered(world.alice.complete(upload["upload_id"]))


def test_other_bytes_do_not_replace_what_is_stored(shared_world):
    world = shared_world
    upload = answered(world.alice.register("a.txt", DATA), 201)
    put(world, path_to(upload))

    refused(put(world, path_to(upload), bytes(len(DATA))), 422, "checksum_mismatch")

    file = answered(world.alice.complete(upload["upload_id"]))["file"]["id"]
    assert world.alice.download(file) == DATA


def test_a_late_put_after_completing_does_no_harm(shared_world):
    world = shared_world
    upload = answered(world.alice.register("a.txt", DATA), 201)
    put(world, path_to(upload))
    file = answered(world.alice.complete(upload["upload_id"]))["file"]["id"]

    response = put(world, path_to(upload))

    assert response.status_code == 204
    assert len(node_objects()) == 1
    assert world.alice.download(file) == DATA


def test_an_address_of_a_cancelled_upload_stores_nothing(shared_world):
    world = shared_world
    upload = answered(world.alice.register("a.txt", DATA), 201)
    world.alice.delete(f"/api/upload/{upload['upload_id']}")
    world.epochs.refresh()

    refused(put(world, path_to(upload)), 403, "token_revoked")

    collect()
    assert node_objects() == set()


def test_an_address_into_a_trashed_folder_stores_nothing_until_it_is_back(shared_world):
    world = shared_world
    folder = world.alice.folder("f")
    upload = answered(world.alice.register("a.txt", DATA, parent=folder), 201)
    world.alice.delete(f"/api/files/{folder}")
    world.epochs.refresh()

    refused(put(world, path_to(upload)), 403, "token_revoked")
    assert node_objects() == set()

    world.alice.post(f"/api/trash/{folder}/restore")
    assert put(world, path_to(upload)).status_code == 204


def test_a_node_that_can_not_be_reached_is_503_and_the_upload_goes_on_later(
    world, upload, tmp_path
):
    directory = tmp_path / "chunks"
    directory.rename(tmp_path / "unmounted")

    response = put(world, path_to(upload))

    refused(response, 503, "storage_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    (tmp_path / "unmounted").rename(directory)
    assert_nothing_stored_and_still_open(world, upload)


def test_a_chunk_that_is_given_up_is_not_closed_while_a_thread_writes_it(world, monkeypatch):
    """Its descriptor would be another file's by then."""
    upload = answered(world.alice.register("zeros", bytes(CHUNK_SIZE)), 201)
    steps = []
    begun = threading.Event()

    def noted(function, before, after):
        def step(*arguments):
            steps.append(before)
            begun.set()
            time.sleep(0.02)
            function(*arguments)
            steps.append(after)

        return step

    monkeypatch.setattr(_LocalWriter, "write", noted(_LocalWriter.write, "write", "written"))
    monkeypatch.setattr(_LocalWriter, "abort", noted(_LocalWriter.abort, "abort", "aborted"))
    blocks = [bytes(2**20)] * 2

    async def receive():
        if not blocks:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": blocks.pop(), "more_body": True}

    async def send(message):
        """Nobody is there any more."""

    async def give_up():
        request = asyncio.create_task(world.plane.app(put_scope(path_to(upload)), receive, send))
        await asyncio.to_thread(begun.wait)
        request.cancel()
        await asyncio.wait([request])

    asyncio.run(give_up())

    assert steps[-2:] == ["abort", "aborted"]
    assert steps[:-2] == ["write", "written"] * (len(steps) // 2 - 1)
    assert node_objects() == set()


@pytest.mark.parametrize("why", ["ticket", "length", "bytes"])
def test_a_refused_body_is_read_to_its_end_so_that_the_answer_arrives(world, why):
    data = bytes(CHUNK_SIZE)
    upload = answered(world.alice.register("zeros", data), 201)
    path = "/d/upload/nonsense" if why == "ticket" else path_to(upload)
    length = CHUNK_SIZE - 1 if why == "length" else CHUNK_SIZE
    blocks = [b"\1" * 2**18] * 16
    sent = []

    async def receive():
        block = blocks.pop()
        return {"type": "http.request", "body": block, "more_body": bool(blocks)}

    async def send(message):
        sent.append((message.get("status"), len(blocks)))

    asyncio.run(world.plane.app(put_scope(path, length), receive, send))

    assert sent[0] == (403 if why == "ticket" else 422, 0)
    assert node_objects() == set()
