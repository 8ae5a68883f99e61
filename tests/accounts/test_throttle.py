import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from accounts import actions, throttle
from accounts.models import LoginFailure
from rapidserve.errors import NotAuthenticated, TooManyRequests
from tests.accounts.conftest import PASSWORD

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.1"


def attempt(password, *, username="alice", address=HERE):
    """ "in", "wrong", or the seconds to wait."""
    try:
        actions.authenticated(username=username, password=password, address=address)
    except NotAuthenticated:
        return "wrong"
    except TooManyRequests as error:
        return error.retry_after
    return "in"


@pytest.fixture
def clock(monkeypatch):
    """Time stands still until it is moved."""

    class Clock:
        now = timezone.now()

        def pass_seconds(self, seconds):
            self.now += dt.timedelta(seconds=seconds)

    clock = Clock()
    monkeypatch.setattr("accounts.throttle.timezone.now", lambda: clock.now)
    return clock


@pytest.mark.usefixtures("alice", "clock")
class TestOneNameFromOneAddress:
    def test_five_failures_and_then_even_the_right_password_waits(self):
        assert [attempt("wrong") for _ in range(5)] == ["wrong"] * 5

        assert attempt(PASSWORD) == 60
        assert attempt("wrong") == 60

    def test_it_waits_for_the_person_whatever_the_case_of_the_name(self):
        for name in ("alice", "Alice", "ALICE", "aLiCe", "ａlice"):
            attempt("wrong", username=name)

        assert attempt(PASSWORD) == 60

    def test_elsewhere_the_same_person_signs_in(self):
        for _ in range(5):
            attempt("wrong")

        assert attempt(PASSWORD, address=ELSEWHERE) == "in"

    @pytest.mark.usefixtures("bob")
    def test_the_same_address_signs_in_under_another_name(self):
        for _ in range(5):
            attempt("wrong")

        assert attempt(PASSWORD, username="bob") == "in"

    def test_after_the_wait_the_right_password_is_taken_and_all_is_forgotten(self, clock):
        for _ in range(5):
            attempt("wrong")
        clock.pass_seconds(60)

        assert attempt(PASSWORD) == "in"
        assert [attempt("wrong") for _ in range(5)] == ["wrong"] * 5

    def test_each_further_failure_doubles_the_wait_up_to_15_minutes(self, clock):
        for _ in range(5):
            attempt("wrong")

        waits = []
        for _ in range(6):
            waits.append(attempt("wrong"))
            clock.pass_seconds(waits[-1])
            assert attempt("wrong") == "wrong"

        assert waits == [60, 120, 240, 480, 900, 900]

    def test_a_refused_attempt_does_not_prolong_the_wait(self, clock):
        for _ in range(5):
            attempt("wrong")
        clock.pass_seconds(30)

        assert [attempt("wrong") for _ in range(50)] == [30] * 50

    def test_failures_are_forgotten_after_15_minutes(self, clock):
        for _ in range(4):
            attempt("wrong")
        clock.pass_seconds(15 * 60)

        assert [attempt("wrong") for _ in range(5)] == ["wrong"] * 5

    def test_signing_in_forgets_the_failures(self):
        for _ in range(3):
            assert [attempt("wrong") for _ in range(4)] == ["wrong"] * 4
            assert attempt(PASSWORD) == "in"

    def test_an_unknown_name_is_treated_the_same(self):
        assert [attempt("wrong", username="nobody") for _ in range(5)] == ["wrong"] * 5
        assert attempt("wrong", username="nobody") == 60


@pytest.mark.django_db
def test_an_address_has_50_failures_whatever_the_names(alice, clock):
    outcomes = [attempt("wrong", username=f"name{i}") for i in range(50)]

    assert outcomes == ["wrong"] * 50
    assert attempt(PASSWORD) == 900
    assert attempt(PASSWORD, address=ELSEWHERE) == "in"
    clock.pass_seconds(900)
    assert attempt(PASSWORD) == "in"


@pytest.mark.django_db
def test_a_name_has_100_failures_whatever_the_addresses_and_never_waits_longer_than_15_minutes(
    alice, clock
):
    outcomes = [attempt("wrong", address=f"198.51.100.{i}") for i in range(100)]

    assert outcomes == ["wrong"] * 100
    assert attempt(PASSWORD) == 900
    clock.pass_seconds(900)
    assert attempt(PASSWORD) == "in"


@pytest.mark.django_db
def test_a_right_password_that_was_checked_while_the_wait_began_is_refused(alice, clock):
    guess = {"username_key": "alice", "address": HERE}
    throttle.check(**guess)  # the sixth guess of a burst: no wait yet
    for _ in range(5):
        throttle.record_failure(**guess)

    with pytest.raises(TooManyRequests):
        throttle.record_success(**guess)

    assert attempt(PASSWORD) == 60


@pytest.mark.django_db
def test_what_was_typed_is_not_stored_and_old_counters_go(alice, clock):
    attempt("wrong", username="my secret password")
    assert "secret" not in str(list(LoginFailure.objects.values()))

    clock.pass_seconds(15 * 60)
    attempt("wrong", username="alice")

    assert LoginFailure.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_of_twenty_guesses_at_once_five_are_answered(alice):
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(_attempt_in_thread, ["wrong"] * 20))

    assert outcomes.count("wrong") == 5
    assert LoginFailure.objects.filter(failures=5).count() == 3


@pytest.mark.django_db(transaction=True)
def test_of_twenty_right_passwords_at_once_all_are_taken(alice):
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(_attempt_in_thread, [PASSWORD] * 20))

    assert outcomes == ["in"] * 20


def _attempt_in_thread(password):
    try:
        return attempt(password)
    finally:
        connection.close()
