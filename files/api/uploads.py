"""/api/upload: register, chunks, status, stored, complete, cancel. See docs/api.md."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import require_scope
from accounts.models import ApiToken
from files.access import issue
from files.access.actor import Actor
from files.access.lasting import lasting
from files.access.lookup import open_upload_for
from files.access.roles import Permission
from files.actions import uploads
from files.api.authentication import OpenToVisitors
from files.api.requests import actor_of, address, start_index
from files.api.serializers import (
    CompletedSerializer,
    MoreChunksSerializer,
    RegisterSerializer,
    StoredRequestSerializer,
    StoredSerializer,
    UploadPageSerializer,
    UploadSerializer,
)
from files.chunkstore.bucket import Presigned
from files.chunkstore.chunk import CHUNK_SIZE, chunk_count
from files.chunkstore.errors import NodeError
from files.content.topology import direct_nodes
from files.content.writer import Slot, slots
from files.models import Upload
from rapidserve.api.fields import parse_id
from rapidserve.api.pagination import parse_limit
from rapidserve.api.schema import errors

if TYPE_CHECKING:
    from files.chunkstore.backends.s3 import S3Backend

logger = logging.getLogger(__name__)

UPLOAD_ID = OpenApiParameter("upload_id", str, OpenApiParameter.PATH)


class RegisterView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="register_upload",
        request=RegisterSerializer,
        responses={
            201: UploadSerializer,
            200: UploadSerializer,
            **errors(400, 401, 403, 404, 409, 412, 413, 415, 422, 503, 507),
        },
    )
    def post(self, request: Request) -> Response:
        """Announce a file. 200 when the same file is being uploaded already: go on with that."""
        asked = RegisterSerializer.checked(request.data)
        announcement = uploads.Announcement(
            parent_id=asked["parent"],
            name=asked["name"],
            size=asked["size"],
            chunks=asked["chunks"],
            content_type=asked.get("content_type", ""),
            modified_at=asked.get("modified_at"),
            on_conflict=asked.get("on_conflict", Upload.OnConflict.VERSION),
            if_match=asked.get("if_match"),
        )
        upload, created = uploads.register(actor=actor_of(request), announcement=announcement)
        body = _upload_body(request, upload, 0, len(announcement.chunks))
        return Response(body, status=201 if created else 200)


class MoreChunksView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="add_chunks",
        parameters=[UPLOAD_ID],
        request=MoreChunksSerializer,
        responses={
            200: UploadSerializer,
            **errors(400, 401, 403, 404, 409, 410, 413, 415, 422, 503),
        },
    )
    def post(self, request: Request, upload_id: str) -> Response:
        """Announce further chunks of a file that is still being hashed."""
        parsed = parse_id(upload_id)
        asked = MoreChunksSerializer.checked(request.data)
        upload = uploads.add_chunks(
            actor=actor_of(request),
            upload_id=parsed,
            start=asked["start"],
            chunks=asked["chunks"],
        )
        return Response(_upload_body(request, upload, asked["start"], len(asked["chunks"])))


class UploadView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="upload_status",
        parameters=[
            UPLOAD_ID,
            OpenApiParameter("start", int, description="First chunk of the page."),
            OpenApiParameter("limit", int, description="1 to 1000, clamped.", default=100),
        ],
        responses={200: UploadPageSerializer, **errors(401, 403, 404, 409, 410, 422, 503)},
    )
    def get(self, request: Request, upload_id: UUID) -> Response:
        """Today's states and fresh addresses: how a client resumes. Needs `files:write`."""
        if not isinstance(request.auth, Actor):
            require_scope(request, scopes.FILES_WRITE)
        upload = open_upload_for(actor_of(request), upload_id)
        start = start_index(request, chunk_count(upload.size))
        limit = parse_limit(request.query_params.get("limit"))
        uploads.refresh(upload, start=start, limit=limit)
        body = _upload_body(request, upload, start, limit + 1)
        chunks = body["chunks"]
        body["next"] = chunks[limit]["index"] if len(chunks) > limit else None
        body["chunks"] = chunks[:limit]
        return Response(body)

    @extend_schema(
        operation_id="cancel_upload",
        parameters=[UPLOAD_ID],
        responses={204: None, **errors(401, 403, 404, 410, 503)},
    )
    def delete(self, request: Request, upload_id: UUID) -> Response:
        """Give up. What was stored is collected; a completed upload stays what it is."""
        uploads.cancel(actor=actor_of(request), upload_id=upload_id)
        return Response(status=204)


