"""POST /api/upload/{id}/complete: the moment a file comes into being."""

import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from files.models import Change, Upload
from tests.files.api.answers import answered, refused
from tests.world import content_hash_of, sha256

DATA = bytes(CHUNK_SIZE) + b"end"


def test_the_answer_tells_file_version_and_what_was_sent(world):
    done = world.alice.upload("a.bin", DATA)

    assert set(done) == {"file", "version", "stats"}
    file, version = done["file"], done["version"]
    assert set(file) == {
        *("id", "type", "name", "parent", "space", "size", "content_type", "content_hash"),
        *("version", "revision", "created_at", "modified_at", "modified_by", "permissions"),
    }
    assert (file["type"], file["name"], file["parent"]) == ("file", "a.bin", world.alice.root)
    assert file["space"] == str(world.alice.space.id)
    assert (file["size"], file["content_hash"]) == (len(DATA), content_hash_of(DATA))
    assert (file["version"], file["revision"]) == (version["id"], 1)
    assert file["modified_by"]["username"] == "alice"
    assert set(version) == {
        *("id", "number", "size", "content_hash", "content_type"),
        *("created_at", "created_by", "current"),
    }
    assert (version["number"], version["current"]) == (1, True)
    assert done["stats"] == {
        "size": len(DATA),
        "uploaded_bytes": len(DATA),
        "deduplicated_bytes": 0,
    }


def test_the_file_is_seen_only_once_it_is_complete(world):
    registered = answered(world.alice.register("a.bin", DATA), 201)
    world.alice.send_all(registered, DATA)
    assert world.alice.names() == []

    world.alice.complete(registered["upload_id"])

    assert world.alice.names() == ["a.bin"]


def test_completing_again_gives_the_same_answer_and_makes_nothing(world):
    registered = answered(world.alice.register("a.bin", DATA), 201)
    world.alice.send_all(registered, DATA)
    first = world.alice.complete(registered["upload_id"])

    again = world.alice.complete(registered["upload_id"])

    assert answered(again) == answered(first)
    file = answered(first)["file"]["id"]
    assert len(answered(world.alice.get(f"/api/files/{file}/versions"))["results"]) == 1
    assert Change.objects.filter(entry=file).count() == 1


def test_a_completed_upload_takes_nothing_more(world):
    registered = answered(world.alice.register("a.bin", b"x"), 201)
    world.alice.send_all(registered, b"x")
    world.alice.complete(registered["upload_id"])
    path = f"/api/upload/{registered['upload_id']}"

    refused(world.alice.get(path), 410, "upload_gone")
    refused(world.alice.delete(path), 410, "upload_gone")
    refused(world.alice.post(f"{path}/stored", {"indexes": []}), 410, "upload_gone")
    refused(world.alice.post(f"{path}/chunks", {"start": 0, "chunks": []}), 410, "upload_gone")
    assert world.alice.names() == ["a.bin"]


def test_what_is_missing_is_counted_and_named(world):
    registered = answered(world.alice.register("a.bin", DATA), 201)
    world.alice.send(registered["chunks"][1], b"end")

    error = refused(world.alice.complete(registered["upload_id"]), 409, "chunks_missing")

    assert (error["count"], error["indexes"]) == (1, [0])
    world.alice.send(registered["chunks"][0], DATA[:CHUNK_SIZE])
    answered(world.alice.complete(registered["upload_id"]))


def test_of_very_many_missing_the_first_thousand_are_named(world):
    size = 1500 * CHUNK_SIZE
    upload = answered(world.alice.register("a", b"", size=size, chunks=[]), 201)["upload_id"]
    one = [{"sha256": sha256(b"1"), "size": CHUNK_SIZE}]
    answered(world.alice.post(f"/api/upload/{upload}/chunks", {"start": 7, "chunks": one}))

    error = refused(world.alice.complete(upload), 409, "chunks_missing")

    assert error["count"] == 1500
    assert error["indexes"] == list(range(1000))


def test_a_chunk_that_occurs_twice_was_sent_once(world):
    data = bytes(2 * CHUNK_SIZE) + b"end"

    done = world.alice.upload("zeros.bin", data)

    assert done["file"]["content_hash"] == content_hash_of(data)
    assert done["stats"]["uploaded_bytes"] == CHUNK_SIZE + 3
    assert done["stats"]["deduplicated_bytes"] == CHUNK_SIZE


def test_the_stats_tell_what_the_space_held_already(world):
    world.alice.upload("a.bin", DATA)

    done = world.alice.upload("b.bin", DATA[:CHUNK_SIZE] + b"other")

    assert done["stats"] == {
        "size": CHUNK_SIZE + 5,
        "uploaded_bytes": 5,
        "deduplicated_bytes": CHUNK_SIZE,
    }


def test_the_stats_are_the_same_however_often_the_upload_was_resumed(world):
    first = answered(world.alice.register("a.bin", DATA), 201)
    world.alice.send(first["chunks"][1], b"end")

    done = world.alice.upload("a.bin", DATA)

    assert done["stats"]["uploaded_bytes"] == len(DATA)


# -- what happened since it was registered --------------------------------------------------------


