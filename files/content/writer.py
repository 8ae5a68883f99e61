"""From announced hashes to a version's extents: reuse what is here, prove what is sent.

The rule that keeps files alive while a collector runs (reference: the state machine in
files/content/collect.py): **first commit the extents, then, outside that transaction, look at the
chunks' states.** An extent is a reference from the moment it is committed, so a chunk that is seen
live or is revived afterwards can't be doomed any more. Looking first and inserting second would let
a collector slip between the two. `settle` is that look; everything that trusts a chunk calls it.
"""

import hashlib
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db.models import F, Min

from files.chunkstore.bucket import Bucket
from files.chunkstore.errors import (
    ChunkAbsent,
    ChunkDamaged,
    ChunkStoreError,
    NodeError,
    NodeFull,
)
from files.chunkstore.registry import node, nodes
from files.content.placement import Candidates
from files.content.topology import available_nodes, proving_nodes
from files.models import Chunk, Extent, Replica, Upload, Version
from files.models.chunks import random_key
from rapidserve.crashpoints import crash_point
from rapidserve.db import current_time, new_id, run_atomic
from rapidserve.errors import Conflict, StorageFull, Unavailable

PAGE = 1000
"""Chunks a client may name in one call, and rows this module reads at a time."""


MAX_TWINS = 256
"""Chunks (1 GiB) that one call reads to see whether they may stand in for ones just sent."""

MAX_QUESTIONS = 16
"""Chunks about which one call asks buckets at the same time."""


@dataclass(frozen=True, slots=True)
class ChunkSpec:
    """A chunk as the client announces it: lower-case hex SHA-256 and bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """What is asked of nodes about a chunk. Lighter than its row: one call looks up a thousand."""

    id: UUID
    key: str
    sha256: str
    size: int
    node: str


AnyChunk = TypeVar("AnyChunk", Chunk, StoredChunk)


@dataclass(frozen=True, slots=True)
class Slot:
    """One extent of an open upload and what its client should do about it."""

    index: int
    sha256: str
    size: int
    have: bool
    key: str
    node: str


def add_extents(
    upload: Upload,
    start: int,
    specs: Sequence[ChunkSpec],
    *,
    reusable: Mapping[ChunkSpec, UUID],
    candidates: Candidates,
) -> None:
    """Insert the extents `start`… of an open upload. In the caller's transaction; re-runnable.

    Indexes that are there already with the same hash are left as they are; with another hash the
    whole call is Conflict(chunk_conflict). `reusable`: what `held_in_space` found, for actors who
    may know. StorageFull, Unavailable when new chunks are needed and no node is a candidate.
    """
    fresh = _without_registered(upload, start, specs)
    if not fresh:
        return
    wanted = set(fresh.values())
    # What is gone by now has no row to point at; what goes a moment later, `settle` sees.
    still = _live_among(chunk for spec, chunk in reusable.items() if spec in wanted)
    chunks = {spec: chunk for spec, chunk in reusable.items() if spec in wanted and chunk in still}
    chunks |= _already_in_upload(upload, wanted)
    missing = [spec for spec in dict.fromkeys(fresh.values()) if spec not in chunks]
    new = _new_chunks(missing, candidates)
    chunks |= {spec: chunk.id for spec, chunk in zip(missing, new, strict=True)}
    Extent.objects.bulk_create(
        Extent(
            version=upload.version,
            index=index,
            chunk_id=chunks[spec],
            length=spec.size,
            sha256=spec.sha256,
            space_id=upload.space_id,
        )
        for index, spec in fresh.items()
    )
    Upload.objects.filter(id=upload.id).update(
        sent_bytes=F("sent_bytes") + sum(spec.size for spec in missing)
    )


def slots(upload: Upload, start: int, limit: int) -> list[Slot]:
    """At most `limit` extents from `start` with today's states. Call it outside a transaction."""
    extents, chunks = settle(upload, _extents(upload, start, limit))
    first = _first_indexes(upload, {e.chunk_id for e in extents})
    return [
        Slot(
            index=extent.index,
            sha256=extent.sha256,
            size=extent.length,
            have=chunks[extent.chunk_id].state == Chunk.State.LIVE
            # An extent that was adopted or dropped since the look above is no longer among these.
            or first.get(extent.chunk_id, extent.index) < extent.index,
            key=chunks[extent.chunk_id].key,
            node=chunks[extent.chunk_id].node,
        )
        for extent in extents
    ]


