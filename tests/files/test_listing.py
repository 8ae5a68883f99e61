"""Lists cost what their page costs, however long they are: each is read in an index's order."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from files.access import listing, search
from files.access.listing import Order
from files.models import Entry


def plans_of(read):
    """What the database does for each query on entries that `read` makes."""
    with CaptureQueriesContext(connection) as seen:
        read()
    plans = []
    for query in seen.captured_queries:
        if 'FROM "files_entry"' in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN QUERY PLAN " + query["sql"].replace("%", "%%"))
                plans.append(" ".join(str(row[3]) for row in cursor.fetchall()))
    assert plans
    return plans


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

    for plan in plans_of(lambda: listing.children(root, order, after, 100)):
        assert "USING INDEX entry_by_" in plan
        assert "TEMP B-TREE" not in plan


def test_the_trash_is_read_in_the_order_of_an_index(world):
    (plan,) = plans_of(lambda: listing.trash(world.alice.space, None, 100))

    assert "USING INDEX entry_trash (space_id=? AND live=?)" in plan
    assert "TEMP B-TREE" not in plan


def test_names_are_searched_in_an_index(world):
    world.alice.folder("reports")

    plans = plans_of(lambda: search.search([world.alice.space.id], "report", None, 100))

    begins, holds = (plan for plan in plans if "entry_search" in plan)
    assert "(space_id=? AND live=? AND search_key>? AND search_key<?)" in begins
    assert "(space_id=? AND live=?)" in holds
    assert all("TEMP B-TREE" not in plan for plan in plans)


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
