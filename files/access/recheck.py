"""The full question behind a ticket whose epoch is old: is it still allowed today?"""

from dataclasses import replace
from uuid import UUID

from accounts.models import ApiToken, SignIn, User
from files.access.actor import Actor
from files.access.links import visitor
from files.access.lookup import is_in_sight
from files.access.policy import can, may_add
from files.access.roles import Permission
from files.models import Entry, Upload, Version
from files.tickets import ChunkTicket, FileTicket, FormTicket, PutTicket, Ticket
from rapidserve.db import current_time


def still_allowed(ticket: Ticket) -> bool:
    if isinstance(ticket, PutTicket):
        return _may_put(ticket)
    if isinstance(ticket, ChunkTicket | FileTicket):
        return _may_read(ticket)
    if isinstance(ticket, FormTicket):
        return _may_add(ticket)
    return False


def _may_put(ticket: PutTicket) -> bool:
    upload = (
        Upload.objects.select_related("parent__space", "parent__parent")
        .filter(id=UUID(ticket.upload), state=Upload.State.OPEN)
        .first()
    )
    if upload is None or upload.parent is None:
        return False
    actor = holder(upload.actor_id, ticket.credential)
    return actor is not None and is_in_sight(upload.parent) and may_add(actor, upload.parent)


def _may_read(ticket: ChunkTicket | FileTicket) -> bool:
    actor = holder(UUID(ticket.user), ticket.credential)
    entry = Entry.objects.select_related("space", "parent").filter(id=UUID(ticket.entry)).first()
    if actor is None or entry is None:
        return False
    if not Version.objects.filter(id=UUID(ticket.version), entry=entry).exists():
        return False
    return is_in_sight(entry) and can(actor, Permission.DOWNLOAD, entry)


def _may_add(ticket: FormTicket) -> bool:
    actor = holder(UUID(ticket.user), ticket.credential)
    folder = Entry.objects.select_related("space", "parent").filter(id=UUID(ticket.folder)).first()
    return (
        actor is not None and folder is not None and is_in_sight(folder) and may_add(actor, folder)
    )


def holder(user_id: UUID, credential: str) -> Actor | None:
    """Who holds the ticket, if what he came with still holds: an API token, a session, or a visit
    by a link. "" was given to none of them."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        return None
    if not credential:
        return Actor(user, fresh=True)
    token = ApiToken.objects.filter(id=UUID(credential)).first()
    if token is not None:
        holds = token.expires_at is None or token.expires_at > current_time()
        return Actor(user, fresh=True) if holds else None
    if SignIn.objects.filter(id=UUID(credential), user=user).exists():
        return Actor(user, fresh=True)
    found = visitor(UUID(credential))
    return replace(found, fresh=True) if found and found.id == user.id else None
