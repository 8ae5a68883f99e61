"""What every request asks is found by an index, on either database, and never joined row by row."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from files.content import reader
from files.models import Entry
from tests.engines.plans import plans_of
from tests.world import CHUNK_SIZE, PASSWORD, specs_of

MANY = 12
LARGE = b"".join(bytes([number]) * CHUNK_SIZE for number in range(3))


def full(world):
    """Several of everything, so that a list is a list."""
    for name in ("bob", "carol"):
        getattr(world, name).upload("theirs", b"theirs")
    for number in range(MANY):
        world.alice.folder(f"folder {number}")
        world.alice.upload(f"file {number}", bytes([number]))
    world.alice.delete(f"/api/files/{world.alice.folder('old')}")
    world.file = world.alice.upload("large", LARGE)["file"]["id"]
    world.shared = world.alice.folder("shared")
    readers = Group.objects.create(name="readers")
    readers.user_set.add(world.bob.user)
    for subject in (world.bob, world.carol, readers):
        world.alice.share(world.shared, subject, "viewer")
    for number in range(MANY):
        inside = world.alice.folder(f"inside {number}", world.shared)
        world.alice.share(inside, world.bob, "editor")
        world.alice.share(world.alice.folder(f"other {number}"), world.bob, "editor")
    return world


SCENE = full


def asks(act):
    """A hot request under its own name."""
    return pytest.param(act, id=act.__name__)


def signing_in(world):
    client = Client()
    client.post("/login", {"username": "alice", "password": PASSWORD})


def a_page_of_somebody_signed_in(world):
    client = Client()
    client.force_login(world.alice.user)
    assert client.get(f"/files/{world.alice.root}").status_code == 200


def an_entry_by_its_id(world):
    assert world.alice.get(f"/api/files/{world.file}").status_code == 200


def the_first_page_of_a_folder(world):
    assert world.alice.get(f"/api/files/{world.alice.root}/children?limit=5").status_code == 200


def the_next_page_of_a_folder(world):
    address = f"/api/files/{world.alice.root}/children?limit=5"
    cursor = world.alice.get(address).json()["next"]
    assert world.alice.get(f"{address}&cursor={cursor}").status_code == 200


def a_manifest(world):
    assert world.alice.get(f"/api/download/{world.file}").status_code == 200


def where_the_bytes_of_a_file_are(world):
    version = Entry.objects.get(id=world.file).current_version_id
    reader.forget_all()
    assert reader.extent(version, 1).nodes


def registering_what_is_there(world):
    assert world.alice.register("again", LARGE).status_code == 201


def what_an_upload_still_needs(world):
    upload = world.alice.register("new", LARGE[::-1]).json()["upload_id"]
    assert world.alice.get(f"/api/upload/{upload}").status_code == 200


def completing(world):
    world.alice.upload("another", LARGE[1:])


def the_journal(world):
    page = world.alice.get("/api/changes?limit=5")
    assert page.status_code == 200
    assert world.alice.get(f"/api/changes?cursor={page.json()['cursor']}").status_code == 200


def a_search(world):
    assert world.alice.get("/api/search?q=file").status_code == 200


def the_history_of_a_file(world):
    assert world.alice.get(f"/api/files/{world.file}/versions").status_code == 200


def the_trash(world):
    assert world.alice.get(f"/api/trash?space={world.alice.space.id}").status_code == 200


def a_shared_folder(world):
    assert len(world.bob.names(world.shared)) == MANY


def what_was_shared_with_somebody(world):
    assert world.bob.get("/api/shared").status_code == 200


def a_guests_search(world):
    assert world.bob.get("/api/search?q=inside").status_code == 200


def a_guests_journal(world):
    assert world.bob.get(f"/api/changes?space={world.alice.space.id}").status_code == 200


def who_may_see_a_folder(world):
    assert world.alice.get(f"/api/files/{world.shared}/access").status_code == 200


def sharing_a_folder(world):
    world.alice.share(world.shared, world.carol, "editor")
    world.alice.unshare(world.shared, world.carol)


def what_is_not_there_for_somebody_else(world):
    assert world.carol.get(f"/api/files/{world.file}").status_code == 404


HOT = [
    signing_in,
    a_page_of_somebody_signed_in,
    an_entry_by_its_id,
    the_first_page_of_a_folder,
    the_next_page_of_a_folder,
    a_manifest,
    where_the_bytes_of_a_file_are,
    registering_what_is_there,
    what_an_upload_still_needs,
    completing,
    the_journal,
    a_search,
    the_history_of_a_file,
    the_trash,
    a_shared_folder,
    what_was_shared_with_somebody,
    a_guests_search,
    a_guests_journal,
    who_may_see_a_folder,
    sharing_a_folder,
    what_is_not_there_for_somebody_else,
]


@pytest.mark.parametrize("act", [asks(act) for act in HOT])
def test_is_answered_by_indexes(scene, act):
    for plan in plans_of(lambda: act(scene)):
        assert not plan.scans, plan
        assert not plan.joins or plan.rows <= 1, plan


def test_which_of_many_hashes_are_here_is_one_look_into_an_index(scene):
    """`have`: 1,000 hashes of a register are looked up together."""
    hashes = [spec["sha256"] for spec in specs_of(LARGE)]

    plans = plans_of(lambda: scene.alice.register("again", LARGE), "files_extent")

    asked = [plan for plan in plans if hashes[0] in plan.query and "space" in plan.query]
    assert asked
    assert all("extent_by_hash" in plan.indexes for plan in asked)


def test_the_whole_subtree_of_a_folder_is_a_range_of_an_index(scene):
    root = Entry.objects.get(id=scene.alice.root)

    below = plans_of(
        lambda: list(Entry.objects.filter(path__gte=root.path, path__lt=f"{root.path}~"))
    )

    assert below[0].indexes == ["entry_subtree"]
