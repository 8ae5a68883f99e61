"""One's own settings: password, where one is signed in, API tokens. Works without JavaScript."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import actions, lookup, second_step
from accounts.models import User
from accounts.sessions import sign_in_of
from rapidserve.api.fields import parse_id
from rapidserve.errors import Conflict, Invalid, NotAuthenticated, RapidServeError, TooManyRequests
from rapidserve.observability.requests import client_address

SHOWN: Final = 100
MENDABLE: Final = (Conflict, Invalid, NotAuthenticated, TooManyRequests)
LIFETIMES: Final = {"30": "30 days", "90": "90 days", "365": "a year", "": "until it is revoked"}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("current", "password")
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """A form is answered by a redirect, but for a new token, whose text is shown this once."""
    user = cast("User", request.user)
    problem: RapidServeError | None = None
    asked = next((name for name in FORMS if name in request.POST), "")
    made = None
    if request.method == "POST":
        try:
            made = FORMS[asked](request, user) if asked else None
        except MENDABLE as error:
            problem = error
        else:
            if made is None:
                return redirect("settings")
    context: dict[str, Any] = {
        "sessions": lookup.sign_ins_of(user, after=None, limit=SHOWN),
        "current": sign_in_of(request),
        "tokens": lookup.tokens_of(user, after=None, limit=SHOWN),
        "lifetimes": LIFETIMES,
        "second_step": second_step.is_needed(user),
        "mail": settings.SMTP_URL,
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else None,
        "made": made,
        "problem": problem,
        "asked": asked,
        "typed": request.POST.get("name", "") if problem else "",
    }
    status = problem.status if problem else 200
    return render(request, "accounts/settings.html", context, status=status)


def _change_password(request: HttpRequest, user: User) -> None:
    """The old one is asked for: somebody may have found the browser open."""
    actions.authenticated(
        username=user.username,
        password=request.POST.get("current", ""),
        address=client_address(request),
    )
    here = sign_in_of(request)
    actions.set_password(user=user, password=request.POST.get("password", ""), but=here, by=user)
    update_session_auth_hash(request, user)
    messages.success(request, "Your password was changed, and you are signed out elsewhere.")


def _end_session(request: HttpRequest, user: User) -> None:
    row = lookup.sign_in_for(user, parse_id(request.POST["end"]))
    actions.end_session(sign_in=row, by=user)
    messages.success(request, "Signed out there.")


def _make_token(request: HttpRequest, user: User) -> actions.NewToken:
    days = request.POST.get("days", "90")
    if days not in LIFETIMES:
        raise Invalid("Choose how long it lasts.", code="expires_in_invalid", field="days")
    lifetime = dt.timedelta(days=int(days)) if days else None
    name = request.POST.get("name", "").strip()
    return actions.make_token(user=user, name=name, lifetime=lifetime)


def _revoke_token(request: HttpRequest, user: User) -> None:
    token = lookup.token_for(user, parse_id(request.POST["revoke"]))
    actions.revoke_token(token=token, by=user)
    messages.success(request, f"The token “{token.name}” was revoked.")


FORMS: Final[dict[str, Callable[[HttpRequest, User], actions.NewToken | None]]] = {
    "change": _change_password,
    "end": _end_session,
    "make": _make_token,
    "revoke": _revoke_token,
}
