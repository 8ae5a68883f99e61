"""The full question behind a ticket whose epoch is old: is it still allowed today?"""

from uuid import UUID

from accounts.models import ApiToken, User
from files.access.actor import Actor
from files.access.lookup import is_in_sight
from files.access.policy import can
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
        Upload.objects.select_related("parent__space", "parent__parent", "actor")
        .filter(id=UUID(ticket.upload), state=Upload.State.OPEN)
        .first()
    )
    if upload is None or upload.parent is None or not upload.actor.is_active:
        return False
    if not _credential_holds(ticket.credential):
        return False
    return is_in_sight(upload.parent) and can(
        Actor(upload.actor, fresh=True), Permission.EDIT, upload.parent
    )


def _may_read(ticket: ChunkTicket | FileTicket) -> bool:
    user = User.objects.filter(id=UUID(ticket.user), is_active=True).first()
    entry = Entry.objects.select_related("space", "parent").filter(id=UUID(ticket.entry)).first()
    if user is None or entry is None or not _credential_holds(ticket.credential):
        return False
    if not Version.objects.filter(id=UUID(ticket.version), entry=entry).exists():
        return False
    return is_in_sight(entry) and can(Actor(user, fresh=True), Permission.DOWNLOAD, entry)


def _may_add(ticket: FormTicket) -> bool:
    user = User.objects.filter(id=UUID(ticket.user), is_active=True).first()
    folder = Entry.objects.select_related("space", "parent").filter(id=UUID(ticket.folder)).first()
    if user is None or folder is None:
        return False
    return is_in_sight(folder) and can(Actor(user, fresh=True), Permission.EDIT, folder)


def _credential_holds(credential: str) -> bool:
    """A session ("") is not looked up; an API token must exist and not have expired."""
    if not credential:
        return True
    token = ApiToken.objects.filter(id=UUID(credential)).first()
    return token is not None and (token.expires_at is None or token.expires_at > current_time())
