"""A space's quota: reserve, spend and give back, each as one conditional update."""

from uuid import UUID

from django.db.models import F, Q

from files.models import Space
from rapidserve.errors import StorageFull


def reserve(space_id: UUID, size: int) -> None:
    """Hold `size` bytes for an upload, or StorageFull(quota_exceeded) with what is left."""
    room = Q(quota_bytes=None) | Q(quota_bytes__gte=F("used_bytes") + F("reserved_bytes") + size)
    if Space.objects.filter(room, id=space_id).update(reserved_bytes=F("reserved_bytes") + size):
        return
    space = Space.objects.get(id=space_id)
    left = max(0, (space.quota_bytes or 0) - space.used_bytes - space.reserved_bytes)
    raise StorageFull(
        f"There is not enough room: {size} bytes are needed, {left} are left.",
        facts={"need": size, "have": left},
    )


def release(space_id: UUID, size: int) -> None:
    """Give back what an upload reserved."""
    Space.objects.filter(id=space_id).update(reserved_bytes=F("reserved_bytes") - size)


def spend(space_id: UUID, size: int, stored: int) -> None:
    """Count a committed version. Its room was reserved, or has just been. `stored`: the bytes
    that the space holds only for this version (files.content.footprint).
    """
    Space.objects.filter(id=space_id).update(
        used_bytes=F("used_bytes") + size, stored_bytes=F("stored_bytes") + stored
    )


def refund(space_id: UUID, size: int, stored: int) -> None:
    """Committed versions are gone for good; both numbers as for `spend`."""
    Space.objects.filter(id=space_id).update(
        used_bytes=F("used_bytes") - size, stored_bytes=F("stored_bytes") - stored
    )
