"""POST /api/files and GET /api/files/{id}: folders, and entries as one sees them."""

import pytest

from tests.files.api.answers import answered, refused
from tests.files.api.tree import assert_sound

NAME_255 = "n" * 255


def create(person, name, parent=None):
    body = {"parent": parent or person.root, "name": name, "type": "folder"}
    return person.post("/api/files", body)


def test_a_new_folder_is_answered_as_an_entry(world):
    body = answered(create(world.alice, "papers"), 201)

    assert body["type"] == "folder"
    assert body["name"] == "papers"
    assert body["parent"] == world.alice.root
    assert body["space"] == str(world.alice.space.id)
    assert (body["size"], body["content_hash"], body["version"]) == (None, None, None)
    assert body["content_type"] is None
    assert body["revision"] == 1
    assert body["modified_by"] == {
        "id": str(world.alice.user.id),
        "username": "alice",
        "display_name": "alice",
    }
    assert body["permissions"] == ["view", "download", "edit", "share", "own"]
    assert answered(world.alice.get(f"/api/files/{body['id']}")) == body


def test_the_answer_names_its_revision_in_an_etag(world):
    folder = world.alice.folder("papers")

    assert world.alice.get(f"/api/files/{folder}")["ETag"] == '"1"'


def test_the_top_folder_has_no_parent(world):
    body = answered(world.alice.get(f"/api/files/{world.alice.root}"))

    assert (body["type"], body["parent"]) == ("folder", None)


def test_a_taken_name_is_refused_with_the_id_of_the_other(world):
    folder = world.alice.folder("Papers")
    file = world.alice.upload("notes.txt", b"")["file"]["id"]

    assert refused(create(world.alice, "papers"), 409, "name_taken")["id"] == folder
    assert refused(create(world.alice, "NOTES.txt"), 409, "name_taken")["id"] == file


def test_the_same_name_is_free_in_another_folder(world):
    folder = world.alice.folder("papers")

    answered(create(world.alice, "papers", folder), 201)


def test_a_name_in_the_trash_is_free(world):
    folder = world.alice.folder("papers")
    world.alice.delete(f"/api/files/{folder}")

    answered(create(world.alice, "papers"), 201)


def test_folders_are_made_in_folders_only(world):
    file = world.alice.upload("a.txt", b"")["file"]["id"]

    refused(create(world.alice, "b", file), 409, "not_a_folder")


def test_folders_are_not_made_in_the_trash(world):
    above = world.alice.folder("above")
    below = world.alice.folder("below", above)
    world.alice.delete(f"/api/files/{above}")

    for parent in (above, below):
        refused(create(world.alice, "new", parent), 404, "not_found")


def test_a_hundred_levels_and_no_more(world):
    at = world.alice.root
    for _ in range(99):
        at = world.alice.folder("d", at)
    last = answered(create(world.alice, "d", at), 201)["id"]

    refused(create(world.alice, "d", last), 422, "path_too_deep")
    assert_sound(world.alice.space)


@pytest.mark.parametrize(("name", "fits"), [("x", True), ("xy", False), ("é", False)])
def test_a_path_of_4096_bytes_and_no_more(world, name, fits):
    at = world.alice.root
    for _ in range(15):
        at = world.alice.folder(NAME_255, at)
    at = world.alice.folder("n" * 254, at)  # so far 4,095 bytes with the separators

    response = create(world.alice, name, at)

    if fits:
        answered(response, 201)
    else:
        refused(response, 422, "path_too_deep")
