"""The row of a node, with what was found out about it. Used by every way to set one up."""

from files.chunkstore import registry
from files.models import Node
from rapidserve.db import current_time


def register_node(name: str) -> str:
    """Probe the node and note its integrity mode, which is returned.

    ChunkStoreError for one that must not be used: nothing is noted then.
    """
    mode = registry.probe(name)
    found = {"integrity_mode": mode, "probed_at": current_time() if mode else None}
    Node.objects.update_or_create(name=name, defaults=found)
    return mode
