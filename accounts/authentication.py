"""How a request says who is asking, and what its credential may be used for."""

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.db.models import CharField, Q
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import scopes, tokens
from accounts.models import ApiToken, User
from accounts.organisation import Ability
from accounts.policy import require
from accounts.sessions import sign_in_of
from rapidserve.db import Prepared
from rapidserve.errors import NotAuthenticated, PermissionDenied
from rapidserve.observability.requests import came_via

if TYPE_CHECKING:
    # rest_framework.views loads this module by name while it is being loaded itself.
    from rest_framework.views import APIView

log = logging.getLogger(__name__)

USE_NOTED_EVERY = dt.timedelta(minutes=1)

_token_by_digest = Prepared(
    lambda digest: ApiToken.objects.select_related("user").filter(digest=digest), CharField()
)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer rs_…`. `request.auth` is the ApiToken.

    Once the header is there it alone counts. A request with a bad token and a good cookie is
    refused: otherwise a program would work by accident of the browser it runs in.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        token = token_from_header(header)
        if token is None:
            raise exceptions.AuthenticationFailed("This token isn't valid (any more).")
        _note_use(token)
        came_via(f"token:{token.id}")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return 'Bearer realm="RapidServe"'


class CookieAuthentication(SessionAuthentication):
    """The session of a page, with CSRF enforced. `request.auth` is None."""

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None:
            came_via(f"session:{sign_in_of(request._request)}")  # noqa: SLF001 - DRF's name
        return found

    def enforce_csrf(self, request: HttpRequest | Request) -> None:
        try:
            super().enforce_csrf(request)  # type: ignore[arg-type] # stubs want one of the two
        except exceptions.PermissionDenied:
            raise exceptions.PermissionDenied(
                "The X-CSRFToken header is missing or doesn't match the cookie.",
                code="csrf_failed",
            ) from None


class MayUseFiles(BasePermission):
    """A signed-in person, or a token with `files:read` or `files:write`, as the method needs."""

    def has_permission(self, request: Request, view: "APIView") -> bool:  # noqa: ARG002 - DRF's signature
        require_scope(request, scopes.files_scope(request.method or ""))
        return True


class MayFindPeople(MayUseFiles):
    """As `MayUseFiles`, of somebody whose role in the organisation lets them look for others."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        super().has_permission(request, view)
        require(cast("User", request.user), Ability.FIND_PEOPLE)
        return True


class MayManageAccount(BasePermission):
    """A signed-in person, or a token with `account`."""

    def has_permission(self, request: Request, view: "APIView") -> bool:  # noqa: ARG002 - DRF's signature
        require_scope(request, scopes.ACCOUNT)
        return True


def require_scope(request: Request, scope: str) -> None:
    """Raises NotAuthenticated for nobody, PermissionDenied for a token without the scope."""
    if isinstance(request.user, AnonymousUser):
        raise NotAuthenticated("Sign in, or send a token.")
    if isinstance(request.auth, ApiToken) and scope not in request.auth.scopes:
        raise PermissionDenied(
            "This token may not be used for that.",
            hint=f"It lacks the scope {scope}.",
            facts={"scope": scope},
        )


def token_from_header(header: str) -> ApiToken | None:
    """The token, with its user, of an `Authorization` header: one query by a unique index. None
    for another scheme, and for what is malformed, unknown, revoked, expired or deactivated.
    """
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not tokens.is_token(text.strip()):
        return None
    digest = tokens.digest(text.strip())
    found = _token_by_digest(digest)
    if not found or found[0].is_expired or not found[0].user.is_active:
        return None
    return found[0]


def _note_use(token: ApiToken) -> None:
    """`last_used_at`, to the minute: a write for each read would make every request wait its turn.
    When the database is busy the next request notes it.
    """
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if token.last_used_at is not None and token.last_used_at >= now - USE_NOTED_EVERY:
        return
    try:
        ApiToken.objects.filter(stale, id=token.id).update(last_used_at=now)
    except OperationalError:
        log.warning("Could not note the use of token %s.", token.id)
