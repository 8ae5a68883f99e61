"""POST /api/upload/pack: many small files in one request, a result for each."""

import os
import struct

import pytest

from files.actions.packs import MAX_BYTES
from files.api.packs import HEAD_BYTES
from files.content import reader
from files.content.collect import collect
from files.content.verify import verify
from files.models import Change, Chunk, Entry, Space, Upload, Version
from tests.files.api.answers import answered, node_objects, refused
from tests.world import content_hash_of, described, pack_body, path_of, sha256

SMALL = {"a.txt": b"first", "b.txt": b"the second", "empty": b""}


def pack(person, files, **head):
    """(name, bytes) pairs; the results."""
    response = person.pack([(described(name, data), data) for name, data in files], **head)
    return answered(response)["results"]


def content(file_id, version_id=None):
    """A version's bytes, the current one's unless another is named, as the reader finds them."""
    version = Version.objects.get(id=version_id or Entry.objects.get(id=file_id).current_version_id)
    if version.size == 0:
        return b""
    extent = reader.extent(version.id, 0)
    return b"".join(reader.read(version.id, extent, 0, extent.length))


def damage():
    return [finding.text for finding in verify(deep=True) if finding.is_damage]


# -- what it makes --------------------------------------------------------------------------------


def test_every_file_is_there_as_if_it_had_been_uploaded_alone(world):
    results = pack(world.alice, SMALL.items())

    assert [result["index"] for result in results] == [0, 1, 2]
    for (name, data), result in zip(SMALL.items(), results, strict=True):
        file = answered(world.alice.get(f"/api/files/{result['file']['id']}"))
        assert file == result["file"]
        assert (file["name"], file["parent"]) == (name, world.alice.root)
        assert (file["size"], file["content_hash"]) == (len(data), content_hash_of(data))
        assert file["revision"] == 1
        assert content(file["id"]) == data
        [version] = answered(world.alice.get(f"/api/files/{file['id']}/versions"))["results"]
        assert (version["number"], version["current"]) == (1, True)
    assert damage() == []


def test_they_share_one_object_and_leave_no_upload(world):
    pack(world.alice, SMALL.items())

    assert len(node_objects()) == 1
    assert Chunk.objects.get().state == Chunk.State.LIVE
    assert not Upload.objects.exists()
    assert not Version.objects.filter(state=Version.State.PENDING).exists()


def test_chunks_whole_files_and_ranges_are_served_from_their_own_part(shared_world):
    alice = shared_world.alice
    file_id = pack(alice, SMALL.items())[1]["file"]["id"]

    place = alice.get(f"/api/files/{file_id}/content")["Location"]
    whole = shared_world.plane.get(path_of(place))
    part = shared_world.plane.get(path_of(place), headers={"Range": "bytes=4-7"})

    assert alice.download(file_id) == b"the second"
    assert whole.content == b"the second"
    assert (part.status_code, part.content) == (206, b"seco")


def test_a_thousand_files_of_random_bytes_come_back_equal(world):
    files = [(f"{n:04}.bin", os.urandom(n % 4096)) for n in range(1000)]

    results = pack(world.alice, files)

    assert len(results) == 1000
    for (_, data), result in list(zip(files, results, strict=True))[::97]:
        assert content(result["file"]["id"]) == data
    assert damage() == []


def test_the_space_counts_each_file_and_holds_nothing_back(world):
    pack(world.alice, SMALL.items())

    space = world.alice.space
    assert space.used_bytes == sum(map(len, SMALL.values()))
    assert space.reserved_bytes == 0


def test_the_journal_tells_of_every_file_without_gaps(world):
    before = Change.objects.filter(space=world.alice.space).count()

    pack(world.alice, SMALL.items())

    lines = Change.objects.filter(space=world.alice.space).order_by("seq")
    assert [line.seq for line in lines] == list(range(1, before + 4))
    assert [line.name for line in lines][-3:] == list(SMALL)
    assert {line.type for line in list(lines)[-3:]} == {"created"}


def test_stated_type_and_time_are_kept_and_a_missing_type_is_guessed(world):
    stated = described("a", b"x", content_type="image/png", modified_at="2020-02-03T04:05:06Z")

    results = answered(world.alice.pack([(stated, b"x"), (described("b.css", b"y"), b"y")]))

    first, second = (result["file"] for result in results["results"])
    assert (first["content_type"], first["modified_at"]) == ("image/png", "2020-02-03T04:05:06Z")
    assert second["content_type"] == "text/css"


def test_an_empty_pack_makes_nothing(world):
    assert pack(world.alice, []) == []
    assert Chunk.objects.count() == 0


def test_a_pack_of_empty_files_needs_no_chunk(world):
    [result] = pack(world.alice, [("empty", b"")])

    assert result["file"]["size"] == 0
    assert content(result["file"]["id"]) == b""
    assert node_objects() == set()


# -- folders --------------------------------------------------------------------------------------


