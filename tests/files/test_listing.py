"""Lists cost what their page costs, however long they are: each is read in an index's order."""

import pytest

from files.access import listing, search
from files.access.listing import Order
from files.models import Entry
from tests.engines.plans import plans_of


@pytest.fixture
def root(world):
    return Entry.objects.get(id=world.alice.space.root)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", listing.SORTS)
@pytest.mark.parametrize("page", ["first", "next"])
def test_a_folder_is_read_in_the_order_of_an_index(world, root, sort, descending, page):
    order = Order(sort, descending)
    file = Entry.objects.get(id=world.alice.upload("a", b"")["file"]["id"])
    after = listing.place_of(file, order) if page == "next" else None

    for plan in plans_of(lambda: listing.children(root, order, after, 100), "files_entry"):
        assert set(plan.indexes) <= {"entry_by_name", "entry_by_size", "entry_by_modified"}
        assert plan.indexes
        assert not plan.sorts, plan
        assert not plan.scans, plan
        assert not plan.joins, plan


def test_the_trash_is_read_in_the_order_of_an_index(world):
    world.alice.delete(f"/api/files/{world.alice.folder('old')}")

    plan, parents = plans_of(lambda: listing.trash(world.alice.space, None, 100), "files_entry")

    assert plan.indexes == ["entry_trash"]
    assert not any((plan.sorts, plan.scans, plan.joins))
    assert not any((parents.scans, parents.joins))  # by their ids, all at once


def test_names_are_searched_in_an_index(world):
    world.alice.folder("reports")

    alice, space = world.alice.actor, world.alice.space.id
    plans = plans_of(lambda: search.search(alice, [space], "report", None, 100))

    begins, holds = (plan for plan in plans if "entry_search" in plan.indexes)
    assert begins.query != holds.query
    assert not any(plan.sorts or plan.scans or plan.joins for plan in plans)


def test_children_are_counted_for_all_folders_of_a_page_at_once(world, django_assert_num_queries):
    alice = world.alice
    papers, empty = alice.folder("papers"), alice.folder("empty")
    alice.folder("inner", papers)
    alice.upload("a", b"", parent=papers)
    alice.delete(f"/api/files/{alice.upload('b', b'', parent=papers)['file']['id']}")
    folders = list(Entry.objects.filter(id__in=[papers, empty]).order_by("name"))

    with django_assert_num_queries(1):
        counts = listing.child_counts(folders)

    assert counts == {folders[0].id: 0, folders[1].id: 2}
