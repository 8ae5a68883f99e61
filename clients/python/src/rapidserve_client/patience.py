"""When to try again, and when to stop: everything that waits, waits here and can be interrupted."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from rapidserve_client.errors import (
    Broken,
    Busy,
    Interrupted,
    NeverReached,
    Transient,
    Unreachable,
)

T = TypeVar("T")

FIRST_DELAY: Final = 0.25
LONGEST_DELAY: Final = 10.0
LONGEST_ASKED: Final = 120.0
"""Seconds. A server that asks for more patience than this gets another try sooner."""

TRIES: Final[dict[type[Transient], int]] = {
    NeverReached: 3,  # the address is wrong more often than the server is down
    Unreachable: 18,  # about two minutes, long enough for a server to be restarted
    Broken: 5,  # this and the next concern one request, while everything else goes on
    Busy: 5,
}


class Halt:
    """Set once, when the person or a fatal error ends the command; every thread looks at it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def check(self) -> None:
        """Interrupted when it is time to stop."""
        if self._event.is_set():
            raise Interrupted("Interrupted.")

    def wait(self, seconds: float) -> None:
        """As long as that, unless interrupted."""
        if self._event.wait(seconds):
            raise Interrupted("Interrupted.")


def persist(action: Callable[[], T], halt: Halt) -> T:
    """What `action` gives, tried again with growing pauses while it fails for passing reasons.

    The last failure is raised as it is.
    """
    failures: Counter[type[Transient]] = Counter()
    while True:
        halt.check()
        try:
            return action()
        except Transient as error:
            kind = type(error)
            failures[kind] += 1
            if failures[kind] >= TRIES[kind]:
                raise
            halt.wait(pause(failures.total(), error.retry_after))


def pause(failures: int, asked: float) -> float:
    """Seconds before the next try. With jitter: else all threads would come back at once."""
    grown = min(FIRST_DELAY * 2.0 ** min(failures - 1, 10), LONGEST_DELAY)
    return max(grown * random.uniform(0.5, 1.0), min(asked, LONGEST_ASKED))  # noqa: S311 - spreads load, hides nothing
