"""Public links: made and changed by who may share; opened by anybody who has the address."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import MayUseFiles, require_scope
from files.access import listing
from files.access.links import link_for, looker, shown_token
from files.access.lookup import entry_for
from files.access.roles import Permission
from files.actions import links
from files.api.entries import ENTRY_ID
from files.api.requests import actor_of, address
from files.api.serializers import EntrySerializer
from files.models import Link
from rapidserve.api.fields import (
    ChoiceField,
    StrictCharField,
    StrictIntegerField,
    TimestampField,
    parse_id,
)
from rapidserve.api.pagination import PAGE_PARAMETERS, page_of, page_serializer, read_page
from rapidserve.api.schema import errors
from rapidserve.api.serializers import StrictSerializer
from rapidserve.observability.requests import client_address

LINK_ID = OpenApiParameter("link_id", str, OpenApiParameter.PATH)
TOKEN = OpenApiParameter("token", str, OpenApiParameter.PATH)
MOST_DOWNLOADS = 1_000_000


class LimitsSerializer(StrictSerializer):
    password = StrictCharField(required=False, allow_null=True, code="password_invalid")
    expires_at = TimestampField(required=False, allow_null=True)
    max_downloads = StrictIntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_DOWNLOADS,
        code="max_downloads_invalid",
    )


class NewLinkSerializer(LimitsSerializer):
    role = ChoiceField(choices=Link.Role.values, code="role_invalid")


class GrantRequestSerializer(StrictSerializer):
    password = StrictCharField(required=False, allow_null=True, code="password_invalid")
    name = StrictCharField(
        required=False,
        allow_blank=True,
        max_length=links.MAX_VISITOR_NAME,
        code="name_invalid",
        help_text="How the visitor's folder of an upload link is called.",
    )


class LinkSerializer(serializers.Serializer[Any]):
    """A link; `context["request"]` says on which host its address is."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField(
        help_text="null: it was made under another secret key; the address works on."
    )
    role = serializers.ChoiceField(choices=Link.Role.choices)
    has_password = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(allow_null=True)
    max_downloads = serializers.IntegerField(allow_null=True)
    downloads = serializers.IntegerField()
    created_at = serializers.DateTimeField()

    def get_url(self, link: Link) -> str | None:
        token = shown_token(link)
        return address(self.context["request"], f"/s/{token}") if token else None

    def get_has_password(self, link: Link) -> bool:
        return bool(link.password)


class VisitSerializer(serializers.Serializer[Any]):
    created_at = serializers.DateTimeField()
    downloaded_at = serializers.DateTimeField(source="counted_at", allow_null=True)
    name = serializers.CharField()
    address = serializers.CharField()


class OpenedLinkSerializer(serializers.Serializer[Any]):
    entry = EntrySerializer(allow_null=True)
    role = serializers.ChoiceField(choices=Link.Role.choices)
    needs_password = serializers.BooleanField()


class VisitGrantSerializer(serializers.Serializer[Any]):
    """From a `links.NewVisit`."""

    grant = serializers.CharField(source="token", help_text="A bearer token, shown this once.")
    expires_at = serializers.DateTimeField(source="row.expires_at")


class EntryLinksView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="list_links",
        parameters=[ENTRY_ID, *PAGE_PARAMETERS],
        responses={200: page_serializer(LinkSerializer), **errors(400, 401, 403, 404, 422)},
    )
    def get(self, request: Request, entry_id: str) -> Response:
        """The links to an entry, newest first."""
        entry = entry_for(actor_of(request), parse_id(entry_id), Permission.SHARE)
        shown, more = read_page(
            request.query_params,
            f"links.{entry.id}",
            lambda after, limit: listing.links(entry, parse_id(after[0]) if after else None, limit),
            lambda link: [str(link.id)],
        )
        context = {"request": request}
        return Response(page_of(LinkSerializer(shown, many=True, context=context).data, more))

    @extend_schema(
        operation_id="create_link",
        parameters=[ENTRY_ID],
        request=NewLinkSerializer,
        responses={201: LinkSerializer, **errors(400, 401, 403, 404, 409, 415, 422, 503)},
    )
    def post(self, request: Request, entry_id: str) -> Response:
        """Make a link. Whoever has its address may do what its role says, here and below."""
        parsed = parse_id(entry_id)
        asked = NewLinkSerializer.checked(request.data)
        if asked["role"] != Link.Role.UPLOAD:
            require_scope(request, scopes.FILES_READ)  # the address shows to whoever has it
        link = links.create_link(actor=actor_of(request), entry_id=parsed, **asked)
        return Response(LinkSerializer(link, context={"request": request}).data, status=201)


