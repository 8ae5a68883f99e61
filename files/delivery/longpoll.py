"""Long polls of the journal: `GET /api/changes?wait=30` answers when there is something to say.

Django decides who may see what, on one of its few threads, for some milliseconds each time. The
waiting in between happens here, on the event loop, where thousands can wait. One query, twice a
second while anybody waits, tells which spaces have changed.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import parse_qs
from uuid import UUID

from django.db import DatabaseError
from starlette.types import Message, Receive, Scope, Send

from files.delivery.threads import in_thread
from files.models import JournalHead

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
MAX_WAIT_SECONDS = 60
MANY_DIGITS = 10
SPACE_HEADER = b"x-rapidserve-space"
"""How the view says which space its answer is about."""

Pages = Callable[[Scope, Receive, Send], Awaitable[None]]


class JournalWatch:
    """Wakes those who wait for a change in a space."""

    def __init__(self) -> None:
        self._waiting: Counter[UUID] = Counter()
        self._heads: dict[UUID, int] = {}
        self._changed = asyncio.Condition()
        self._poller: asyncio.Task[None] | None = None

    async def wait(self, space: UUID, seen: int | None, seconds: float) -> int | None:
        """The number of the space's last line, once it is not `seen`; `seen` when the time is up.

        With `seen` None it returns as soon as it knows: the caller asks once more then, since the
        journal may have grown before anybody was watching.
        """
        self._waiting[space] += 1
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self._heads.get(space) not in {None, seen})
                return self._heads[space]
        except TimeoutError:
            return seen
        finally:
            self._waiting[space] -= 1
            if not self._waiting[space]:
                del self._waiting[space]
                self._heads.pop(space, None)

    async def _poll(self) -> None:
        while self._waiting:
            try:
                heads = await in_thread(partial(_heads, list(self._waiting)))
            except DatabaseError:
                logger.exception("The journal can't be read; asking again.")
                heads = {}
            async with self._changed:
                self._heads.update(heads)
                self._changed.notify_all()
            await asyncio.sleep(POLL_SECONDS)


def is_long_poll(scope: Scope) -> bool:
    return scope["path"] == "/api/changes" and scope["method"] == "GET" and _wait(scope) > 0


async def answer(
    pages: Pages, watch: JournalWatch, scope: Scope, receive: Receive, send: Send
) -> None:
    """Ask the pages until they have lines, or the time is up; then pass their answer on."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _wait(scope)
    gone = asyncio.create_task(_disconnected(receive))
    seen: int | None = None
    try:
        while True:
            messages = await _ask(pages, scope)
            left = deadline - loop.time()
            space = _space_to_wait_for(messages)
            if space is None or left <= 0:
                break
            waiting = asyncio.create_task(watch.wait(space, seen, left))
            await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                waiting.cancel()
                return
            seen = await waiting
        for message in messages:
            await send(message)
    finally:
        gone.cancel()


def _wait(scope: Scope) -> int:
    """Seconds asked for, at most 60; 0 for what the view will refuse."""
    raw = parse_qs(scope["query_string"].decode("latin-1")).get("wait", ["0"])[-1]
    if not raw.isascii() or not raw.isdigit():
        return 0
    # int() refuses thousands of digits.
    return min(int(raw), MAX_WAIT_SECONDS) if len(raw) <= MANY_DIGITS else MAX_WAIT_SECONDS


async def _ask(pages: Pages, scope: Scope) -> list[Message]:
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await pages(scope, receive, send)
    return messages


def _space_to_wait_for(messages: list[Message]) -> UUID | None:
    """The space when the answer is 200, has no lines, and is the end of the journal. The page of a
    browsable API is answered as it is: nobody waits for that.
    """
    start = messages[0]
    headers = dict(start["headers"])
    is_json = headers.get(b"content-type", b"").startswith(b"application/json")
    if start["status"] != 200 or SPACE_HEADER not in headers or not is_json:  # noqa: PLR2004 - OK
        return None
    body = json.loads(b"".join(message.get("body", b"") for message in messages[1:]))
    return None if body["results"] or body["has_more"] else UUID(headers[SPACE_HEADER].decode())


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _heads(spaces: list[UUID]) -> dict[UUID, int]:
    return dict(JournalHead.objects.filter(space_id__in=spaces).values_list("space_id", "seq"))