def test_folders_of_a_path_are_made_once_and_existing_ones_are_used(world):
    photos = world.alice.folder("Photos")
    files = [
        (described("1.jpg", b"1", path="photos/2026"), b"1"),
        (described("2.jpg", b"2", path="Photos/2026"), b"2"),
        (described("top.txt", b"3"), b"3"),
    ]

    results = answered(world.alice.pack(files))["results"]

    assert sorted(world.alice.names()) == ["Photos", "top.txt"]
    assert world.alice.names(photos) == ["2026"]
    year = results[0]["file"]["parent"]
    assert world.alice.names(year) == ["1.jpg", "2.jpg"]
    assert answered(world.alice.get(f"/api/files/{year}"))["parent"] == photos


def test_a_file_in_the_way_of_a_path_stops_only_what_goes_there(world):
    world.alice.upload("notes", b"a file")
    files = [
        (described("a", b"1", path="notes/new"), b"1"),
        (described("b", b"2"), b"2"),
    ]

    results = answered(world.alice.pack(files))["results"]

    assert results[0]["error"]["code"] == "not_a_folder"
    assert results[1]["file"]["name"] == "b"


def test_a_path_too_deep_makes_no_folder_at_all(world):
    deep = "/".join(["d"] * 100)
    files = [(described("a", b"1", path=deep), b"1")]

    results = answered(world.alice.pack(files))["results"]

    assert results[0]["error"]["code"] == "path_too_deep"
    assert world.alice.names() == []


def test_a_path_as_deep_as_is_allowed_is_taken(world):
    files = [(described("a", b"1", path="/".join(["d"] * 99)), b"1")]

    [result] = answered(world.alice.pack(files))["results"]

    assert content(result["file"]["id"]) == b"1"
    below = answered(
        world.alice.post(
            "/api/files", {"parent": result["file"]["parent"], "name": "e", "type": "folder"}
        ),
        201,
    )
    [beyond] = pack(world.alice, [("b", b"2")], parent=below["id"])
    assert beyond["error"]["code"] == "path_too_deep"


# -- one bad file does not stop the others --------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (described("bad", b"x", sha256=sha256(b"y")), "checksum_mismatch"),
        (described("../etc", b"x"), "name_invalid"),
        (described("", b"x"), "name_invalid"),
        (described("\ud800", b"x"), "name_invalid"),
        (described("bad", b"x", path="a//b"), "name_invalid"),
        (described("bad", b"x", path="../up"), "name_invalid"),
        (described("bad", b"x", path="/root"), "name_invalid"),
    ],
)
def test_a_bad_file_is_told_and_the_others_are_made(world, bad, code):
    good = described("good", b"fine")

    response = world.alice.pack([(good, b"fine"), (bad, b"x"), (described("z", b"!"), b"!")])

    first, second, third = answered(response)["results"]
    assert second["error"]["code"] == code
    assert set(second) == {"index", "error"}
    assert content(first["file"]["id"]) == b"fine"
    assert content(third["file"]["id"]) == b"!"
    assert world.alice.names() == ["good", "z"]
    assert damage() == []


# -- names that are taken -------------------------------------------------------------------------


def test_a_taken_name_gets_a_new_version(world):
    old = world.alice.upload("a.txt", b"old")["file"]["id"]

    [result, _] = pack(world.alice, [("A.txt", b"new"), ("other", b"o")])

    assert result["file"]["id"] == old
    assert result["file"]["name"] == "a.txt"
    assert content(old) == b"new"
    versions = answered(world.alice.get(f"/api/files/{old}/versions"))["results"]
    assert [version["number"] for version in versions] == [2, 1]
    assert content(old, versions[1]["id"]) == b"old"


def test_a_taken_name_is_numbered_when_asked_to(world):
    world.alice.upload("a.txt", b"old")

    pack(world.alice, [("a.txt", b"new"), ("a.txt", b"newer")], on_conflict="rename")

    assert world.alice.names() == ["a (1).txt", "a (2).txt", "a.txt"]


def test_a_taken_name_is_refused_when_asked_to(world):
    old = world.alice.upload("a.txt", b"old")["file"]["id"]

    results = pack(world.alice, [("a.txt", b"new"), ("b.txt", b"b")], on_conflict="fail")

    assert results[0]["error"]["code"] == "name_taken"
    assert results[0]["error"]["id"] == old
    assert world.alice.names() == ["a.txt", "b.txt"]


def test_a_folder_is_never_replaced(world):
    world.alice.folder("a")

    results = pack(world.alice, [("a", b"file"), ("b", b"b")])

    assert results[0]["error"]["code"] == "name_taken"
    assert world.alice.names() == ["a", "b"]


def test_the_second_of_one_name_in_a_pack_is_its_second_version(world):
    results = pack(world.alice, [("a", b"one"), ("A", b"two")])

    assert results[0]["file"]["id"] == results[1]["file"]["id"]
    assert content(results[0]["file"]["id"]) == b"two"
    assert world.alice.space.used_bytes == 6


# -- what refuses the whole pack ------------------------------------------------------------------


