"""Rights that outlast the request: what has to be asked, in which order, before tickets are issued.

First the epochs, then the rights, from the database, and whether the credential still holds.
Whatever is withdrawn in between leaves a ticket with an old epoch, which is looked at again; never
an old right with a new one.
"""

from dataclasses import replace
from uuid import UUID

from files.access.actor import Actor, ThroughLink
from files.access.epochs import current, subjects_of
from files.access.lookup import file_for, space_of
from files.access.policy import until
from files.access.recheck import holder
from files.access.roles import Permission
from files.models import Entry
from files.tickets import Epochs
from rapidserve.errors import NotAuthenticated, NotFound


def file_to_read(actor: Actor, entry_id: UUID) -> tuple[Entry, Actor, Epochs]:
    """A file the actor may download; with the actor and the epochs for its tickets. NotFound,
    PermissionDenied, Conflict(not_a_file); NotAuthenticated when he was signed out meanwhile."""
    space_id = space_of(entry_id)
    if space_id is None:
        raise NotFound
    epochs = current(subjects_of(actor, space_id))
    actor = replace(actor, fresh=True)
    file = file_for(actor, entry_id, Permission.DOWNLOAD)
    return file, lasting(actor, Permission.DOWNLOAD, file), epochs


def lasting(actor: Actor, permission: Permission, entry: Entry) -> Actor:
    """The actor, whose tickets don't outlive what lets him do that. Of an actor who may do it;
    NotAuthenticated when his credential was withdrawn since he came with it."""
    if holder(actor.id, actor.credential.hex if actor.credential else "") is None:
        raise NotAuthenticated("You were signed out meanwhile.")
    if actor.through:
        # What a link gives ends when its maker may not share any more what it leads to.
        permission, entry = Permission.SHARE, _led_to(actor.through, entry)
    end = until(actor, permission, entry)
    ends = [each for each in (actor.until, end) if each]
    return replace(actor, until=min(ends, default=None))


def _led_to(through: ThroughLink, entry: Entry) -> Entry:
    if entry.id == through.entry:
        return entry
    found = Entry.objects.select_related("space", "parent").filter(id=through.entry).first()
    if found is None:
        raise NotFound
    return found
