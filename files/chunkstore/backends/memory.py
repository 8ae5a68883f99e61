"""Chunks in memory: for tests, and the shortest implementation of the protocol to read."""

import threading
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from files.chunkstore.backend import BLOCK_SIZE, OBJECT_SIZE, Stored, object_key, range_end
from files.chunkstore.errors import ChunkAbsent
from files.chunkstore.proof import Proof


class MemoryBackend:
    """Keeps objects until the process ends. "Durable" is as durable as the process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[bytes, Stored]] = {}

    def writer(self, key: str, *, size: int, sha256: str | None) -> "_MemoryWriter":
        proof = Proof(object_key(key), size=size, sha256=sha256, most=OBJECT_SIZE)
        return _MemoryWriter(self, key, proof)

    def read(
        self, key: str, start: int = 0, length: int | None = None
    ) -> Generator[bytes, None, None]:
        content, _ = self._object(key)
        end = range_end(len(content), start, length)
        for offset in range(start, end, BLOCK_SIZE):
            yield content[offset : min(offset + BLOCK_SIZE, end)]

    def stat(self, key: str) -> Stored:
        return self._object(key)[1]

    def delete(self, key: str) -> None:
        with self._lock:
            self._objects.pop(object_key(key), None)

    def list(self) -> Iterator[Stored]:
        with self._lock:
            found = [stored for _, stored in self._objects.values()]
        yield from found

    def sweep(self, older_than: datetime) -> int:  # noqa: ARG002 - dead writers leave nothing here
        return 0

    def path(self, key: str) -> Path | None:
        object_key(key)
        return None

    def authenticates(self, key: str) -> bool:
        object_key(key)
        return False

    def check(self) -> None:
        """Memory is always there."""

    def put_if_absent(self, key: str, content: bytes) -> None:
        """Make `content` visible unless the key is taken. Only this backend's writer calls it."""
        with self._lock:
            self._objects.setdefault(key, (content, Stored(key, len(content), datetime.now(UTC))))

    def _object(self, key: str) -> tuple[bytes, Stored]:
        with self._lock:
            found = self._objects.get(object_key(key))
        if found is None:
            raise ChunkAbsent(f"{key} is not on {self.name}.")
        return found


class _MemoryWriter:
    def __init__(self, backend: MemoryBackend, key: str, proof: Proof) -> None:
        self._backend = backend
        self._key = key
        self._proof = proof
        self._content: bytearray | None = bytearray()

    def write(self, block: bytes) -> None:
        content = self._open()
        try:
            self._proof.take(block)
        except BaseException:
            self.abort()
            raise
        content += block

    def commit(self) -> None:
        content = self._open()
        self._content = None
        self._proof.verify()
        self._backend.put_if_absent(self._key, bytes(content))

    def abort(self) -> None:
        self._content = None

    def _open(self) -> bytearray:
        if self._content is None:
            raise ValueError("This writer is closed.")
        return self._content
