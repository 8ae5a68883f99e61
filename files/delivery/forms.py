"""The upload form of browsers without JavaScript: one file, streamed into chunks as it comes in.

A form does not tell how large its file is, and an upload begins with that. But the file is all
there is in the body, and the body's length is known: without what stands before and behind the
file, it is the file's. The answer is always a redirect to a page: a person is looking at it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.utils.http import parse_header_parameters
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from files.access import issue
from files.access.actor import Actor
from files.access.links import token_of
from files.access.recheck import holder
from files.actions import uploads
from files.chunkstore.chunk import CHUNK_SIZE
from files.content.writer import ChunkSpec, slots, store
from files.delivery import bodies
from files.delivery.admission import admitted
from files.delivery.threads import in_thread
from files.models import Upload
from files.tickets import FormTicket
from rapidserve.errors import Invalid, RapidServeError, TokenRefused

HEAD_BYTES: Final = 16 * 2**10
DRAINED_BYTES: Final = 64 * 2**20
"""A refused body is read so far: a browser that is still sending would not show the answer."""
FORMS_AT_ONCE: Final = 8
"""In each process. One holds a chunk twice while it is put together; the others wait unread."""

_room = asyncio.Semaphore(FORMS_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Announced:
    """What stands before the file in the body, and with the body's length, its size in bytes."""

    name: str
    size: int


async def post_form(request: Request) -> Response:
    """POST /d/form/{ticket}: 303 to the folder's page, which says what became of the file."""
    place = "/"
    try:
        ticket = await admitted(request, FormTicket)
        actor = await in_thread(partial(_actor, ticket))
        place = _page_of(actor, ticket)
        file_id = await _receive(request, actor, UUID(ticket.folder))
    except RapidServeError as error:
        await bodies.drain(request, most=DRAINED_BYTES)
        if error.code in {"parent_gone", "not_found"}:
            place = "/"  # the folder has no page any more that could say so
        return _see_other(place, {"problem": issue.problem_ticket(_told(error))})
    return _see_other(place, {"uploaded": str(file_id)})


async def _receive(request: Request, actor: Actor, folder_id: UUID) -> UUID:
    """The id of the file that was made. Whatever fails ends the upload and gives its room back."""
    body = FormBody(request)
    announced = await body.head()
    incoming = IncomingFile(actor, folder_id, announced)
    try:
        # Room is for those that send: a head costs nothing to keep waiting.
        async with _room:
            async for chunk in body.chunks(announced.size):
                await in_thread(partial(incoming.add, chunk))
            await body.end()
        return await in_thread(incoming.complete)
    finally:
        await in_thread(incoming.abandon)


class FormBody:
    """A multipart body with a single part, read in order: `head`, `chunks`, `end`."""

    def __init__(self, request: Request) -> None:
        self._stream = bodies.blocks(request)
        self._left = bytearray()
        parameters = _parameters(request.headers.get("content-type", ""))
        self._boundary = b"--" + parameters.get("boundary", "").encode("latin-1", "replace")
        self._length = int(request.headers.get("content-length", "0"))

    async def head(self) -> Announced:
        """Invalid: file_missing when none was chosen, form_invalid for another kind of form."""
        while (end := self._left.find(b"\r\n\r\n")) < 0 and len(self._left) < HEAD_BYTES:
            if not await self._more():
                break
        opening, _, lines = bytes(self._left[: max(end, 0)]).partition(b"\r\n")
        if end < 0 or opening != self._boundary or opening == b"--":
            raise _unreadable()
        del self._left[: end + 4]
        size = self._length - (end + 4) - len(self._closing)
        name = _file_name(lines)
        if not name:
            raise Invalid("Choose a file first.", code="file_missing", field="file")
        if size < 0:
            raise _unreadable()
        return Announced(name, size)

    async def chunks(self, size: int) -> AsyncIterator[bytes]:
        """The file's bytes, CHUNK_SIZE at a time, the rest at last."""
        tail = b""
        while size:
            length = min(size, CHUNK_SIZE)
            while len(self._left) < length and await self._more():
                pass
            chunk = bytes(self._left[:length])
            del self._left[:length]
            # A second part would pass for bytes of the file, and nobody would notice.
            seam = tail + chunk[: len(self._separator)]
            if len(chunk) < length or self._separator in chunk or self._separator in seam:
                raise _unreadable()
            tail = chunk[-len(self._separator) :]
            size -= length
            yield chunk

    async def end(self) -> None:
        """Invalid(form_invalid) unless nothing but the closing boundary is left."""
        while await self._more():
            if len(self._left) > len(self._closing):
                break
        if self._left != self._closing:
            raise _unreadable()

    @property
    def _separator(self) -> bytes:
        return b"\r\n" + self._boundary

    @property
    def _closing(self) -> bytes:
        return self._separator + b"--\r\n"

    async def _more(self) -> bool:
        """Whether there was any more of the body; it is in `_left` then."""
        async for block in self._stream:
            if block:
                self._left += block
                return True
        return False


