"""Every request has an id: in its answer, in errors and in every line that it logs."""

import ipaddress
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, for the audit log. `via`: how its sender showed who he is."""

    address: str = ""
    via: str = ""


current_origin: ContextVar[Origin] = ContextVar("current_origin", default=Origin())  # noqa: B039 - frozen
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")

_acceptable = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_from(offered: str | None) -> str:
    """The caller's own id when it is fit to be logged and echoed, else a new one."""
    if offered and _acceptable.fullmatch(offered):
        return offered
    return secrets.token_hex(8)


def came_via(how: str) -> None:
    """Note how whoever sent this request has shown who he is."""
    current_origin.set(replace(current_origin.get(), via=how))


class RequestIdMiddleware:
    """Sets `request.request_id` and answers it as X-Request-ID; notes where the request is from."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_from(request.headers.get("X-Request-ID"))
        request.request_id = request_id  # type: ignore[attr-defined]  # ours, not Django's
        token = current_request_id.set(request_id)
        origin = current_origin.set(
            Origin(client_address(request), "admin" if request.path.startswith("/admin/") else "")
        )
        try:
            response = self.get_response(request)
        finally:
            current_request_id.reset(token)
            current_origin.reset(origin)
        response["X-Request-ID"] = request_id
        return response


def client_address(request: HttpRequest) -> str:
    """Where a request comes from, for counting. Behind a trusted proxy the last hop it names,
    which is the only one the client can't invent. IPv6 counts by /64: one line has that many.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUST_PROXY else ""
    text = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))
