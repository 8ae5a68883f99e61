"""What an exception means to the caller: any exception in, one of the documented errors out."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.request import Request

from rapidserve.errors import (
    BadRequest,
    Invalid,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    RapidServeError,
    StorageFull,
    TooLarge,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)

log = logging.getLogger(__name__)


class InternalError(RapidServeError):
    """We were wrong, not the caller. The details are in the log, under the request id."""

    default_code = "internal_error"

    def __init__(self) -> None:
        super().__init__(
            "Something went wrong on our side. It has been noted.",
            hint="Tell whoever runs this server the request id.",
        )


class NotAcceptable(RapidServeError):
    status = 406
    default_code = "not_acceptable"


def error_from(exc: BaseException) -> RapidServeError:  # noqa: PLR0911 - one return per kind
    """What an exception means to the caller. Logs, with traceback, what is nobody's input."""
    match exc:
        case RapidServeError():
            return exc
        case exceptions.APIException():
            return _from_drf(exc)
        case Http404():
            return NotFound()
        case DjangoPermissionDenied():
            return PermissionDenied("You may not do that.")
        case RequestDataTooBig():
            return TooLarge("The body is too large.")
        case (
            SuspiciousOperation()
            | UnreadablePostError()
            | DjangoBadRequest()
            | MultiPartParserError()
        ):
            return BadRequest("The request can't be understood.", code="request_invalid")
        case OperationalError():
            log.error("The database refused.", exc_info=exc)
            return _from_database(exc)
        case _:
            log.error("Unexpected error.", exc_info=exc)
            return InternalError()


def headers_of(error: RapidServeError) -> dict[str, str]:
    """The headers that HTTP asks for beside the body."""
    headers = {}
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="RapidServe"'
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return headers


def request_id_of(request: HttpRequest | Request) -> str:
    """The id that RequestIdMiddleware gave; empty when the error came before it."""
    return getattr(request, "request_id", "")


def _from_drf(exc: exceptions.APIException) -> RapidServeError:  # noqa: PLR0911 - one return per kind
    match exc:
        case exceptions.ValidationError():
            return _from_validation(exc.detail, ())
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return NotAuthenticated(str(exc.detail))
        case exceptions.PermissionDenied():
            return PermissionDenied(str(exc.detail), code=str(exc.get_codes()))
        case exceptions.NotFound():
            return NotFound()
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed("This address doesn't take that method.")
        case exceptions.NotAcceptable():
            return NotAcceptable("This address answers application/json.")
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType(
                "This address doesn't read that kind of body.", hint="Send application/json."
            )
        case exceptions.ParseError():
            return BadRequest(str(exc.detail))
        case exceptions.Throttled():
            return TooManyRequests(
                "Too many requests.",
                code="too_many_requests",
                retry_after=math.ceil(getattr(exc, "wait", None) or 1),
            )
        case _:
            log.error("Unexpected error.", exc_info=exc)
            return InternalError()


def _from_validation(detail: Any, path: tuple[str, ...]) -> RapidServeError:
    """The first leaf of DRF's tree of problems."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        return _from_validation(inner, path if name == "non_field_errors" else (*path, str(name)))
    if isinstance(detail, list):
        index, inner = next((i, d) for i, d in enumerate(detail) if d)
        # A list of messages is a leaf's; a list of trees has one for each item.
        return _from_validation(inner, path if isinstance(inner, str) else (*path, str(index)))
    code = {"required": "field_required"}.get(getattr(detail, "code", ""), "type_invalid")
    return Invalid(str(detail), code=code, field=".".join(path) or None)


def _from_database(exc: OperationalError) -> RapidServeError:
    if "full" in str(exc):
        return StorageFull(
            "The server's disk is full. Try again when there is room.",
            code="storage_full",
            retry_after=60,
        )
    return Unavailable("The server is busy. Try again in a moment.", retry_after=1)