def store(slot: Slot, chunk: bytes) -> None:
    """Put a chunk that this server has in its hands where its slot says. Durable on return.

    StorageFull, Unavailable.
    """
    target = nodes().get(slot.node)
    try:
        if target is None:
            raise NodeError(f"node {slot.node} is not configured any more")
        writer = target.backend.writer(slot.key, size=slot.size, sha256=slot.sha256)
        try:
            writer.write(chunk)
            writer.commit()
        except BaseException:
            writer.abort()
            raise
    except NodeFull as error:
        raise StorageFull("The storage is full.", code="storage_full", retry_after=60) from error
    except ChunkStoreError as error:
        raise Unavailable(
            "The storage can't be reached.", code="storage_unavailable", retry_after=5
        ) from error


def settle(upload: Upload, extents: list[Extent]) -> tuple[list[Extent], dict[UUID, Chunk]]:
    """Look at the chunks of committed extents and mend what a collector got to first.

    Condemned chunks are put back, as often as it takes: our reference is committed, so none of them
    can be doomed. To take one for lost would be fatal: another request may have seen it live and be
    completing the upload, and its extents would then point at bytes that nobody sends. Only doomed
    and vanished chunks, which never come back, are replaced by new pending ones, which the client
    will be asked to send. Every chunk returned is pending or live.
    """
    while True:
        chunks = _chunks_of(extents)
        condemned = [c.id for c in chunks.values() if c.state == Chunk.State.CONDEMNED]
        lost = {e.chunk_id for e in extents if _is_lost(chunks.get(e.chunk_id))}
        if condemned:
            revive(condemned)
        if lost:
            run_atomic(partial(_replace, upload, lost, available_nodes()))
            extents = _read_again(extents)
        if not condemned and not lost:
            return extents, chunks


def all_live(upload: Upload) -> bool:
    """Whether every chunk of a copy is still here, now that the copy's extents are committed."""
    return not prove_all(upload)


def revive(chunk_ids: Iterable[UUID]) -> None:
    """Condemned chunks back to what they were. Only for chunks that a committed extent refers to.

    The collector's next step compares its token while the chunk is condemned, so it finds that it
    has lost the claim. In one transaction: a chunk that was proven and condemned again between the
    look at its replicas and the update would become pending, although it has been live.
    """
    ids = list(chunk_ids)

    def put_back() -> None:
        proven = list(Replica.objects.filter(chunk_id__in=ids).values_list("chunk_id", flat=True))
        condemned = Chunk.objects.filter(id__in=ids, state=Chunk.State.CONDEMNED)
        condemned.filter(id__in=proven).update(state=Chunk.State.LIVE, token=None)
        condemned.exclude(id__in=proven).update(state=Chunk.State.PENDING, token=None)

    run_atomic(put_back)


def prove_all(upload: Upload) -> list[int]:
    """Prove every registered chunk; the indexes that are still missing on their nodes."""
    missing: list[int] = []
    start = 0
    while page := _extents(upload, start, PAGE):
        missing += _prove_page(upload, page)
        start = page[-1].index + 1
    return missing


def prove(upload: Upload, indexes: Collection[int]) -> list[int]:
    """As `prove_all` for some of them, at most PAGE. Indexes never registered are missing too."""
    extents = upload.extents.filter(index__in=indexes)
    page = list(extents.order_by("index"))
    unregistered = set(indexes) - {extent.index for extent in page}
    return sorted({*unregistered, *_prove_page(upload, page)})


def _prove_page(upload: Upload, page: list[Extent]) -> list[int]:
    """Look for pending chunks on their nodes; the indexes of the page that are not there."""
    extents, chunks = settle(upload, page)
    pending = [chunk for chunk in chunks.values() if chunk.state == Chunk.State.PENDING]
    if not pending:
        return []
    proving = proving_nodes()
    stored = _those(pending, partial(_is_proven, proving))
    if stored:
        crash_point("prove.found")
        twins = _readable_twins(stored)
        run_atomic(lambda: _go_live(upload, stored, twins, proving))
        crash_point("prove.live")
    # Read again: this request, or another one of the same upload, may have adopted other chunks.
    extents, chunks = settle(upload, _read_again(extents))
    return [e.index for e in extents if chunks[e.chunk_id].state != Chunk.State.LIVE]


