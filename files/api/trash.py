"""/api/trash: what was thrown away, back again, or gone for good."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import MayUseFiles
from files.access import listing
from files.access.lookup import space_or_personal
from files.access.roles import Permission
from files.actions import trash
from files.api.entries import ENTRY_ID
from files.api.requests import actor_of, id_in
from files.api.serializers import EntrySerializer, TrashedEntrySerializer
from files.models import Entry
from rapidserve.api.fields import parse_id
from rapidserve.api.pagination import PAGE_PARAMETERS, page_of, page_serializer, read_page
from rapidserve.api.schema import errors

SPACE = OpenApiParameter("space", str, description="Without it: your personal space.")


class TrashView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="list_trash",
        parameters=[SPACE, *PAGE_PARAMETERS],
        responses={
            200: page_serializer(TrashedEntrySerializer),
            **errors(400, 401, 403, 404, 422),
        },
    )
    def get(self, request: Request) -> Response:
        """What was put into the trash of a space, latest first."""
        actor = actor_of(request)
        space = space_or_personal(actor, id_in(request, "space"), Permission.EDIT)

        def fetch(after: list[Any] | None, limit: int) -> list[Entry]:
            place = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
            return listing.trash(space, place, limit)

        shown, more = read_page(request.query_params, f"trash.{space.id}", fetch, _place)
        results = TrashedEntrySerializer(shown, many=True, context={"actor": actor}).data
        return Response(page_of(results, more))


class TrashedEntryView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="remove_entry",
        parameters=[ENTRY_ID],
        responses={204: None, **errors(401, 403, 404, 503)},
    )
    def delete(self, request: Request, entry_id: str) -> Response:
        """Remove for good, with all below and every version."""
        trash.remove(actor=actor_of(request), entry_id=parse_id(entry_id))
        return Response(status=204)


class RestoreEntryView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="restore_entry",
        parameters=[ENTRY_ID],
        request=None,
        responses={200: EntrySerializer, **errors(401, 403, 404, 409, 412, 422, 503)},
    )
    def post(self, request: Request, entry_id: str) -> Response:
        """Back to where it was, or to the top when that folder is gone."""
        actor = actor_of(request)
        entry = trash.restore(actor=actor, entry_id=parse_id(entry_id))
        return Response(EntrySerializer(entry, context={"actor": actor}).data)


def _place(entry: Entry) -> list[str | int]:
    return [entry.trashed_at.isoformat() if entry.trashed_at else "", str(entry.id)]
