"""What a chunk is: its size, how a file divides into chunks, and the hashes. Pure arithmetic."""

import hashlib
from collections.abc import Iterable
from typing import Final

CHUNK_SIZE: Final = 4 * 2**20
"""Bytes of every chunk of a file but the last, which may be shorter (never empty)."""


def chunk_count(size: int) -> int:
    """Chunks of a file of `size` bytes; an empty file has none."""
    return -(-size // CHUNK_SIZE)


def chunk_length(size: int, index: int) -> int:
    """Bytes of chunk `index` of a file of `size` bytes."""
    return min(CHUNK_SIZE, size - index * CHUNK_SIZE)


def content_hash(chunk_sha256: Iterable[str]) -> str:
    """Dropbox's published content_hash: SHA-256 over the raw SHA-256 digests of the 4 MiB blocks.

    It follows from the hashes in the extents, so completing a file reads no data.
    """
    digest = hashlib.sha256()
    for sha256 in chunk_sha256:
        digest.update(bytes.fromhex(sha256))
    return digest.hexdigest()
