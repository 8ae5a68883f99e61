"""GET /api/changes: the journal of a space, one line a change, numbered without gaps."""

import datetime as dt

import pytest
from django.utils import timezone

from files import tasks
from files.models import Change, Entry
from tests.files.api.answers import answered, refused


def changes(person, query=""):
    return answered(person.get(f"/api/changes?{query}"))


def test_a_line_tells_what_happened_to_what_and_by_whom(world):
    folder = world.alice.folder("papers")

    body = changes(world.alice)

    assert set(body) == {"results", "cursor", "has_more"}
    assert body["has_more"] is False
    (line,) = body["results"]
    at = dt.datetime.fromisoformat(line.pop("at"))
    assert abs(timezone.now() - at) < dt.timedelta(minutes=5)
    assert line == {
        "seq": 1,
        "type": "created",
        "entry": folder,
        "entry_type": "folder",
        "parent": world.alice.root,
        "name": "papers",
        "actor": {
            "id": str(world.alice.user.id),
            "username": "alice",
            "display_name": "alice",
        },
    }


class Scene:
    """Alice with a folder, and a file of two versions in it."""

    def __init__(self, alice):
        self.alice = alice
        self.folder = alice.folder("folder")
        self.old = alice.upload("a.txt", b"1", parent=self.folder)
        self.file = alice.upload("a.txt", b"2", parent=self.folder)["file"]["id"]

    def trash(self):
        return self.alice.delete(f"/api/files/{self.file}")


MUTATIONS = {
    "created": lambda s: s.alice.folder("new"),
    "created by an upload": lambda s: s.alice.upload("new.txt", b"new"),
    "created by a copy": lambda s: s.alice.post(
        f"/api/files/{s.file}/copy", {"parent": s.alice.root}
    ),
    "updated": lambda s: s.alice.upload("a.txt", b"3", parent=s.folder),
    "updated by restoring a version": lambda s: s.alice.post(
        f"/api/files/{s.file}/versions/{s.old['version']['id']}/restore"
    ),
    "renamed": lambda s: s.alice.patch(f"/api/files/{s.file}", {"name": "b.txt"}),
    "moved": lambda s: s.alice.patch(f"/api/files/{s.file}", {"parent": s.alice.root}),
    "moved and renamed": lambda s: s.alice.patch(
        f"/api/files/{s.file}", {"parent": s.alice.root, "name": "b.txt"}
    ),
    "trashed": lambda s: s.trash(),
    "trashed with all below": lambda s: s.alice.delete(f"/api/files/{s.folder}"),
}
AFTER_TRASHING = {
    "restored": lambda s: s.alice.post(f"/api/trash/{s.file}/restore"),
    "deleted": lambda s: s.alice.delete(f"/api/trash/{s.file}"),
}


@pytest.mark.parametrize("what", [*MUTATIONS, *AFTER_TRASHING])
def test_every_change_is_exactly_one_line(world, what):
    scene = Scene(world.alice)
    if what in AFTER_TRASHING:
        scene.trash()
    before = changes(world.alice)

    (MUTATIONS | AFTER_TRASHING)[what](scene)

    after = changes(world.alice, f"cursor={before['cursor']}")
    (line,) = after["results"]
    assert line["type"] == what.partition(" ")[0]
    assert line["seq"] == before["results"][-1]["seq"] + 1


def test_the_numbers_of_a_life_have_no_gaps(world):
    scene = Scene(world.alice)
    world.alice.upload("b.txt", b"")
    scene.trash()
    world.alice.post(f"/api/trash/{scene.file}/restore")
    scene.trash()
    world.alice.delete(f"/api/trash/{scene.file}")

    lines = changes(world.alice)["results"]

    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert [line["type"] for line in lines] == [
        *("created", "created", "updated", "created"),
        *("trashed", "restored", "trashed", "deleted"),
    ]


