"""Signing in for programs, who am I, finding people, and one's own tokens."""

import datetime as dt
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import actions, lookup, scopes, second_step
from accounts.api.serializers import (
    GroupSerializer,
    MeSerializer,
    NewTokenSerializer,
    SignInRowSerializer,
    SignInSerializer,
    TokenSerializer,
    UserSerializer,
)
from accounts.authentication import MayFindPeople, MayManageAccount
from accounts.sessions import sign_in_of
from rapidserve.api.fields import parse_id
from rapidserve.api.pagination import PAGE_PARAMETERS, page_of, page_serializer, read_page
from rapidserve.api.schema import errors
from rapidserve.observability.requests import client_address

if TYPE_CHECKING:
    from accounts.models import User


class TokenView(APIView):
    """Open to everybody, and deaf to cookies: signing in needs no session, so no CSRF token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="create_token",
        auth=[],
        request=SignInSerializer,
        responses={201: NewTokenSerializer, **errors(400, 401, 413, 415, 422, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Exchange a name and a password for a token, with a `code` of the second step when 401
        `code_needed` asks for it.

        Repeated failures are answered 429 `too_many_attempts` with `Retry-After`, at first after
        five for one name from one address.
        """
        asked = SignInSerializer.checked(request.data)
        user = actions.authenticated(
            username=asked["username"],
            password=asked["password"],
            address=client_address(request._request),  # noqa: SLF001 - DRF's name for what it wraps
        )
        second_step.check(user, asked.get("code"))
        actions.note_sign_in(user=user)
        made = actions.make_token(
            user=user,
            name=asked["name"],
            scopes=asked.get("scopes", scopes.ALL),
            lifetime=_lifetime(asked),
        )
        return Response(
            NewTokenSerializer(made).data, status=201, headers={"Cache-Control": "no-store"}
        )


class MeView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="me", responses={200: MeSerializer, **errors(401)})
    def get(self, request: Request) -> Response:
        """The person whose session or token this is."""
        return Response(MeSerializer(cast("User", request.user)).data)


class PeopleView(APIView):
    permission_classes = (MayFindPeople,)

    @extend_schema(
        operation_id="find_people",
        parameters=[
            OpenApiParameter("q", str, description="At least two characters; fewer find nobody."),
            *PAGE_PARAMETERS,
        ],
        responses={200: page_serializer(UserSerializer), **errors(400, 401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        """People to share with, whose user name or display name begins with `q`."""
        prefix = request.query_params.get("q", "")
        shown, more = read_page(
            request.query_params,
            "people",
            lambda after, limit: lookup.find_people(
                prefix=prefix, after=after[0] if after else None, limit=limit
            ),
            lambda person: [person.username_key],
        )
        return Response(page_of([UserSerializer(person).data for person in shown], more))


class GroupsView(APIView):
    permission_classes = (MayFindPeople,)

    @extend_schema(
        operation_id="find_groups",
        parameters=[
            OpenApiParameter("q", str, description="At least two characters; fewer find none."),
            *PAGE_PARAMETERS,
        ],
        responses={200: page_serializer(GroupSerializer), **errors(400, 401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        """Groups to share with, whose name begins with `q`."""
        prefix = request.query_params.get("q", "")
        shown, more = read_page(
            request.query_params,
            "groups",
            lambda after, limit: lookup.find_groups(
                prefix=prefix, after=after[0] if after else None, limit=limit
            ),
            lambda group: [group.name],
        )
        return Response(page_of([GroupSerializer(group).data for group in shown], more))


class TokensView(APIView):
    permission_classes = (MayManageAccount,)

    @extend_schema(
        operation_id="list_tokens",
        parameters=PAGE_PARAMETERS,
        responses={200: page_serializer(TokenSerializer), **errors(400, 401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        """Your own tokens, newest first; never their text."""
        user = cast("User", request.user)
        shown, more = read_page(
            request.query_params,
            "tokens",
            lambda after, limit: lookup.tokens_of(
                user, after=UUID(after[0]) if after else None, limit=limit
            ),
            lambda row: [str(row.id)],
        )
        return Response(page_of([TokenSerializer(row).data for row in shown], more))


class SessionsView(APIView):
    permission_classes = (MayManageAccount,)

    @extend_schema(
        operation_id="list_sessions",
        parameters=PAGE_PARAMETERS,
        responses={200: page_serializer(SignInRowSerializer), **errors(400, 401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        """Where you are signed in with a browser, newest first."""
        user = cast("User", request.user)
        shown, more = read_page(
            request.query_params,
            "sessions",
            lambda after, limit: lookup.sign_ins_of(
                user, after=UUID(after[0]) if after else None, limit=limit
            ),
            lambda row: [str(row.id)],
        )
        current = None if request.auth else sign_in_of(request._request)  # noqa: SLF001 - as above
        context = {"current": current}
        return Response(
            page_of([SignInRowSerializer(row, context=context).data for row in shown], more)
        )


class SessionView(APIView):
    permission_classes = (MayManageAccount,)

    @extend_schema(
        operation_id="end_session",
        parameters=[OpenApiParameter("session_id", str, OpenApiParameter.PATH)],
        responses={204: None, **errors(401, 403, 404)},
    )
    def delete(self, request: Request, session_id: str) -> Response:
        """Sign out there. Every URL that was signed for that session stops working."""
        user = cast("User", request.user)
        row = lookup.sign_in_for(user, parse_id(session_id))
        actions.end_session(sign_in=row, by=user)
        if not request.auth and row.id == sign_in_of(request._request):  # noqa: SLF001 - as above
            request._request.session.flush()  # noqa: SLF001 - it is gone, and must not be saved
        return Response(status=204)


class OneTokenView(APIView):
    permission_classes = (MayManageAccount,)

    @extend_schema(
        operation_id="revoke_token",
        parameters=[OpenApiParameter("token_id", str, OpenApiParameter.PATH)],
        responses={204: None, **errors(401, 403, 404)},
    )
    def delete(self, request: Request, token_id: str) -> Response:
        """Revoke one of your tokens. It, and every URL signed for it, stops working."""
        token = lookup.token_for(cast("User", request.user), parse_id(token_id))
        actions.revoke_token(token=token, by=cast("User", request.user))
        return Response(status=204)


def _lifetime(asked: dict[str, Any]) -> dt.timedelta | None:
    if "expires_in" not in asked:
        return actions.TOKEN_LIFETIME
    seconds = asked["expires_in"]
    return None if seconds is None else dt.timedelta(seconds=seconds)
