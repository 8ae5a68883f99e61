"""The protocol every chunk store speaks, and its contract: opaque bytes under keys, nothing else.

Decorators (sealed, metered, …) speak the same protocol, so they stack. One conformance suite,
tests/files/chunkstore/conformance.py, runs on every backend and every decorator.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from files.chunkstore.chunk import CHUNK_SIZE
from files.chunkstore.errors import ChunkShort

BLOCK_SIZE: Final = 256 * 1024
"""Bytes that `read` hands out at once, at most."""

OBJECT_SIZE: Final = CHUNK_SIZE + BLOCK_SIZE
"""Bytes an object may have on a backend: a chunk, and room for what a decorator adds to it."""

_CHUNK_KEY = re.compile(r"[0-9a-f]{32}")
OBJECT_KEY: Final = re.compile(r"[0-9a-f]{32}(?:\.[a-z]{1,16})?")


@dataclass(frozen=True, slots=True)
class Stored:
    """One object on a node. `size` is its plain size in bytes, whatever it takes on disk."""

    key: str
    size: int
    modified_at: datetime


class Writer(Protocol):
    """One chunk on its way in. Used by one thread at a time.

    Nothing is visible under the key before `commit` proved the bytes; once `commit` returned, or
    `stat` shows the chunk, it is durable (survives a power cut). A writer that is dropped without
    commit leaves nothing that `read` or `stat` can see. After an error, commit or abort the writer
    is closed: `write` and `commit` are a ValueError then.
    """

    def write(self, block: bytes) -> None:
        """Take the next bytes. LengthMismatch as soon as they are too many; NodeFull, NodeError."""

    def commit(self) -> None:
        """Verify length and SHA-256, make durable, make visible.

        LengthMismatch or DigestMismatch when the bytes differ from what was announced: nothing is
        stored then. When the key exists already the call succeeds and the older object stays: keys
        are random, so it is the same chunk sent twice. NodeFull, NodeError otherwise.
        """

    def abort(self) -> None:
        """Drop what was written. Never raises; harmless after commit, abort or an error."""


class Backend(Protocol):
    """A place for chunks. Every method may be called from any thread; all of them block.

    Keys are 32 lower-case hex digits; a decorator may store under the key and a suffix
    (".sealed") in the backend it wraps. All methods raise NodeOffline when the node can't be
    reached or is not the one it should be, NodeError for other failures of the node, ValueError
    for a malformed key.
    """

    name: str

    def writer(self, key: str, *, size: int, sha256: str | None) -> Writer:
        """Begin to store `size` bytes (1 … CHUNK_SIZE) whose SHA-256 is `sha256` (lower-case hex).

        `sha256` None: the caller verifies the content itself before it calls commit (a decorator
        that changes the bytes does). ValueError for a size or hash that nothing can have.
        """

    def read(
        self, key: str, start: int = 0, length: int | None = None
    ) -> Generator[bytes, None, None]:
        """The bytes from `start`, `length` of them or all that follow, in blocks up to 256 KiB.

        Raises, at the call or at the first block, ChunkAbsent when there is nothing, ChunkDamaged
        as soon as damage shows (before any damaged byte is handed out, where the backend
        authenticates), ChunkShort when `start` + `length` is beyond the end: callers know sizes.
        The caller may stop early; closing the iterator releases the file. A chunk that is deleted
        meanwhile is read to its end or ends in ChunkAbsent, never short.
        """

    def stat(self, key: str) -> Stored:
        """What is stored under the key, durably. Cheap: no byte of it is read. ChunkAbsent."""

    def delete(self, key: str) -> None:
        """Remove the object. Deleting what is absent succeeds. A power cut may bring it back."""

    def list(self) -> Iterator[Stored]:
        """Every committed object, in no order; what comes and goes meanwhile may be missing. A
        chunk that a decorator keeps in two forms comes twice."""

    def sweep(self, older_than: datetime) -> int:
        """Remove what dead writers left behind before that time. Returns how many."""

    def path(self, key: str) -> Path | None:
        """The file that holds exactly the chunk's bytes, for sendfile; None when there is none."""

    def authenticates(self, key: str) -> bool:
        """Whether `read` itself finds damaged or forged bytes. False when that takes a look over a
        network: the caller hashes what it reads, then."""

    def check(self) -> None:
        """Raise NodeOffline, NodeFull or NodeError unless the node can take and give chunks now."""


def chunk_key(key: str) -> str:
    """The key of a chunk, or ValueError. Keys become file names: nothing else may get through."""
    if not _CHUNK_KEY.fullmatch(key):
        raise ValueError(f"Not a chunk key: {key[:64]!r}.")
    return key


def object_key(key: str) -> str:
    """The key of a chunk with or without a decorator's suffix, or ValueError."""
    if not OBJECT_KEY.fullmatch(key):
        raise ValueError(f"Not an object key: {key[:64]!r}.")
    return key


def range_end(size: int, start: int, length: int | None) -> int:
    """Where a read of an object of `size` bytes stops (exclusive). ValueError, ChunkShort."""
    end = max(size, start) if length is None else start + length
    if not 0 <= start <= end:
        raise ValueError(f"{start} + {length} is no range.")
    if end > size:
        raise ChunkShort(f"There are {size} bytes, and no range {start} + {length} in them.")
    return end