def test_a_full_space_refuses_the_pack_and_holds_nothing(world):
    Space.objects.filter(id=world.alice.space.id).update(quota_bytes=3)

    response = world.alice.pack([(described("a", b"four"), b"four")])

    error = refused(response, 507, "quota_exceeded")
    assert (error["need"], error["have"]) == (4, 3)
    assert world.alice.space.reserved_bytes == 0
    assert Chunk.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0\0",
        struct.pack(">I", 10) + b"{}",
        struct.pack(">I", HEAD_BYTES + 1) + b" " * (HEAD_BYTES + 1),
        struct.pack(">I", 2**32 - 1),
    ],
)
def test_a_head_that_can_not_be_there_is_refused(world, body):
    response = world.alice.send_pack(body)

    assert response.status_code in {415, 422}
    assert response.json()["error"]["code"] in {"pack_invalid", "media_type_unsupported"}


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"{", 400, "json_invalid"),
        (b"[]", 422, "type_invalid"),
        ({"files": []}, 422, "field_required"),
        ({"parent": "nothing", "files": []}, 404, "not_found"),
        ({"parent": 1, "files": []}, 422, "type_invalid"),
        ({"files": {}}, 422, "type_invalid"),
        ({"files": [], "owner": 1}, 422, "unknown_field"),
        ({"files": [], "on_conflict": "ask"}, 422, "on_conflict_invalid"),
        ({"files": [{"name": "a", "size": 1}]}, 422, "field_required"),
        ({"files": [described("a", b"", size="0")]}, 422, "size_invalid"),
        ({"files": [described("a", b"", size=-1)]}, 422, "size_invalid"),
        ({"files": [described("a", b"", sha256="AB" * 32)]}, 422, "hash_invalid"),
        ({"files": [described("a", b"", mode="0777")]}, 422, "unknown_field"),
        ({"files": [described("a", b"x")]}, 422, "size_mismatch"),
        ({"files": [described("a", b"")] * 1001}, 413, "pack_too_large"),
    ],
)
def test_a_wrong_head_is_refused_whole(world, head, status, code):
    if isinstance(head, dict) and code not in {"field_required", "not_found"}:
        head = {"parent": world.alice.root} | head

    refused(world.alice.send_pack(pack_body(head)), status, code)

    assert world.alice.names() == []
    assert Chunk.objects.count() == 0


def test_bytes_beyond_four_mebibytes_are_refused(world):
    data = bytes(MAX_BYTES + 1)

    response = world.alice.pack([(described("a", data), data)])

    refused(response, 413, "pack_too_large")


def test_exactly_four_mebibytes_are_taken(world):
    data = os.urandom(MAX_BYTES)

    [result] = pack(world.alice, [("a", data)])

    assert content(result["file"]["id"]) == data


def test_another_type_of_body_is_refused(world):
    response = world.alice.post("/api/upload/pack", {})

    refused(response, 415, "media_type_unsupported")


def test_other_peoples_folders_are_not_there(world):
    response = world.bob.pack([(described("a", b"x"), b"x")], parent=world.alice.root)

    refused(response, 404, "not_found")
    assert world.alice.names() == []


def test_a_folder_in_the_trash_takes_nothing(world):
    folder = world.alice.folder("gone")
    world.alice.delete(f"/api/files/{folder}")

    response = world.alice.pack([(described("a", b"x"), b"x")], parent=folder)

    refused(response, 409, "parent_gone")


# -- what becomes of the shared chunk -------------------------------------------------------------


def test_removing_some_of_the_files_leaves_the_others_whole(world):
    results = pack(world.alice, SMALL.items())
    first, second = results[0]["file"]["id"], results[1]["file"]["id"]
    world.alice.delete(f"/api/files/{first}")
    world.alice.delete(f"/api/trash/{first}")

    collect()

    assert content(second) == b"the second"
    assert len(node_objects()) == 1


def test_removing_all_of_them_gives_the_room_back(world):
    for result in pack(world.alice, SMALL.items()):
        world.alice.delete(f"/api/files/{result['file']['id']}")
        world.alice.delete(f"/api/trash/{result['file']['id']}")

    collect()

    assert node_objects() == set()
    assert Chunk.objects.count() == 0
    assert world.alice.space.used_bytes == 0


def test_a_copy_of_one_of_them_reads_the_same_and_outlives_it(world):
    results = pack(world.alice, SMALL.items())
    copied = answered(
        world.alice.post(
            f"/api/files/{results[1]['file']['id']}/copy",
            {"parent": world.alice.root, "name": "copy"},
        ),
        201,
    )
    for result in results:
        world.alice.delete(f"/api/files/{result['file']['id']}")
        world.alice.delete(f"/api/trash/{result['file']['id']}")

    collect()

    assert content(copied["id"]) == b"the second"
    assert damage() == []


def test_a_file_that_is_packed_is_still_sent_when_it_comes_alone(world):
    """Its bytes are no chunk of their own: nobody is told that they are here."""
    pack(world.alice, SMALL.items())

    registered = answered(world.alice.register("c.txt", SMALL["b.txt"]), 201)

    assert [slot["state"] for slot in registered["chunks"]] == ["upload"]
