"""API tokens as text: `rs_` and 32 random bytes. Pure.

Only the digest is stored. SHA-256 without salt or stretching is enough: unlike a password, 256
random bits can't be guessed, and a digest that is the same each time can be looked up by index.
"""

import hashlib
import re
import secrets

PREFIX = "rs_"
_SHAPE = re.compile(r"rs_[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """A token nobody has. Shown once to the person it is for."""
    return PREFIX + secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Whether `text` has the shape of a token; says nothing about whether it was ever issued."""
    return _SHAPE.fullmatch(text) is not None


def digest(token: str) -> str:
    """What is stored in place of the token: 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()
