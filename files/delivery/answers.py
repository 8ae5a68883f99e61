"""Answers of the plane: the one error shape, and the headers every delivered byte carries."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rapidserve.errors import RapidServeError
from rapidserve.observability.requests import current_request_id

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
