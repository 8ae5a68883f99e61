"""A few addresses that go wrong in every way, for the tests of the API kernel."""

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.urls import path
from rest_framework import exceptions
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from rapidserve import errors
from rapidserve.api.fields import StrictCharField, StrictIntegerField, StrictListField, UUIDField
from rapidserve.api.serializers import StrictSerializer

handler400 = "rapidserve.api.handler.bad_request"
handler403 = "rapidserve.api.handler.permission_denied"
handler404 = "rapidserve.api.handler.not_found"
handler500 = "rapidserve.api.handler.server_error"

RAISED = {
    "stale": lambda: errors.Stale("It changed.", field="revision", facts={"current": 7}),
    "busy": lambda: errors.Unavailable("Busy.", retry_after=3),
    "anonymous": lambda: errors.NotAuthenticated("Who are you?"),
    "drf-anonymous": exceptions.NotAuthenticated,
    "drf-denied": exceptions.PermissionDenied,
    "drf-missing": exceptions.NotFound,
    "drf-parse": lambda: exceptions.ParseError("Unreadable."),
    "drf-throttled": lambda: exceptions.Throttled(wait=1.5),
    "drf-invalid": lambda: exceptions.ValidationError(
        {"chunks": [{}, {"size": [exceptions.ErrorDetail("Too big.", "max_value")]}]}
    ),
    "drf-required": lambda: exceptions.ValidationError(
        {"name": [exceptions.ErrorDetail("Missing.", "required")]}
    ),
    "drf-other": lambda: exceptions.APIException("internal detail"),
    "missing": Http404,
    "denied": DjangoPermissionDenied,
    "suspicious": lambda: SuspiciousOperation("/secret/path"),
    "too-big": lambda: RequestDataTooBig("RFC"),
    "locked": lambda: OperationalError("database is locked"),
    "disk-full": lambda: OperationalError("database or disk is full"),
    "crash": lambda: ZeroDivisionError("/secret/path"),
}


@api_view(["GET"])
@permission_classes([AllowAny])
def raising_endpoint(request, kind):
    error = RAISED[kind]()
    raise error


class ItemSerializer(StrictSerializer):
    size = StrictIntegerField(min_value=0, max_value=2**63 - 1, code="size_invalid")


class BodySerializer(StrictSerializer):
    name = StrictCharField(max_length=5, code="name_invalid")
    note = StrictCharField(required=False, allow_null=True, allow_blank=True)
    parent = UUIDField(required=False)
    items = StrictListField(child=ItemSerializer(), required=False, max_length=3)


class EchoView(APIView):
    permission_classes = (AllowAny,)

    def post(self, request):
        return Response(BodySerializer.checked(request.data))


class PrivateView(APIView):
    """Asks for the default permission."""

    def get(self, request):
        return Response({"hello": request.user.username})

    def post(self, request):
        return Response({"hello": request.user.username})


def raising_page(request, kind):
    error = RAISED[kind]()
    raise error


def plain_page(request):
    return HttpResponse("fine")


urlpatterns = [
    path("api/raise/<kind>", raising_endpoint),
    path("api/echo", EchoView.as_view()),
    path("api/private", PrivateView.as_view()),
    path("raise/<kind>", raising_page),
    path("form", plain_page),
    path("login", plain_page, name="login"),
]
