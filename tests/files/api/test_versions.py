"""GET /api/files/{id}/versions and POST …/{version}/restore: a file's history."""

import pytest

from files.models import Change
from tests.files.api.answers import answered, refused
from tests.world import content_hash_of


@pytest.fixture
def versions(world):
    """Answers of completing three versions of one file."""
    return [world.alice.upload("a.txt", text) for text in (b"one", b"two!", b"three")]


def history(person, file, query=""):
    return answered(person.get(f"/api/files/{file}/versions{query}"))


def restore(person, file, version):
    return person.post(f"/api/files/{file}/versions/{version}/restore")


def test_the_newest_comes_first_and_one_is_current(world, versions):
    results = history(world.alice, versions[0]["file"]["id"])["results"]

    assert [version["number"] for version in results] == [3, 2, 1]
    assert [version["current"] for version in results] == [True, False, False]
    assert [version["size"] for version in results] == [5, 4, 3]
    assert [version["id"] for version in results] == [v["version"]["id"] for v in versions[::-1]]
    assert results[2]["content_hash"] == content_hash_of(b"one")
    assert results[0]["created_by"]["username"] == "alice"


def test_pages_give_each_version_once(world, versions):
    file = versions[0]["file"]["id"]

    first = history(world.alice, file, "?limit=2")
    second = history(world.alice, file, f"?limit=2&cursor={first['next']}")

    assert [version["number"] for version in first["results"]] == [3, 2]
    assert [version["number"] for version in second["results"]] == [1]
    assert second["next"] is None


def test_a_cursor_of_another_files_history_is_refused(world, versions):
    cursor = history(world.alice, versions[0]["file"]["id"], "?limit=1")["next"]
    other = world.alice.upload("b.txt", b"")["file"]["id"]

    response = world.alice.get(f"/api/files/{other}/versions?cursor={cursor}")

    refused(response, 400, "cursor_invalid")


def test_an_upload_that_is_not_complete_is_no_version(world, versions):
    world.alice.register("a.txt", b"four")

    assert len(history(world.alice, versions[0]["file"]["id"])["results"]) == 3


def test_restoring_makes_an_old_version_current_and_keeps_history(shared_world):
    alice = shared_world.alice
    old = alice.upload("a.txt", b"old")
    file = alice.upload("a.txt", b"newer")["file"]

    body = answered(restore(alice, file["id"], old["version"]["id"]))

    assert (body["id"], body["version"]) == (file["id"], old["version"]["id"])
    assert (body["size"], body["content_hash"]) == (3, content_hash_of(b"old"))
    assert body["revision"] == file["revision"] + 1
    results = history(alice, file["id"])["results"]
    assert [(v["number"], v["current"]) for v in results] == [(2, False), (1, True)]
    assert alice.download(file["id"]) == b"old"
    assert alice.space.used_bytes == 8
    assert alice.upload("a.txt", b"after")["version"]["number"] == 3


def test_restoring_the_current_version_changes_nothing(world, versions):
    file = versions[2]["file"]
    lines = Change.objects.count()

    body = answered(restore(world.alice, file["id"], file["version"]))

    assert body == file
    assert Change.objects.count() == lines


def test_a_version_of_another_file_is_not_found(world, versions):
    other = world.alice.upload("b.txt", b"")["version"]["id"]

    refused(restore(world.alice, versions[0]["file"]["id"], other), 404, "not_found")


def test_somebody_elses_history_is_not_found(world, versions):
    file, version = versions[0]["file"]["id"], versions[0]["version"]["id"]

    refused(world.bob.get(f"/api/files/{file}/versions"), 404, "not_found")
    refused(restore(world.bob, file, version), 404, "not_found")


def test_folders_have_no_history(world):
    folder = world.alice.folder("f")

    refused(world.alice.get(f"/api/files/{folder}/versions"), 409, "not_a_file")


def test_versions_in_the_trash_are_not_restored(world, versions):
    file, version = versions[0]["file"]["id"], versions[0]["version"]["id"]
    world.alice.delete(f"/api/files/{file}")

    refused(restore(world.alice, file, version), 404, "not_found")
