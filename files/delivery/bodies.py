"""Request bodies of the plane: read while they come, given up when they stop coming."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from starlette.requests import ClientDisconnect, Request

from rapidserve.errors import BadRequest

IDLE_SECONDS = 30
"""Without a byte for so long a body is taken for abandoned; slow ones keep coming."""
DRAIN_SECONDS = 120
GATHER_SECONDS = 0.25
"""Bytes don't wait longer than that for more to come: many slow clients would fill the memory."""


async def blocks(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives. BadRequest(body_incomplete) when the client goes away or stalls:
    each waiting body holds a place that others need."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                block = await anext(stream)
        except StopAsyncIteration:
            return
        except (ClientDisconnect, TimeoutError):
            raise BadRequest(
                "The body did not arrive completely.", code="body_incomplete"
            ) from None
        yield block


async def gathered(request: Request, size: int, total: int) -> AsyncIterator[list[bytes]]:
    """As `blocks`, but as many at a time as make up `size` bytes, or came in `GATHER_SECONDS`.

    With the last of `total` bytes it does not wait for the word that they were the last.
    """
    waiting: list[bytes] = []
    held, since = 0, 0.0
    async for block in blocks(request):
        if not block:
            continue  # how the end is told
        if not waiting:
            since = monotonic()
        waiting.append(block)
        held += len(block)
        total -= len(block)
        if held >= size or total <= 0 or monotonic() - since > GATHER_SECONDS:
            yield waiting
            waiting, held = [], 0
    if waiting:
        yield waiting


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
