"""What every page of files shares: who may ask for it, who asks, where it leads back to."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Final, cast

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.organisation import Ability
from accounts.policy import abilities
from accounts.sessions import sign_in_of
from files.access.actor import Actor
from files.access.listing import spaces
from files.access.lookup import space_or_personal
from files.access.policy import can, role_in
from files.access.roles import PERMISSIONS, Permission, Role
from files.chunkstore import registry
from files.models import Entry, Space
from rapidserve.errors import Conflict, Invalid, Stale
from rapidserve.observability.requests import came_via

View = Callable[..., HttpResponse]
# What a person can mend by typing or choosing something else; everything else is a page of its own.
MENDABLE: Final = (Conflict, Invalid, Stale)
MOST_SPACES: Final = 100  # beside a page


def page(*methods: str) -> Callable[[View], View]:
    """A page for signed-in people. Never stored: Back must not show what was trashed, nor anything
    at all once somebody has signed out. Its script may send to the buckets that take chunks.
    """

    def decorate(view: View) -> View:
        checked = require_http_methods([*methods])(view)
        return wraps(view)(never_cache(login_required(may_send(checked))))

    return decorate


def may_send(view: View) -> View:
    """A page whose script sends chunks, which some buckets take themselves."""

    def allowing(request: HttpRequest, **kwargs: object) -> HttpResponse:
        allowed = csp_update({"connect-src": registry.bucket_origins()})(view)
        return cast("HttpResponse", allowed(request, **kwargs))

    return wraps(view)(allowing)


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person: `page` let nobody else in."""
    sign_in = sign_in_of(request)
    came_via(f"session:{sign_in}")
    return Actor(cast("User", request.user), sign_in)


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes. `quota` is None without a limit; `percent` is of the quota, at most 100."""

    used: int
    quota: int | None
    percent: int
    saved: int


def frame(actor: Actor, space: Space, place: str) -> dict[str, object]:
    """What stands around every page: the spaces, the place that is marked (`files`, `trash` or none
    of them), and how much room is used in the space that the page is about. Of a space that the
    actor sees only a part of, nothing is told: his own stands there, and what is shared is marked.
    What his role in the organisation doesn't allow is not offered.
    """
    role, able = role_in(actor, space), abilities(actor.user)
    if role is None:
        space, place = space_or_personal(actor, None), "shared" if place == "files" else place
    return {
        "place": place,
        "space": space,
        "teams": [
            each
            for each in spaces(actor, None, MOST_SPACES)
            if each.kind == space.Kind.TEAM or each.owner_id != actor.id
        ],
        "trash_address": trash_address(space) if _may_edit(role) else trash_address(None),
        "usage": _usage(space),
        "may_make_spaces": Ability.MAKE_SPACES in able,
        "shares": Ability.SHARE in able,
    }


def place_of(actor: Actor, entry: Entry) -> str:
    """Where the folder is that an entry lies in; or what is shared, if that is not to be seen."""
    if entry.parent and can(actor, Permission.VIEW, entry.parent):
        return reverse("folder", args=[entry.parent.id])
    return reverse("shared")


def trash_address(space: Space | None) -> str:
    """None: the reader's own."""
    address = reverse("trash")
    if space is None or space.kind == Space.Kind.PERSONAL:
        return address
    return f"{address}?space={space.id}"


def _may_edit(role: Role | None) -> bool:
    return role is not None and Permission.EDIT in PERMISSIONS[role]


def _usage(space: Space) -> Usage:
    percent = round(100 * space.used_bytes / space.quota_bytes) if space.quota_bytes else 0
    saved = max(0, space.used_bytes - space.stored_bytes)
    return Usage(space.used_bytes, space.quota_bytes, min(100, percent), saved)


def way_back(request: HttpRequest) -> str:
    """The page that a form was sent from, as it says itself; never one of another site."""
    address = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        return address
    return reverse("home")
