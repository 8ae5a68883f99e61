"""What a page says once, after something happened: named in its address, so that a link can't make
the page claim things: looked up, signed, or remembered in the session.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.db.models import QuerySet
from django.http import HttpRequest

from files.access.actor import Actor
from files.access.issue import signing_key
from files.access.lookup import entry_for, trashed_entry_for
from files.access.roles import Permission
from files.models import Entry, Upload
from files.tickets import ProblemTicket, open_ticket
from rapidserve.api.fields import parse_id
from rapidserve.errors import NotFound, PermissionDenied, TokenRefused

_ONCE: Final = ("problem", "uploaded", "trashed")
_SEVERAL: Final = "several"  # ids of many entries would not fit into an address


@dataclass(frozen=True, slots=True)
class Notice:
    """`undo` are the entries that a button beside the text restores."""

    text: str
    undo: Sequence[Entry] = ()
    is_problem: bool = False


def after_trashing(request: HttpRequest, entries: Sequence[Entry], back: str) -> str:
    """The page to go back to, which then offers to undo."""
    if len(entries) == 1:
        return _with(back, trashed=str(entries[0].id))
    request.session[_SEVERAL] = [str(entry.id) for entry in entries]
    return _with(back, trashed=_SEVERAL)


def carried_on(request: HttpRequest) -> str:
    """The part of this address that its redirect must not lose, "" when there is none."""
    kept = {name: request.GET[name] for name in _ONCE if name in request.GET}
    return f"?{urlencode(kept)}" if kept else ""


def asked_for(request: HttpRequest, actor: Actor) -> Notice | None:
    """The notice that the address names, if it is (still) true."""
    problem, uploaded, trashed = map(request.GET.get, _ONCE)
    try:
        if problem:
            ticket = open_ticket(problem, ProblemTicket, signing_key(), now=time.time())
            return Notice(ticket.text, is_problem=True)
        if uploaded:
            entry = entry_for(actor, parse_id(uploaded), Permission.VIEW)
            return Notice(f"“{entry.name}” was uploaded.")
        if trashed == _SEVERAL:
            return _several_trashed(request, actor)
        if trashed:
            entry = trashed_entry_for(actor, parse_id(trashed), Permission.EDIT)
            return Notice(f"“{entry.name}” is in the trash.", undo=[entry])
    except (NotFound, PermissionDenied, TokenRefused):
        return None  # gone since, or an address that somebody made up
    return None


def arrived(request: HttpRequest, sent: QuerySet[Upload]) -> Notice | None:
    """What a visitor has just sent, who may not look at it where it is."""
    named = request.GET.get("uploaded")
    if not named:
        return None
    with suppress(NotFound):
        upload = sent.filter(entry_id=parse_id(named)).first()
        return Notice(f"“{upload.name}” has arrived.") if upload else None
    return None


def _several_trashed(request: HttpRequest, actor: Actor) -> Notice | None:
    """Said once: what was taken out again meanwhile is no longer counted, nor offered."""
    entries = []
    for entry_id in request.session.pop(_SEVERAL, []):
        with suppress(NotFound, PermissionDenied):
            entries.append(trashed_entry_for(actor, parse_id(entry_id), Permission.EDIT))
    if not entries:
        return None
    return Notice(f"{amount(len(entries))} in the trash.", undo=entries)


def amount(count: int) -> str:
    """How many items there are, with their verb."""
    return "1 item is" if count == 1 else f"{count} items are"


def _with(address: str, **parameters: str) -> str:
    """The address without the notices of before, and with this one."""
    parts = urlsplit(address)
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key not in _ONCE]
    return urlunsplit(parts._replace(query=urlencode([*kept, *parameters.items()])))
