"""Whole files: any range of a version as one stream over its extents."""

from collections.abc import AsyncGenerator
from uuid import UUID

from django.utils.http import content_disposition_header
from starlette.requests import Request
from starlette.responses import Response

from files.chunkstore.chunk import CHUNK_SIZE
from files.delivery.admission import admitted
from files.delivery.answers import INERT, is_cached, range_header
from files.delivery.epochs import EpochWatch
from files.delivery.responses import extent_blocks, extent_facts, streamed, version_facts
from files.ranges import ByteRange, parse_range
from files.tickets import FileTicket, digest
from rapidserve.errors import TokenRefused

# What a browser may show in its own window; everything else is a download. SVG and HTML are not
# here: they are programs.
INLINE_TYPES = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "application/pdf",
        "text/plain",
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
        "audio/wav",
        "audio/flac",
        "audio/webm",
        "audio/aac",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "video/quicktime",
    }
)


async def get_file(request: Request) -> Response:
    """GET or HEAD /d/file/{ticket}/{name}: RFC 9110 ranges, If-Range, ETag and RFC 6266 names."""
    ticket = await admitted(request, FileTicket)
    if ticket.head_only and request.method != "HEAD":
        raise TokenRefused("This address answers HEAD only. Ask by GET for one of the content.")
    version_id = UUID(ticket.version)
    facts = await version_facts(version_id)
    etag = f'"{facts.content_hash}"'
    media_type = served_type(facts.content_type)
    headers = INERT | {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(ticket, media_type),
    }
    if is_cached(request, etag):
        return Response(status_code=304, headers=headers)
    wanted = parse_range(range_header(request, etag), facts.size)
    whole = ByteRange(0, facts.size)
    headers["Content-Length"] = str((wanted or whole).length)
    if wanted:
        headers["Content-Range"] = wanted.content_range(facts.size)
    status = 206 if wanted else 200
    if request.method == "HEAD" or facts.size == 0:
        return Response(status_code=status, headers=headers, media_type=media_type)
    blocks = _blocks(request, ticket, version_id, wanted or whole)
    return await streamed(blocks, status=status, headers=headers, media_type=media_type)


def served_type(content_type: str) -> str:
    """The stored type where it is harmless; programs and the unknown lose theirs."""
    base = content_type.partition(";")[0].strip().lower()
    if base == "text/plain":
        return "text/plain; charset=utf-8"
    return base if base in INLINE_TYPES else "application/octet-stream"


def disposition(ticket: FileTicket, media_type: str) -> str:
    harmless = media_type.partition(";")[0] in INLINE_TYPES
    header = content_disposition_header(not (ticket.inline and harmless), ticket.name)
    return header or "attachment"


async def _blocks(
    request: Request, ticket: FileTicket, version_id: UUID, wanted: ByteRange
) -> AsyncGenerator[list[bytes], None]:
    """The range, extent by extent. Rights are asked for again at every one: streams last hours."""
    watch: EpochWatch = request.app.state.epochs
    name = digest(request.path_params["ticket"])
    position, end = wanted.start, wanted.start + wanted.length
    while position < end:
        await watch.check(ticket, name)
        index, start = divmod(position, CHUNK_SIZE)
        extent = await extent_facts(version_id, index)
        length = min(extent.length - start, end - position)
        async for blocks in extent_blocks(version_id, extent, start, length):
            yield blocks
        position += length
