"""From a version to its bytes: cached manifests, and reads that try one copy after another.

Versions and their extents never change once committed, so what is cached of them (rapidserve.cache)
is never stale. Only the list of copies can change; a read that finds a copy gone asks the database
again, and what it answers replaces what is cached.
"""

import hashlib
import itertools
import logging
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.db.models import IntegerField, UUIDField

from files.chunkstore.errors import ChunkAbsent, ChunkDamaged, ChunkStoreError
from files.chunkstore.registry import node
from files.content.topology import replica_nodes, stored_objects
from files.models import Chunk, Extent, Replica, Version
from rapidserve.cache import EXTENT_PAGES, VERSIONS, Hits, TwoLevel
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

Page = tuple[ExtentFacts, ...]


def _version_to_json(facts: VersionFacts) -> list[Any]:
    return [facts.id.hex, facts.size, facts.content_type, facts.content_hash]


def _version_from_json(row: list[Any]) -> VersionFacts:
    version_id, *rest = row
    return VersionFacts(UUID(version_id), *rest)


def _page_to_json(page: Page) -> list[Any]:
    return [astuple(extent) for extent in page]


def _page_from_json(rows: list[list[Any]]) -> Page:
    return tuple(ExtentFacts(*(*facts, tuple(nodes))) for *facts, nodes in rows)


_versions = TwoLevel(VERSIONS, to_json=_version_to_json, from_json=_version_from_json)
# By extents: a small file's page is one of them, and must not take the place of a large one's 256.
_pages = TwoLevel(EXTENT_PAGES, to_json=_page_to_json, from_json=_page_from_json, weight=len)


def cached_version(version_id: UUID) -> VersionFacts | None:
    """From this process's memory: never waits."""
    return _versions.held((version_id,))


def cached_extent(version_id: UUID, index: int) -> ExtentFacts | None:
    """As `cached_version`."""
    number, position = divmod(index, EXTENTS_PER_PAGE)
    return _on(_pages.held((version_id, number)) or (), position)


def version_facts(version_id: UUID) -> VersionFacts:
    """NotFound unless the version is committed."""
    if facts := _versions.get((version_id,)):
        return facts
    found = _facts_by_id(version_id)
    if not found:
        raise NotFound
    facts = VersionFacts(*found[0])
    _versions.put((version_id,), facts)
    return facts


def extent(version_id: UUID, index: int) -> ExtentFacts:
    """Extent `index` of a committed version. NotFound when there is none."""
    number, position = divmod(index, EXTENTS_PER_PAGE)
    page = _pages.get((version_id, number)) or _load_page(version_id, number)
    found = _on(page, position)
    if found is None:
        raise NotFound
    return found


def read(version_id: UUID, extent: ExtentFacts, start: int, length: int) -> Iterator[bytes]:
    """`length` bytes of the extent from `start`, from the first copy that gives them.

    Fails over until the first block is out; after that damage breaks the stream off, since bytes
    that were sent can't be taken back. An extent read whole from a place that doesn't authenticate
    is hashed on the way. Raises Unavailable when no copy can be read.
    """
    for attempt in ("cached", "looked up again"):
        for name in extent.nodes:
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
            current = _looked_up_again(version_id, extent.index)
            if current is None:
                break
            extent = current
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
    """Empty this process's memory (tests)."""
    _versions.forget_held()
    _pages.forget_held()


def hits() -> list[Hits]:
    """How often each level of the cache had what it was asked for, in this process."""
    return [*_versions.hits(), *_pages.hits()]


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


def _looked_up_again(version_id: UUID, index: int) -> ExtentFacts | None:
    """The extent as the database knows it now: repair or draining may have moved its chunk, and an
    import brought it under another key. Whatever is cached is not asked, and replaced."""
    number, position = divmod(index, EXTENTS_PER_PAGE)
    return _on(_load_page(version_id, number), position)


def _on(page: Page, position: int) -> ExtentFacts | None:
    return page[position] if position < len(page) else None


def _load_page(version_id: UUID, number: int) -> Page:
    """From the database, into the cache. In steps, each by an index: a join would be a lookup for
    each extent on MongoDB.

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
        _pages.put((version_id, number), page)
    else:
        _pages.forget((version_id, number))
    return page
