"""What the views read from a request besides its body."""

import re
from typing import cast
from uuid import UUID

from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.sessions import sign_in_of
from files.access.actor import Actor
from rapidserve.api.fields import parse_id
from rapidserve.errors import Invalid

_REVISION = re.compile(r'(?:W/)?"?([0-9]{1,18})"?')
_NO_REVISION = 0
"""Revisions count from 1, so this one is always stale, and the refusal says which is current."""


def actor_of(request: Request) -> Actor:
    """The signed-in caller, or the visitor of a link; authentication has happened before."""
    if isinstance(request.auth, Actor):
        return request.auth
    token = request.auth if isinstance(request.auth, ApiToken) else None
    user = cast("User", request.user)
    if token:
        return Actor(user, token.id, token.expires_at)
    return Actor(user, sign_in_of(request._request))  # noqa: SLF001 - DRF's name for what it wraps


def if_match_revision(request: Request) -> int | None:
    """The revision in If-Match, quoted or bare; None when the caller does not care."""
    header = request.headers.get("If-Match", "").strip()
    if header in {"", "*"}:
        return None
    match = _REVISION.fullmatch(header)
    return int(match[1]) if match else _NO_REVISION


def start_index(request: Request, count: int) -> int:
    """`start` of a page of chunks; Invalid(chunk_index_invalid) outside of the file."""
    raw = request.query_params.get("start", "0")
    if re.fullmatch(r"[0-9]{1,12}", raw) and (int(raw) < count or int(raw) == 0):
        return int(raw)
    raise Invalid(
        f"start must be a number from 0 to {max(0, count - 1)}.",
        code="chunk_index_invalid",
        field="start",
        facts={"count": count},
    )


def is_asked(request: Request, name: str) -> bool:
    """A switch in the query: `?download=1`."""
    return request.query_params.get(name, "") in {"1", "true", "yes"}


def address(request: Request, path: str) -> str:
    """An absolute URL on the host the caller used."""
    return request.build_absolute_uri(path)


def id_in(request: Request, name: str) -> UUID | None:
    """An optional id in the query. NotFound when it can't be one."""
    raw = request.query_params.get(name)
    return None if raw is None else parse_id(raw)
