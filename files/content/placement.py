"""Which node a new chunk goes to: in proportion to weights, among those that take chunks now. Pure.

Asking the nodes takes time, over a network seconds, so it is done before a transaction begins
(files/content/topology.py); choosing needs only what was learned then.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from rapidserve.errors import StorageFull, Unavailable


@dataclass(frozen=True, slots=True)
class Candidates:
    """The nodes that answered and have room, by name their weight; `full`: others had none."""

    weights: Mapping[str, float]
    full: bool = False

    def choose(self, key: str) -> str:
        """The node for the chunk with this key. StorageFull, Unavailable when there is none.

        Weighted rendezvous hashing: a node added or lost moves only its own share of the keys.
        """
        if not self.weights and self.full:
            raise StorageFull("The storage is full.", code="storage_full", retry_after=60)
        if not self.weights:
            raise Unavailable(
                "No storage node can be reached.", code="storage_unavailable", retry_after=10
            )
        return max(self.weights, key=lambda name: _score(name, key, self.weights[name]))


def _score(name: str, key: str, weight: float) -> float:
    raw = hashlib.blake2b(f"{name}\0{key}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(raw, "big") + 1) / (2**64 + 1)
    return -weight / math.log(uniform)
