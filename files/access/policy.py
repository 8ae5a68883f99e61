"""The one answer to "may this actor do that with this entry"."""

from uuid import UUID

from django.db.models import QuerySet

from files.access.actor import Actor
from files.access.roles import PERMISSIONS, Permission, Role
from files.models import Entry, Space

ADMINISTRATION = frozenset({Permission.VIEW, Permission.EDIT})
"""What an administrator may do with everybody's entries: tidy up. Not read them."""


def role_in(actor: Actor, space: Space) -> Role | None:
    return Role.OWNER if space.live and space.owner_id == actor.id else None


def permissions(actor: Actor, entry: Entry) -> frozenset[Permission]:
    """Everything the actor may do with the entry; empty when it must look like nothing is there."""
    if not actor.user.is_active or not entry.space.live:
        return frozenset()
    if actor.administers:
        return ADMINISTRATION
    role = role_in(actor, entry.space)
    return PERMISSIONS[role] if role else frozenset()


def can(actor: Actor, permission: Permission, entry: Entry) -> bool:
    return permission in permissions(actor, entry)


def visible_spaces(actor: Actor) -> QuerySet[Space]:
    return Space.objects.filter(owner=actor.user, live=True)


def ancestors(entry: Entry) -> list[UUID]:
    """Ids of the folders above the entry, root first. One row at most is read for it."""
    if entry.parent is None:
        return []
    return folder_ids(entry.parent)


def folder_ids(folder: Entry) -> list[UUID]:
    """Ids from the root down to the folder itself."""
    return [UUID(part) for part in (folder.path or "").split("/") if part]
