r"""Encryption at rest: chunks leave as plain bytes and lie on the node as sealed objects.

Called "encrypted at rest" and nothing more: it protects disks that are lost, sold or copied, not
against somebody who also has the master keys.

A sealed object is stored under `<key>.sealed`:

| offset         | bytes   | content                                                          |
| -------------- | ------- | ---------------------------------------------------------------- |
| 0              | 8       | "RSSEAL1\n": names this layout                                   |
| 8              | 8       | plain size of the chunk in bytes, big endian                     |
| 16             | 88      | slot 0: the data key, wrapped (see keyring.py)                   |
| 104            | 88      | slot 1: all zero, or the data key under another master key       |
| 192            | 262,144 | segment 0: 262,128 bytes under AES-256-GCM, then the 16-byte tag |
| 192 + 262144 i | …       | segment i; the last one is shorter (never empty)                 |

Data key: 32 random bytes for each object, so that a counter is a nonce that never repeats.
Segment i: nonce = i as 12 bytes big endian; AAD = the chunk's key (32 ASCII bytes), i (4 bytes big
endian), 1 for the last segment and 0 for the others (1 byte). Slots: bound to the first 16 bytes of
the object and the chunk's key. So nothing can be cut off, appended, moved or swapped unseen; the
size, which decides which segment is the last, is authenticated before any segment is opened.

Rotating a master key writes the free slot, syncs, then zeroes the other: at every moment one slot
opens. Header and slots lie in the first 512-byte sector of the file, which a disk writes whole.

A segment is one block of the backend below, so that it is opened without being copied, and a chunk
takes 16 steps to send. Smaller segments would open no faster (AES is past its start-up cost at
64 KiB) and cost a change of threads each; larger ones would make a short range open more than it
needs and a slow reader hold more.

Objects under the bare key are unsealed ones: from before sealing was turned on, or after it was
turned off. Both kinds stay readable either way. **An unsealed object is not authenticated**:
somebody who can write to the disk can delete the sealed one and put an unsealed one in its place.
Whoever reads a chunk from start to end has to compare its SHA-256 with the chunk's row, as for a
node without sealing; `path` never offers an unsealed file that lies beside a sealed one.
"""

import os
import struct
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from files.chunkstore.backend import (
    BLOCK_SIZE,
    Backend,
    Stored,
    Writer,
    chunk_key,
    range_end,
)
from files.chunkstore.chunk import CHUNK_SIZE
from files.chunkstore.errors import ChunkAbsent, ChunkDamaged, ChunkStoreError, KeyMissing
from files.chunkstore.keyring import EMPTY_SLOT, SLOT_SIZE, KeyRing
from files.chunkstore.proof import Proof

SUFFIX: Final = ".sealed"

TAG_SIZE: Final = 16
FRAME_SIZE: Final = BLOCK_SIZE
"""Bytes of a segment on the node, with its tag: one block of the backend below, never two."""

SEGMENT_SIZE: Final = FRAME_SIZE - TAG_SIZE
"""Plain bytes of every segment but the last."""

_PREAMBLE = struct.Struct(">8sQ")
_MAGIC: Final = b"RSSEAL1\n"
HEADER_SIZE: Final = _PREAMBLE.size + 2 * SLOT_SIZE


