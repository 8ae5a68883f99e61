"""Master keys wrap the data keys of chunks. Pure.

A data key is wrapped into a slot of fixed size. All of a slot lies in one 512-byte disk sector (see
sealed.py), so that rewriting it in place leaves the old slot or the new one, never a mixture.

| bytes | content                                                                              |
| ----- | ------------------------------------------------------------------------------------ |
| 16    | id of the master key, ASCII, filled up with zero bytes                               |
| 8     | fingerprint of the master key: the start of SHA-256(b"rapidserve master key" + key)  |
| 12    | nonce, random                                                                        |
| 48    | data key (32 bytes) under AES-256-GCM with its tag; AAD: `bound` and the first 24 bytes |
| 4     | CRC-32 of `bound` and the 84 bytes above, big endian                                 |

An unused slot is 88 zero bytes. The fingerprint tells "another key under the same id" from damage:
with a wrong key in the environment every chunk is KeyMissing, never ChunkDamaged and thrown away.
The CRC tells bit rot in the id or the fingerprint from a key we don't have.

Nonces are random, so one master key may wrap 2^32 data keys (NIST SP 800-38D, 8.3): 16 EiB.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from files.chunkstore.errors import ChunkDamaged, KeyMissing
from rapidserve.keys import MasterKey

SLOT_SIZE: Final = 88
EMPTY_SLOT: Final = bytes(SLOT_SIZE)

_OWNER_SIZE: Final = 24
_NONCE_SIZE: Final = 12
_CRC = struct.Struct(">I")


class KeyRing:
    """The master keys of an installation, newest first. Threads may share one."""

    def __init__(self, keys: Sequence[MasterKey]) -> None:
        self._newest = _owner(keys[0]) if keys else None
        self._ciphers = {_owner(key): AESGCM(key.value) for key in keys}

    def __bool__(self) -> bool:
        return bool(self._ciphers)

    def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        """A slot that gives `data_key` back only together with `bound` (what it belongs to).

        KeyMissing when the ring is empty.
        """
        if self._newest is None:
            raise KeyMissing("There is no master key to seal with.")
        nonce = os.urandom(_NONCE_SIZE)
        wrapped = self._ciphers[self._newest].encrypt(nonce, data_key, bound + self._newest)
        body = self._newest + nonce + wrapped
        return body + _crc(bound, body)

    def unwrap(self, slots: Sequence[bytes], bound: bytes) -> bytes:
        """The data key that any of the slots holds for a key of this ring.

        ChunkDamaged when one of them is not as it was written, even if another would do: a copy
        that has begun to rot is to be healed while there are others. KeyMissing when all are
        whole and none is for a key of this ring.
        """
        used = [slot for slot in slots if slot != EMPTY_SLOT]
        if not used:
            raise ChunkDamaged("The header holds no data key.")
        for slot in used:
            if slot[-_CRC.size :] != _crc(bound, slot[: -_CRC.size]):
                raise ChunkDamaged("The header is damaged.")
        for slot in used:
            if slot[:_OWNER_SIZE] in self._ciphers:
                return self._open(slot, bound)
        missing = ", ".join(sorted(_key_id(slot) for slot in used))
        raise KeyMissing(f"It is sealed under a master key that is not in the ring: {missing}.")

    def _open(self, slot: bytes, bound: bytes) -> bytes:
        owner, nonce = slot[:_OWNER_SIZE], slot[_OWNER_SIZE : _OWNER_SIZE + _NONCE_SIZE]
        wrapped = slot[_OWNER_SIZE + _NONCE_SIZE : -_CRC.size]
        try:
            return self._ciphers[owner].decrypt(nonce, wrapped, bound + owner)
        except InvalidTag:
            raise ChunkDamaged("The header was tampered with.") from None


def _owner(key: MasterKey) -> bytes:
    fingerprint = hashlib.sha256(b"rapidserve master key" + key.value).digest()[:8]
    return key.id.encode("ascii").ljust(16, b"\0") + fingerprint


def _key_id(slot: bytes) -> str:
    return slot[:16].rstrip(b"\0").decode("ascii", "replace")


def _crc(bound: bytes, body: bytes) -> bytes:
    return _CRC.pack(zlib.crc32(body, zlib.crc32(bound)))
