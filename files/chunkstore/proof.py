"""Proof that the bytes a writer took are the bytes that were announced to it. Pure."""

import hashlib
import re

from files.chunkstore.errors import DigestMismatch, LengthMismatch

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Proof:
    """Counts and hashes bytes on their way in.

    `sha256` None only counts: somebody above hashes, and hashing twice would halve the speed.
    ValueError when the announcement itself is nonsense (no bytes, more than `most`, no hash).
    """

    def __init__(self, key: str, *, size: int, sha256: str | None, most: int) -> None:
        if not 1 <= size <= most:
            raise ValueError(f"A chunk has 1 to {most} bytes, not {size}.")
        if sha256 is not None and not _SHA256.fullmatch(sha256):
            raise ValueError("A SHA-256 is 64 lower-case hex digits.")
        self._key = key
        self._size = size
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self._taken = 0

    def take(self, block: bytes) -> None:
        """Account for the next bytes; LengthMismatch as soon as there are too many."""
        self._taken += len(block)
        if self._taken > self._size:
            raise LengthMismatch(f"More than the {self._size} bytes announced for {self._key}.")
        if self._sha256 is not None:
            self._digest.update(block)

    def verify(self) -> None:
        """LengthMismatch or DigestMismatch unless exactly the announced bytes were taken."""
        if self._taken != self._size:
            raise LengthMismatch(f"{self._taken} of {self._size} bytes came for {self._key}.")
        if self._sha256 is not None and self._digest.hexdigest() != self._sha256:
            raise DigestMismatch(f"The bytes for {self._key} have another SHA-256.")
