"""Content is stored once; who may know that is another matter: hashes are not keys."""

import json
import os
import re

from files.chunkstore.chunk import CHUNK_SIZE
from files.content.collect import collect
from files.models import Chunk
from tests.files.api.answers import answered, node_objects
from tests.world import chunks_of, sha256

KNOWN = os.urandom(CHUNK_SIZE) + b"known end"
UNKNOWN = os.urandom(CHUNK_SIZE) + b"other end"


def remove_for_good(person, file):
    assert person.delete(f"/api/files/{file}").status_code == 204
    assert person.delete(f"/api/trash/{file}").status_code == 204


def shape(response):
    """An answer without what is random in it: same keys, types and lengths are left."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", response.content.decode())
    text = re.sub(r"[0-9a-f]{64}", "HASH", text)
    text = re.sub(r'"request_id":"[0-9a-f]{16}"', '"request_id":""', text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"/d/upload/[\w.-]+", lambda match: f"{len(match[0])} characters", text)
    headers = {k: v for k, v in response.headers.items() if k != "X-Request-ID"}
    return response.status_code, headers["Content-Type"], sorted(headers), json.loads(text)


def test_the_same_content_again_sends_nothing_and_stores_nothing(shared_world):
    alice = shared_world.alice
    alice.upload("a.bin", KNOWN)
    before = node_objects()

    registered = answered(alice.register("b.bin", KNOWN), 201)
    done = answered(alice.complete(registered["upload_id"]))

    assert [chunk["state"] for chunk in registered["chunks"]] == ["have", "have"]
    assert done["stats"]["uploaded_bytes"] == 0
    assert done["stats"]["deduplicated_bytes"] == len(KNOWN)
    assert node_objects() == before
    assert alice.download(done["file"]["id"]) == KNOWN


def test_another_person_who_knows_the_hashes_is_told_what_anybody_is_told(world):
    world.alice.upload("a.bin", KNOWN)

    known = world.bob.register("x.bin", KNOWN)
    unknown = world.bob.register("y.bin", UNKNOWN)

    assert [chunk["state"] for chunk in answered(known, 201)["chunks"]] == ["upload", "upload"]
    assert shape(known) == shape(unknown)


def test_status_and_complete_give_nothing_away_either(world):
    world.alice.upload("a.bin", KNOWN)
    answers = []
    for name, data in [("x.bin", KNOWN), ("y.bin", UNKNOWN)]:
        upload = answered(world.bob.register(name, data), 201)
        path = f"/api/upload/{upload['upload_id']}"
        told = [world.bob.get(path), world.bob.post(f"{path}/stored", {"indexes": [0, 1]})]
        told.append(world.bob.complete(upload["upload_id"]))
        for slot, chunk in zip(upload["chunks"], chunks_of(data), strict=True):
            sent = world.bob.send(slot, chunk)
            assert sent.status_code == 204
        told += [world.bob.get(path), world.bob.post(f"{path}/stored", {"indexes": [0, 1]})]
        done = answered(world.bob.complete(upload["upload_id"]))
        answers.append([*map(shape, told), done["stats"]])

    for about_known, about_unknown in zip(*answers, strict=True):
        assert about_known == about_unknown


def test_a_hash_without_its_bytes_gets_nobody_the_file(world):
    world.alice.upload("a.bin", KNOWN)
    upload = answered(world.bob.register("x.bin", KNOWN), 201)

    response = world.bob.complete(upload["upload_id"])

    assert response.status_code == 409
    assert response.json()["error"]["indexes"] == [0, 1]


def test_what_two_people_store_is_kept_once_and_outlives_either(shared_world):
    alice, bob = shared_world.alice, shared_world.bob
    hers = alice.upload("a.bin", KNOWN)["file"]["id"]

    his = bob.upload("x.bin", KNOWN)
    collect()

    assert his["stats"]["uploaded_bytes"] == len(KNOWN)
    assert Chunk.objects.filter(state=Chunk.State.LIVE).count() == 2
    assert len(node_objects()) == 2
    assert alice.download(hers) == KNOWN
    assert bob.download(his["file"]["id"]) == KNOWN

    remove_for_good(alice, hers)
    collect()

    assert len(node_objects()) == 2
    assert bob.download(his["file"]["id"]) == KNOWN

    remove_for_good(bob, his["file"]["id"])
    collect()

    assert node_objects() == set()
    assert Chunk.objects.count() == 0


def test_a_hash_of_an_unfinished_upload_is_not_in_the_space_yet(world):
    upload = answered(world.alice.register("a.bin", b"part"), 201)
    world.alice.send_all(upload, b"part")

    other = answered(world.alice.register("b.bin", b"part"), 201)

    assert [chunk["state"] for chunk in other["chunks"]] == ["upload"]


def test_content_in_the_trash_is_still_in_the_space(world):
    file = world.alice.upload("a.bin", b"part")["file"]["id"]
    world.alice.delete(f"/api/files/{file}")

    again = answered(world.alice.register("b.bin", b"part"), 201)

    assert [chunk["state"] for chunk in again["chunks"]] == ["have"]


def test_content_removed_for_good_has_to_be_sent_again(world):
    remove_for_good(world.alice, world.alice.upload("a.bin", b"part")["file"]["id"])

    done = world.alice.upload("b.bin", b"part")

    assert done["stats"]["uploaded_bytes"] == 4


def test_the_same_hash_with_another_length_is_another_chunk(world):
    world.alice.upload("a.bin", b"part")
    lie = {"sha256": sha256(b"part"), "size": 3}

    body = answered(world.alice.register("b.bin", b"", size=3, chunks=[lie]), 201)

    assert body["chunks"][0]["state"] == "upload"
