"""Every error a client can be told, as one tree. Pure: no Django, so any layer may raise them.

The exception handler (rapidserve.api.handler) and the delivery plane turn them into
`{"error": {"code", "message", "field", "hint", "request_id", …facts}}`. docs/api.md lists every
code; a test keeps that list complete.

RapidServeError
 |-- BadRequest 400            the request can't be read
 |-- NotAuthenticated 401
 |-- PermissionDenied 403      seen, but not allowed
 |    '-- TokenRefused 403     a signed address that does not hold (any more)
 |-- NotFound 404              unknown and invisible look the same
 |-- MethodNotAllowed 405
 |-- Conflict 409              what is there now stands against it
 |-- Gone 410                  was there, and will not be again
 |-- Stale 412                 somebody else changed it meanwhile
 |-- TooLarge 413
 |-- UnsupportedMediaType 415
 |-- RangeUnsatisfiable 416
 |-- Invalid 422               read well, but the value can't be meant
 |-- TooManyRequests 429
 |-- Unavailable 503           not now: try again
 '-- StorageFull 507
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class RapidServeError(Exception):
    """An answer in plain words.

    `message` is for people and never holds a path, a stack trace or raw input. `facts` stand
    beside `code` in the same object, so a program can act on them. `retry_after` is in seconds.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        hint: str | None = None,
        retry_after: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field
        self.hint = hint
        self.retry_after = retry_after
        self.facts: dict[str, Any] = dict(facts or {})

    def as_dict(self, request_id: str) -> dict[str, Any]:
        """The body every door answers with."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "field": self.field,
                "hint": self.hint,
                "request_id": request_id,
                **self.facts,
            }
        }


class BadRequest(RapidServeError):
    status = 400
    default_code = "json_invalid"


class NotAuthenticated(RapidServeError):
    status = 401
    default_code = "not_authenticated"


class PermissionDenied(RapidServeError):
    status = 403
    default_code = "permission_denied"


class TokenRefused(PermissionDenied):
    default_code = "token_invalid"


class NotFound(RapidServeError):
    status = 404
    default_code = "not_found"

    def __init__(
        self, message: str = "There is nothing here that you can see.", **kwargs: Any
    ) -> None:
        super().__init__(message, **kwargs)


class MethodNotAllowed(RapidServeError):
    status = 405
    default_code = "method_not_allowed"


class Conflict(RapidServeError):
    status = 409
    default_code = "conflict"


class Gone(RapidServeError):
    status = 410
    default_code = "gone"


class Stale(RapidServeError):
    status = 412
    default_code = "stale"


class TooLarge(RapidServeError):
    status = 413
    default_code = "body_too_large"


class UnsupportedMediaType(RapidServeError):
    status = 415
    default_code = "media_type_unsupported"


class RangeUnsatisfiable(RapidServeError):
    status = 416
    default_code = "range_invalid"


class Invalid(RapidServeError):
    status = 422
    default_code = "invalid"


class TooManyRequests(RapidServeError):
    status = 429
    default_code = "too_many_attempts"


class Unavailable(RapidServeError):
    status = 503
    default_code = "busy"


class StorageFull(RapidServeError):
    status = 507
    default_code = "quota_exceeded"
