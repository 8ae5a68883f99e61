"""/api/spaces and /api/changes: the spaces one sees, and what happens in them."""

import re
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import MayUseFiles
from files.access import listing
from files.access.lookup import space_to_follow
from files.actions import spaces
from files.api.requests import actor_of, id_in
from files.api.serializers import (
    ChangeSerializer,
    ChangesSerializer,
    NewSpaceSerializer,
    RenameSpaceSerializer,
    SpaceSerializer,
)
from files.api.trash import SPACE
from files.journal import feed
from rapidserve.api.fields import parse_id
from rapidserve.api.pagination import (
    PAGE_PARAMETERS,
    decode_cursor,
    encode_cursor,
    page_of,
    page_serializer,
    parse_limit,
    read_page,
)
from rapidserve.api.schema import errors
from rapidserve.errors import Invalid

SPACE_ID = OpenApiParameter("space_id", str, OpenApiParameter.PATH)


class SpacesView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="list_spaces",
        parameters=PAGE_PARAMETERS,
        responses={200: page_serializer(SpaceSerializer), **errors(400, 401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        """The spaces you see; everybody has a personal one."""
        actor = actor_of(request)
        shown, more = read_page(
            request.query_params,
            "spaces",
            lambda after, limit: listing.spaces(actor, UUID(after[0]) if after else None, limit),
            lambda space: [str(space.id)],
        )
        results = SpaceSerializer(shown, many=True, context={"actor": actor}).data
        return Response(page_of(results, more))

    @extend_schema(
        operation_id="create_space",
        request=NewSpaceSerializer,
        responses={201: SpaceSerializer, **errors(400, 401, 403, 409, 415, 422, 503)},
    )
    def post(self, request: Request) -> Response:
        """Make a team space. It belongs to you."""
        asked = NewSpaceSerializer.checked(request.data)
        actor = actor_of(request)
        space = spaces.create_team_space(actor=actor, name=asked["name"])
        return Response(SpaceSerializer(space, context={"actor": actor}).data, status=201)


class SpaceView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="rename_space",
        parameters=[SPACE_ID],
        request=RenameSpaceSerializer,
        responses={200: SpaceSerializer, **errors(400, 401, 403, 404, 409, 412, 415, 422, 503)},
    )
    def patch(self, request: Request, space_id: str) -> Response:
        """Rename a team space, and its top folder with it."""
        parsed = parse_id(space_id)
        asked = RenameSpaceSerializer.checked(request.data)
        actor = actor_of(request)
        space = spaces.rename_space(actor=actor, space_id=parsed, name=asked["name"])
        return Response(SpaceSerializer(space, context={"actor": actor}).data)

    @extend_schema(
        operation_id="delete_space",
        parameters=[SPACE_ID],
        responses={204: None, **errors(401, 403, 404, 409, 503)},
    )
    def delete(self, request: Request, space_id: str) -> Response:
        """Delete a team space that is empty, its trash included."""
        spaces.delete_space(actor=actor_of(request), space_id=parse_id(space_id))
        return Response(status=204)


class ChangesView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="list_changes",
        parameters=[
            SPACE,
            OpenApiParameter("cursor", str, description="Where to go on; `latest`: from now on."),
            OpenApiParameter("limit", int, description="1 to 1000, clamped.", default=100),
            OpenApiParameter("wait", int, description="Seconds to wait for a change, up to 60."),
        ],
        responses={200: ChangesSerializer, **errors(400, 401, 403, 404, 422)},
    )
    def get(self, request: Request) -> Response:
        """The journal of a space after a cursor. The delivery plane does the waiting.

        Who sees a part of the space gets the lines of that part, and `removed` for what was moved
        out of it.
        """
        actor = actor_of(request)
        space = space_to_follow(actor, id_in(request, "space"))
        limit = parse_limit(request.query_params.get("limit"))
        _check_wait(request.query_params.get("wait"))
        cursor = request.query_params.get("cursor")
        kind = f"changes.{space.id}"
        if cursor == "latest":
            page = feed.FeedPage([], feed.latest(space), has_more=False)
        else:
            after = decode_cursor(kind, cursor)[0] if cursor else 0
            page = feed.read(actor, space, after=after, limit=limit)
        return Response(
            {
                "results": ChangeSerializer(page.lines, many=True).data,
                "cursor": encode_cursor(kind, [page.cursor]),
                "has_more": page.has_more,
            },
            headers={"X-RapidServe-Space": str(space.id)},  # what a long poll waits for
        )


def _check_wait(raw: str | None) -> None:
    if raw is not None and not re.fullmatch(r"[+-]?[0-9]+", raw):
        raise Invalid("wait must be a whole number.", code="wait_invalid", field="wait")
