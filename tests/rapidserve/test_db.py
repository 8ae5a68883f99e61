import time

import pytest
from django.db import IntegrityError, OperationalError

from files.models import Epoch
from rapidserve.db import atomic, new_id, run_atomic, update_if
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
