"""The collector: removes chunks that no version refers to. Safe beside any number of uploads.

    pending -> live -> condemned(token) -> live | doomed -> object deleted -> row deleted

1. Condemn with a fresh token, and commit.
2. Only then ask whether any extent, pending or committed, refers to the chunk.
3. Referred to: back to what it was. Not: doomed, which is irreversible. Both only with my token,
   so that a collector that was overtaken changes nothing.
4. Delete the object, then the row. Keys are random: a late delete can't hit a new object.

An uploader inserts its extents first and looks at the chunk's state afterwards (files/content/
writer.py). Either it sees the claim and takes the chunk back, or the collector sees the extent.
Neither waits for a clock: grace periods would only hide a mistake here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings

from files.chunkstore.errors import NodeError
from files.chunkstore.registry import nodes
from files.models import Chunk, Extent, Replica
from rapidserve.crashpoints import crash_point
from rapidserve.db import current_time, run_atomic

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Collected:
    """What went. `bytes` are plain chunk sizes; `strays` are objects that had no row at all."""

    chunks: int = 0
    bytes: int = 0
    strays: int = 0


def collect(*, dry_run: bool = False) -> Collected:
    """One pass over all chunks. `dry_run` counts what would go and changes nothing."""
    chunks = size = 0
    for page in _pages():
        gone = _unreferenced(page) if dry_run else _collect_page(page)
        chunks += len(gone)
        size += sum(chunk.size for chunk in gone)
    strays = 0 if dry_run else sum(_sweep_strays(name) for name in nodes())
    return Collected(chunks, size, strays)


def _pages() -> Iterator[list[Chunk]]:
    """Every chunk in order of id, PAGE rows at a time."""
    after = UUID(int=0)
    while page := list(Chunk.objects.filter(id__gt=after).order_by("id")[:PAGE]):
        yield page
        after = page[-1].id


def _collect_page(page: list[Chunk]) -> list[Chunk]:
    """The chunks of the page that this pass removed."""
    doomed = _doom(_claimable(page)) | {c.id for c in page if c.state == Chunk.State.DOOMED}
    return [chunk for chunk in page if chunk.id in doomed and _remove(chunk)]


def _unreferenced(page: list[Chunk]) -> list[Chunk]:
    referenced = _referenced(chunk.id for chunk in page)
    return [chunk for chunk in page if chunk.id not in referenced]


def _claimable(page: list[Chunk]) -> list[Chunk]:
    """Chunks worth condemning: no extent now, or left condemned by a collector that died.

    Only a hint that saves work. Whether a chunk goes is asked again after the claim.
    """
    unreferenced = {chunk.id for chunk in _unreferenced(page)}
    return [
        chunk
        for chunk in page
        if chunk.state == Chunk.State.CONDEMNED
        or (chunk.id in unreferenced and chunk.state != Chunk.State.DOOMED)
    ]


def _doom(candidates: list[Chunk]) -> set[UUID]:
    """Condemn, ask, decide. The ids that are doomed now."""
    if not candidates:
        return set()
    token, ids = uuid4(), [chunk.id for chunk in candidates]
    Chunk.objects.filter(id__in=ids).exclude(state=Chunk.State.DOOMED).update(
        state=Chunk.State.CONDEMNED, token=token
    )
    crash_point("collect.condemned")
    mine = Chunk.objects.filter(id__in=ids, state=Chunk.State.CONDEMNED, token=token)
    referenced = _referenced(ids)
    proven = set(Replica.objects.filter(chunk_id__in=referenced).values_list("chunk_id", flat=True))
    mine.filter(id__in=proven).update(state=Chunk.State.LIVE, token=None)
    mine.filter(id__in=referenced - proven).update(state=Chunk.State.PENDING, token=None)
    mine.exclude(id__in=referenced).update(state=Chunk.State.DOOMED)
    crash_point("collect.doomed")
    return set(
        Chunk.objects.filter(id__in=ids, state=Chunk.State.DOOMED).values_list("id", flat=True)
    )


def _remove(chunk: Chunk) -> bool:
    """Delete a doomed chunk's objects, then its row. False when a node can't be reached."""
    replicas = Replica.objects.filter(chunk=chunk).values_list("node", flat=True)
    known = nodes()
    for name in {chunk.node, *replicas}:
        if name not in known:
            return False
        try:
            known[name].backend.delete(chunk.key)
        except NodeError:
            return False
    crash_point("collect.object_deleted")
    return run_atomic(lambda: _delete_row(chunk))


def _delete_row(chunk: Chunk) -> bool:
    """A doomed chunk that an extent points to was never trusted: its uploader replaces it first."""
    if Extent.objects.filter(chunk=chunk).exists():
        return False
    Replica.objects.filter(chunk=chunk).delete()
    # False when another collector was here first: each counts only what it removed itself.
    return Chunk.objects.filter(id=chunk.id, state=Chunk.State.DOOMED).delete()[0] > 0


def _sweep_strays(name: str) -> int:
    """Delete objects without a row that are older than any address that could still create them."""
    backend = nodes()[name].backend
    before = current_time() - timedelta(seconds=settings.UPLOAD_URL_SECONDS + 3600)
    strays = 0
    try:
        batch: list[str] = []
        for stored in backend.list():
            if stored.modified_at < before:
                batch.append(stored.key)
            if len(batch) == PAGE:
                strays += _delete_strays(name, batch)
                batch = []
        return strays + _delete_strays(name, batch) + backend.sweep(before)
    except NodeError:
        return strays


def _delete_strays(name: str, keys: list[str]) -> int:
    known = set(Chunk.objects.filter(key__in=keys).values_list("key", flat=True))
    strays = [key for key in keys if key not in known]
    for key in strays:
        nodes()[name].backend.delete(key)
    return len(strays)


def _referenced(chunk_ids: Iterable[UUID]) -> set[UUID]:
    return set(
        Extent.objects.filter(chunk_id__in=list(chunk_ids))
        .values_list("chunk_id", flat=True)
        .distinct()
    )
