"""Threads: some for whole files, some for the chunks of all of them, some for hashing.

Files wait for their chunks, chunks wait for nobody; so that no mixture of them can lock up.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final, Self

MAX_HASHERS: Final = 4


class Workers:
    """`parallel`: files at once, and chunks at once over all files."""

    def __init__(self, parallel: int) -> None:
        self.files = ThreadPoolExecutor(parallel, "file")
        self.chunks = ThreadPoolExecutor(parallel, "chunk")
        # hashlib lets other threads run meanwhile, so this many cores are used.
        self.hashes = ThreadPoolExecutor(min(MAX_HASHERS, os.cpu_count() or 1), "hash")

    def close(self) -> None:
        """Waits for what is under way and drops what is not."""
        for pool in (self.files, self.chunks, self.hashes):
            pool.shutdown(cancel_futures=True)


class Flight:
    """Tasks under way, at most `limit` of them. The first failure is raised to whoever adds.

    Leaving its `with` waits for all; leaving it by an exception drops those that have not begun.
    """

    def __init__(self, pool: ThreadPoolExecutor, limit: int) -> None:
        self._pool = pool
        self._limit = limit
        self._changed = threading.Condition()
        self._pending: set[Future[Any]] = set()
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.land()
        finally:
            self._abandon()

    def add(self, action: Callable[..., object], *arguments: object) -> None:
        """Waits for room first."""
        self._wait_until_fewer_than(self._limit)
        future = self._pool.submit(action, *arguments)
        with self._changed:
            self._pending.add(future)
        future.add_done_callback(self._landed)

    def land(self) -> None:
        """Wait until all is done."""
        self._wait_until_fewer_than(1)

    def _wait_until_fewer_than(self, limit: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._failure or len(self._pending) < limit)
            if self._failure:
                raise self._failure

    def _landed(self, future: Future[Any]) -> None:
        with self._changed:
            self._pending.discard(future)
            if not future.cancelled() and self._failure is None:
                self._failure = future.exception()
            self._changed.notify_all()

    def _abandon(self) -> None:
        with self._changed:
            pending = list(self._pending)
        for future in pending:
            future.cancel()
        wait(pending)
