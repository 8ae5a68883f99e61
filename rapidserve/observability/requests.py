"""Every request has an id: in its answer, in errors and in every line that it logs."""

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")

_acceptable = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_from(offered: str | None) -> str:
    """The caller's own id when it is fit to be logged and echoed, else a new one."""
    if offered and _acceptable.fullmatch(offered):
        return offered
    return secrets.token_hex(8)


class RequestIdMiddleware:
    """Sets `request.request_id` and answers it as X-Request-ID."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_from(request.headers.get("X-Request-ID"))
        request.request_id = request_id  # type: ignore[attr-defined]  # ours, not Django's
        token = current_request_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            current_request_id.reset(token)
        response["X-Request-ID"] = request_id
        return response
