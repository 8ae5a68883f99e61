"""PATCH /api/files/{id}: rename, move, or both."""

import pytest

from files.models import Entry
from tests.files.api.answers import answered, refused
from tests.files.api.tree import assert_sound


def change(person, entry, **body):
    headers = {"If-Match": body.pop("if_match")} if "if_match" in body else {}
    return person.patch(f"/api/files/{entry}", body, **headers)


@pytest.fixture
def file(world):
    return world.alice.upload("a.txt", b"text")["file"]


def test_renaming_keeps_the_file_and_counts_the_revision(world, file):
    body = answered(change(world.alice, file["id"], name="b.txt"))

    assert body == file | {"name": "b.txt", "revision": 2}
    assert world.alice.names() == ["b.txt"]


def test_moving_keeps_the_name(world, file):
    folder = world.alice.folder("papers")

    body = answered(change(world.alice, file["id"], parent=folder))

    assert (body["parent"], body["name"]) == (folder, "a.txt")
    assert world.alice.names() == ["papers"]
    assert world.alice.names(folder) == ["a.txt"]


def test_both_at_once(world, file):
    folder = world.alice.folder("papers")
    world.alice.upload("a.txt", b"", parent=folder)

    body = answered(change(world.alice, file["id"], parent=folder, name="b.txt"))

    assert (body["parent"], body["name"]) == (folder, "b.txt")


def test_changing_nothing_is_no_change(world, file):
    for body in ({}, {"name": "a.txt"}, {"parent": world.alice.root}):
        assert answered(change(world.alice, file["id"], **body)) == file


def test_a_name_may_change_in_case_only(world, file):
    assert answered(change(world.alice, file["id"], name="A.txt"))["name"] == "A.txt"


@pytest.mark.parametrize("body", [{"name": "Taken"}, {"parent": "folder", "name": "inner"}])
def test_a_taken_name_is_refused_and_nothing_changes(world, file, body):
    folder = world.alice.folder("taken")
    inner = world.alice.folder("inner", folder)
    if "parent" in body:
        body = body | {"parent": folder}

    error = refused(change(world.alice, file["id"], **body), 409, "name_taken")

    assert error["id"] == (inner if "parent" in body else folder)
    assert answered(world.alice.get(f"/api/files/{file['id']}")) == file


def test_moving_a_folder_takes_along_all_below_it(world):
    alice = world.alice
    old, new = alice.folder("old"), alice.folder("new")
    moved = alice.folder("moved", old)
    below = alice.folder("below", moved)
    deepest = alice.folder("deepest", below)
    file = alice.upload("a.txt", b"", parent=deepest)["file"]["id"]
    trashed = alice.folder("trashed", below)
    alice.delete(f"/api/files/{trashed}")

    answered(change(alice, moved, parent=new))

    assert_sound(alice.space)
    assert alice.names(old) == []
    assert alice.names(new) == ["moved"]
    assert answered(alice.get(f"/api/files/{file}"))["parent"] == deepest
    alice.delete(f"/api/files/{old}")
    assert alice.names(deepest) == ["a.txt"]
    alice.delete(f"/api/files/{new}")
    refused(alice.get(f"/api/files/{file}"), 404, "not_found")


def test_a_folder_whose_id_is_like_anothers_beginning_is_not_taken_along(world):
    # Paths are compared as texts: a neighbour must not pass for a child.
    alice = world.alice
    one, two = alice.folder("one"), alice.folder("two")
    inside = alice.folder("inside", one)
    before = Entry.objects.get(id=two).path

    answered(change(alice, inside, parent=two))

    assert Entry.objects.get(id=two).path == before
    assert_sound(alice.space)


def test_a_folder_is_not_moved_into_itself_or_below(world):
    top = world.alice.folder("top")
    child = world.alice.folder("child", top)
    grandchild = world.alice.folder("grandchild", child)

    for target in (top, child, grandchild):
        refused(change(world.alice, top, parent=target), 409, "cycle")
    assert_sound(world.alice.space)


