"""Pages of a list: how many, from where, and the shape they come in."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from rapidserve.errors import BadRequest, Invalid
from rapidserve.keys import fernet_key

Row = TypeVar("Row")

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
# Beyond this many digits a number is only ever clamped, and int() of it would be costly.
_MANY_DIGITS = 10

PAGE_PARAMETERS = [
    OpenApiParameter(
        "limit", int, description=f"How many at most: 1 to {MAX_LIMIT}, clamped.", default=100
    ),
    OpenApiParameter("cursor", str, description="`next` of the page before."),
]


def parse_limit(raw: str | None, *, default: int = DEFAULT_LIMIT) -> int:
    """`limit` of a query string, clamped to 1-1000. Raises Invalid (limit_invalid)."""
    if raw is None:
        return default
    if not re.fullmatch(r"[+-]?[0-9]+", raw):
        raise Invalid("limit must be a whole number.", code="limit_invalid", field="limit")
    if len(raw) > _MANY_DIGITS:
        return 1 if raw.startswith("-") else MAX_LIMIT
    return max(1, min(int(raw), MAX_LIMIT))


def encode_cursor(kind: str, values: Sequence[str | int | bool | None]) -> str:
    """An opaque place in a list. Encrypted with a key of its `kind`: nobody builds one, uses one
    list's place in another, or reads the name of what a search passed over out of it.
    """
    return _cipher(kind).encrypt(json.dumps(list(values)).encode()).decode().rstrip("=")


def decode_cursor(kind: str, text: str) -> list[Any]:
    """The values that `encode_cursor` was given. Raises BadRequest (cursor_invalid)."""
    sealed = text + "=" * (-len(text) % 4)
    try:
        # One text for each place: decoding passes over what else the last characters may be.
        if base64.urlsafe_b64encode(base64.urlsafe_b64decode(sealed)).decode() != sealed:
            raise InvalidToken
        values: list[Any] = json.loads(_cipher(kind).decrypt(sealed))
    except (InvalidToken, ValueError):
        raise BadRequest(
            "This cursor isn't one of ours.",
            code="cursor_invalid",
            field="cursor",
            hint="Pass `next` exactly as the page before gave it.",
        ) from None
    return values


def _cipher(kind: str) -> Fernet:
    return Fernet(fernet_key(settings.SECRET_KEY.encode(), f"cursor v1 {kind}"))


def read_page(
    query: QueryDict,
    kind: str,
    fetch: Callable[[list[Any] | None, int], Sequence[Row]],
    place: Callable[[Row], Sequence[str | int]],
) -> tuple[Sequence[Row], str | None]:
    """The rows that `limit` and `cursor` of a query ask for, and the cursor behind them.

    `fetch(after, limit)` reads at most `limit` rows behind `after`, which is the `place` of a row
    that was shown before; None reads from the start.
    """
    limit = parse_limit(query.get("limit"))
    cursor = query.get("cursor")
    found = fetch(None if cursor is None else decode_cursor(kind, cursor), limit + 1)
    shown = found[:limit]
    return shown, encode_cursor(kind, place(shown[-1])) if len(found) > limit else None


def page_of(results: Any, next_cursor: str | None) -> dict[str, Any]:
    """The shape of every list."""
    return {"results": results, "next": next_cursor}


@cache
def page_serializer(item: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """How the documentation describes a page of `item`: one description, whoever answers it."""
    return inline_serializer(
        name=f"{item.__name__.removesuffix('Serializer')}Page",
        fields={"results": item(many=True), "next": serializers.CharField(allow_null=True)},
    )
