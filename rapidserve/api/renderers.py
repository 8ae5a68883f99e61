"""The browsable API, for people who are signed in."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request


class SignedInBrowsableRenderer(BrowsableAPIRenderer):
    """HTML for a person with a session. Everybody else gets the JSON, also in a browser: a page
    for strangers would be a second, unthrottled and unstyled front door.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = renderer_context or {}
        if _has_session(context["request"]):
            return super().render(data, accepted_media_type, renderer_context)
        context["response"]["Content-Type"] = "application/json"
        return JSONRenderer().render(data, "application/json", context)


def _has_session(request: Request) -> bool:
    # Not `request.user`: after a failed authentication that would try, and fail, once more.
    state = vars(request)
    user = state.get("_user")
    return bool(user and user.is_authenticated and state.get("_auth") is None)
