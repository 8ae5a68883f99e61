"""A file as the protocol sees it: blocks of 4 MiB, their SHA-256, and the hash over those."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import Final

from rapidserve_client.errors import ClientError

CHUNK_SIZE: Final = 4 * 2**20
PIECE: Final = 2**18
"""Bytes read, sent and counted at a time; so little, that memory does not depend on the file."""


class ChangedMeanwhile(ClientError):
    """A file that does not stay what it was when its size and hashes were taken."""

    def __init__(self) -> None:
        super().__init__("It was changed while it was being read. Try again when it is at rest.")


def count(size: int) -> int:
    return -(-size // CHUNK_SIZE)


def length(size: int, index: int) -> int:
    """Bytes of chunk `index` of a file of `size` bytes."""
    return min(CHUNK_SIZE, size - index * CHUNK_SIZE)


def pieces(fd: int, size: int, index: int) -> Iterator[bytes]:
    """The bytes of one chunk of an open file. Safe on many threads: no position is shared."""
    position = index * CHUNK_SIZE
    end = position + length(size, index)
    while position < end:
        piece = os.pread(fd, min(PIECE, end - position), position)
        if not piece:
            raise ChangedMeanwhile
        yield piece
        position += len(piece)


def digest(fd: int, size: int, index: int) -> bytes:
    """The raw SHA-256 of one chunk."""
    hashed = hashlib.sha256()
    for piece in pieces(fd, size, index):
        hashed.update(piece)
    return hashed.digest()


def content_hash(digests: Iterable[bytes]) -> str:
    """SHA-256 over the raw digests of all chunks: what Dropbox publishes as content_hash."""
    hashed = hashlib.sha256()
    for raw in digests:
        hashed.update(raw)
    return hashed.hexdigest()
