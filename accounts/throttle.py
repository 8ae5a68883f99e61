"""Slowing down whoever guesses passwords, without locking out whoever owns the account.

Failures are counted in the database, so that all workers share one count, for three subjects:

    a name from one address    5, then a wait that doubles from one minute to 15
    an address                 50 in 15 minutes, then until those are over
    a name from anywhere       100 in 15 minutes, then until those are over

Only the first is easy to reach, and it shuts out the guesser's address alone. The last stops
many addresses that guess one name; it never lasts longer than 15 minutes.

The password is checked first and the attempt judged after it, in one transaction: of a hundred
guesses sent at once only the first five learn whether they were right, and a hundred correct
sign-ins at once don't count against each other.
"""

import datetime as dt
import hashlib
import math
from dataclasses import dataclass

from django.db.models import F
from django.utils import timezone

from accounts.models import LoginFailure
from rapidserve.db import run_atomic
from rapidserve.errors import TooManyRequests

WINDOW = dt.timedelta(minutes=15)
FIRST_WAIT = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Counter:
    """One subject and how many failures it may have. `grows`: each further failure doubles the
    wait; otherwise the wait ends with the window.
    """

    subject: str
    limit: int
    grows: bool


def check(*, username_key: str, address: str) -> None:
    """Raise TooManyRequests while a wait lasts: before the costly password check."""
    _refuse_if_blocked(_counters(username_key, address), timezone.now())


def record_failure(*, username_key: str, address: str) -> None:
    """Count one. Raises TooManyRequests, and counts nothing, when a wait has begun meanwhile."""
    counters = _counters(username_key, address)

    def count() -> None:
        now = timezone.now()
        _refuse_if_blocked(counters, now)
        LoginFailure.objects.filter(forgotten_at__lte=now).delete()
        for counter in counters:
            _count(counter, now)

    run_atomic(count)


def record_success(*, username_key: str, address: str) -> None:
    """Forget the failures of this name from this address. Raises TooManyRequests, also for the
    right password, when a wait has begun meanwhile: else a burst of guesses would find it.
    """
    counters = _counters(username_key, address)

    def clear() -> None:
        _refuse_if_blocked(counters, timezone.now())
        LoginFailure.objects.filter(subject=counters[0].subject).delete()

    run_atomic(clear)


def refuse_beyond(limit: int, *subject: str) -> None:
    """Raise TooManyRequests while the subject has reached so many uses in 15 minutes."""
    _refuse_if_blocked((Counter(_subject(*subject), limit, grows=False),), timezone.now())


def count_use(limit: int, *subject: str) -> None:
    """Count one use of something that may be used so often in 15 minutes. TooManyRequests."""
    counter = Counter(_subject(*subject), limit, grows=False)

    def count() -> None:
        now = timezone.now()
        _refuse_if_blocked((counter,), now)
        LoginFailure.objects.filter(forgotten_at__lte=now).delete()
        _count(counter, now)

    run_atomic(count)


def forget(*subject: str) -> None:
    """What was counted of the uses of something."""
    LoginFailure.objects.filter(subject=_subject(*subject)).delete()


def is_first(*subject: str) -> bool:
    """Whether nobody asked this of the subject in 15 minutes; to one of many at once only."""

    def note() -> bool:
        now = timezone.now()
        LoginFailure.objects.filter(forgotten_at__lte=now).delete()
        _, is_new = LoginFailure.objects.get_or_create(
            subject=_subject(*subject), defaults={"forgotten_at": now + WINDOW}
        )
        return is_new

    return run_atomic(note)


def _counters(username_key: str, address: str) -> tuple[Counter, Counter, Counter]:
    return (
        Counter(_subject("pair", username_key, address), limit=5, grows=True),
        Counter(_subject("address", address), limit=50, grows=False),
        Counter(_subject("name", username_key), limit=100, grows=False),
    )


def _subject(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _refuse_if_blocked(counters: tuple[Counter, ...], now: dt.datetime) -> None:
    rows = LoginFailure.objects.filter(
        subject__in=[counter.subject for counter in counters], blocked_until__gt=now
    )
    waits = [row.blocked_until - now for row in rows if row.blocked_until]
    if waits:
        seconds = math.ceil(max(waits).total_seconds())
        raise TooManyRequests(
            f"Too many failed attempts. Try again in {_in_words(seconds)}.", retry_after=seconds
        )


def _count(counter: Counter, now: dt.datetime) -> None:
    rows = LoginFailure.objects.filter(subject=counter.subject)
    if not rows.update(failures=F("failures") + 1):
        LoginFailure.objects.create(subject=counter.subject, failures=1, forgotten_at=now + WINDOW)
        return
    row = rows.get()
    if row.failures < counter.limit:
        return
    if counter.grows:
        wait = min(FIRST_WAIT * 2 ** min(row.failures - counter.limit, 10), WINDOW)
        rows.update(blocked_until=now + wait, forgotten_at=now + wait + WINDOW)
    else:
        rows.update(blocked_until=row.forgotten_at)


def _in_words(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
