"""/api/files: entries, folders, children, copies, versions."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import MayUseFiles
from files.access import listing
from files.access.listing import SORTS, Order
from files.access.lookup import entry_for, file_for, folder_for
from files.access.roles import Permission
from files.actions import copies, trash, tree, versions
from files.api.authentication import OpenToVisitors
from files.api.requests import actor_of, if_match_revision
from files.api.serializers import (
    ChangeEntrySerializer,
    CopySerializer,
    EntrySerializer,
    FolderSerializer,
    VersionSerializer,
)
from files.models import Entry
from rapidserve.api.fields import parse_id
from rapidserve.api.pagination import PAGE_PARAMETERS, page_of, page_serializer, read_page
from rapidserve.api.schema import errors
from rapidserve.errors import Invalid

ENTRY_ID = OpenApiParameter("entry_id", str, OpenApiParameter.PATH)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The entry's revision."
)


class FoldersView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="create_folder",
        request=FolderSerializer,
        responses={201: EntrySerializer, **errors(400, 401, 403, 404, 409, 415, 422, 503)},
    )
    def post(self, request: Request) -> Response:
        """Make a folder."""
        asked = FolderSerializer.checked(request.data)
        actor = actor_of(request)
        folder = tree.create_folder(actor=actor, parent_id=asked["parent"], name=asked["name"])
        return Response(EntrySerializer(folder, context={"actor": actor}).data, status=201)


class EntryView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="get_entry",
        parameters=[ENTRY_ID],
        responses={200: EntrySerializer, **errors(401, 403, 404)},
    )
    def get(self, request: Request, entry_id: str) -> Response:
        """An entry."""
        actor = actor_of(request)
        return _entry_answer(request, entry_for(actor, parse_id(entry_id), Permission.VIEW))

    @extend_schema(
        operation_id="change_entry",
        parameters=[ENTRY_ID, IF_MATCH],
        request=ChangeEntrySerializer,
        responses={
            200: EntrySerializer,
            **errors(400, 401, 403, 404, 409, 412, 415, 422, 503),
        },
    )
    def patch(self, request: Request, entry_id: str) -> Response:
        """Rename, move, or both."""
        parsed = parse_id(entry_id)
        asked = ChangeEntrySerializer.checked(request.data)
        entry = tree.change(
            actor=actor_of(request),
            entry_id=parsed,
            name=asked.get("name"),
            parent_id=asked.get("parent"),
            if_match=if_match_revision(request),
        )
        return _entry_answer(request, entry)

    @extend_schema(
        operation_id="trash_entry",
        parameters=[ENTRY_ID, IF_MATCH],
        responses={204: None, **errors(401, 403, 404, 409, 412, 503)},
    )
    def delete(self, request: Request, entry_id: str) -> Response:
        """Put into the trash, with all below."""
        trash.trash(
            actor=actor_of(request),
            entry_id=parse_id(entry_id),
            if_match=if_match_revision(request),
        )
        return Response(status=204)


class ChildrenView(OpenToVisitors, APIView):
    @extend_schema(
        operation_id="list_children",
        parameters=[
            ENTRY_ID,
            OpenApiParameter("sort", str, enum=list(SORTS), default="name"),
            OpenApiParameter("order", str, enum=["asc", "desc"], default="asc"),
            *PAGE_PARAMETERS,
        ],
        responses={
            200: page_serializer(EntrySerializer),
            **errors(400, 401, 403, 404, 409, 422),
        },
    )
    def get(self, request: Request, entry_id: str) -> Response:
        """What is in a folder, folders first."""
        actor = actor_of(request)
        folder = folder_for(actor, parse_id(entry_id), Permission.VIEW)
        order = _order(request)

        def fetch(after: list[Any] | None, limit: int) -> list[Entry]:
            place = listing.place_from(after, order) if after else None
            return listing.children(folder, order, place, limit)

        shown, more = read_page(
            request.query_params,
            f"children.{folder.id}.{order.sort}.{order.descending}",
            fetch,
            lambda entry: listing.place_text(listing.place_of(entry, order)),
        )
        results = EntrySerializer(shown, many=True, context={"actor": actor}).data
        return Response(page_of(results, more))


class CopyView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="copy_entry",
        parameters=[ENTRY_ID],
        request=CopySerializer,
        responses={
            201: EntrySerializer,
            **errors(400, 401, 403, 404, 409, 415, 422, 503, 507),
        },
    )
    def post(self, request: Request, entry_id: str) -> Response:
        """A copy, without copying bytes."""
        parsed = parse_id(entry_id)
        asked = CopySerializer.checked(request.data)
        entry = copies.copy(
            actor=actor_of(request),
            entry_id=parsed,
            parent_id=asked["parent"],
            name=asked.get("name"),
        )
        return _entry_answer(request, entry, status=201)


class VersionsView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="list_versions",
        parameters=[ENTRY_ID, *PAGE_PARAMETERS],
        responses={
            200: page_serializer(VersionSerializer),
            **errors(400, 401, 403, 404, 409, 422),
        },
    )
    def get(self, request: Request, entry_id: str) -> Response:
        """A file's history, newest first."""
        file = file_for(actor_of(request), parse_id(entry_id), Permission.VIEW)
        shown, more = read_page(
            request.query_params,
            f"versions.{file.id}",
            lambda after, limit: listing.versions(file, after[0] if after else None, limit),
            lambda version: [version.number or 0],
        )
        context = {"current": file.current_version_id}
        return Response(page_of(VersionSerializer(shown, many=True, context=context).data, more))


class RestoreVersionView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="restore_version",
        parameters=[ENTRY_ID, OpenApiParameter("version_id", str, OpenApiParameter.PATH)],
        request=None,
        responses={200: EntrySerializer, **errors(401, 403, 404, 409, 412, 503)},
    )
    def post(self, request: Request, entry_id: str, version_id: str) -> Response:
        """Make an older version the current one."""
        entry = versions.restore(
            actor=actor_of(request),
            entry_id=parse_id(entry_id),
            version_id=parse_id(version_id),
        )
        return _entry_answer(request, entry)


def _entry_answer(request: Request, entry: Entry, status: int = 200) -> Response:
    body = EntrySerializer(entry, context={"actor": actor_of(request)}).data
    return Response(body, status=status, headers={"ETag": f'"{entry.revision}"'})


def _order(request: Request) -> Order:
    sort = request.query_params.get("sort", "name")
    order = request.query_params.get("order", "asc")
    if sort not in SORTS:
        raise Invalid(f"sort is one of {', '.join(SORTS)}.", code="sort_invalid", field="sort")
    if order not in {"asc", "desc"}:
        raise Invalid("order is asc or desc.", code="order_invalid", field="order")
    return Order(sort, order == "desc")
