"""The trash: DELETE /api/files/{id}, GET /api/trash, restore, remove for good."""

import datetime as dt

import pytest
from django.utils import timezone

from files import tasks
from files.actions import trash as actions
from files.models import Chunk, Entry, Extent, Version
from tests.files.api.answers import answered, refused
from tests.files.api.tree import assert_sound


def trash(person, entry):
    response = person.delete(f"/api/files/{entry}")
    assert (response.status_code, response.content) == (204, b"")


def restore(person, entry):
    return person.post(f"/api/trash/{entry}/restore")


def remove(person, entry):
    return person.delete(f"/api/trash/{entry}")


def trashed_names(person, query=""):
    return [entry["name"] for entry in answered(person.get(f"/api/trash{query}"))["results"]]


@pytest.fixture
def folder(world):
    return world.alice.folder("papers")


@pytest.fixture
def file(world, folder):
    return world.alice.upload("a.txt", b"text", parent=folder)["file"]["id"]


def test_what_is_trashed_is_out_of_sight_and_listed_there(world, folder, file):
    trash(world.alice, file)

    refused(world.alice.get(f"/api/files/{file}"), 404, "not_found")
    assert world.alice.names(folder) == []
    (entry,) = answered(world.alice.get("/api/trash"))["results"]
    assert (entry["id"], entry["name"], entry["parent"]) == (file, "a.txt", folder)
    since = timezone.now() - dt.datetime.fromisoformat(entry["trashed_at"])
    assert dt.timedelta(0) <= since < dt.timedelta(minutes=5)


def test_of_a_folder_only_itself_is_listed_and_all_below_is_out_of_sight(world, folder, file):
    inner = world.alice.folder("inner", folder)
    trash(world.alice, folder)

    assert trashed_names(world.alice) == ["papers"]
    for entry in (folder, inner, file):
        refused(world.alice.get(f"/api/files/{entry}"), 404, "not_found")
        refused(world.alice.delete(f"/api/files/{entry}"), 404, "not_found")
    refused(world.alice.get(f"/api/files/{folder}/children"), 404, "not_found")


def test_restoring_puts_it_back_where_it_was(world, folder, file):
    trash(world.alice, folder)

    body = answered(restore(world.alice, folder))

    assert (body["id"], body["parent"], body["name"]) == (folder, world.alice.root, "papers")
    assert world.alice.names(folder) == ["a.txt"]
    assert trashed_names(world.alice) == []
    assert_sound(world.alice.space)


def test_restoring_twice_or_what_was_never_trashed_is_not_found(world, folder, file):
    refused(restore(world.alice, file), 404, "not_found")
    trash(world.alice, file)
    answered(restore(world.alice, file))

    refused(restore(world.alice, file), 404, "not_found")


def test_what_lies_in_a_trashed_folder_is_restored_with_it_only(world, folder, file):
    trash(world.alice, folder)

    refused(restore(world.alice, file), 404, "not_found")
    refused(remove(world.alice, file), 404, "not_found")


def test_a_name_that_was_taken_meanwhile_gets_a_number(world, folder, file):
    trash(world.alice, file)
    world.alice.upload("A.TXT", b"other", parent=folder)

    assert answered(restore(world.alice, file))["name"] == "a (1).txt"
    assert world.alice.names(folder) == ["a (1).txt", "A.TXT"]
    assert_sound(world.alice.space)


def test_it_goes_to_the_top_when_its_folder_is_in_the_trash(world, folder, file):
    trash(world.alice, file)
    trash(world.alice, folder)

    assert answered(restore(world.alice, file))["parent"] == world.alice.root
    assert trashed_names(world.alice) == ["papers"]


def test_it_goes_to_the_top_when_a_folder_far_above_is_in_the_trash(world, folder):
    middle = world.alice.folder("middle", folder)
    inner = world.alice.folder("inner", middle)
    deepest = world.alice.folder("deepest", inner)
    trash(world.alice, inner)
    trash(world.alice, folder)

    assert answered(restore(world.alice, inner))["parent"] == world.alice.root

    assert world.alice.names(inner) == ["deepest"]
    assert answered(world.alice.get(f"/api/files/{deepest}"))["parent"] == inner
    assert_sound(world.alice.space)


def test_removing_a_folder_for_good_takes_along_what_was_trashed_in_it_before(world, folder, file):
    trash(world.alice, file)
    trash(world.alice, folder)

    assert remove(world.alice, folder).status_code == 204

    assert trashed_names(world.alice) == []
    refused(restore(world.alice, file), 404, "not_found")
    assert set(Entry.objects.values_list("name", flat=True)) == {"My files"}


