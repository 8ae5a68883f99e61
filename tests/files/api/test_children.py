"""GET /api/files/{id}/children: sorted, folders first, each entry on exactly one page."""

import datetime as dt
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from files.models import Entry
from files.names import name_key
from rapidserve.db import new_id
from tests.files.api.answers import answered, refused

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def listing(person, folder, query=""):
    return answered(person.get(f"/api/files/{folder}/children?{query}"))


def fill(person, folder, rows):
    """Entries of (kind, name, size, day) as rows; their bytes don't matter here."""
    parent = Entry.objects.get(id=folder)
    Entry.objects.bulk_create(
        Entry(
            id=(entry_id := new_id()),
            space=parent.space,
            parent=parent,
            type=kind,
            name=name,
            name_key=name_key(name),
            path=f"{parent.path}{entry_id.hex}/" if kind == "folder" else None,
            size=size if kind == "file" else None,
            created_at=EPOCH,
            created_by=person.user,
            modified_at=EPOCH + dt.timedelta(days=day),
            modified_by=person.user,
        )
        for kind, name, size, day in rows
    )


def all_pages(person, folder, query, limit):
    seen, cursor = [], ""
    while True:
        page = listing(person, folder, f"{query}&limit={limit}{cursor}")
        assert len(page["results"]) <= limit
        seen += page["results"]
        if page["next"] is None:
            return seen
        assert page["results"], "a page that is not the last has entries"
        cursor = f"&cursor={page['next']}"


# Few sizes and days, so that most of them tie.
rows = st.lists(
    st.tuples(
        st.sampled_from(["file", "folder"]),
        st.text("abcÀß", min_size=1, max_size=3),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=12,
    unique_by=lambda row: name_key(row[1]),
)


def test_pages_give_each_entry_exactly_once_in_the_order_asked_for(world):
    keys = {
        "name": lambda e: name_key(e["name"]),
        "size": lambda e: name_key(e["name"]) if e["size"] is None else e["size"],
        "modified": lambda e: e["modified_at"],
    }

    @settings(
        max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(rows, st.sampled_from(list(keys)), st.booleans(), st.integers(1, 5))
    def check(rows, sort, descending, limit):
        folder = world.alice.folder(new_id().hex)
        fill(world.alice, folder, rows)
        query = f"sort={sort}&order={'desc' if descending else 'asc'}"

        seen = all_pages(world.alice, folder, query, limit)

        def rank(entry):
            return keys[sort](entry), UUID(entry["id"]).int

        folders = [entry for entry in seen if entry["type"] == "folder"]
        files = [entry for entry in seen if entry["type"] == "file"]
        assert seen == folders + files
        assert folders == sorted(folders, key=rank, reverse=descending)
        assert files == sorted(files, key=rank, reverse=descending)
        assert sorted(entry["name"] for entry in seen) == sorted(row[1] for row in rows)

    check()


def test_by_name_is_the_order_without_being_asked(world):
    alice = world.alice
    fill(alice, alice.root, [("file", "b", 1, 1), ("file", "A", 9, 9), ("folder", "z", 0, 5)])

    assert alice.names() == ["z", "A", "b"]


def test_what_comes_and_goes_between_pages_moves_nothing_else(world):
    alice = world.alice
    fill(alice, alice.root, [("file", name, 1, 1) for name in "bdfhj"])
    first = listing(alice, alice.root, "limit=2")
    gone = Entry.objects.get(name="d")

    alice.delete(f"/api/files/{gone.id}")  # the very entry the page ended with
    fill(alice, alice.root, [("file", "a", 1, 1), ("file", "e", 1, 1)])
    second = listing(alice, alice.root, f"limit=10&cursor={first['next']}")

    assert [entry["name"] for entry in first["results"]] == ["b", "d"]
    assert [entry["name"] for entry in second["results"]] == ["e", "f", "h", "j"]


def test_entries_are_told_as_they_are_told_alone(world):
    file = world.alice.upload("a.txt", b"text")["file"]

    assert listing(world.alice, world.alice.root)["results"] == [file]


def test_an_empty_folder_has_one_empty_page(world):
    folder = world.alice.folder("f")

    assert listing(world.alice, folder) == {"results": [], "next": None}


def test_a_page_holds_100_unless_asked_and_1000_at_most(world):
    fill(world.alice, world.alice.root, [("file", f"{n:04}", 1, 1) for n in range(1001)])

    assert len(listing(world.alice, world.alice.root)["results"]) == 100
    most = listing(world.alice, world.alice.root, "limit=999999999999")
    assert len(most["results"]) == 1000
    rest = listing(world.alice, world.alice.root, f"limit=1000&cursor={most['next']}")
    assert [entry["name"] for entry in rest["results"]] == ["1000"]
    assert len(listing(world.alice, world.alice.root, "limit=-5")["results"]) == 1


@pytest.mark.parametrize("other", ["folder", "sort", "order", "person", "list"])
def test_a_cursor_serves_only_the_list_it_came_from(world, other):
    alice, bob = world.alice, world.bob
    for person in (alice, bob):
        fill(person, person.root, [("file", name, 1, 1) for name in "ab"])
    folder = alice.folder("f")
    cursor = listing(alice, alice.root, "limit=1")["next"]

    response = {
        "folder": lambda: alice.get(f"/api/files/{folder}/children?cursor={cursor}"),
        "sort": lambda: alice.get(f"/api/files/{alice.root}/children?sort=size&cursor={cursor}"),
        "order": lambda: alice.get(f"/api/files/{alice.root}/children?order=desc&cursor={cursor}"),
        "person": lambda: bob.get(f"/api/files/{bob.root}/children?cursor={cursor}"),
        "list": lambda: alice.get(f"/api/trash?cursor={cursor}"),
    }[other]()

    refused(response, 400, "cursor_invalid")


def test_a_file_has_no_children(world):
    file = world.alice.upload("a.txt", b"")["file"]["id"]

    refused(world.alice.get(f"/api/files/{file}/children"), 409, "not_a_folder")