class Sealed:
    """Seals what it stores in `inner`, opens what it reads from there.

    `seal_new` False stores new chunks unsealed: sealing was turned off for the node, the chunks
    sealed before stay readable. KeyMissing (a NodeError) for chunks under a master key that the
    ring doesn't hold. Sizes are plain sizes everywhere; they are told from the size of the object,
    so that `stat` and `list` read nothing: an object cut short shows another size.
    """

    def __init__(self, inner: Backend, ring: KeyRing, *, seal_new: bool = True) -> None:
        self.name = inner.name
        self._inner = inner
        self._ring = ring
        self._seal_new = seal_new

    def writer(self, key: str, *, size: int, sha256: str | None) -> Writer:
        proof = Proof(chunk_key(key), size=size, sha256=sha256, most=CHUNK_SIZE)
        if not self._seal_new:
            return self._inner.writer(key, size=size, sha256=sha256)
        data_key = os.urandom(32)
        preamble = _PREAMBLE.pack(_MAGIC, size)
        slot = self._ring.wrap(data_key, preamble + key.encode("ascii"))
        inner = self._inner.writer(key + SUFFIX, size=sealed_size(size), sha256=None)
        inner.write(preamble + slot + EMPTY_SLOT)
        return _SealedWriter(self, inner, proof, _Segments(key, size, data_key))

    def read(
        self, key: str, start: int = 0, length: int | None = None
    ) -> Generator[bytes, None, None]:
        if self._seal_new or (plain := self._begun(key, start, length)) is None:
            yield from self._read_either(key, start, length)
        else:
            yield from plain

    def stat(self, key: str) -> Stored:
        """Asks first for the kind that new chunks are: over a network each question takes time."""
        if self._seal_new:
            return self._stat_sealed(key) or self._inner.stat(key)
        with suppress(ChunkAbsent):
            return self._inner.stat(chunk_key(key))
        return _plain(self._inner.stat(key + SUFFIX))

    def delete(self, key: str) -> None:
        self._inner.delete(chunk_key(key) + SUFFIX)
        self._inner.delete(key)

    def list(self) -> Iterator[Stored]:
        for stored in self._inner.list():
            yield _plain(stored) if stored.key.endswith(SUFFIX) else stored

    def sweep(self, older_than: datetime) -> int:
        return self._inner.sweep(older_than)

    def path(self, key: str) -> Path | None:
        found = self._inner.path(chunk_key(key))
        return found if found is not None and self._stat_sealed(key) is None else None

    def authenticates(self, key: str) -> bool:
        if self._inner.path(chunk_key(key) + SUFFIX) is None:
            return False
        # Of two objects `read` gives the kind that new chunks are.
        return self._seal_new or self._inner.path(key) is None

    def check(self) -> None:
        self._inner.check()

    def has_unsealed(self, key: str) -> bool:
        """Whether the key is taken by an object of the other kind, which then stays."""
        try:
            self._inner.stat(key)
        except ChunkAbsent:
            return False
        return True

    def _begun(
        self, key: str, start: int, length: int | None
    ) -> Generator[bytes, None, None] | None:
        """A read of the unsealed object; None when there is none."""
        blocks = self._inner.read(chunk_key(key), start, length)
        try:
            first = next(blocks, None)
        except ChunkAbsent:
            return None
        return _resumed(first, blocks)

    def _read_either(
        self, key: str, start: int, length: int | None
    ) -> Generator[bytes, None, None]:
        segments = self._open(key)
        if segments is None:
            yield from self._inner.read(key, start, length)
            return
        end = range_end(segments.size, start, length)
        if start < end:
            yield from self._read_segments(segments, start, end)

    def _stat_sealed(self, key: str) -> Stored | None:
        try:
            return _plain(self._inner.stat(chunk_key(key) + SUFFIX))
        except ChunkAbsent:
            return None

    def _open(self, key: str) -> "_Segments | None":
        """The segments of a sealed object, its header authenticated; None when there is none."""
        stored = self._stat_sealed(key)
        if stored is None:
            return None
        damaged = ChunkDamaged(f"{key} on {self.name} is not as it was sealed.")
        if not 1 <= stored.size <= CHUNK_SIZE:
            raise damaged
        header = b"".join(self._inner.read(key + SUFFIX, 0, HEADER_SIZE))
        preamble, slots = header[: _PREAMBLE.size], header[_PREAMBLE.size :]
        if preamble != _PREAMBLE.pack(_MAGIC, stored.size):
            raise damaged
        try:
            data_key = self._ring.unwrap(
                (slots[:SLOT_SIZE], slots[SLOT_SIZE:]), preamble + key.encode("ascii")
            )
        except (ChunkDamaged, KeyMissing) as error:
            raise type(error)(f"{key} on {self.name}: {error}") from error
        return _Segments(key, stored.size, data_key)

    def _read_segments(
        self, segments: "_Segments", start: int, end: int
    ) -> Generator[bytes, None, None]:
        first, last = start // SEGMENT_SIZE, (end - 1) // SEGMENT_SIZE
        offset = HEADER_SIZE + first * FRAME_SIZE
        stop = min(HEADER_SIZE + (last + 1) * FRAME_SIZE, sealed_size(segments.size))
        key = segments.key + SUFFIX
        with closing(self._inner.read(key, offset, stop - offset)) as blocks:
            frames = _frames(blocks)
            for index in range(first, last + 1):
                plain_start = index * SEGMENT_SIZE
                try:
                    # Not kept in a name: until a slow reader comes back, this holds no memory.
                    yield segments.open(index, next(frames, b""))[
                        max(0, start - plain_start) : end - plain_start
                    ]
                except InvalidTag:
                    raise self._why_closed(segments, index) from None

    def _why_closed(self, segments: "_Segments", index: int) -> ChunkStoreError:
        """What to say of a segment that does not open.

        Header and segments are read one after the other. When the object was deleted and put again
        in between (a repair does that), the segment is whole, under another data key.
        """
        now = self._open(segments.key)
        if now is None or now.data_key != segments.data_key:
            return ChunkAbsent(f"{segments.key} on {self.name} was deleted while it was read.")
        return ChunkDamaged(f"Segment {index} of {segments.key} on {self.name} is damaged.")