def _go_live(
    upload: Upload, stored: list[Chunk], twins: dict[ChunkSpec, UUID], proving: Container[str]
) -> None:
    """Pending -> live, or adopt the live twin with the same content.

    Adoption happens only from pending: two chunks that are both live never adopt each other, which
    would leave each held by the other's extents only.
    """
    pending = Chunk.objects.filter(id__in=[c.id for c in stored], state=Chunk.State.PENDING)
    still_live = _live_among(twins.values())
    proven = []
    for chunk in pending:
        twin = twins.get(ChunkSpec(chunk.sha256, chunk.size))
        if twin in still_live:
            upload.extents.filter(chunk=chunk).update(chunk_id=twin)
        else:
            proven.append(chunk)
    pending.filter(id__in=[c.id for c in proven]).update(state=Chunk.State.LIVE)
    now = current_time()
    Replica.objects.bulk_create(
        Replica(
            chunk=chunk,
            node=chunk.node,
            verified_at=now,
            verified_how=(
                Replica.VerifiedHow.STORE if chunk.node in proving else Replica.VerifiedHow.HASHED
            ),
        )
        for chunk in proven
    )


def _live_among(chunk_ids: Iterable[UUID]) -> set[UUID]:
    live = Chunk.objects.filter(id__in=list(chunk_ids), state=Chunk.State.LIVE)
    return set(live.values_list("id", flat=True))


def _readable_twins(chunks: list[Chunk]) -> dict[ChunkSpec, UUID]:
    """Live chunks of any space with the same content. Clients never learn of the match.

    Only those that read back right, now: bytes that have just arrived must not be given up for
    others that have rotted since. At most so many as a request can read; what has no twin here
    stays the chunk it is.
    """
    live = Chunk.objects.filter(sha256__in={c.sha256 for c in chunks}, state=Chunk.State.LIVE)
    twins = _undamaged(live.order_by("id")[:MAX_TWINS])
    return {ChunkSpec(c.sha256, c.size): c.id for c in _those(twins, _reads_back)}


def _is_proven(proving: Container[str], chunk: Chunk) -> bool:
    """Whether the announced bytes are there. Unavailable when the node can't be asked.

    What came through this server became visible under its random key only after it had hashed to
    the announced value; so did what a client sent straight to a bucket whose endpoint compares a
    signed checksum. One that does not, or no longer does, may hold anything: read it.
    """
    if not _is_stored(chunk):
        return False
    node = nodes()[chunk.node]
    return node.bucket is None or chunk.node in proving or _reads_back(chunk)


def _those(chunks: Sequence[AnyChunk], ask: Callable[[AnyChunk], bool]) -> list[AnyChunk]:
    """The chunks of which `ask` says yes. A bucket takes milliseconds for each: several at once."""
    if not any(_is_remote(chunk) for chunk in chunks):
        return [chunk for chunk in chunks if ask(chunk)]
    with ThreadPoolExecutor(MAX_QUESTIONS) as threads:
        answers = list(threads.map(ask, chunks))
    return [chunk for chunk, yes in zip(chunks, answers, strict=True) if yes]


def _is_remote(chunk: Chunk | StoredChunk) -> bool:
    found = nodes().get(chunk.node)
    return found is not None and isinstance(found.config.place, Bucket)


def _is_stored(chunk: Chunk | StoredChunk) -> bool:
    node = nodes().get(chunk.node)
    if node is None:
        return False
    try:
        return node.backend.stat(chunk.key).size == chunk.size
    except (ChunkAbsent, ChunkDamaged):
        return False
    except NodeError as error:
        raise Unavailable(
            "A storage node can't be reached right now.", code="storage_unavailable", retry_after=5
        ) from error


def _undamaged(chunks: Iterable[AnyChunk]) -> list[AnyChunk]:
    """Without those of which a copy was found missing or damaged."""
    found = list(chunks)
    noted = Replica.objects.filter(chunk_id__in=[c.id for c in found]).exclude(damaged_at=None)
    damaged = set(noted.values_list("chunk_id", flat=True))
    return [chunk for chunk in found if chunk.id not in damaged]


def _reads_back(chunk: Chunk) -> bool:
    digest = hashlib.sha256()
    try:
        for block in node(chunk.node).read(chunk.key, 0, chunk.size):
            digest.update(block)
    except ChunkStoreError:
        return False
    return digest.hexdigest() == chunk.sha256


def _is_readable(chunk: StoredChunk) -> bool:
    try:
        return _is_stored(chunk)
    except Unavailable:
        return False


def _is_lost(chunk: Chunk | None) -> bool:
    return chunk is None or chunk.state == Chunk.State.DOOMED


