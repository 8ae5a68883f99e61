"""Answers of the plane: the one error shape, and the headers every delivered byte carries."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from rapidserve.errors import RapidServeError
from rapidserve.observability.requests import current_request_id

DRAIN_SECONDS = 120

INERT = {
    # Hostile content must do nothing, whatever a browser makes of it.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A stored copy may be shown again only after the rights were asked for again.
    "Cache-Control": "private, no-cache",
}


def error_answer(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RapidServeError):
        raise error
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if "size" in error.facts and error.status == 416:  # noqa: PLR2004 - range not satisfiable
        headers["Content-Range"] = f"bytes */{error.facts['size']}"
    return JSONResponse(
        error.as_dict(current_request_id.get()), status_code=error.status, headers=headers
    )


async def drain(request: Request, *, most: int) -> None:
    """Read a refused body, up to `most` bytes of it: a client that is still sending would not see
    the answer. Not for ever: whoever has no ticket could hold all connections by sending slowly.
    """
    dropped = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for block in request.stream():
                dropped += len(block)
                if dropped > most:
                    return
    except (ClientDisconnect, RuntimeError, TimeoutError):
        return  # nobody is sending any more, everything was read, or it takes too long


def is_cached(request: Request, etag: str) -> bool:
    """Whether If-None-Match names this content."""
    header = request.headers.get("if-none-match")
    if header is None:
        return False
    known = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in known or etag in known


def range_header(request: Request, etag: str) -> str | None:
    """The Range header, unless If-Range names other content: then the whole is due.

    A date in If-Range never matches: content is told apart by its hash only. Ranges are defined
    for GET alone (RFC 9110, 14.2): a HEAD tells of the whole.
    """
    if request.method != "GET":
        return None
    condition = request.headers.get("if-range")
    if condition is not None and condition.strip() != etag:
        return None
    return request.headers.get("range")
