"""Visitors of public links, for the few views that take them. No other view knows their tokens.

`request.user` stays nobody: code that asks it for a person must never find the link's maker.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.authentication import BearerAuthentication, CookieAuthentication, MayUseFiles
from files.access.actor import Actor
from files.access.links import VISIT_PREFIX, visitor_with

if TYPE_CHECKING:
    from rest_framework.views import APIView


class VisitorAuthentication(BaseAuthentication):
    """`Authorization: Bearer lg_…`. `request.auth` is the visitor's Actor."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Actor] | None:
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip().startswith(VISIT_PREFIX):
            return None
        actor = visitor_with(text.strip())
        if actor is None:
            raise exceptions.AuthenticationFailed("This grant isn't valid (any more).")
        return AnonymousUser(), actor

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return 'Bearer realm="RapidServe"'


class VisitorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # no types
    """How the API documentation describes it."""

    target_class = VisitorAuthentication
    name = "visitor"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002 - spectacular's signature
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "lg_…",
            "description": "From POST /api/s/{token}/grant, for what is below that link.",
        }


class MayUseFilesOrVisit(BasePermission):
    """As MayUseFiles; a visitor may ask, and is answered by what his link allows."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if isinstance(request.auth, Actor):
            return True
        return MayUseFiles().has_permission(request, view)


class OpenToVisitors:
    """For a view whose every answer asks for the rights of `actor_of(request)`."""

    authentication_classes: Any = (
        VisitorAuthentication,
        BearerAuthentication,
        CookieAuthentication,
    )
    permission_classes: Any = (MayUseFilesOrVisit,)
