"""Which nodes there are for a chunk: where a new one goes, where the copies of an old one are."""

import shutil
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import UUIDField

from files.chunkstore.bucket import IntegrityMode
from files.chunkstore.errors import NodeError, NodeFull, NodeOffline
from files.chunkstore.registry import Node, nodes
from files.content.placement import Candidates
from files.models import Chunk, Replica
from files.models import Node as StoredNode
from rapidserve.db import Prepared

if TYPE_CHECKING:
    from files.chunkstore.backends.s3 import S3Backend


def available_nodes() -> Candidates:
    """The nodes that take chunks now. Each is asked: never do so inside a transaction."""
    weights, full = {}, False
    for name, node in nodes().items():
        try:
            node.backend.check()
        except NodeFull:
            full = True
        except NodeError:
            continue
        else:
            weights[name] = node.config.weight
    return Candidates(weights, full=full)


def proving_nodes() -> "dict[str, S3Backend]":
    """The buckets whose endpoints prove what comes: who sent it does not matter."""
    able = {name: node.bucket for name, node in nodes().items() if node.bucket}
    if not able:
        return {}
    rows = StoredNode.objects.filter(name__in=able, integrity_mode=IntegrityMode.HEADER)
    return {name: able[name] for name in rows.values_list("name", flat=True)}


def direct_nodes(*, page_origin: str | None = None) -> "dict[str, S3Backend]":
    """The buckets into which clients send chunks themselves.

    `page_origin`: for a browser, only those that were seen to let pages from there do so.
    """
    found = {
        name: bucket for name, bucket in proving_nodes().items() if nodes()[name].config.direct
    }
    if page_origin is None or not found:
        return found
    return {name: bucket for name, bucket in found.items() if name in _admitting(page_origin)}


def pages_are_led_to(name: str, host: str) -> bool:
    """Whether browsers that come from pages of this host may be led to the node's bucket, as it
    was found out up to a minute ago: this is asked for every chunk."""
    at_host = [origin for origin in settings.PAGE_ORIGINS if origin.endswith(f"://{host}")]
    return bool(at_host) and name in _admitting_in(int(time.monotonic() // 60), at_host[0])


@lru_cache(maxsize=8)
def _admitting_in(_minute: int, page_origin: str) -> frozenset[str]:
    return _admitting(page_origin)


def _admitting(page_origin: str) -> frozenset[str]:
    """Names of the nodes that were seen to let pages from there do what they have to."""
    if page_origin not in settings.PAGE_ORIGINS:
        return frozenset()
    rows = StoredNode.objects.filter(admits_pages=True)
    return frozenset(rows.values_list("name", flat=True))


@dataclass(frozen=True, slots=True)
class NodeReport:
    """How a node of the settings is right now. `state` is one of ready, full, offline, failing;
    `free` and `total` are bytes of its disk, None while they can't be asked, and of a bucket.
    """

    name: str
    state: str
    free: int | None
    total: int | None
    weight: float
    domain: str
    seals: bool


def survey() -> dict[str, NodeReport]:
    """Every node of the settings, by name. Each is asked whether it would take a chunk."""
    return {name: _report(node) for name, node in nodes().items()}


def _report(node: Node) -> NodeReport:
    state, usage = "ready", None
    try:
        node.backend.check()
        if isinstance(node.config.place, Path):
            usage = shutil.disk_usage(node.config.place)
    except NodeFull:
        state = "full"
    except NodeOffline:
        state = "offline"
    except (NodeError, OSError):
        state = "failing"
    return NodeReport(
        name=node.config.name,
        state=state,
        free=usage.free if usage else None,
        total=usage.total if usage else None,
        weight=node.config.weight,
        domain=node.config.domain,
        seals=node.config.seal,
    )


def stored_objects(chunk_ids: Iterable[UUID]) -> dict[UUID, tuple[str, int]]:
    """Key and size of each chunk."""
    wanted = list(chunk_ids)
    rows = _objects_of(len(wanted))(*wanted) if wanted else ()
    return {chunk_id: (key, size) for chunk_id, key, size in rows}


def replica_nodes(chunk_ids: Iterable[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Names of the nodes that hold a verified copy of each chunk, in the order to try them."""
    found: dict[UUID, list[str]] = defaultdict(list)
    wanted = list(chunk_ids)
    for chunk_id, node in _copies_of(len(wanted))(*wanted) if wanted else ():
        found[chunk_id].append(node)
    return {chunk_id: tuple(names) for chunk_id, names in found.items()}


# A small file has 1 chunk, a page of a large one 256; those between are few.
@lru_cache(maxsize=8)
def _objects_of(count: int) -> Prepared[tuple[UUID, str, int]]:
    return Prepared(
        lambda *chunk_ids: Chunk.objects.filter(id__in=chunk_ids).values_list("id", "key", "size"),
        *[UUIDField() for _ in range(count)],
    )


@lru_cache(maxsize=8)
def _copies_of(count: int) -> Prepared[tuple[UUID, str]]:
    return Prepared(
        lambda *chunk_ids: (
            Replica.objects.filter(chunk__id__in=chunk_ids)
            .order_by("verified_at", "id")
            .values_list("chunk_id", "node")
        ),
        *[UUIDField() for _ in range(count)],
    )
