"""The page of a public link, for people: usable without an account and without JavaScript.

Looking leaves no trace. A visit, which a cookie remembers, begins with what costs something: a
password, a download, a file that is dropped. It is asked for by a form, so that what merely follows
addresses (unfurlers, prefetching browsers) counts as nobody.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from files.access import issue
from files.access.actor import Actor
from files.access.lasting import file_to_read
from files.access.links import digest, looker, visitor_with
from files.access.listing import breadcrumb
from files.access.lookup import entry_for, file_for, version_for
from files.access.roles import Permission
from files.actions import links
from files.models import Entry, Link, Upload
from files.web import listing, notices
from files.web.pages import may_send
from rapidserve.api.fields import parse_id
from rapidserve.errors import (
    Invalid,
    NotFound,
    PermissionDenied,
    RapidServeError,
    TooManyRequests,
)
from rapidserve.observability.requests import client_address

COOKIE: Final = "visit"
SENT_SHOWN: Final = 100
MENDABLE: Final = (Invalid, PermissionDenied, TooManyRequests)


def public(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For anybody; of no interest to search engines, nor to caches."""

    @wraps(view)
    @never_cache
    @may_send
    @require_http_methods(["GET", "HEAD", "POST"])
    def shown(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = view(request, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return shown


@public
def link(request: HttpRequest, token: str, entry_id: str | None = None) -> HttpResponse:
    """What a link leads to, or a folder below it. POST enters a password, downloads a file, or
    begins to drop some."""
    found, visitor = _opened(request, token)
    if request.method == "POST":
        return _act(request, token, found, visitor)
    if found.role == Link.Role.UPLOAD:
        return _drop_page(request, found, visitor)
    if found.password and visitor is None:
        return _door(request, found, None)
    actor = visitor or looker(found)
    entry = entry_for(actor, parse_id(entry_id) if entry_id else found.entry_id, Permission.VIEW)
    return _content_page(request, token, actor, entry)


def _opened(request: HttpRequest, token: str) -> tuple[Link, Actor | None]:
    """The link, and who has visited it before: he may go on when it is used up."""
    visitor = visitor_with(request.COOKIES.get(COOKIE, ""))
    if visitor and visitor.through:
        rows = Link.objects.select_related("entry__space", "entry__parent", "created_by")
        known = rows.filter(id=visitor.through.link, digest=digest(token)).first()
        if known is not None:
            return known, visitor
    return links.find_link(token=token, address=client_address(request)), None


def _act(request: HttpRequest, token: str, found: Link, visitor: Actor | None) -> HttpResponse:
    """A visit begins, if there was none, and what was asked for follows."""
    begun = None
    if visitor is None:
        if "download" in request.POST and not found.password:
            # Before a visit begins: one that ends in an error page leaves no cookie to go on with.
            file_for(looker(found), parse_id(request.POST["download"]), Permission.DOWNLOAD)
        try:
            begun = links.open_link(
                token=token,
                password=request.POST.get("password"),
                address=client_address(request),
                name=request.POST.get("name", ""),
            )
        except MENDABLE as error:
            return _door(request, found, error)
        visitor = visitor_with(begun.token)
        if visitor is None:
            raise NotFound
    if "download" in request.POST:
        response = _download(visitor, request.POST["download"])
    else:
        response = redirect(request.path)
    if begun is not None:
        response.set_cookie(
            COOKIE,
            begun.token,
            max_age=links.VISIT_SECONDS,
            path=reverse("link", args=[token]),
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def _download(visitor: Actor, entry_id: str) -> HttpResponse:
    file, actor, epochs = file_to_read(visitor, parse_id(entry_id))
    version = version_for(file, None)
    links.count_download(actor, file)
    ticket = issue.file_ticket(
        actor=actor, entry=file, version=version, inline=False, epochs=epochs
    )
    response = redirect(f"/d/file/{ticket}/{quote(file.name, safe='')}")
    response.status_code = 303
    return response


def _door(request: HttpRequest, found: Link, problem: RapidServeError | None) -> HttpResponse:
    """Asks for the password, or, of an upload link, who is there. Names nothing before that."""
    context = {
        "needs_password": bool(found.password),
        "is_drop": found.role == Link.Role.UPLOAD,
        "folder": found.entry.name if found.role == Link.Role.UPLOAD else "",
        "problem": problem,
        "typed": request.POST.get("name", ""),
    }
    status = problem.status if problem else 200
    response = render(request, "links/door.html", context, status=status)
    if problem and problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    return response


def _content_page(request: HttpRequest, token: str, actor: Actor, entry: Entry) -> HttpResponse:
    context: dict[str, Any] = {
        "token": token,
        "entry": entry,
        "may_download": actor.through and Permission.DOWNLOAD in actor.through.permissions,
    }
    if not entry.is_folder:
        [row] = listing.rows_of(actor, [entry])
        return render(request, "links/file.html", context | {"row": row})
    order = listing.order_of(request.GET)
    return render(
        request,
        "links/folder.html",
        context
        | {
            "crumbs": breadcrumb(actor, entry)[:-1],
            "listing": listing.children(request, actor, entry, order),
            "columns": listing.columns(order),
        },
    )


def _drop_page(request: HttpRequest, found: Link, visitor: Actor | None) -> HttpResponse:
    if visitor is None or visitor.through is None:
        return _door(request, found, None)
    sent = Upload.objects.filter(visit=visitor.through.visit, state=Upload.State.COMPLETED)
    context = {
        "entry": found.entry,
        "grant": request.COOKIES[COOKIE],  # it is his: the script sends with it
        "form_address": f"/d/form/{issue.form_ticket(actor=visitor, folder=found.entry)}",
        "sent": sent.order_by("-id").values_list("name", flat=True)[:SENT_SHOWN],
        "notice": notices.arrived(request, sent) or notices.asked_for(request, visitor),
    }
    return render(request, "links/drop.html", context)
