"""What asking for rights costs, and how soon it is known that they have changed."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group

from files.access import rights
from files.access.actor import Actor
from files.access.policy import can, permissions, sights
from files.access.roles import Permission
from files.models import Entry
from rapidserve.db import run_atomic

pytestmark = pytest.mark.django_db


@pytest.fixture
def deep(world):
    """A file five folders down. bob may see the first by his group, the third by himself."""
    parent, folders = world.alice.root, []
    for number in range(5):
        parent = world.alice.folder(str(number), parent)
        folders.append(parent)
    readers = Group.objects.create(name="readers")
    readers.user_set.add(world.bob.user)
    world.alice.share(folders[0], readers, "previewer")
    world.alice.share(folders[2], world.bob, "viewer")
    registered = world.alice.register("file", b"", parent=parent).json()
    file = world.alice.complete(registered["upload_id"]).json()["file"]["id"]
    rights.changed()
    return Entry.objects.select_related("space", "parent").get(id=file)


def test_three_queries_the_first_time_and_none_after_it(world, deep, django_assert_num_queries):
    bob = Actor(world.bob.user)
    rights.role_of(rights.permission_for("viewer"))  # once for each process

    with django_assert_num_queries(3):
        assert can(bob, Permission.DOWNLOAD, deep)
    with django_assert_num_queries(0):
        assert not can(bob, Permission.EDIT, deep)


def test_the_owner_needs_none(world, deep, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert can(world.alice.actor, Permission.OWN, deep)


def test_a_page_of_a_thousand_needs_as_many_as_one(world, deep, django_assert_max_num_queries):
    folder = Entry.objects.select_related("space").get(id=deep.parent_id)
    page = [Entry(parent=folder, space=folder.space) for _ in range(1000)]

    with django_assert_max_num_queries(1 + 2 * 3):  # 500 ids in each
        seen = sights(Actor(world.bob.user), page)

    assert all(Permission.DOWNLOAD in sight.permissions for sight in seen.values())


def test_what_decides_about_something_lasting_is_asked_of_the_database(
    world, deep, django_assert_num_queries
):
    bob = Actor(world.bob.user)
    permissions(bob, deep)

    with django_assert_num_queries(3):
        permissions(Actor(world.bob.user, fresh=True), deep)
    transaction = 1 if settings.ON_MONGODB else 2  # what one is inside of the test's own
    with django_assert_num_queries(3 + transaction):
        run_atomic(lambda: permissions(bob, deep))


@pytest.mark.django_db(transaction=True)
def test_what_another_process_changed_is_known_at_once(shared_world, settings):
    alice, bob = shared_world.alice, shared_world.bob
    folder = alice.folder("papers")
    alice.share(folder, bob, "viewer")
    entry = Entry.objects.select_related("space", "parent").get(id=folder)
    assert can(bob.actor, Permission.VIEW, entry)

    remembered = rights._current[0]
    alice.unshare(folder, bob)
    rights._current[:] = [remembered]  # as in a process that did not do it itself

    assert not can(bob.actor, Permission.VIEW, entry)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_remembered_for_longer_than_a_second(shared_world, monkeypatch):
    """From another machine comes no sign."""
    alice, bob = shared_world.alice, shared_world.bob
    folder = alice.folder("papers")
    alice.share(folder, bob, "viewer")
    entry = Entry.objects.select_related("space", "parent").get(id=folder)
    monkeypatch.setattr(rights, "_generation", lambda: 0)
    monkeypatch.setattr(rights, "changed", lambda: None)
    assert can(bob.actor, Permission.VIEW, entry)
    alice.unshare(folder, bob)
    assert can(bob.actor, Permission.VIEW, entry)

    now = rights.time.monotonic()
    monkeypatch.setattr(rights.time, "monotonic", lambda: now + rights.REMEMBERED_SECONDS + 0.1)

    assert not can(bob.actor, Permission.VIEW, entry)


def test_django_is_answered_the_same(world, deep):
    bob = world.bob.user

    assert bob.has_perm("files.viewer", deep)
    assert bob.has_perm("files.previewer", deep)
    assert not bob.has_perm("files.editor", deep)
    assert not bob.has_perm("files.viewer")
    assert not bob.has_perm("files.add_entry", deep)
    assert not world.carol.user.has_perm("files.previewer", deep)
