"""How delivered bytes leave: by sendfile where a file holds exactly them, else block by block."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from files.chunkstore.backend import BLOCK_SIZE
from files.chunkstore.errors import ChunkStoreError
from files.content import reader
from files.content.reader import ExtentFacts, VersionFacts
from files.delivery.threads import in_thread

logger = logging.getLogger(__name__)

BLOCKS_PER_HOP = 4
"""256 KiB blocks fetched per visit to a thread; with the one being sent, what a reader holds."""


async def version_facts(version_id: UUID) -> VersionFacts:
    """From the cache; from the database, on a thread, when it is not there."""
    cached = reader.cached_version(version_id)
    if cached:
        return cached
    return await in_thread(partial(reader.version_facts, version_id))


async def extent_facts(version_id: UUID, index: int) -> ExtentFacts:
    """As `version_facts`."""
    cached = reader.cached_extent(version_id, index)
    if cached:
        return cached
    return await in_thread(partial(reader.extent, version_id, index))


class SendFile(Response):
    """The server process copies the file to the socket; no byte passes through Python."""

    def __init__(self, path: Path, headers: Mapping[str, str], media_type: str) -> None:
        super().__init__(None, headers=headers, media_type=media_type)
        self.path = path

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send({"type": "http.response.pathsend", "path": str(self.path)})


def sendable_file(request: Request, extent: ExtentFacts) -> Path | None:
    """The extent's file, if there is one with the right length and the server can send files.

    What one visit to a thread brings whole is not worth asking the disk for beforehand.
    """
    if extent.length <= BLOCKS_PER_HOP * BLOCK_SIZE:
        return None
    if "http.response.pathsend" not in request.scope.get("extensions", {}):
        return None
    path = reader.whole_file(extent)
    try:
        return path if path is not None and path.stat().st_size == extent.length else None
    except OSError:
        return None  # the reader finds out what is wrong, and looks for another copy


async def stream(first: list[bytes], rest: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    for block in first:
        yield block
    async for blocks in rest:
        for block in blocks:
            yield block


async def extent_blocks(
    version_id: UUID, extent: ExtentFacts, start: int, length: int
) -> AsyncGenerator[list[bytes], None]:
    """The bytes of one extent, some blocks a time. A copy that fails is replaced by the next.

    A change of threads costs more than reading a small file: the first one brings the first blocks
    along, and none is made to hear that there are no more.
    """

    def begin() -> tuple[Iterator[bytes], list[bytes]]:
        iterator = reader.read(version_id, extent, start, length)
        return iterator, some(iterator)

    def some(iterator: Iterator[bytes]) -> list[bytes]:
        return list(islice(iterator, BLOCKS_PER_HOP))

    iterator, blocks = await in_thread(begin)
    while blocks:
        length -= sum(map(len, blocks))
        yield blocks
        blocks = await in_thread(partial(some, iterator)) if length else []


async def streamed(
    blocks: AsyncGenerator[list[bytes], None],
    *,
    status: int,
    headers: Mapping[str, str],
    media_type: str,
) -> Response:
    """Begin to answer only once the first blocks were read: what fails before is a proper error.
    When they are all that "Content-Length" in the headers tells, they leave as one.

    The reader looks for another copy while the first block fails; damage in one of the following,
    which are read along with it, comes here.
    """
    try:
        first: list[bytes] = await anext(blocks, [])
    except ChunkStoreError as error:
        logger.exception("Damage at the beginning of an answer.")
        raise reader.unreadable() from error
    if sum(map(len, first)) == int(headers["Content-Length"]):
        await blocks.aclose()
        return Response(b"".join(first), status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(
        stream(first, blocks), status_code=status, headers=headers, media_type=media_type
    )
