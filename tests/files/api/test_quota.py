"""Quota: reserved once at register, spent at complete, given back with what is removed for good."""

import pytest

from files.content.collect import collect
from tests.files.api.answers import answered, refused


@pytest.fixture
def alice(world):
    """Alice with room for exactly 100 bytes."""
    limit(world.alice, 100)
    return world.alice


def limit(person, size):
    space = person.space
    space.quota_bytes = size
    space.save(update_fields=["quota_bytes"])


def counted(person):
    space = person.space
    return space.used_bytes, space.reserved_bytes


def test_the_last_byte_fits_and_one_more_does_not(alice):
    error = refused(alice.register("a", b"x" * 101), 507, "quota_exceeded")
    assert (error["need"], error["have"]) == (101, 100)

    alice.upload("a", b"x" * 100)

    assert counted(alice) == (100, 0)
    error = refused(alice.register("b", b"y"), 507, "quota_exceeded")
    assert (error["need"], error["have"]) == (1, 0)
    alice.upload("empty", b"")


def test_room_is_reserved_once_however_often_the_upload_is_registered(alice):
    for _ in range(3):
        assert alice.register("a", b"x" * 60).status_code in {200, 201}

    assert counted(alice) == (0, 60)
    refused(alice.register("b", b"y" * 41), 507, "quota_exceeded")


def test_completing_turns_what_was_reserved_into_what_is_used(alice):
    alice.upload("a", b"x" * 60)

    assert counted(alice) == (60, 0)


def test_a_new_version_counts_beside_the_old_one(alice):
    alice.upload("a", b"x" * 60)
    alice.upload("a", b"y" * 40)

    assert counted(alice) == (100, 0)
    refused(alice.register("a", b"z"), 507, "quota_exceeded")


def test_content_that_is_stored_already_counts_all_the_same(alice):
    alice.upload("a", b"x" * 60)

    refused(alice.register("b", b"x" * 60), 507, "quota_exceeded")


def test_copies_count_and_are_refused_without_room(alice):
    file = alice.upload("a", b"x" * 40)["file"]["id"]
    answered(alice.post(f"/api/files/{file}/copy", {"parent": alice.root}), 201)
    assert counted(alice) == (80, 0)

    error = refused(
        alice.post(f"/api/files/{file}/copy", {"parent": alice.root}), 507, "quota_exceeded"
    )

    assert (error["need"], error["have"]) == (40, 20)
    assert counted(alice) == (80, 0)


def test_a_folder_that_does_not_fit_is_not_copied_in_part(alice):
    folder = alice.folder("f")
    alice.upload("a", b"x" * 30, parent=folder)
    alice.upload("b", b"y" * 30, parent=folder)

    refused(alice.post(f"/api/files/{folder}/copy", {"parent": alice.root}), 507, "quota_exceeded")

    assert counted(alice) == (60, 0)
    assert alice.names() == ["f"]


def test_the_trash_still_counts_and_removing_for_good_gives_back(alice):
    file = alice.upload("a", b"x" * 60)["file"]["id"]
    alice.upload("a", b"y" * 40)
    alice.delete(f"/api/files/{file}")
    assert counted(alice) == (100, 0)

    alice.delete(f"/api/trash/{file}")
    collect()

    assert counted(alice) == (0, 0)
    alice.upload("b", b"z" * 100)


def test_without_a_quota_there_is_room_for_anything(alice):
    limit(alice, None)

    answered(alice.register("a", b"", size=2**40, chunks=[]), 201)


def test_a_quota_below_what_is_used_refuses_more_and_has_nothing_left(alice):
    alice.upload("a", b"x" * 60)
    limit(alice, 10)

    error = refused(alice.register("b", b"y"), 507, "quota_exceeded")

    assert (error["need"], error["have"]) == (1, 0)
