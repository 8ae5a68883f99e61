"""What a folder's page says once, after something happened: named in its address, so that it needs
no state, and looked up or signed, so that a link can't make the page claim things.
"""

import time
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from files.access.actor import Actor
from files.access.issue import signing_key
from files.access.lookup import entry_for, trashed_entry_for
from files.access.roles import Permission
from files.models import Entry
from files.tickets import ProblemTicket, open_ticket
from rapidserve.api.fields import parse_id
from rapidserve.errors import NotFound, PermissionDenied, TokenRefused


@dataclass(frozen=True, slots=True)
class Notice:
    """`undo` is the entry that a button beside the text restores."""

    text: str
    undo: Entry | None = None
    is_problem: bool = False


def after_trashing(entry: Entry) -> str:
    """The folder the entry was in, whose page then offers to undo."""
    return f"{reverse('folder', args=[entry.parent_id])}?{urlencode({'trashed': entry.id})}"


def carried_on(request: HttpRequest) -> str:
    """The part of this address that its redirect must not lose, "" when there is none."""
    problem = request.GET.get("problem")
    return f"?{urlencode({'problem': problem})}" if problem else ""


def asked_for(request: HttpRequest, actor: Actor) -> Notice | None:
    """The notice that the address names, if it is (still) true."""
    problem, uploaded, trashed = map(request.GET.get, ("problem", "uploaded", "trashed"))
    try:
        if problem:
            ticket = open_ticket(problem, ProblemTicket, signing_key(), now=time.time())
            return Notice(ticket.text, is_problem=True)
        if uploaded:
            entry = entry_for(actor, parse_id(uploaded), Permission.VIEW)
            return Notice(f"“{entry.name}” was uploaded.")
        if trashed:
            entry = trashed_entry_for(actor, parse_id(trashed), Permission.EDIT)
            return Notice(f"“{entry.name}” is in the trash.", undo=entry)
    except (NotFound, PermissionDenied, TokenRefused):
        return None  # gone since, or an address that somebody made up
    return None