def test_what_changes_nothing_or_fails_leaves_no_line(world):
    scene = Scene(world.alice)
    lines = Change.objects.count()

    world.alice.patch(f"/api/files/{scene.file}", {"name": "a.txt"})
    refused(world.alice.patch(f"/api/files/{scene.folder}", {"parent": scene.folder}), 409, "cycle")
    upload = answered(world.alice.register("never.txt", b"never"), 201)["upload_id"]
    refused(world.alice.complete(upload), 409, "chunks_missing")
    world.alice.delete(f"/api/upload/{upload}")
    world.alice.get(f"/api/download/{scene.file}")

    assert Change.objects.count() == lines
    world.alice.folder("next")
    assert changes(world.alice)["results"][-1]["seq"] == lines + 1


def test_a_copied_folder_is_a_line_for_each_entry_parents_first(world):
    scene = Scene(world.alice)
    cursor = changes(world.alice)["cursor"]

    world.alice.post(f"/api/files/{scene.folder}/copy", {"parent": world.alice.root})

    lines = changes(world.alice, f"cursor={cursor}")["results"]
    assert [(line["type"], line["name"]) for line in lines] == [
        ("created", "folder (1)"),
        ("created", "a.txt"),
    ]
    assert lines[1]["parent"] == lines[0]["entry"]


def test_what_the_server_does_by_itself_has_no_actor(world):
    folder = world.alice.folder("f")
    world.alice.delete(f"/api/files/{folder}")
    Entry.objects.filter(id=folder).update(trashed_at=timezone.now() - dt.timedelta(days=31))

    tasks.empty_trash.call_local()

    line = changes(world.alice)["results"][-1]
    assert (line["type"], line["actor"]) == ("deleted", None)


def test_pages_follow_each_other_without_loss(world):
    for number in range(5):
        world.alice.folder(f"f{number}")

    first = changes(world.alice, "limit=2")
    second = changes(world.alice, f"limit=2&cursor={first['cursor']}")
    third = changes(world.alice, f"limit=2&cursor={second['cursor']}")

    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    lines = first["results"] + second["results"] + third["results"]
    assert [line["name"] for line in lines] == ["f0", "f1", "f2", "f3", "f4"]


def test_an_exact_page_has_nothing_more(world):
    world.alice.folder("f")

    assert changes(world.alice, "limit=1")["has_more"] is False


def test_at_the_end_the_cursor_waits_for_what_comes(world):
    world.alice.folder("before")
    cursor = changes(world.alice)["cursor"]
    assert changes(world.alice, f"cursor={cursor}")["results"] == []
    cursor = changes(world.alice, f"cursor={cursor}")["cursor"]

    world.alice.folder("after")

    lines = changes(world.alice, f"cursor={cursor}")["results"]
    assert [line["name"] for line in lines] == ["after"]


def test_latest_tells_only_where_to_go_on(world):
    world.alice.folder("before")

    latest = changes(world.alice, "cursor=latest")
    world.alice.folder("after")

    assert (latest["results"], latest["has_more"]) == ([], False)
    lines = changes(world.alice, f"cursor={latest['cursor']}")["results"]
    assert [line["name"] for line in lines] == ["after"]


def test_a_new_space_has_an_empty_journal(world):
    body = changes(world.alice)

    assert (body["results"], body["has_more"]) == ([], False)


def test_a_space_can_be_named_by_those_who_see_it(world):
    world.alice.folder("papers")
    space = world.alice.space.id

    assert len(changes(world.alice, f"space={space}")["results"]) == 1
    refused(world.bob.get(f"/api/changes?space={space}"), 404, "not_found")
    assert changes(world.bob)["results"] == []


def test_a_cursor_of_another_space_is_refused(world):
    world.alice.folder("papers")
    cursor = changes(world.alice)["cursor"]

    refused(world.bob.get(f"/api/changes?cursor={cursor}"), 400, "cursor_invalid")
