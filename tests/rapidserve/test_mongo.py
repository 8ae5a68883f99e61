"""What our engine adds to MongoDB's backend, asked of a real mongod."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections
from django.db.models import F, Max, Sum
from django.db.transaction import TransactionManagementError
from django.db.transaction import atomic as django_atomic

from accounts.models import User
from files.models import Entry, Epoch, Space
from rapidserve.db import atomic, current_time, new_id, on_commit, run_atomic
from tests.engines import mongod
from tests.engines.undo import ON_MONGODB

pytestmark = [
    pytest.mark.skipif(not ON_MONGODB, reason="asks MongoDB: the second run of `make test`"),
    pytest.mark.django_db(transaction=True),
]


def an_epoch(value: int = 1) -> Epoch:
    return Epoch.objects.create(id=new_id(), value=value, changed_at=current_time())


def value_of(epoch: Epoch) -> int:
    return Epoch.objects.get(id=epoch.id).value


@contextmanager
def failing(begin=atomic):
    """A transaction that ends with an error of ours."""
    with suppress(KeyError), begin():
        yield
        raise KeyError


def on_a_thread(function):
    """What it returns, on a connection of its own."""

    def run():
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


class TestTransactions:
    @pytest.mark.parametrize("begin", [atomic, django_atomic])
    def test_what_fails_is_rolled_back(self, begin):
        epoch = an_epoch()

        with failing(begin):
            Epoch.objects.filter(id=epoch.id).update(value=2)
            an_epoch()

        assert value_of(epoch) == 1
        assert Epoch.objects.count() == 1

    def test_others_see_nothing_of_it_before_its_end(self):
        epoch = an_epoch()

        with atomic():
            Epoch.objects.filter(id=epoch.id).update(value=2)
            seen_within = on_a_thread(lambda: value_of(epoch))

        assert (seen_within, value_of(epoch)) == (1, 2)

    def test_it_reads_one_moment(self):
        epoch = an_epoch()

        with atomic():
            before = value_of(epoch)
            on_a_thread(lambda: Epoch.objects.filter(id=epoch.id).update(value=9))
            after = value_of(epoch)

        assert (before, after, value_of(epoch)) == (1, 1, 9)

    def test_an_inner_one_that_fails_takes_the_outer_one_with_it(self):
        epoch = an_epoch()

        with failing():
            Epoch.objects.filter(id=epoch.id).update(value=2)
            with failing(django_atomic):
                pass
            with pytest.raises(TransactionManagementError):
                Epoch.objects.count()

        assert value_of(epoch) == 1

    def test_after_an_error_no_statement_is_sent_any_more(self):
        epoch = an_epoch()

        with failing():
            with pytest.raises(IntegrityError):
                Epoch.objects.create(id=epoch.id, changed_at=current_time())
            with pytest.raises(TransactionManagementError):
                Epoch.objects.count()

    def test_what_waits_for_its_end_happens_once_it_is_stored(self):
        heard = []

        with atomic():
            epoch = an_epoch()
            on_commit(lambda: heard.append(on_a_thread(lambda: value_of(epoch))))
            assert heard == []

        assert heard == [1]

    def test_what_waits_for_its_end_does_not_happen_when_it_fails(self):
        heard = []

        with failing():
            on_commit(lambda: heard.append(1))

        assert heard == []

    def test_the_loser_of_a_conflict_is_told_that_it_may_try_again(self):
        epoch = an_epoch()

        with failing():
            value_of(epoch)
            on_a_thread(lambda: Epoch.objects.filter(id=epoch.id).update(value=5))
            with pytest.raises(OperationalError, match="busy"):
                Epoch.objects.filter(id=epoch.id).update(value=6)

        assert value_of(epoch) == 5

    def test_two_hundred_at_one_row_all_get_through(self):
        epoch = an_epoch(0)
        add = Epoch.objects.filter(id=epoch.id)
        gate = threading.Barrier(50)

        def four_times():
            gate.wait()
            for _ in range(4):
                run_atomic(lambda: (value_of(epoch), add.update(value=F("value") + 1)))
            connections.close_all()

        with ThreadPoolExecutor(50) as pool:
            for each in [pool.submit(four_times) for _ in range(50)]:
                each.result()

        assert value_of(epoch) == 200

    def test_a_closed_connection_ends_its_transaction(self):
        """Its rows must not stay locked for a minute."""
        epoch = an_epoch()

        with failing():
            Epoch.objects.filter(id=epoch.id).update(value=2)
            connection.close()
            on_a_thread(lambda: Epoch.objects.filter(id=epoch.id).update(value=3))

        assert value_of(epoch) == 3


class TestErrors:
    def test_a_taken_key_is_an_integrity_error(self):
        epoch = an_epoch()

        with pytest.raises(IntegrityError, match="duplicate key"):
            Epoch.objects.bulk_create([Epoch(id=epoch.id, changed_at=current_time())])

    def test_a_mistake_of_ours_is_a_database_error(self):
        with pytest.raises(DatabaseError) as caught:
            list(User.objects.filter(username__regex="("))

        assert not isinstance(caught.value, OperationalError | IntegrityError)

    def test_an_error_while_rows_are_read_is_a_database_error_too(self, settings):
        Epoch.objects.bulk_create(
            [Epoch(id=new_id(), changed_at=current_time()) for _ in range(300)]
        )
        rows = Epoch.objects.iterator(chunk_size=50)
        next(rows)
        client = connection.connection
        client.admin.command(
            {
                "configureFailPoint": "failCommand",
                "mode": {"times": 1},
                "data": {"failCommands": ["getMore"], "errorCode": 2, "appName": "rapidserve"},
            }
        )

        with pytest.raises(DatabaseError):
            list(rows)


class TestServers:
    def test_one_without_a_replica_set_is_refused(self):
        with mongod.alone() as member:
            wrapper = type(connections["default"])(
                {**connection.settings_dict, "HOST": f"mongodb://{member.address}/x"}, "alone"
            )
            with pytest.raises(ImproperlyConfigured, match="replica set"):
                wrapper.connect()

    def test_one_that_is_away_is_an_operational_error(self):
        address = "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=300"
        options = dict(connection.settings_dict["OPTIONS"], serverSelectionTimeoutMS=300)
        wrapper = type(connections["default"])(
            {**connection.settings_dict, "HOST": address, "OPTIONS": options}, "away"
        )
        began = time.monotonic()

        with pytest.raises(OperationalError, match="refused"):
            wrapper.connect()

        assert time.monotonic() - began < 10


class TestQueries:
    def test_an_aggregate_of_nothing_is_a_row_of_nulls(self):
        nothing = Epoch.objects.filter(value=-1)

        assert nothing.aggregate(total=Sum("value"), most=Max("value")) == {
            "total": None,
            "most": None,
        }

    def test_a_page_is_found_before_what_belongs_to_its_rows(self, shared_world):
        alice = shared_world.alice
        for name in "cab":
            alice.folder(name)

        rows = Entry.objects.select_related("space", "parent").filter(parent=alice.root)
        page = list(rows.order_by("name_key")[1:3])

        assert [(each.name, each.space.name, each.parent.id) for each in page] == [
            (name, alice.space.name, alice.space.root) for name in "bc"
        ]

    def test_rows_that_lead_nowhere_are_kept_by_an_outer_join(self, shared_world):
        root = Entry.objects.select_related("parent", "space").get(id=shared_world.alice.root)

        assert root.parent is None
        assert root.space == shared_world.alice.space

    def test_rows_are_chosen_and_ordered_by_what_belongs_to_them(self, shared_world):
        shared_world.bob.folder("bob's")
        shared_world.alice.folder("alice's")

        rows = Entry.objects.select_related("space").filter(parent__isnull=False)
        by_owner = rows.order_by("-space__owner__username")[:1]
        bobs = rows.filter(space__owner__username="bob").order_by("name_key")[:5]

        assert [each.name for each in by_owner] == ["bob's"]
        assert [each.name for each in bobs] == ["bob's"]

    def test_a_prefetch_gives_each_row_its_own(self, shared_world):
        shared_world.bob.folder("bob's")
        shared_world.alice.folder("alice's")

        rows = Entry.objects.filter(parent__isnull=False).prefetch_related("space__owner")
        owners = {each.name: each.space.owner.username for each in rows}
        spaces = Space.objects.prefetch_related("entries").order_by("owner__username")

        assert owners == {"alice's": "alice", "bob's": "bob"}
        assert [len(space.entries.all()) for space in spaces] == [2, 2]