def test_the_top_folder_stays_what_it_is(world):
    folder = world.alice.folder("f")

    refused(change(world.alice, world.alice.root, name="mine"), 409, "is_root")
    refused(change(world.alice, world.alice.root, parent=folder), 409, "is_root")
    refused(world.alice.delete(f"/api/files/{world.alice.root}"), 409, "is_root")


def test_only_folders_hold_anything(world, file):
    folder = world.alice.folder("f")

    refused(change(world.alice, folder, parent=file["id"]), 409, "not_a_folder")


def test_nothing_is_moved_into_the_trash(world, file):
    folder = world.alice.folder("f")
    world.alice.delete(f"/api/files/{folder}")

    refused(change(world.alice, file["id"], parent=folder), 404, "not_found")


def test_nothing_in_the_trash_is_changed(world):
    folder = world.alice.folder("f")
    inner = world.alice.folder("inner", folder)
    world.alice.delete(f"/api/files/{folder}")

    for entry in (folder, inner):
        refused(change(world.alice, entry, name="n"), 404, "not_found")


def test_nothing_is_moved_into_somebody_elses_space(world, file):
    refused(change(world.alice, file["id"], parent=world.bob.root), 404, "not_found")


def test_a_subtree_is_not_moved_where_its_deepest_folder_would_be_too_deep(world):
    alice = world.alice
    at = alice.root
    for _ in range(97):
        at = alice.folder("d", at)
    tall = alice.folder("tall")
    middle = alice.folder("middle", tall)
    low = alice.folder("low", middle)

    answered(change(alice, tall, parent=at))  # 98, 99, 100
    answered(change(alice, tall, parent=alice.root))
    refused(change(alice, tall, parent=alice.folder("d", at)), 422, "path_too_deep")
    alice.upload("a.txt", b"", parent=low)  # a file is a level, too
    refused(change(alice, tall, parent=at), 422, "path_too_deep")
    assert_sound(alice.space)


def test_a_subtree_is_not_moved_or_renamed_where_its_longest_path_would_be_too_long(world):
    alice = world.alice
    at = alice.root
    for _ in range(15):
        at = alice.folder("n" * 255, at)  # 15 * 256 bytes
    subtree = alice.folder("s")
    alice.upload("f" * 253, b"", parent=subtree)  # 255 bytes more

    answered(change(alice, subtree, parent=at))
    answered(change(alice, subtree, name="ss"))  # 4,096

    refused(change(alice, subtree, name="sss"), 422, "path_too_deep")
    refused(change(alice, subtree, name="é" + "s"), 422, "path_too_deep")
    answered(change(alice, subtree, parent=alice.root, name="sss"))
    refused(change(alice, subtree, parent=at), 422, "path_too_deep")
    assert_sound(alice.space)


@pytest.mark.parametrize("if_match", ['"1"', "1", 'W/"1"', "*"])
def test_the_current_revision_matches_quoted_or_bare(world, file, if_match):
    assert answered(change(world.alice, file["id"], name="b.txt", if_match=if_match))


def test_a_stale_revision_changes_nothing(world, file):
    answered(change(world.alice, file["id"], name="b.txt"))

    error = refused(change(world.alice, file["id"], name="c.txt", if_match='"1"'), 412, "stale")
    stale_delete = world.alice.delete(f"/api/files/{file['id']}", **{"If-Match": '"1"'})

    assert error["current"] == 2
    assert refused(stale_delete, 412, "stale")["current"] == 2
    assert world.alice.names() == ["b.txt"]


def test_a_new_version_counts_as_a_revision(world, file):
    world.alice.upload("a.txt", b"newer")

    refused(change(world.alice, file["id"], name="b.txt", if_match='"1"'), 412, "stale")
    answered(change(world.alice, file["id"], name="b.txt", if_match='"2"'))


def test_somebody_elses_entry_is_not_found_whatever_the_revision(world, file):
    refused(change(world.bob, file["id"], name="b.txt", if_match='"9"'), 404, "not_found")
    refused(change(world.bob, file["id"], name="b.txt", if_match="nonsense"), 404, "not_found")
