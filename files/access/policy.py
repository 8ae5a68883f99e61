"""The one answer to "may this actor do that with this entry", and to what he sees at all.

A role on a folder holds for everything below it; of several the greatest counts. Rights are asked
along the folders above an entry, whose ids its parent's `path` has: no tree is walked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from files.access.actor import Actor, ThroughLink
from files.access.rights import Holding, all_holdings, holdings
from files.access.roles import PERMISSIONS, Permission, Role, greatest
from files.models import Entry, Space
from rapidserve.db import current_time

ADMINISTRATION = frozenset({Permission.VIEW, Permission.EDIT})
"""What an administrator may do with everybody's entries: tidy up. Not read them."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How an actor sees an entry. `parent` is the folder it lies in, None where that is not his to
    see: what was shared by itself looks as if it lay nowhere.
    """

    permissions: frozenset[Permission]
    parent: UUID | None


NOTHING = Sight(frozenset(), None)


def sights(actor: Actor, entries: Sequence[Entry]) -> dict[UUID, Sight]:
    """Of a page of entries, whose `space` and `parent` were read along: as many queries as for one.

    No permissions: it must look like nothing is there.
    """
    if not actor.user.is_active:
        return {entry.id: NOTHING for entry in entries}
    if actor.through:
        return _through_link(actor, actor.through, entries)
    if actor.administers:
        return {
            entry.id: Sight(ADMINISTRATION, entry.parent_id) if entry.space.live else NOTHING
            for entry in entries
        }
    chains = {e.id: [*ancestors(e), e.id] for e in entries if e.space.owner_id != actor.id}
    wanted = {entry_id for chain in chains.values() for entry_id in chain}
    held = holdings(actor, wanted) if wanted else {}
    now = current_time()

    def role_along(entry_ids: Iterable[UUID]) -> Role | None:
        return _greatest((holding for each in entry_ids for holding in held[each]), now)

    def sight(entry: Entry) -> Sight:
        if not entry.space.live:
            return NOTHING
        if entry.id not in chains:
            return Sight(PERMISSIONS[Role.OWNER], entry.parent_id)
        *above, itself = chains[entry.id]
        inherited = role_along(above)
        role = greatest(filter(None, (inherited, role_along([itself]))))
        if role is None:
            return NOTHING
        return Sight(PERMISSIONS[role], entry.parent_id if inherited else None)

    return {entry.id: sight(entry) for entry in entries}


def _through_link(
    actor: Actor, through: ThroughLink, entries: Sequence[Entry]
) -> dict[UUID, Sight]:
    """Never more than who made the link may do himself, today, nor outside of what it leads to."""
    makers = sights(replace(actor, through=None), entries)

    def sight(entry: Entry) -> Sight:
        held = makers[entry.id].permissions
        if Permission.EDIT in held:
            held |= {Permission.ADD}
        if entry.id == through.entry:
            return Sight(held & through.permissions, None)
        if through.entry in ancestors(entry):
            return Sight(held & through.permissions, entry.parent_id)
        return NOTHING

    return {entry.id: sight(entry) for entry in entries}


def permissions(actor: Actor, entry: Entry) -> frozenset[Permission]:
    """Everything the actor may do with the entry; empty when it must look like nothing is there."""
    return sights(actor, [entry])[entry.id].permissions


def can(actor: Actor, permission: Permission, entry: Entry) -> bool:
    return permission in permissions(actor, entry)


def may_add(actor: Actor, folder: Entry) -> bool:
    """Whether new files may be put into a folder, by who may edit or by an upload link."""
    return not permissions(actor, folder).isdisjoint({Permission.EDIT, Permission.ADD})


def until(actor: Actor, permission: Permission, entry: Entry) -> datetime | None:
    """When the actor may no longer do that by what is granted now; None: nothing says when.

    Of an actor who may do it now.
    """
    if actor.administers or entry.space.owner_id == actor.id:
        return None
    now = current_time()
    ends = [
        holding.expires_at
        for each in holdings(actor, [*ancestors(entry), entry.id]).values()
        for holding in each
        if holding.counts(now) and permission in PERMISSIONS[holding.role]
    ]
    return max((end for end in ends if end), default=None) if None not in ends else None


def role_in(actor: Actor, space: Space) -> Role | None:
    """The actor's role in the whole of a space; None for who sees parts of it at most."""
    if not space.live or not actor.user.is_active:
        return None
    if space.owner_id == actor.id:
        return Role.OWNER
    return _greatest(holdings(actor, [space.root])[space.root], current_time())


def visible_spaces(actor: Actor) -> QuerySet[Space]:
    """The spaces of which the actor sees all. In two steps: a join would look every grant up."""
    return Space.objects.filter(Q(owner=actor.user) | Q(root__in=shared_entries(actor)), live=True)


def shared_entries(actor: Actor) -> list[UUID]:
    """Ids of what was shared with the actor, or a group of his: each by itself, in sight or not."""
    now = current_time()
    return list(dict.fromkeys(h.entry for h in all_holdings(actor) if h.counts(now)))


def ancestors(entry: Entry) -> list[UUID]:
    """Ids of the folders above the entry, root first. One row at most is read for it."""
    if entry.parent is None:
        return []
    return folder_ids(entry.parent)


def folder_ids(folder: Entry) -> list[UUID]:
    """Ids from the root down to the folder itself."""
    return [UUID(part) for part in (folder.path or "").split("/") if part]


def _greatest(held: Iterable[Holding], now: datetime) -> Role | None:
    return greatest(holding.role for holding in held if holding.counts(now))