def test_removing_for_good_leaves_no_row_but_the_chunks_for_the_collector(world, folder, file):
    inner = world.alice.folder("inner", folder)
    world.alice.upload("b.txt", b"more", parent=inner)
    world.alice.upload("b.txt", b"still more", parent=inner)
    trash(world.alice, folder)

    response = remove(world.alice, folder)

    assert (response.status_code, response.content) == (204, b"")
    assert Entry.objects.count() == 1
    assert (Version.objects.count(), Extent.objects.count()) == (0, 0)
    assert Chunk.objects.count() == 3
    assert world.alice.space.used_bytes == 0


def test_removing_for_good_twice_is_not_found(world, file):
    trash(world.alice, file)
    remove(world.alice, file)

    refused(remove(world.alice, file), 404, "not_found")
    refused(restore(world.alice, file), 404, "not_found")


@pytest.mark.parametrize("method", ["remove", "restore"])
def test_who_removes_what_somebody_else_has_just_dealt_with_finds_nothing(
    world, file, monkeypatch, method
):
    trash(world.alice, file)
    look_up = actions.trashed_entry_for

    def look_up_and_lose(*args):
        entry = look_up(*args)
        monkeypatch.setattr(actions, "trashed_entry_for", look_up)
        getattr(actions, method)(actor=world.alice.actor, entry_id=entry.id)
        return entry

    monkeypatch.setattr(actions, "trashed_entry_for", look_up_and_lose)

    refused(remove(world.alice, file), 404, "not_found")


def test_only_what_is_in_the_trash_is_removed_for_good(world, file):
    refused(remove(world.alice, file), 404, "not_found")

    assert answered(world.alice.get(f"/api/files/{file}"))["id"] == file


def test_a_folder_is_not_restored_where_it_would_be_too_deep(world):
    alice = world.alice
    top, low = alice.folder("top"), alice.folder("low")
    at = top
    for _ in range(98):
        at = alice.folder("d", at)
    for _ in range(2):
        low = alice.folder("l", low)
    moved = alice.folder("m", at)  # the 100th level
    trash(alice, moved)
    alice.patch(f"/api/files/{top}", {"parent": low})

    # The move was refused, since what is in the trash below counts: it could come back.
    assert answered(alice.get(f"/api/files/{top}"))["parent"] == alice.root
    answered(restore(alice, moved))
    assert_sound(alice.space)


def test_the_latest_comes_first_and_pages_give_each_once(world):
    for number in range(7):
        trash(world.alice, world.alice.folder(f"f{number}"))
    same = timezone.now()
    Entry.objects.filter(live=False, name__in=["f1", "f2", "f3", "f4"]).update(trashed_at=same)

    seen, query = [], "?limit=2"
    while True:
        page = answered(world.alice.get(f"/api/trash{query}"))
        seen += [entry["name"] for entry in page["results"]]
        if page["next"] is None:
            break
        query = f"?limit=2&cursor={page['next']}"

    assert sorted(seen) == [f"f{number}" for number in range(7)]
    assert set(seen[:4]) == {"f1", "f2", "f3", "f4"}
    assert seen[4:] == ["f6", "f5", "f0"]


def test_a_space_can_be_named(world, folder):
    trash(world.alice, folder)
    space = world.alice.space.id

    assert trashed_names(world.alice, f"?space={space}") == ["papers"]
    refused(world.bob.get(f"/api/trash?space={space}"), 404, "not_found")
    assert trashed_names(world.bob) == []


def test_somebody_elses_trash_is_not_found(world, file):
    trash(world.alice, file)

    refused(restore(world.bob, file), 404, "not_found")
    refused(remove(world.bob, file), 404, "not_found")
    assert trashed_names(world.alice) == ["a.txt"]


def test_after_thirty_days_the_trash_empties_itself(world, folder, file):
    other = world.alice.folder("other")
    trash(world.alice, folder)
    trash(world.alice, other)
    long_ago = timezone.now() - dt.timedelta(days=30, minutes=1)
    Entry.objects.filter(id=folder).update(trashed_at=long_ago)
    nearly = timezone.now() - dt.timedelta(days=29, hours=23)
    Entry.objects.filter(id=other).update(trashed_at=nearly)

    tasks.empty_trash.call_local()

    assert trashed_names(world.alice) == ["other"]
    assert not Entry.objects.filter(id__in=[folder, file]).exists()
    assert world.alice.space.used_bytes == 0


def test_a_removal_that_a_crash_interrupted_is_finished(world, folder, file):
    trash(world.alice, folder)
    Entry.objects.filter(id=folder).update(purged_at=timezone.now())
    assert trashed_names(world.alice) == []

    tasks.empty_trash.call_local()

    assert not Entry.objects.filter(id__in=[folder, file]).exists()
    assert world.alice.space.used_bytes == 0
