"""Issue tickets: what the control side promises, signed, for the delivery plane to believe."""

import time
from functools import cache

from django.conf import settings

from files.access.actor import Actor
from files.access.epochs import current, subjects_of
from files.models import Entry, Upload, Version
from files.tickets import (
    ChunkTicket,
    Epochs,
    FileTicket,
    FormTicket,
    ProblemTicket,
    PutTicket,
    seal,
    ticket_key,
)

FORM_SECONDS = 3600
PROBLEM_SECONDS = 300


@cache
def signing_key() -> bytes:
    return ticket_key(settings.SECRET_KEY)


def upload_epochs(actor: Actor, upload: Upload) -> Epochs:
    """What an upload's addresses depend on. Read before the rights are checked."""
    return current([*subjects_of(actor, upload.space_id), upload.id])


def read_epochs(actor: Actor, entry: Entry) -> Epochs:
    return current(subjects_of(actor, entry.space_id))


def expiry(actor: Actor, seconds: int) -> int:
    """When a ticket that lives so long ends; never after the credential it was given to."""
    end = int(time.time()) + seconds
    return end if actor.until is None else min(end, int(actor.until.timestamp()))


def put_ticket(  # noqa: PLR0913 - each is a field of the ticket
    *,
    actor: Actor,
    upload: Upload,
    key: str,
    node: str,
    size: int,
    sha256: str,
    epochs: Epochs,
    expires_at: int,
) -> str:
    return seal(
        PutTicket(
            expires_at,
            epochs,
            upload.id.hex,
            key,
            node,
            size,
            sha256,
            _credential(actor),
        ),
        signing_key(),
    )


def chunk_ticket(
    *, actor: Actor, version: Version, index: int, epochs: Epochs, expires_at: int
) -> str:
    if version.entry_id is None:
        raise ValueError(version)
    return seal(
        ChunkTicket(
            expires_at,
            epochs,
            version.entry_id.hex,
            version.id.hex,
            index,
            actor.id.hex,
            _credential(actor),
        ),
        signing_key(),
    )


def file_ticket(
    *,
    actor: Actor,
    entry: Entry,
    version: Version,
    inline: bool,
    epochs: Epochs,
    head_only: bool = False,
) -> str:
    return seal(
        FileTicket(
            expiry(actor, settings.CONTENT_URL_SECONDS),
            epochs,
            entry.id.hex,
            version.id.hex,
            actor.id.hex,
            _credential(actor),
            entry.name,
            inline,
            head_only,
        ),
        signing_key(),
    )


def form_ticket(*, actor: Actor, folder: Entry) -> str:
    """For a page that `actor` looks at. The upload itself asks for every right again."""
    epochs = read_epochs(actor, folder)
    return seal(
        FormTicket(
            expiry(actor, FORM_SECONDS), epochs, folder.id.hex, actor.id.hex, _credential(actor)
        ),
        signing_key(),
    )


def problem_ticket(text: str) -> str:
    return seal(ProblemTicket(int(time.time()) + PROBLEM_SECONDS, (), text), signing_key())


def _credential(actor: Actor) -> str:
    return actor.credential.hex if actor.credential else ""
