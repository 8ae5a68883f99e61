"""What this process knows of withdrawn rights: one indexed query a second, no more.

A ticket whose epochs are all current is served on its signature alone. One with an old epoch gets
the full question once per change. A process that has not heard from the database for over two
seconds answers 503: it may have missed a withdrawal, and guessing "allowed" is not an answer.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from cachetools import LRUCache
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from files.access.recheck import still_allowed
from files.models import Epoch
from files.tickets import Ticket
from rapidserve.db import current_time
from rapidserve.errors import TokenRefused, Unavailable

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.8
STALE_SECONDS = 2.0
# A change is stamped before its transaction commits, and a clock that is set right may step back:
# look back further than either takes.
OVERLAP = timedelta(minutes=15)


class EpochWatch:
    """Started and stopped with the plane. `check`, on every request, is a dict lookup."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._values: dict[str, int] = {}
        self._heard_at = float("-inf")
        self._since = current_time() - _longest_ticket()
        self._stop = threading.Event()
        self._allowed: LRUCache[bytes, tuple[int, ...]] = LRUCache(maxsize=50_000)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="epochs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=5)

    def refresh(self) -> None:
        """Learn what changed. Public so that tests need no clock."""
        began = self._clock()
        latest = self._since
        changed = Epoch.objects.filter(changed_at__gte=self._since - OVERLAP)
        for subject, value, changed_at in changed.values_list("id", "value", "changed_at"):
            self._values[subject.hex] = value
            latest = max(latest, changed_at)
        self._since = latest
        self._heard_at = began

    @property
    def is_fresh(self) -> bool:
        return self._clock() - self._heard_at <= STALE_SECONDS

    async def check(self, ticket: Ticket, name: bytes) -> None:
        """Return if the ticket holds now. TokenRefused(token_revoked), Unavailable."""
        if not self.is_fresh:
            raise Unavailable(
                "The server can't confirm your rights at the moment. Try again.", retry_after=1
            )
        values = self._values
        today = tuple(values.get(subject, 0) for subject, _ in ticket.epochs)
        if all(now <= then for now, (_, then) in zip(today, ticket.epochs, strict=True)):
            return
        if self._allowed.get(name) == today:
            return
        if not await asyncio.to_thread(still_allowed, ticket):
            raise TokenRefused("Access was withdrawn.", code="token_revoked")
        self._allowed[name] = today

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.refresh()
            except DatabaseError:
                logger.exception("Withdrawn rights can't be read; answering 503 until they can.")
                close_old_connections()
            self._stop.wait(POLL_SECONDS)


def _longest_ticket() -> timedelta:
    return timedelta(
        seconds=max(
            settings.CONTENT_URL_SECONDS,
            settings.DOWNLOAD_URL_SECONDS,
            settings.UPLOAD_URL_SECONDS,
        )
    )