class _SealedWriter:
    """Seals segment by segment; at most one segment waits in memory."""

    def __init__(self, sealed: Sealed, inner: Writer, proof: Proof, segments: "_Segments") -> None:
        self._sealed = sealed
        self._inner = inner
        self._proof = proof
        self._segments = segments
        self._index = 0
        self._waiting = bytearray()
        self._closed = False

    def write(self, block: bytes) -> None:
        self._refuse_closed()
        try:
            self._proof.take(block)
            self._seal(memoryview(block))
        except BaseException:
            self.abort()
            raise

    def commit(self) -> None:
        self._refuse_closed()
        try:
            self._proof.verify()
            if not self._sealed.has_unsealed(self._segments.key):
                self._inner.commit()
        finally:
            self.abort()

    def abort(self) -> None:
        self._closed = True
        self._waiting = bytearray()
        self._inner.abort()

    def _seal(self, rest: memoryview) -> None:
        while rest:
            length = self._segments.length(self._index)
            part = rest[: length - len(self._waiting)]
            rest = rest[len(part) :]
            if len(part) == length:
                self._put(part)  # a whole segment: straight from the caller's memory
                continue
            self._waiting += part
            if len(self._waiting) == length:
                self._put(self._waiting)
                self._waiting = bytearray()

    def _put(self, plain: bytearray | memoryview) -> None:
        self._inner.write(self._segments.seal(self._index, plain))
        self._index += 1

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ValueError("This writer is closed.")


class _Segments:
    """The segments of one object of `size` plain bytes, under its data key."""

    def __init__(self, key: str, size: int, data_key: bytes) -> None:
        self.key = key
        self.size = size
        self.data_key = data_key
        self._count = _segment_count(size)
        self._cipher = AESGCM(data_key)
        self._bound = key.encode("ascii")

    def length(self, index: int) -> int:
        """Plain bytes of a segment."""
        return min(SEGMENT_SIZE, self.size - index * SEGMENT_SIZE)

    def seal(self, index: int, plain: bytearray | memoryview) -> bytes:
        return self._cipher.encrypt(index.to_bytes(12, "big"), plain, self._aad(index))

    def open(self, index: int, frame: bytes) -> bytes:
        """The plain bytes; InvalidTag unless the frame is this segment of this object, whole."""
        return self._cipher.decrypt(index.to_bytes(12, "big"), frame, self._aad(index))

    def _aad(self, index: int) -> bytes:
        return self._bound + index.to_bytes(4, "big") + bytes([index == self._count - 1])


def sealed_size(size: int) -> int:
    """Bytes on the node of a sealed chunk of `size` plain bytes."""
    return HEADER_SIZE + size + TAG_SIZE * _segment_count(size)


def _resumed(
    first: bytes | None, rest: Generator[bytes, None, None]
) -> Generator[bytes, None, None]:
    with closing(rest):
        if first is not None:
            yield first
            yield from rest


def _plain(sealed: Stored) -> Stored:
    """A sealed object as the chunk it holds. Size 0, which no chunk has, for a mere stump."""
    body = max(0, sealed.size - HEADER_SIZE)
    size = max(0, body - TAG_SIZE * -(-body // FRAME_SIZE))
    return Stored(sealed.key.removesuffix(SUFFIX), size, sealed.modified_at)


def _segment_count(size: int) -> int:
    return -(-size // SEGMENT_SIZE)


def _frames(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes cut into frames. A block that is just a frame passes through uncopied."""
    rest = b""
    for block in blocks:
        rest = rest + block if rest else block
        del block  # or this would keep the block while a slow reader takes its time
        whole = [rest[i : i + FRAME_SIZE] for i in range(0, len(rest) - FRAME_SIZE + 1, FRAME_SIZE)]
        rest = rest[len(whole) * FRAME_SIZE :]
        while whole:
            yield whole.pop(0)
    if rest:
        yield rest