class StoredView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="prove_chunks",
        parameters=[UPLOAD_ID],
        request=StoredRequestSerializer,
        responses={200: StoredSerializer, **errors(400, 401, 403, 404, 410, 415, 422, 503)},
    )
    def post(self, request: Request, upload_id: str) -> Response:
        """Have chunks proven while others are still being sent (optional)."""
        parsed = parse_id(upload_id)
        asked = StoredRequestSerializer.checked(request.data)
        proven, missing = uploads.stored(
            actor=actor_of(request), upload_id=parsed, indexes=asked["indexes"]
        )
        return Response({"proven": proven, "missing": missing})


class CompleteView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="complete_upload",
        parameters=[UPLOAD_ID],
        request=None,
        responses={
            200: CompletedSerializer,
            **errors(401, 403, 404, 409, 410, 412, 503),
        },
    )
    def post(self, request: Request, upload_id: str) -> Response:
        """Make the version. Repeating it gives the same answer."""
        actor = actor_of(request)
        done = uploads.complete(actor=actor, upload_id=parse_id(upload_id))
        context = {"actor": actor, "current": done.file.current_version_id}
        return Response(CompletedSerializer(done, context=context).data)


def _upload_body(request: Request, upload: Upload, start: int, limit: int) -> dict[str, Any]:
    """The answer every call about an open upload gives. Epochs are read before the rights."""
    actor = replace(actor_of(request), fresh=True)
    epochs = issue.upload_epochs(actor, upload)
    actor = lasting(actor, Permission.EDIT, uploads.place_of(actor, upload))
    expires_at = issue.expiry(actor, settings.UPLOAD_URL_SECONDS)
    # A session's requests are a page's, and a visitor's may be.
    page_origin = (
        None if isinstance(request.auth, ApiToken) else f"{request.scheme}://{request.get_host()}"
    )
    direct = direct_nodes(page_origin=page_origin)

    def described(slot: Slot) -> dict[str, Any]:
        common = {"index": slot.index, "sha256": slot.sha256, "size": slot.size}
        if slot.have:
            nothing = dict.fromkeys(("method", "url", "headers", "expires_at"))
            return {**common, "state": "have", **nothing}
        target = _presigned(direct, slot, expires_at) or ours(slot)
        return {
            **common,
            "state": "upload",
            "method": "PUT",
            "url": target.url,
            "headers": target.headers,
            "expires_at": datetime.fromtimestamp(expires_at, UTC),
        }

    def ours(slot: Slot) -> Presigned:
        ticket = issue.put_ticket(
            actor=actor,
            upload=upload,
            key=slot.key,
            node=slot.node,
            size=slot.size,
            sha256=slot.sha256,
            epochs=epochs,
            expires_at=expires_at,
        )
        return Presigned(address(request, f"/d/upload/{ticket}"), {})

    return {
        "upload_id": upload.id,
        "file_id": upload.entry_id,
        "chunk_size": CHUNK_SIZE,
        "size": upload.size,
        "expires_at": upload.expires_at,
        "chunks": [described(slot) for slot in slots(upload, start, limit)] if limit else [],
    }


def _presigned(direct: "Mapping[str, S3Backend]", slot: Slot, expires_at: int) -> Presigned | None:
    """An address of the bucket itself; None where bytes go through this server.

    Withdrawing a right can't stop it, but whatever comes by it then belongs to no file: completing
    asks for every right again, and what no row knows is swept away.
    """
    node = direct.get(slot.node)
    if node is None:
        return None
    seconds = max(1, expires_at - int(time.time()))
    try:
        return node.presigned_put(slot.key, size=slot.size, sha256=slot.sha256, seconds=seconds)
    except NodeError:
        logger.warning("No address of %s can be signed.", slot.node, exc_info=True)
        return None
