import threading
import time
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection
from django.db.models import CharField, IntegerField, UUIDField
from django.db.transaction import set_rollback

from accounts.models import ApiToken
from files.models import Entry, Epoch
from rapidserve.db import Prepared, atomic, new_id, run_atomic, update_if
from rapidserve.errors import Unavailable


def test_ids_are_random_yet_in_order_of_time():
    made = []
    for _ in range(5):
        made.append(new_id())
        time.sleep(0.002)
    assert made == sorted(made)
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {"specified in RFC 4122"}
    assert len({new_id() for _ in range(10_000)}) == 10_000


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_is_asked_again():
    attempts = []

    def work() -> str:
        attempts.append(1)
        if len(attempts) < 3:
            raise OperationalError("database is locked")
        return "done"

    assert run_atomic(work) == "done"
    assert len(attempts) == 3


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_busy_is_said_so(monkeypatch):
    monkeypatch.setattr("rapidserve.db.time.sleep", lambda _: None)

    def work() -> None:
        raise OperationalError("database is locked")

    with pytest.raises(Unavailable) as refused:
        run_atomic(work)
    assert refused.value.retry_after


@pytest.mark.django_db(transaction=True)
def test_other_errors_are_not_hidden_by_trying_again():
    attempts = []

    def work() -> None:
        attempts.append(1)
        raise OperationalError("no such table: somewhere")

    with pytest.raises(OperationalError):
        run_atomic(work)
    assert len(attempts) == 1


@pytest.mark.django_db(transaction=True)
def test_a_collision_with_another_writer_is_looked_at_again(django_user_model):
    """Between our check and our insert somebody else inserted: the second look finds it."""
    attempts = []

    def work() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise IntegrityError("UNIQUE constraint failed")
        return "found the other's"

    assert run_atomic(work) == "found the other's"


@pytest.mark.django_db(transaction=True)
def test_a_collision_that_stays_is_a_bug_and_says_so():
    def work() -> None:
        raise IntegrityError("UNIQUE constraint failed")

    with pytest.raises(IntegrityError):
        run_atomic(work)


@pytest.mark.django_db(transaction=True)
def test_what_fails_leaves_nothing(django_user_model):
    subject = new_id()

    def work() -> None:
        Epoch.objects.create(id=subject, changed_at="2026-01-01T00:00:00Z")
        raise KeyError

    with pytest.raises(KeyError):
        run_atomic(work)
    assert not Epoch.objects.filter(id=subject).exists()


@pytest.mark.django_db
def test_compare_and_set_says_whether_it_won():
    subject = new_id()
    with atomic():
        Epoch.objects.create(id=subject, value=1, changed_at="2026-01-01T00:00:00Z")
    assert update_if(Epoch.objects.filter(id=subject, value=1), value=2)
    assert not update_if(Epoch.objects.filter(id=subject, value=1), value=3)
    assert Epoch.objects.get(id=subject).value == 2


def by_name(name, *kinds):
    """A query with a join that finds nothing for some, constants, and an order."""
    return (
        Entry.objects.select_related("space", "parent")
        .filter(name_key=name, type__in=kinds, live=True)
        .order_by("created_at")
    )


def epoch_value(epoch_id):
    return Epoch.objects.filter(id=epoch_id).values_list("value")


def facts(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_prepared_query_gives_the_rows_of_the_plain_one(world, django_assert_num_queries):
    world.alice.upload("a", b"1")
    world.alice.folder("b")
    prepared = Prepared(by_name, CharField(), CharField(), CharField())

    root = Entry.objects.get(parent=None).name_key

    for name, count in [("a", 1), ("b", 1), (root, 1), ("nobody", 0)]:
        plain = list(by_name(name, "file", "folder"))
        with django_assert_num_queries(1):
            found = prepared(name, "file", "folder")
            shown = [(facts(e), facts(e.space), e.parent and facts(e.parent)) for e in found]
        assert found == plain
        assert len(found) == count
        assert shown == [(facts(e), facts(e.space), e.parent and facts(e.parent)) for e in plain]


def test_the_rows_of_a_prepared_query_are_saved_as_any(world):
    token = ApiToken.objects.get()

    (found,) = Prepared(lambda token_id: ApiToken.objects.filter(id=token_id), UUIDField())(
        token.id
    )
    assert facts(found) == facts(token)  # a list in JSON, times, and times that are none
    found.name = "other"
    found.save()

    assert ApiToken.objects.get().name == "other"


def test_a_prepared_query_gives_tuples_and_values_as_the_plain_one(world):
    world.alice.upload("a", b"1")
    values = Prepared(
        lambda size: Entry.objects.filter(size__gte=size).values_list("id", "space", "created_at"),
        IntegerField(),
    )
    flat = Prepared(
        lambda *ids: Entry.objects.filter(id__in=ids).values_list("name", flat=True),
        UUIDField(),
        UUIDField(),
    )
    entry = Entry.objects.get(name="a")

    assert values(1) == [(entry.id, entry.space_id, entry.created_at)]
    assert values(2) == []
    assert flat(uuid4(), entry.id) == ["a"]


def test_a_prepared_query_asks_each_time_and_in_the_transaction_it_stands_in(
    transactional_db, django_assert_num_queries
):
    values = Prepared(epoch_value, UUIDField())
    epoch = Epoch.objects.create(id=new_id(), value=1, changed_at="2026-01-01T00:00Z")

    with django_assert_num_queries(1):
        assert values(epoch.id) == [(1,)]
    with atomic():
        Epoch.objects.update(value=2)
        assert values(epoch.id) == [(2,)]
        set_rollback(True)
    assert values(epoch.id) == [(1,)]
    assert values(new_id()) == []


def test_prepared_queries_are_for_all_threads_at_once(transactional_db):
    values = Prepared(epoch_value, UUIDField())
    ids = [new_id() for _ in range(8)]
    for number, epoch_id in enumerate(ids):
        Epoch.objects.create(id=epoch_id, value=number, changed_at="2026-01-01T00:00Z")
    wrong = []

    def ask() -> None:
        for _ in range(20):
            wrong.extend(n for n, epoch_id in enumerate(ids) if values(epoch_id) != [(n,)])
        connection.close()

    threads = [threading.Thread(target=ask) for _ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def test_a_prepared_query_refuses_what_is_no_value_of_its_field(db):
    values = Prepared(epoch_value, UUIDField())

    with pytest.raises(ValidationError):
        values("no id")
    with pytest.raises(ValueError, match="argument"):
        values()
