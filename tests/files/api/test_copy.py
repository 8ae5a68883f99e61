"""POST /api/files/{id}/copy: the same content under another name, without copying bytes."""

import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from files.content.collect import collect
from files.models import Upload
from tests.files.api.answers import answered, node_objects, refused
from tests.files.api.tree import assert_sound


def copy(person, entry, parent=None, **body):
    return person.post(f"/api/files/{entry}/copy", {"parent": parent or person.root} | body)


@pytest.fixture
def file(world):
    return world.alice.upload("a.txt", b"text", content_type="text/x-mine")["file"]


def test_a_copy_is_a_file_of_its_own_with_the_same_content(shared_world):
    alice = shared_world.alice
    file = alice.upload("a.txt", b"text", content_type="text/x-mine")["file"]
    before = node_objects()
    folder = alice.folder("f")

    body = answered(copy(alice, file["id"], folder), 201)

    assert body["id"] != file["id"]
    assert (body["name"], body["parent"], body["revision"]) == ("a.txt", folder, 1)
    for same in ("size", "content_type", "content_hash"):
        assert body[same] == file[same]
    assert node_objects() == before
    alice.delete(f"/api/files/{file['id']}")
    alice.delete(f"/api/trash/{file['id']}")
    collect()
    assert alice.download(body["id"]) == b"text"


def test_a_file_of_many_chunks_is_copied_page_by_page(shared_world, monkeypatch):
    monkeypatch.setattr("files.actions.copies.PAGE", 2)
    alice = shared_world.alice
    data = b"".join(bytes([letter]) * CHUNK_SIZE for letter in b"abc")
    file = alice.upload("a.bin", data)["file"]

    body = answered(copy(alice, file["id"]), 201)

    assert alice.download(body["id"]) == data


def test_without_a_name_a_number_is_found(world, file):
    names = [answered(copy(world.alice, file["id"]), 201)["name"] for _ in range(3)]

    assert names == ["a (1).txt", "a (2).txt", "a (3).txt"]


def test_a_name_asked_for_must_be_free(world, file):
    body = answered(copy(world.alice, file["id"], name="b.txt"), 201)

    assert body["name"] == "b.txt"
    error = refused(copy(world.alice, file["id"], name="B.txt"), 409, "name_taken")
    assert error["id"] == body["id"]


def test_only_the_current_version_is_copied(world, file):
    world.alice.upload("a.txt", b"newer text")

    body = answered(copy(world.alice, file["id"]), 201)

    assert body["size"] == 10
    versions = answered(world.alice.get(f"/api/files/{body['id']}/versions"))["results"]
    assert [version["number"] for version in versions] == [1]


def test_an_empty_file_can_be_copied(world):
    file = world.alice.upload("empty", b"")["file"]["id"]

    assert answered(copy(world.alice, file), 201)["size"] == 0


def test_a_folder_is_copied_with_all_that_is_live_below_it(world):
    alice = world.alice
    top = alice.folder("top")
    inner = alice.folder("inner", top)
    alice.upload("a.txt", b"1", parent=top)
    alice.upload("b.txt", b"22", parent=inner)
    gone = alice.upload("gone.txt", b"3", parent=inner)["file"]["id"]
    alice.delete(f"/api/files/{gone}")

    body = answered(copy(alice, top), 201)

    assert (body["type"], body["name"]) == ("folder", "top (1)")
    assert alice.names(body["id"]) == ["inner", "a.txt"]
    children = answered(alice.get(f"/api/files/{body['id']}/children"))["results"]
    assert alice.names(children[0]["id"]) == ["b.txt"]
    assert alice.names(inner) == ["b.txt"]
    assert_sound(alice.space)
    assert alice.space.used_bytes == 1 + 2 + 1 + (1 + 2)


def test_a_folder_is_not_copied_into_itself(world):
    top = world.alice.folder("top")
    inner = world.alice.folder("inner", top)

    for target in (top, inner):
        refused(copy(world.alice, top, target), 409, "cycle")
    refused(copy(world.alice, world.alice.root), 409, "cycle")


def test_the_copy_of_a_subtree_must_not_be_too_deep(world):
    alice = world.alice
    at = alice.root
    for _ in range(99):
        at = alice.folder("d", at)
    tall = alice.folder("tall")
    alice.upload("a.txt", b"1", parent=tall)

    refused(copy(alice, tall, at), 422, "path_too_deep")

    assert alice.space.reserved_bytes == 0
    assert not Upload.objects.filter(state="open").exists()


def test_a_refused_copy_leaves_nothing_reserved(world, file):
    refused(copy(world.alice, file["id"], name="a.txt"), 409, "name_taken")

    assert (world.alice.space.used_bytes, world.alice.space.reserved_bytes) == (4, 0)
    assert not Upload.objects.filter(state="open").exists()


def test_what_is_in_the_trash_is_not_copied_nor_copied_into(world, file):
    folder = world.alice.folder("f")
    world.alice.delete(f"/api/files/{folder}")
    refused(copy(world.alice, file["id"], folder), 404, "not_found")

    world.alice.delete(f"/api/files/{file['id']}")

    refused(copy(world.alice, file["id"]), 404, "not_found")


def test_a_copy_goes_into_a_folder(world, file):
    refused(copy(world.alice, file["id"], file["id"]), 409, "not_a_folder")


def test_nothing_is_copied_from_or_to_where_one_may_not_look(world, file):
    refused(copy(world.bob, file["id"]), 404, "not_found")
    refused(copy(world.alice, file["id"], world.bob.root), 404, "not_found")
