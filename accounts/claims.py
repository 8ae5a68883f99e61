"""What an identity provider says of somebody (OpenID Connect), as far as it can be believed. Pure.

It is signed in by, so every answer is held against the specification first: a provider that is
misled, or written badly, must neither let somebody in as another nor break a page.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_SUBJECT: Final = 255
MAX_LENGTH: Final = 1000
"""Of a name or an address: what is longer is no such thing."""


class UnbelievableError(ValueError):
    """The text is for the log."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What is kept of them: no more than is needed here."""

    subject: str
    email: str
    email_verified: bool
    username: str
    name: str

    def as_userinfo(self) -> dict[str, Any]:
        return {
            "sub": self.subject,
            "email": self.email,
            "email_verified": self.email_verified,
            "preferred_username": self.username,
            "name": self.name,
        }


def believe(id_token: object, userinfo: object, *, nonce: str) -> Claims:
    """Of an ID token whose issuer, audience and expiry were checked. Raises UnbelievableError."""
    token, info = _mapping(id_token, "ID token"), _mapping(userinfo, "userinfo")
    if not (_is_moment(token.get("exp")) and _is_moment(token.get("iat"))):
        raise UnbelievableError("the ID token has no exp or no iat")
    if token.get("nonce") != nonce:
        raise UnbelievableError("the ID token answers another question")
    subject = _text(token, "sub")
    if not 1 <= len(subject) <= MAX_SUBJECT:
        raise UnbelievableError("the ID token has no sub that can be one")
    # Core 5.3.2: else an access token of another person would be that person's way in.
    if info.get("sub") != subject:
        raise UnbelievableError("the userinfo is of somebody else than the ID token")
    return Claims(
        subject=subject,
        email=_text(info, "email"),
        email_verified=str(info.get("email_verified")).lower() == "true",  # some send it as text
        username=_text(info, "preferred_username"),
        name=_text(info, "name"),
    )


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnbelievableError(f"the {what} is no object")
    return value


def _text(claims: Mapping[str, Any], name: str) -> str:
    """Empty when it isn't there."""
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_LENGTH or not _is_storable(value):
        raise UnbelievableError(f"{name} is no text, or none that can be one")
    return value


def _is_storable(text: str) -> bool:
    """Databases take neither half a character nor a NUL."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_moment(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)
