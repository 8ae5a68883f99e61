"""What a version alone keeps on the nodes: the part of its space's `stored_bytes` that comes and
goes with it. Asked in the transaction that commits or removes the version.
"""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from django.db.models import Max, Sum

from files.models import Chunk, Extent, Space, Version

PAGE = 1000


def own_bytes(version: Version) -> int:
    """Bytes of the chunks that no other committed version of its space refers to."""
    total = 0
    chunk_ids = _chunk_ids(version)
    while page := list(islice(chunk_ids, PAGE)):
        own = Chunk.objects.filter(id__in=set(page) - _held_by_others(version, page))
        total += own.aggregate(total=Sum("size"))["total"] or 0
    return total


def counted_again(space: Space) -> int:
    """What `stored_bytes` must be, from every extent of the space. For `verify`."""
    extents = Extent.objects.filter(space=space, version__state=Version.State.COMMITTED)
    chunks = extents.values("chunk_id").annotate(size=Max("chunk__size"))
    return chunks.aggregate(total=Sum("size"))["total"] or 0


def _held_by_others(version: Version, chunk_ids: list[UUID]) -> set[UUID]:
    """Those that another committed version of the space refers to. In steps, each by an index: as
    one query with a join it would be a lookup for every extent on MongoDB."""
    others = (
        Extent.objects.filter(chunk_id__in=chunk_ids, space=version.space_id)
        .exclude(version=version.id)
        .order_by()
        .values_list("chunk_id", "version_id")
        .distinct()
        .iterator()
    )
    held: set[UUID] = set()
    while page := list(islice(others, PAGE)):
        versions = Version.objects.filter(
            id__in={version_id for _, version_id in page}, state=Version.State.COMMITTED
        )
        committed = set(versions.values_list("id", flat=True))
        held |= {chunk_id for chunk_id, version_id in page if version_id in committed}
    return held


def _chunk_ids(version: Version) -> Iterator[UUID]:
    """Each once: a sparse file of terabytes names one chunk a million times."""
    ids = Extent.objects.filter(version=version).order_by("chunk_id")
    return ids.values_list("chunk_id", flat=True).distinct().iterator()
