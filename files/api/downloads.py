"""/api/download and /api/files/{id}/content: from an entry to addresses of its bytes."""

from datetime import UTC, datetime
from urllib.parse import quote

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from files.access import issue, listing
from files.access.lasting import file_to_read
from files.access.lookup import version_for
from files.actions.links import count_download
from files.api.authentication import OpenToVisitors
from files.api.entries import ENTRY_ID
from files.api.requests import actor_of, address, id_in, is_asked, start_index
from files.api.serializers import ManifestSerializer
from files.chunkstore.chunk import CHUNK_SIZE, chunk_count
from rapidserve.api.fields import parse_id
from rapidserve.api.pagination import parse_limit
from rapidserve.api.schema import errors

VERSION = OpenApiParameter("version", str, description="Without it: the current one.")


class DownloadView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="download_manifest",
        parameters=[
            ENTRY_ID,
            VERSION,
            OpenApiParameter("start", int, description="First chunk of the page."),
            OpenApiParameter("limit", int, description="1 to 1000, clamped.", default=100),
        ],
        responses={200: ManifestSerializer, **errors(401, 403, 404, 409, 422)},
    )
    def get(self, request: Request, entry_id: str) -> Response:
        """The chunks of a version, with addresses that hold for 15 minutes."""
        file, actor, epochs = file_to_read(actor_of(request), parse_id(entry_id))
        version = version_for(file, id_in(request, "version"))
        if request.method == "GET":
            count_download(actor, file)
        count = chunk_count(version.size)
        start = start_index(request, count)
        limit = parse_limit(request.query_params.get("limit"))
        expires_at = issue.expiry(actor, settings.DOWNLOAD_URL_SECONDS)
        chunks = [
            {
                "index": extent.index,
                "sha256": extent.sha256,
                "size": extent.length,
                "url": address(
                    request,
                    "/d/chunk/"
                    + issue.chunk_ticket(
                        actor=actor,
                        version=version,
                        index=extent.index,
                        epochs=epochs,
                        expires_at=expires_at,
                    ),
                ),
            }
            for extent in listing.extents(version, start, limit)
        ]
        return Response(
            {
                "file_id": file.id,
                "version_id": version.id,
                "name": file.name,
                "size": version.size,
                "content_type": version.content_type,
                "content_hash": version.content_hash,
                "chunk_size": CHUNK_SIZE,
                "expires_at": datetime.fromtimestamp(expires_at, UTC),
                "chunks": chunks,
                "next": start + limit if start + limit < count else None,
            }
        )


class ContentView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="file_content",
        parameters=[
            ENTRY_ID,
            VERSION,
            OpenApiParameter("download", bool, description="1: always as an attachment."),
        ],
        responses={
            302: OpenApiResponse(description="`Location` needs no credentials and holds 6 hours."),
            **errors(401, 403, 404, 409),
        },
    )
    def get(self, request: Request, entry_id: str) -> Response:
        """Where the whole file is: ranges, resuming and HEAD work there."""
        file, actor, epochs = file_to_read(actor_of(request), parse_id(entry_id))
        version = version_for(file, id_in(request, "version"))
        # What was not counted leads to no content: a limit would hold for nobody who asks by HEAD.
        is_uncounted = request.method == "HEAD" and actor.through is not None
        if not is_uncounted:
            count_download(actor, file)
        ticket = issue.file_ticket(
            actor=actor,
            entry=file,
            version=version,
            inline=not is_asked(request, "download"),
            epochs=epochs,
            head_only=is_uncounted,
        )
        location = address(request, f"/d/file/{ticket}/{quote(file.name, safe='')}")
        return Response(
            status=302, headers={"Location": location, "Cache-Control": "private, no-store"}
        )