def _without_registered(
    upload: Upload, start: int, specs: Sequence[ChunkSpec]
) -> dict[int, ChunkSpec]:
    given = dict(enumerate(specs, start))
    registered = upload.extents.filter(index__gte=start, index__lt=start + len(specs))
    for index, sha256, length in registered.values_list("index", "sha256", "length"):
        if given.pop(index) != ChunkSpec(sha256, length):
            raise Conflict(
                f"Chunk {index} was registered with another hash.",
                code="chunk_conflict",
                facts={"index": index},
            )
    return given


def held_in_space(space_id: UUID, specs: Iterable[ChunkSpec]) -> dict[ChunkSpec, UUID]:
    """Live chunks that a committed version of this space already holds. Outside a transaction.

    Only those whose object is there: who sends a file again because it was lost is asked for it.
    For actors who may download everything in the space: nobody else may learn which hashes it has.
    """
    wanted = set(specs)
    extents = list(
        Extent.objects.filter(space_id=space_id, sha256__in={spec.sha256 for spec in wanted})
        .values_list("sha256", "version_id", "chunk_id")
        .distinct()
    )
    committed = set(
        Version.objects.filter(
            id__in={version for _, version, _ in extents}, state=Version.State.COMMITTED
        ).values_list("id", flat=True)
    )
    candidates = {chunk for _, version, chunk in extents if version in committed}
    live = Chunk.objects.filter(id__in=candidates, state=Chunk.State.LIVE)
    rows = live.values_list("id", "key", "sha256", "size", "node")
    undamaged = _undamaged(StoredChunk(*row) for row in rows)
    found = {ChunkSpec(chunk.sha256, chunk.size): chunk for chunk in undamaged}
    asked = [chunk for spec, chunk in found.items() if spec in wanted]
    return {ChunkSpec(c.sha256, c.size): c.id for c in _those(asked, _is_readable)}


def _already_in_upload(upload: Upload, specs: set[ChunkSpec]) -> dict[ChunkSpec, UUID]:
    rows = upload.extents.filter(sha256__in={s.sha256 for s in specs}).values_list(
        "sha256", "length", "chunk_id"
    )
    return {ChunkSpec(sha256, length): chunk_id for sha256, length, chunk_id in rows.distinct()}


def _new_chunks(specs: Sequence[ChunkSpec], candidates: Candidates) -> list[Chunk]:
    chunks = []
    for spec in specs:
        key = random_key()
        chunks.append(
            Chunk(
                id=new_id(),
                key=key,
                sha256=spec.sha256,
                size=spec.size,
                node=candidates.choose(key),
            )
        )
    return Chunk.objects.bulk_create(chunks)


def _replace(upload: Upload, lost: set[UUID], candidates: Candidates) -> None:
    """Point the extents that still refer to lost chunks at new pending ones, one for each content.

    Asked again here: meanwhile another request may have replaced them, or ended the upload.
    """
    extents = upload.extents.filter(chunk_id__in=lost)
    contents = extents.order_by("sha256", "length").values_list("sha256", "length").distinct()
    new = _new_chunks([ChunkSpec(sha256, length) for sha256, length in contents], candidates)
    for chunk in new:
        same = extents.filter(sha256=chunk.sha256, length=chunk.size)
        same.update(chunk_id=chunk.id, offset=0)  # the lost one may have been shared with others
    Upload.objects.filter(id=upload.id).update(
        sent_bytes=F("sent_bytes") + sum(chunk.size for chunk in new)
    )


def _extents(upload: Upload, start: int, limit: int) -> list[Extent]:
    return list(upload.extents.filter(index__gte=start).order_by("index")[:limit])


def _read_again(extents: list[Extent]) -> list[Extent]:
    """Today's rows of these extents; fewer when the upload has ended."""
    return list(Extent.objects.filter(id__in=[e.id for e in extents]).order_by("index"))


def _chunks_of(extents: list[Extent]) -> dict[UUID, Chunk]:
    return Chunk.objects.in_bulk({extent.chunk_id for extent in extents})


def _first_indexes(upload: Upload, chunk_ids: set[UUID]) -> dict[UUID, int]:
    """Where in the upload each chunk occurs first: only there is it sent."""
    rows = (
        upload.extents.filter(chunk_id__in=chunk_ids)
        .values_list("chunk_id")
        .annotate(first=Min("index"))
    )
    return dict(rows)
