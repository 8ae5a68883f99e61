"""Whole chunks that somebody else sends: the proxy in front of this server, or the bucket itself.

Only of nodes that do not seal, and only what was just seen to be there in its right length. What
they send is not hashed here: those who fetch chunks know their SHA-256, and compare.
"""

from functools import partial
from urllib.parse import urlsplit

from django.conf import settings
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from files.chunkstore.errors import ChunkStoreError
from files.chunkstore.registry import Node, nodes
from files.content import topology
from files.content.reader import ExtentFacts
from files.delivery.threads import in_thread

ADDRESS_SECONDS = 30
"""Of an address in a bucket, which no withdrawn right stops: long enough for clocks that differ."""
ACCEL_PREFIX = "/_chunks"
"""Where deploy/nginx.conf has the nodes: /_chunks/NODE/, followed by the path of the object."""
_CONDITIONS = ("range", "if-match", "if-unmodified-since", "if-modified-since")
"""Headers by which others than this server would choose another answer than it does."""


async def handed_over(
    request: Request, extent: ExtentFacts, headers: dict[str, str], media_type: str
) -> Response | None:
    """The answer that leads to the extent's bytes; None when they must be sent from here."""
    node = nodes().get(extent.nodes[0]) if extent.nodes and extent.is_whole_chunk else None
    if node is None or node.config.seal or any(name in request.headers for name in _CONDITIONS):
        return None
    if node.config.redirect and node.bucket:
        address = await in_thread(partial(_address, node, extent, request.headers.get("host", "")))
        if address:
            return RedirectResponse(address, status_code=302, headers={"Cache-Control": "no-store"})
    if not settings.X_ACCEL:
        return None
    path = await in_thread(partial(_accel_path, node, extent))
    if path is None:
        return None
    # nginx sends the body, and counts it.
    headers = {name: value for name, value in headers.items() if name != "Content-Length"}
    headers["X-Accel-Redirect"] = f"{ACCEL_PREFIX}/{node.config.name}{path}"
    return Response(headers=headers, media_type=media_type)


def _address(node: Node, extent: ExtentFacts, host: str) -> str | None:
    if node.bucket is None or not topology.pages_are_led_to(node.config.name, host):
        return None
    return _signed(node, extent)


def _signed(node: Node, extent: ExtentFacts) -> str | None:
    try:
        if node.bucket is None or node.bucket.stat(extent.key).size != extent.length:
            return None
        return node.bucket.presigned_get(extent.key, seconds=ADDRESS_SECONDS)
    except ChunkStoreError:
        return None  # the reader finds out what is wrong, and looks for another copy


def _accel_path(node: Node, extent: ExtentFacts) -> str | None:
    if node.bucket is None:
        return _path_in_directory(node, extent)
    address = _signed(node, extent)
    if address is None:
        return None
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def _path_in_directory(node: Node, extent: ExtentFacts) -> str | None:
    try:
        file = node.backend.path(extent.key)
        if file is None or file.stat().st_size != extent.length:
            return None
    except (ChunkStoreError, OSError):
        return None
    return f"/{file.parent.name}/{file.name}"
