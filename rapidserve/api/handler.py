"""Whatever a view raises becomes the one error shape.

`answer_error` is DRF's exception handler. The rest is for what happens outside of API views: JSON
in the same shape under /api/, a friendly page elsewhere. Pages are rendered without the request:
looking up who is signed in could fail once more, on the way to the apology.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from rest_framework.response import Response

from rapidserve import appearance
from rapidserve.api.translation import InternalError, error_from, headers_of, request_id_of
from rapidserve.errors import PermissionDenied, RapidServeError

_PAGES = {400: "400.html", 403: "403.html", 404: "404.html", 500: "500.html"}


def answer_error(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER. Answers every exception, so that none becomes a stack trace."""
    error = error_from(exc)
    return Response(
        error.as_dict(request_id_of(context["request"])),
        status=error.status,
        headers=headers_of(error),
    )


class ErrorPagesMiddleware:
    """Answers a RapidServeError that a page (not an API view) raised."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """None leaves everything else to Django, which logs it and calls the handlers below."""
        if isinstance(exception, RapidServeError):
            return answer(request, exception)
        return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400."""
    return answer(request, error_from(exception))


# handler403 and handler404: Django tells the three apart, the exception says it as well.
permission_denied = not_found = bad_request


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500. Django has logged the exception already, with its traceback."""
    return answer(request, InternalError())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW. `reason` is Django's, in the log; people need to know what to do."""
    del reason
    error = PermissionDenied(
        "This form is no longer valid.",
        code="csrf_failed",
        hint="Go back, reload the page and send the form again. Cookies must be allowed.",
    )
    return answer(request, error)


def answer(request: HttpRequest, error: RapidServeError) -> HttpResponse:
    """JSON under /api/, a page elsewhere."""
    response: HttpResponse
    if request.path.startswith("/api/"):
        response = JsonResponse(error.as_dict(request_id_of(request)), status=error.status)
    else:
        response = HttpResponse(_page(request, error), status=error.status)
    for name, value in headers_of(error).items():
        response[name] = value
    return response


def _page(request: HttpRequest, error: RapidServeError) -> str:
    name = _PAGES.get(error.status, "error.html")
    context = {"error": error, "request_id": request_id_of(request)}
    return render_to_string(name, context | appearance.context(request))
