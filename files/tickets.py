"""Tickets: short signed statements the control side gives and the delivery plane believes. Pure.

    base64url(payload) "." base64url(HMAC-SHA256(key, payload))

The payload is compact JSON: a kind, an expiry, the epochs it was issued under, then the fields of
that kind. There is no algorithm field to negotiate: one kind of signature, or none of it is valid.
A ticket says who asked and for what; it never carries an address of a storage node to a downloader.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar, Final, TypeVar
from uuid import UUID

from rapidserve.errors import TokenRefused

Epochs = tuple[tuple[str, int], ...]
"""(subject id in hex, the value the ticket was issued under) of everything it depends on."""

MAX_TICKET_CHARS: Final = 4096


@dataclass(frozen=True, slots=True)
class Ticket:
    """What every ticket says. `expires_at` is in whole seconds since 1970."""

    kind: ClassVar[str] = ""
    expires_at: int
    epochs: Epochs


@dataclass(frozen=True, slots=True)
class PutTicket(Ticket):
    """The holder may store exactly these bytes under this key on this node, once."""

    kind: ClassVar[str] = "put"
    upload: str
    key: str
    node: str
    size: int
    sha256: str
    credential: str


@dataclass(frozen=True, slots=True)
class ChunkTicket(Ticket):
    """The holder may read one extent of a version, in the name of `user`."""

    kind: ClassVar[str] = "chunk"
    entry: str
    version: str
    index: int
    user: str
    credential: str


@dataclass(frozen=True, slots=True)
class FileTicket(Ticket):
    """The holder may read a whole version, in the name of `user`, under the name `name`; only what
    HEAD tells of it when it is `head_only`."""

    kind: ClassVar[str] = "file"
    entry: str
    version: str
    user: str
    credential: str
    name: str
    inline: bool
    head_only: bool = False


@dataclass(frozen=True, slots=True)
class FormTicket(Ticket):
    """The holder may send one file by form into a folder, in the name of `user`."""

    kind: ClassVar[str] = "form"
    folder: str
    user: str
    credential: str


@dataclass(frozen=True, slots=True)
class ProblemTicket(Ticket):
    """Words of ours for a page to show: why a form was refused. No link can make up others."""

    kind: ClassVar[str] = "problem"
    text: str


T = TypeVar("T", bound=Ticket)


def ticket_key(secret_key: str) -> bytes:
    """The signing key, apart from every other use of the installation's secret."""
    return hmac.digest(secret_key.encode(), b"rapidserve ticket v1", "sha256")


def seal(ticket: Ticket, key: bytes) -> str:
    # Not `astuple`: it copies whatever it finds, at six times the price.
    values = (getattr(ticket, field.name) for field in fields(ticket))
    payload = json.dumps([ticket.kind, *values], ensure_ascii=False, separators=(",", ":")).encode()
    return f"{_encode(payload)}.{_encode(hmac.digest(key, payload, 'sha256'))}"


def open_ticket(text: str, kind: type[T], key: bytes, *, now: float) -> T:
    """The ticket, or TokenRefused: token_invalid when altered or of another kind, token_expired."""
    payload = _verified_payload(text, key)
    # Only what we signed ourselves is parsed, so its shape is known once the kind matches.
    found, *values = json.loads(payload)
    if found != kind.kind or len(values) != len(fields(kind)):
        raise TokenRefused("This address is not valid here.")
    expires_at, epochs, *rest = values
    if expires_at <= now:
        raise TokenRefused("This address has expired. Ask for a new one.", code="token_expired")
    return kind(expires_at, tuple((subject, value) for subject, value in epochs), *rest)


def digest(text: str) -> bytes:
    """A short name for a ticket in caches."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def epochs_of(values: Iterable[tuple[UUID, int]]) -> Epochs:
    return tuple((subject.hex, value) for subject, value in values)


def _verified_payload(text: str, key: bytes) -> bytes:
    encoded_payload, dot, encoded_mac = text.partition(".")
    try:
        if not dot or len(text) > MAX_TICKET_CHARS:
            raise ValueError
        payload, mac = _decode(encoded_payload), _decode(encoded_mac)
    except (ValueError, binascii.Error):
        raise TokenRefused("This address is not valid.") from None
    if not hmac.compare_digest(mac, hmac.digest(key, payload, "sha256")):
        raise TokenRefused("This address is not valid.")
    return payload


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Strict: exactly one text per value, so that altering any character is noticed.

    Without it the last character could change in bits that decoding drops.
    """
    raw = base64.b64decode(
        text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
    )
    if _encode(raw) != text:
        raise ValueError(text)
    return raw
