"""What is sent: any number of distinct chunks that cost nothing to make."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

CHUNK_SIZE: Final = 4 * 2**20
_NUMBER_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """`parts` one after the other are its bytes."""

    parts: tuple[memoryview, memoryview]
    sha256: str

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))


@dataclass(frozen=True, eq=False)
class File:
    """One level of folders is all that is needed."""

    folder: str
    name: str
    chunks: tuple[Chunk, ...]

    @cached_property
    def size(self) -> int:
        return sum(chunk.size for chunk in self.chunks)

    @property
    def parts(self) -> list[memoryview]:
        return [part for chunk in self.chunks for part in chunk.parts]


class Source:
    """Makes files. No two chunks of a source are equal: deduplication must not spare work.

    All share their random beginning and end in a number, so that each one's SHA-256 takes a
    hundred nanoseconds. No server here looks for likeness inside of chunks.
    """

    def __init__(self) -> None:
        self._random = os.urandom(CHUNK_SIZE)
        self._hashed: dict[int, hashlib._Hash] = {}
        self._made = 0

    def file(self, folder: str, name: str, size: int) -> File:
        """A file of `size` bytes in chunks of 4 MiB, the last one shorter."""
        whole, rest = divmod(size, CHUNK_SIZE)
        sizes = [CHUNK_SIZE] * whole + [rest] * bool(rest)
        return File(folder, name, tuple(map(self._chunk, sizes)))

    def files(self, folder: str, size: int, count: int) -> Sequence[File]:
        return [self.file(folder, f"{number:04}", size) for number in range(count)]

    def _chunk(self, size: int) -> Chunk:
        begin = memoryview(self._random)[: size - _NUMBER_BYTES]
        if size not in self._hashed:
            self._hashed[size] = hashlib.sha256(begin)
        self._made += 1
        end = self._made.to_bytes(_NUMBER_BYTES, "big")
        digest = self._hashed[size].copy()
        digest.update(end)
        return Chunk((begin, memoryview(end)), digest.hexdigest())
