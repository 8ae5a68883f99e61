"""What a version alone keeps on the nodes: the part of its space's `stored_bytes` that comes and
goes with it. Asked in the transaction that commits or removes the version.
"""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Sum

from files.models import Chunk, Extent, Space, Version

PAGE = 1000


def own_bytes(version: Version) -> int:
    """Bytes of the chunks that no other committed version of its space refers to."""
    others = Extent.objects.filter(
        chunk=OuterRef("id"), space=version.space_id, version__state=Version.State.COMMITTED
    ).exclude(version=version.id)
    total = 0
    chunk_ids = _chunk_ids(version)
    while page := list(islice(chunk_ids, PAGE)):
        own = Chunk.objects.filter(~Exists(others), id__in=page)
        total += own.aggregate(total=Sum("size"))["total"] or 0
    return total


def counted_again(space: Space) -> int:
    """What `stored_bytes` must be, from every extent of the space. For `verify`."""
    extents = Extent.objects.filter(space=space, version__state=Version.State.COMMITTED)
    chunks = extents.values("chunk_id").annotate(size=Max("chunk__size"))
    return chunks.aggregate(total=Sum("size"))["total"] or 0


def _chunk_ids(version: Version) -> Iterator[UUID]:
    """Each once: a sparse file of terabytes names one chunk a million times."""
    ids = Extent.objects.filter(version=version).order_by("chunk_id")
    return ids.values_list("chunk_id", flat=True).distinct().iterator()
