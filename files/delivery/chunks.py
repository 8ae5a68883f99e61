"""Chunks in and out: hashed while they stream in, decrypted or sent as files on the way out."""

import asyncio
from contextlib import suppress
from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from files.chunkstore.backend import Writer
from files.chunkstore.errors import (
    ChunkStoreError,
    DigestMismatch,
    LengthMismatch,
    NodeError,
    NodeFull,
)
from files.chunkstore.registry import nodes
from files.delivery import bodies
from files.delivery.admission import admitted
from files.delivery.answers import INERT, is_cached, range_header
from files.delivery.handover import handed_over
from files.delivery.responses import (
    SendFile,
    extent_blocks,
    extent_facts,
    sendable_file,
    streamed,
)
from files.delivery.threads import in_thread
from files.ranges import parse_range
from files.tickets import ChunkTicket, PutTicket
from rapidserve.crashpoints import crash_point
from rapidserve.errors import Invalid, RapidServeError, StorageFull, Unavailable

GATHERED = 2 * 2**20
"""Bytes before a thread is asked to hash and write them: half a chunk, so that the other half
arrives meanwhile. In smaller pieces, asking would cost more than writing."""
DRAINED = 2 * 4 * 2**20
"""A refused body is read so far: a client that is still sending would not see the answer."""
BINARY = "application/octet-stream"


async def put_chunk(request: Request) -> Response:
    """PUT /d/upload/{ticket}: 204 once the announced bytes are durable under their key."""
    try:
        ticket = await admitted(request, PutTicket)
        await _store(request, ticket)
    except RapidServeError:
        await bodies.drain(request, most=DRAINED)
        raise
    crash_point("put.stored")
    return Response(status_code=204, headers={"ETag": f'"{ticket.sha256}"'})


async def get_chunk(request: Request) -> Response:
    """GET or HEAD /d/chunk/{ticket}: one extent, whole or a range of it."""
    ticket = await admitted(request, ChunkTicket)
    version_id = UUID(ticket.version)
    extent = await extent_facts(version_id, ticket.index)
    etag = f'"{extent.sha256}"'
    headers = INERT | {"ETag": etag, "Accept-Ranges": "bytes"}
    if is_cached(request, etag):
        return Response(status_code=304, headers=headers)
    wanted = parse_range(range_header(request, etag), extent.length)
    start, length = (wanted.start, wanted.length) if wanted else (0, extent.length)
    headers["Content-Length"] = str(length)
    if wanted:
        headers["Content-Range"] = wanted.content_range(extent.length)
    status = 206 if wanted else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=BINARY)
    if answer := await handed_over(request, extent, headers, BINARY):
        return answer
    if not wanted and (path := sendable_file(request, extent)):
        return SendFile(path, headers, BINARY)
    blocks = extent_blocks(version_id, extent, start, length)
    return await streamed(blocks, status=status, headers=headers, media_type=BINARY)


async def _store(request: Request, ticket: PutTicket) -> None:
    """Stream the body into the node; nothing is visible there unless all of it was right."""
    if request.headers.get("content-length") != str(ticket.size):
        raise _size_mismatch(ticket)
    incoming = _Incoming(ticket)
    try:
        async for blocks in bodies.gathered(request, GATHERED, ticket.size):
            await incoming.take(blocks)
        await incoming.finish()
    except BaseException as error:  # also when the request is cancelled
        await incoming.abort()
        if isinstance(error, ChunkStoreError):
            raise _refusal(error, ticket) from error
        raise


class _Incoming:
    """A chunk that one thread at a time hashes and writes, while its next bytes arrive."""

    def __init__(self, ticket: PutTicket) -> None:
        self._ticket = ticket
        self._writer: Writer | None = None
        self._step: asyncio.Task[None] | None = None
        self._left = ticket.size

    async def take(self, blocks: list[bytes]) -> None:
        """Begin to write the next bytes. What goes wrong with them is raised by the next call."""
        await self._stepped()
        self._step = asyncio.create_task(in_thread(partial(self._write, blocks)))

    async def finish(self) -> None:
        """Once it returns the chunk is durable."""
        await self._stepped()
        if self._left:
            raise LengthMismatch(f"The body of {self._ticket.key} ended {self._left} bytes early.")

    async def abort(self) -> None:
        with suppress(Exception):
            await self._stepped()
        if self._writer:
            await in_thread(self._writer.abort)

    async def _stepped(self) -> None:
        """A thread can't be cancelled: who is cancelled while he waits must find it again in
        `abort`, lest two threads use the writer."""
        if self._step:
            await asyncio.wait([self._step])
            step, self._step = self._step, None
            step.result()

    def _write(self, blocks: list[bytes]) -> None:
        """The last bytes are committed at once: another change of threads would cost more."""
        writer = self._open()
        for block in blocks:
            writer.write(block)
        self._left -= sum(map(len, blocks))
        if not self._left:
            writer.commit()

    def _open(self) -> Writer:
        if self._writer is None:
            node = nodes().get(self._ticket.node)
            if node is None:
                raise NodeError(f"node {self._ticket.node} is not configured any more")
            self._writer = node.backend.writer(
                self._ticket.key, size=self._ticket.size, sha256=self._ticket.sha256
            )
        return self._writer


def _refusal(error: ChunkStoreError, ticket: PutTicket) -> RapidServeError:
    if isinstance(error, DigestMismatch):
        return Invalid(
            "The bytes do not have the SHA-256 that was registered.", code="checksum_mismatch"
        )
    if isinstance(error, LengthMismatch):
        return _size_mismatch(ticket)
    if isinstance(error, NodeFull):
        return StorageFull("The storage is full.", code="storage_full", retry_after=60)
    return Unavailable("The storage can't be reached.", code="storage_unavailable", retry_after=5)


def _size_mismatch(ticket: PutTicket) -> Invalid:
    return Invalid(
        f"This chunk has {ticket.size} bytes; send exactly those, with Content-Length.",
        code="size_mismatch",
        facts={"expected": ticket.size},
    )