class IncomingFile:
    """An upload whose client is this server. Its methods run on threads, one after the other."""

    def __init__(self, actor: Actor, folder_id: UUID, announced: Announced) -> None:
        self._actor = actor
        self._folder_id = folder_id
        self._announced = announced
        self._upload: Upload | None = None
        self._is_new = False
        self._next = 0

    def add(self, chunk: bytes) -> None:
        """Register the next chunk, and store it if it is not here already."""
        spec = ChunkSpec(hashlib.sha256(chunk).hexdigest(), len(chunk))
        if self._upload is None:
            upload = self._register([spec])
        else:
            upload = uploads.add_chunks(
                actor=self._actor, upload_id=self._upload.id, start=self._next, chunks=[spec]
            )
        (slot,) = slots(upload, self._next, 1)
        if not slot.have:
            store(slot, chunk)
        self._next += 1

    def complete(self) -> UUID:
        upload = self._upload or self._register([])
        done = uploads.complete(actor=self._actor, upload_id=upload.id)
        self._upload = None
        return done.file.id

    def abandon(self) -> None:
        """Nothing after `complete`. An upload that another tab had begun is left to it."""
        if self._upload and self._is_new:
            uploads.expire(self._upload)

    def _register(self, chunks: list[ChunkSpec]) -> Upload:
        announcement = uploads.Announcement(
            parent_id=self._folder_id,
            name=self._announced.name,
            size=self._announced.size,
            chunks=chunks,
        )
        self._upload, self._is_new = uploads.register(actor=self._actor, announcement=announcement)
        return self._upload


def _file_name(lines: bytes) -> str:
    """From the part's headers; "" when there is none."""
    for line in lines.decode(errors="replace").split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == "content-disposition":
            parameters = _parameters(value)
            # Browsers write these three, and nothing else, as a URL would.
            name = parameters.get("filename", "").replace("%22", '"')
            return name.replace("%0D", "\r").replace("%0A", "\n")
    return ""


def _parameters(header: str) -> dict[str, str]:
    """None when one names an encoding that there is not, as in `filename*=foo''a%41`."""
    try:
        _, parameters = parse_header_parameters(header)
    except (LookupError, ValueError):
        return {}
    return parameters


def _actor(ticket: FormTicket) -> Actor:
    actor = holder(UUID(ticket.user), ticket.credential)
    if actor is None:
        raise TokenRefused("Access was withdrawn.", code="token_revoked")
    return actor


def _page_of(actor: Actor, ticket: FormTicket) -> str:
    if actor.through:
        return f"/s/{token_of(actor.through.link)}"
    return f"/files/{UUID(ticket.folder)}"


def _told(error: RapidServeError) -> str:
    if error.code == "token_expired":
        return "This page was open for too long. Choose the file again."
    return error.message


def _see_other(place: str, query: dict[str, str]) -> Response:
    return RedirectResponse(
        f"{place}?{urlencode(query)}", status_code=303, headers={"Cache-Control": "no-store"}
    )


def _unreadable() -> Invalid:
    return Invalid("This form can't be read. It takes one file.", code="form_invalid")
