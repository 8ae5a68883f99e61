"""From a version to its bytes: cached manifests, and reads that try one copy after another.

Versions and their extents never change once committed, so what is cached here is never stale. Only
the list of copies can change; a read that finds a copy gone asks the database again.
"""

import hashlib
import itertools
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cachetools import LRUCache
from django.db import DatabaseError
from django.db.models import IntegerField, UUIDField

from files.chunkstore.errors import ChunkAbsent, ChunkDamaged, ChunkStoreError
from files.chunkstore.registry import node
from files.content.topology import replica_nodes, stored_objects
from files.models import Chunk, Extent, Replica, Version
from rapidserve.db import Prepared, current_time
from rapidserve.errors import NotFound, Unavailable

logger = logging.getLogger(__name__)

EXTENTS_PER_PAGE = 256


@dataclass(frozen=True, slots=True)
class VersionFacts:
    id: UUID
    size: int
    content_type: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class ExtentFacts:
    """An extent with where its bytes are: key and nodes never leave the server."""

    index: int
    sha256: str
    offset: int
    length: int
    key: str
    chunk_size: int
    nodes: tuple[str, ...]

    @property
    def is_whole_chunk(self) -> bool:
        return self.offset == 0 and self.length == self.chunk_size


_facts_by_id = Prepared(
    lambda version_id: Version.objects.filter(
        id=version_id, state=Version.State.COMMITTED
    ).values_list("id", "size", "content_type", "content_hash"),
    UUIDField(),
)
_extents_between = Prepared(
    lambda version_id, start, end: (
        Extent.objects.filter(version=version_id, index__gte=start, index__lt=end)
        .order_by("index")
        .values_list("index", "sha256", "offset", "length", "chunk_id")
    ),
    UUIDField(),
    IntegerField(),
    IntegerField(),
)

_lock = threading.Lock()
_versions: LRUCache[UUID, VersionFacts] = LRUCache(maxsize=10_000)
# By extents: a small file's page is one of them, and must not take the place of a large one's 256.
_pages: LRUCache[tuple[UUID, int], tuple[ExtentFacts, ...]] = LRUCache(
    maxsize=100 * EXTENTS_PER_PAGE, getsizeof=len
)


def cached_version(version_id: UUID) -> VersionFacts | None:
    with _lock:
        return _versions.get(version_id)


def cached_extent(version_id: UUID, index: int) -> ExtentFacts | None:
    number, position = divmod(index, EXTENTS_PER_PAGE)
    with _lock:
        page = _pages.get((version_id, number))
    return page[position] if page and position < len(page) else None


def version_facts(version_id: UUID) -> VersionFacts:
    """NotFound unless the version is committed."""
    if facts := cached_version(version_id):
        return facts
    found = _facts_by_id(version_id)
    if not found:
        raise NotFound
    facts = VersionFacts(*found[0])
    with _lock:
        _versions[version_id] = facts
    return facts


def extent(version_id: UUID, index: int) -> ExtentFacts:
    """Extent `index` of a committed version. NotFound when there is none."""
    if facts := cached_extent(version_id, index):
        return facts
    number, position = divmod(index, EXTENTS_PER_PAGE)
    page = _load_page(version_id, number)
    if position >= len(page):
        raise NotFound
    return page[position]


def read(version_id: UUID, extent: ExtentFacts, start: int, length: int) -> Iterator[bytes]:
    """`length` bytes of the extent from `start`, from the first copy that gives them.

    Fails over until the first block is out; after that damage breaks the stream off, since bytes
    that were sent can't be taken back. An extent read whole from a place that doesn't authenticate
    is hashed on the way. Raises Unavailable when no copy can be read.
    """
    names = extent.nodes
    for attempt in ("cached", "looked up again"):
        for name in names:
            try:
                backend = node(name)
                blocks = backend.read(extent.key, extent.offset + start, length)
                first = next(blocks)
            except ChunkStoreError as error:
                _note(error, extent, name)
                continue
            is_whole = start == 0 and length == extent.length
            verify = is_whole and not backend.authenticates(extent.key)
            whole = itertools.chain((first,), blocks)
            return _noting(_hashed(whole, extent) if verify else whole, extent, name)
        if attempt == "cached":
            names = _forget_copies(version_id, extent)
    raise unreadable()


def unreadable() -> Unavailable:
    """What a client is told when no copy gives the bytes."""
    return Unavailable(
        "The stored data can't be read right now.", code="storage_unavailable", retry_after=10
    )


def whole_file(extent: ExtentFacts) -> Path | None:
    """A file that holds exactly this extent, for sendfile; None when it must be decrypted."""
    if not extent.is_whole_chunk or not extent.nodes:
        return None
    return node(extent.nodes[0]).path(extent.key)


def forget_all() -> None:
    """Empty the caches (tests)."""
    with _lock:
        _versions.clear()
        _pages.clear()


def _noting(blocks: Iterator[bytes], extent: ExtentFacts, name: str) -> Iterator[bytes]:
    try:
        yield from blocks
    except ChunkStoreError as error:
        _note(error, extent, name)
        raise


def _note(error: ChunkStoreError, extent: ExtentFacts, name: str) -> None:
    """Remember a copy that is missing or damaged, so that whoever sends the same bytes again is
    asked for them. A node that can't be reached says nothing about its chunks."""
    logger.error("Chunk %s on %s: %s", extent.key, name, error)
    if not isinstance(error, ChunkAbsent | ChunkDamaged):
        return
    try:
        chunk = Chunk.objects.filter(key=extent.key).first()
        Replica.objects.filter(chunk=chunk, node=name, damaged_at=None).update(
            damaged_at=current_time()
        )
    except DatabaseError:
        logger.exception("The damage could not be noted.")


def _hashed(blocks: Iterator[bytes], extent: ExtentFacts) -> Iterator[bytes]:
    """Hold the last block back until the whole was hashed: damaged data never arrives complete."""
    digest = hashlib.sha256()
    held = b""
    for block in blocks:
        digest.update(block)
        if held:
            yield held
        held = block
    if digest.hexdigest() != extent.sha256:
        raise ChunkDamaged(f"chunk {extent.key} does not hash to {extent.sha256}")
    yield held


def _forget_copies(version_id: UUID, extent: ExtentFacts) -> tuple[str, ...]:
    """The copies as the database knows them now: repair or draining may have moved the chunk."""
    number, position = divmod(extent.index, EXTENTS_PER_PAGE)
    with _lock:
        _pages.pop((version_id, number), None)
    page = _load_page(version_id, number)
    return page[position].nodes if position < len(page) else ()


def _load_page(version_id: UUID, number: int) -> tuple[ExtentFacts, ...]:
    """In steps, each by an index: a join would be a lookup for each extent on MongoDB.

    NotFound unless the version is committed.
    """
    version_facts(version_id)
    first = number * EXTENTS_PER_PAGE
    rows = _extents_between(version_id, first, first + EXTENTS_PER_PAGE)
    chunk_ids = {chunk_id for *_, chunk_id in rows}
    objects, copies = stored_objects(chunk_ids), replica_nodes(chunk_ids)
    page = tuple(
        ExtentFacts(index, sha256, offset, length, *objects[chunk_id], copies.get(chunk_id, ()))
        for index, sha256, offset, length, chunk_id in rows
    )
    if page:
        with _lock:
            _pages[version_id, number] = page
    return page
