"""Counts what goes through a backend: for the metrics page and the health of a node."""

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from files.chunkstore.backend import Backend, Stored, Writer
from files.chunkstore.errors import ChunkDamaged, NodeError

OPERATIONS: Final = ("write", "read", "stat", "delete", "list", "sweep", "path", "check")

_EWMA_WEIGHT: Final = 0.1
"""Of the newest call in the average: about the last twenty calls count."""


@dataclass(frozen=True, slots=True)
class OperationCounts:
    """One operation since the process started.

    `errors`: calls that ended in NodeError or ChunkDamaged; what is absent or refused is an answer.
    `bytes`: plain bytes stored by write, handed out by read; 0 for the others.
    `latency_seconds`: exponentially weighted mean over the calls that the node answered, None
    before the first. For write the time of the commit, for read the time to the first block, so
    that neither a slow client nor the size of a chunk makes a node look slow.
    """

    calls: int
    errors: int
    bytes: int
    latency_seconds: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All counts of one node; `operations` has every name in OPERATIONS."""

    node: str
    operations: Mapping[str, OperationCounts]


class Metered:
    """The backend `inner`, counted. Answers and errors pass unchanged."""

    def __init__(self, inner: Backend) -> None:
        self.name = inner.name
        self._inner = inner
        self._tallies = {operation: _Tally() for operation in OPERATIONS}

    def snapshot(self) -> Snapshot:
        counts = {operation: tally.counts() for operation, tally in self._tallies.items()}
        return Snapshot(self.name, counts)

    def writer(self, key: str, *, size: int, sha256: str | None) -> Writer:
        tally = self._tallies["write"]
        with tally.failures():
            inner = self._inner.writer(key, size=size, sha256=sha256)
        return _MeteredWriter(inner, tally, size)

    def read(
        self, key: str, start: int = 0, length: int | None = None
    ) -> Generator[bytes, None, None]:
        tally = self._tallies["read"]
        with closing(self._inner.read(key, start, length)) as blocks:
            with tally.call():
                block = next(blocks, None)
            while block is not None:
                tally.add_bytes(len(block))
                yield block
                with tally.failures():
                    block = next(blocks, None)

    def stat(self, key: str) -> Stored:
        with self._tallies["stat"].call():
            return self._inner.stat(key)

    def delete(self, key: str) -> None:
        with self._tallies["delete"].call():
            self._inner.delete(key)

    def list(self) -> Iterator[Stored]:
        tally = self._tallies["list"]
        found = self._inner.list()
        with tally.call():
            stored = next(found, None)
        while stored is not None:
            yield stored
            with tally.failures():
                stored = next(found, None)

    def sweep(self, older_than: datetime) -> int:
        with self._tallies["sweep"].call():
            return self._inner.sweep(older_than)

    def path(self, key: str) -> Path | None:
        with self._tallies["path"].call():
            return self._inner.path(key)

    def authenticates(self, key: str) -> bool:
        return self._inner.authenticates(key)

    def check(self) -> None:
        with self._tallies["check"].call():
            self._inner.check()


class _MeteredWriter:
    """A write that the client breaks off is no call: it says nothing about the node."""

    def __init__(self, inner: Writer, tally: "_Tally", size: int) -> None:
        self._inner = inner
        self._tally = tally
        self._size = size

    def write(self, block: bytes) -> None:
        with self._tally.failures():
            self._inner.write(block)

    def commit(self) -> None:
        with self._tally.call():
            self._inner.commit()
        self._tally.add_bytes(self._size)

    def abort(self) -> None:
        self._inner.abort()


class _Tally:
    def __init__(self) -> None:
        self._lock = Lock()
        self._calls = 0
        self._errors = 0
        self._bytes = 0
        self._latency: float | None = None

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call. Errors don't enter the latency: a dead node is quick to say so."""
        began = time.perf_counter()
        try:
            yield
        except (NodeError, ChunkDamaged):
            self._count(calls=1, errors=1)
            raise
        except BaseException:
            self._count(calls=1, errors=0)
            raise
        self._answered(time.perf_counter() - began)

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Count an error in a part of a call that is counted elsewhere."""
        try:
            yield
        except (NodeError, ChunkDamaged):
            self._count(calls=0, errors=1)
            raise

    def add_bytes(self, count: int) -> None:
        with self._lock:
            self._bytes += count

    def counts(self) -> OperationCounts:
        with self._lock:
            return OperationCounts(self._calls, self._errors, self._bytes, self._latency)

    def _count(self, *, calls: int, errors: int) -> None:
        with self._lock:
            self._calls += calls
            self._errors += errors

    def _answered(self, seconds: float) -> None:
        with self._lock:
            self._calls += 1
            if self._latency is None:
                self._latency = seconds
            else:
                self._latency += _EWMA_WEIGHT * (seconds - self._latency)
