"""The full question behind a ticket whose epoch is old: is it still allowed today?"""

from dataclasses import replace
from uuid import UUID

from django.db.models import UUIDField

from accounts.models import ApiToken, SignIn, User
from files.access.actor import Actor
from files.access.links import visitor
from files.access.lookup import is_in_sight
from files.access.policy import can, may_add
from files.access.roles import Permission
from files.models import Entry, Upload, Version
from files.tickets import ChunkTicket, FileTicket, FormTicket, PutTicket, Ticket
from rapidserve.db import Prepared

_token_by_id = Prepared(
    lambda token_id: ApiToken.objects.select_related("user").filter(id=token_id), UUIDField()
)
_sign_in_by_id = Prepared(
    lambda sign_in_id: SignIn.objects.select_related("user").filter(id=sign_in_id), UUIDField()
)


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
    """Who has this credential, if it still holds: an API token, a session, or a visit by a link.
    "": the person alone. Of `user_id`, and active, or None."""
    if not credential:
        user = User.objects.filter(id=user_id).first()
        return _active(user, user_id)
    credential_id = UUID(credential)
    if token := next(iter(_token_by_id(credential_id)), None):
        return None if token.is_expired else _active(token.user, user_id)
    if sign_in := next(iter(_sign_in_by_id(credential_id)), None):
        return _active(sign_in.user, user_id)
    found = visitor(credential_id)
    return replace(found, fresh=True) if found and _active(found.user, user_id) else None


def _active(user: User | None, user_id: UUID) -> Actor | None:
    if user is None or user.id != user_id or not user.is_active:
        return None
    return Actor(user, fresh=True)
