"""The door of the plane: a ticket is checked before a byte is read or served."""

import time
from typing import TypeVar

from starlette.requests import Request

from files.access.issue import signing_key
from files.delivery.epochs import EpochWatch
from files.tickets import Ticket, digest, open_ticket

T = TypeVar("T", bound=Ticket)


async def admitted(request: Request, kind: type[T]) -> T:
    """The ticket in the address. TokenRefused; Unavailable when nobody can tell if it holds."""
    text = request.path_params["ticket"]
    ticket = open_ticket(text, kind, signing_key(), now=time.time())
    watch: EpochWatch = request.app.state.epochs
    await watch.check(ticket, digest(text))
    return ticket