class LinkView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="get_link",
        parameters=[LINK_ID],
        responses={200: LinkSerializer, **errors(401, 403, 404)},
    )
    def get(self, request: Request, link_id: str) -> Response:
        """A link."""
        link = link_for(actor_of(request), parse_id(link_id))
        return Response(LinkSerializer(link, context={"request": request}).data)

    @extend_schema(
        operation_id="change_link",
        parameters=[LINK_ID],
        request=LimitsSerializer,
        responses={200: LinkSerializer, **errors(400, 401, 403, 404, 415, 422, 503)},
    )
    def patch(self, request: Request, link_id: str) -> Response:
        """Change its limits; null takes one away."""
        parsed = parse_id(link_id)
        asked = LimitsSerializer.checked(request.data)
        require_scope(request, scopes.FILES_READ)  # the answer has the address in it
        link = links.change_link(actor=actor_of(request), link_id=parsed, **asked)
        return Response(LinkSerializer(link, context={"request": request}).data)

    @extend_schema(
        operation_id="revoke_link",
        parameters=[LINK_ID],
        responses={204: None, **errors(401, 403, 404, 503)},
    )
    def delete(self, request: Request, link_id: str) -> Response:
        """Revoke it: its address, and those that were given out by it, stop within two seconds."""
        links.revoke_link(actor=actor_of(request), link_id=parse_id(link_id))
        return Response(status=204)


class LinkVisitsView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="list_link_visits",
        parameters=[LINK_ID, *PAGE_PARAMETERS],
        responses={200: page_serializer(VisitSerializer), **errors(400, 401, 403, 404, 422)},
    )
    def get(self, request: Request, link_id: str) -> Response:
        """Who came by it, newest first. Kept for a month after they have gone."""
        link = link_for(actor_of(request), parse_id(link_id))
        shown, more = read_page(
            request.query_params,
            f"visits.{link.id}",
            lambda after, limit: listing.visits(link, parse_id(after[0]) if after else None, limit),
            lambda visit: [str(visit.id)],
        )
        return Response(page_of(VisitSerializer(shown, many=True).data, more))


class PublicLinkView(APIView):
    """Open to everybody, and deaf to credentials: nobody is more or less here than anybody."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="open_link",
        auth=[],
        parameters=[TOKEN],
        responses={200: OpenedLinkSerializer, **errors(404, 410, 429)},
    )
    def get(self, request: Request, token: str) -> Response:
        """Where a link leads. Looking counts as nothing. `entry` is null as long as a password is
        needed."""
        here = client_address(request._request)  # noqa: SLF001 - DRF's name for what it wraps
        link = links.find_link(token=token, address=here)
        context = {"actor": looker(link)}
        entry = None if link.password else EntrySerializer(link.entry, context=context).data
        return Response(
            {"entry": entry, "role": link.role, "needs_password": bool(link.password)},
            headers={"Cache-Control": "no-store"},
        )


class LinkGrantView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="visit_link",
        auth=[],
        parameters=[TOKEN],
        request=GrantRequestSerializer,
        responses={201: VisitGrantSerializer, **errors(400, 403, 404, 410, 415, 422, 429, 503)},
    )
    def post(self, request: Request, token: str) -> Response:
        """A bearer token for what is below the link. Counts one download when it first asks for
        content; all else is free."""
        asked = GrantRequestSerializer.checked(request.data)
        visit = links.open_link(
            token=token,
            password=asked.get("password"),
            address=client_address(request._request),  # noqa: SLF001 - DRF's name for what it wraps
            name=asked.get("name", ""),
        )
        body = VisitGrantSerializer(visit).data
        return Response(body, status=201, headers={"Cache-Control": "no-store"})
