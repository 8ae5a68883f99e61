"""Reading JSON from strangers.

`json.loads` alone recurses without a limit, accepts NaN, keeps the last of two equal keys and
fails on a 5,000-digit integer with an error of its own. Each of those is refused here, in order:
size, UTF-8, depth and numbers (before anything is built), syntax, duplicate keys.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.parsers import BaseParser

from rapidserve.errors import BadRequest, TooLarge

# 2^64 has 20 digits: the field it was sent for says what is wrong with it. Longer is nonsense.
MAX_INTEGER_DIGITS = 20
MAX_FRACTION_LENGTH = 1000
MAX_SHOWN_NAME = 100

# One token at a time. The quantifiers are possessive: with backtracking, a body of a million
# quotes and backslashes would be scanned a million times.
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]++|\\.)*+"?)'
    r"|(?P<open>[\[{])|(?P<close>[\]}])"
    r"|(?P<number>-?[0-9](?:[0-9.]|[eE][+-]?)*+)|(?P<constant>-?Infinity|NaN)",
    re.DOTALL,
)
_INTEGER = re.compile(r"-?[0-9]+")


class StrictJSONParser(BaseParser):
    """`application/json` in UTF-8. Answers what was sent, of any JSON type, or raises
    BadRequest (json_invalid, json_too_deep, number_out_of_range, json_duplicate_key) or
    TooLarge (body_too_large).
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - DRF's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF's signature
    ) -> Any:
        return parse_json(_read(stream, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))


def parse_json(raw: bytes) -> Any:
    """The value of a JSON text. Errors as in StrictJSONParser, with `line` and `column`."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        raise _invalid("The body isn't UTF-8.", before, len(before)) from None
    _check_tokens(text)
    try:
        return json.loads(text, object_pairs_hook=_object_without_duplicates)
    except json.JSONDecodeError as error:
        raise _invalid("The body isn't valid JSON.", text, error.pos) from None


def printable(name: str) -> str:
    """A name that a client made up, safe to name back: short, and encodable whatever was in it."""
    return name[:MAX_SHOWN_NAME].encode("utf-8", "replace").decode("utf-8")


def _read(stream: IO[Any], limit: int) -> bytes:
    """At most `limit` bytes: the declared length may lie, and memory is shared by all requests."""
    raw: bytes = stream.read(limit + 1)
    if len(raw) > limit:
        raise TooLarge(f"The body is over {limit} bytes.", facts={"limit": limit})
    return raw


def _check_tokens(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "open":
                depth += 1
                if depth > settings.MAX_JSON_DEPTH:
                    _refuse_depth(text, token.start())
            case "close":
                depth -= 1
            case "number":
                _check_number(token.group(), text, token.start())
            case "constant":
                raise _invalid("NaN and Infinity aren't JSON.", text, token.start())


def _refuse_depth(text: str, position: int) -> NoReturn:
    limit = settings.MAX_JSON_DEPTH
    raise BadRequest(
        f"The body is nested more than {limit} levels deep.",
        code="json_too_deep",
        facts={"limit": limit, **_place(text, position)},
    )


def _check_number(literal: str, text: str, position: int) -> None:
    whole = _INTEGER.fullmatch(literal)
    longest = MAX_INTEGER_DIGITS if whole else MAX_FRACTION_LENGTH
    if len(literal.lstrip("-")) > longest:
        raise BadRequest(
            "The body holds a number with too many digits.",
            code="number_out_of_range",
            facts=_place(text, position),
        )
    if not whole and _is_infinite(literal):
        raise _invalid("The body holds a number too large to represent.", text, position)


def _is_infinite(literal: str) -> bool:
    try:
        return math.isinf(float(literal))
    except ValueError:  # not a number after all ("1.2.3"): the syntax check says so
        return False


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise BadRequest(
                "The body names the same field twice.",
                code="json_duplicate_key",
                field=printable(key),
            )
        made[key] = value
    return made


def _invalid(message: str, text: str, position: int) -> BadRequest:
    return BadRequest(message, code="json_invalid", facts=_place(text, position))


def _place(text: str, position: int) -> dict[str, int]:
    """Line and column, both counted from 1, as editors do."""
    return {
        "line": text.count("\n", 0, position) + 1,
        "column": position - text.rfind("\n", 0, position),
    }
