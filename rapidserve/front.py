"""What is refused before anybody looks at it, and the bodies that Django gets.

Django runs on a few threads. A body is read here, on the event loop, before a thread is taken: a
client that sends a byte a second must not hold a thread, and one that goes away in the middle must
not have half of its form acted upon.
"""

import asyncio
import json
import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from starlette.types import Message, Receive, Scope, Send

from files.api.packs import PACK_BODY_BYTES, PACK_PATH
from rapidserve.errors import (
    BadRequest,
    MethodNotAllowed,
    NotFound,
    RapidServeError,
    TooLarge,
)
from rapidserve.observability.requests import current_request_id

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HEADER_BYTES: Final = 32 * 2**10
DRAINED_BYTES: Final = 64 * 2**20  # a refused body is read this far, so that the answer arrives
BODY_SECONDS: Final = 120
IDLE_SECONDS: Final = 15  # without a byte: a place that others wait for is not kept
LARGE_BODY_BYTES: Final = 256 * 2**10
LARGE_BODIES_AT_ONCE: Final = 8  # bounds the memory that waiting bodies take: 8 x 5 MiB

_JSON_PATHS: Final = ("/api/", "/d/")
_CHUNK_LISTS: Final = re.compile(r"/api/upload/(chunk/register|[^/]+/chunks)/?")
_ALWAYS_ASCII: Final = "".join(map(chr, range(33, 127)))


def refusal(scope: Scope) -> RapidServeError | None:
    """Why this request goes no further, or None."""
    if scope["method"] not in METHODS:
        return MethodNotAllowed("This method is not supported here.", facts={"allowed": METHODS})
    if "\0" in scope["path"]:
        return NotFound()  # no name holds one, and file systems and databases choke on it
    return _headers_refused(scope)


def _headers_refused(scope: Scope) -> RapidServeError | None:
    size = 0
    hosts: list[bytes] = []
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            # With Content-Length beside it (which the HTTP layer has dropped by now) two servers in
            # a row could disagree where the body ends. Our clients know the size of what they send.
            return BadRequest(
                "A body needs a Content-Length and no Transfer-Encoding.", code="length_required"
            )
    if size > HEADER_BYTES:
        return BadRequest("The headers are too large.", code="headers_too_large")
    # Pages are left to Django, which answers the same with a page.
    if scope["path"].startswith(_JSON_PATHS) and not _host_allowed(hosts):
        return BadRequest("This host name is not served here.", code="host_invalid")
    return None


def _host_allowed(hosts: list[bytes]) -> bool:
    return len(hosts) == 1 and _is_one_of(hosts[0], tuple(settings.ALLOWED_HOSTS))


@lru_cache(maxsize=64)  # nearly all requests name the same one or two
def _is_one_of(host: bytes, allowed: tuple[str, ...]) -> bool:
    domain, _port = split_domain_port(host.decode("latin-1"))
    return bool(domain) and validate_host(domain, allowed)


class BodyReader:
    """Reads the bodies of requests to Django: up to DATA_UPLOAD_MAX_MEMORY_SIZE, packs beyond."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(LARGE_BODIES_AT_ONCE)

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body. TooLarge, or BadRequest `body_incomplete` when the client gave up."""
        size = _declared_size(scope)
        if size == 0:
            return b""
        if size > _limit(scope["path"]):
            await drain(receive)
            raise _too_large(scope["path"])
        if size <= LARGE_BODY_BYTES:
            return await _read(receive)
        async with self._large:
            return await _read(receive)


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    message = await receive()
                if message["type"] == "http.disconnect":
                    break
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        pass
    raise BadRequest("The request's body did not arrive completely.", code="body_incomplete")


async def drain(receive: Receive) -> None:
    """Read a body and drop it. A client that is still sending would not see the answer."""
    dropped = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while dropped < DRAINED_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                dropped += len(message.get("body", b""))
    except TimeoutError:
        return


def _declared_size(scope: Scope) -> int:
    """In bytes. The HTTP layer has made sure that there is one value, and that it is a number."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0


def _limit(path: str) -> int:
    return PACK_BODY_BYTES if path == PACK_PATH else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _too_large(path: str) -> TooLarge:
    if _CHUNK_LISTS.fullmatch(path):
        return TooLarge(
            "Too many chunks for one request.",
            code="too_many_chunks",
            hint="Send at most 1000 chunks at a time.",
            facts={"limit": 1000},
        )
    limit = _limit(path)
    return TooLarge(f"The body may have at most {limit} bytes.", facts={"limit": limit})


def for_wsgi(scope: Scope, request_id: str) -> Scope:
    """The scope as a WSGI bridge can take it.

    Names with an underscore go: `X_Forwarded_For` and `X-Forwarded-For` are the same variable in
    WSGI, so anybody could speak as the proxy. Query strings become ASCII, which WSGI demands.
    """
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if b"_" not in name and name != b"x-request-id"
    ]
    headers.append((b"x-request-id", request_id.encode()))
    query = quote(scope["query_string"], safe=_ALWAYS_ASCII).encode()
    return {**scope, "headers": headers, "query_string": query}


def replay(body: bytes) -> Receive:
    """A `receive` that hands out a body that was read before."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


class Answer:
    """A `send` that names the request in the answer's headers and knows whether it has begun."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.started = False
        self._send = send
        self._header = (b"x-request-id", request_id.encode())

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            others = [pair for pair in message.get("headers", ()) if pair[0] != b"x-request-id"]
            message["headers"] = [*others, self._header]
        await self._send(message)


async def answer_error(error: RapidServeError, send: Send) -> None:
    headers: list[tuple[bytes, bytes]] = []
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    if "allowed" in error.facts:
        headers.append((b"allow", ", ".join(error.facts["allowed"]).encode()))
    await answer_json(error.status, error.as_dict(current_request_id.get()), send, headers)


async def answer_json(
    status: int, content: object, send: Send, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = json.dumps(content).encode()
    standard = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    start = {"type": "http.response.start", "status": status, "headers": standard + (headers or [])}
    await send(start)
    await send({"type": "http.response.body", "body": body})