def begun(world, name="a.txt", data=b"mine", **fields):
    """An upload whose bytes are all there."""
    registered = answered(world.alice.register(name, data, **fields), 201)
    world.alice.send_all(registered, data)
    return registered


def test_two_uploads_of_one_name_make_two_versions_of_one_file(world):
    first, second = begun(world, data=b"1"), begun(world, data=b"2")
    assert first["file_id"] != second["file_id"]  # both reserved: neither is there yet

    one = answered(world.alice.complete(first["upload_id"]))
    two = answered(world.alice.complete(second["upload_id"]))

    assert one["file"]["id"] == two["file"]["id"] == first["file_id"]
    assert (one["version"]["number"], two["version"]["number"]) == (1, 2)
    assert world.alice.names() == ["a.txt"]


def test_fail_refuses_a_name_that_was_taken_meanwhile(world):
    mine = begun(world, on_conflict="fail")
    other = world.alice.upload("A.txt", b"faster")["file"]["id"]

    error = refused(world.alice.complete(mine["upload_id"]), 409, "name_taken")

    assert error["id"] == other
    assert world.alice.names() == ["A.txt"]
    world.alice.patch(f"/api/files/{other}", {"name": "b.txt"})  # the upload is still open
    assert answered(world.alice.complete(mine["upload_id"]))["file"]["name"] == "a.txt"


def test_rename_finds_a_free_name_at_the_end(world):
    mine = begun(world, on_conflict="rename")
    world.alice.upload("a.txt", b"faster")

    done = answered(world.alice.complete(mine["upload_id"]))

    assert done["file"]["name"] == "a (1).txt"


def test_a_folder_that_took_the_name_meanwhile_is_in_the_way(world):
    mine = begun(world)
    folder = world.alice.folder("a.txt")

    error = refused(world.alice.complete(mine["upload_id"]), 409, "name_taken")

    assert error["id"] == folder


def test_if_match_is_asked_again_at_the_end(world):
    base = world.alice.upload("a.txt", b"base")["version"]["id"]
    mine = begun(world, if_match=base)
    newer = world.alice.upload("a.txt", b"faster")["version"]["id"]

    error = refused(world.alice.complete(mine["upload_id"]), 412, "stale")

    assert error["current"] == newer
    versions = answered(world.alice.get(f"/api/files/{mine['file_id']}/versions"))["results"]
    assert [version["number"] for version in versions] == [2, 1]


@pytest.mark.parametrize("which", ["parent", "above"])
def test_a_parent_that_was_trashed_meanwhile_is_gone_until_it_is_back(world, which):
    above = world.alice.folder("above")
    parent = world.alice.folder("parent", above)
    mine = begun(world, parent=parent)
    trashed = {"parent": parent, "above": above}[which]
    world.alice.delete(f"/api/files/{trashed}")

    refused(world.alice.complete(mine["upload_id"]), 409, "parent_gone")

    assert Upload.objects.get(id=mine["upload_id"]).state == "open"
    world.alice.post(f"/api/trash/{trashed}/restore")
    answered(world.alice.complete(mine["upload_id"]))
    assert world.alice.names(parent) == ["a.txt"]


def test_a_parent_that_was_removed_for_good_is_gone(world):
    parent = world.alice.folder("parent")
    mine = begun(world, parent=parent)
    world.alice.delete(f"/api/files/{parent}")
    world.alice.delete(f"/api/trash/{parent}")

    refused(world.alice.complete(mine["upload_id"]), 409, "parent_gone")


def test_a_parent_that_was_moved_takes_the_file_along(world):
    parent, elsewhere = world.alice.folder("parent"), world.alice.folder("elsewhere")
    mine = begun(world, parent=parent)
    world.alice.patch(f"/api/files/{parent}", {"parent": elsewhere})

    answered(world.alice.complete(mine["upload_id"]))

    assert world.alice.names(parent) == ["a.txt"]


def test_an_existing_file_that_was_trashed_meanwhile_stays_there(world):
    old = world.alice.upload("a.txt", b"old")["file"]["id"]
    mine = begun(world)
    assert mine["file_id"] == old
    world.alice.delete(f"/api/files/{old}")

    done = answered(world.alice.complete(mine["upload_id"]))

    assert done["file"]["id"] != old
    assert done["version"]["number"] == 1
    assert [entry["id"] for entry in answered(world.alice.get("/api/trash"))["results"]] == [old]


def test_completing_again_after_the_file_was_removed_for_good_is_gone(world):
    mine = begun(world)
    file = answered(world.alice.complete(mine["upload_id"]))["file"]["id"]
    world.alice.delete(f"/api/files/{file}")
    world.alice.delete(f"/api/trash/{file}")

    refused(world.alice.complete(mine["upload_id"]), 410, "upload_gone")


def test_completing_again_tells_the_same_version_after_a_newer_one(world):
    mine = begun(world)
    first = answered(world.alice.complete(mine["upload_id"]))
    world.alice.upload("a.txt", b"newer")

    again = answered(world.alice.complete(mine["upload_id"]))

    assert again["version"] == first["version"] | {"current": False}
    assert again["stats"] == first["stats"]
