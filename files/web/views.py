"""Pages of folders and the trash: parse, look up, act, render. They work without JavaScript."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from files.access import issue
from files.access.actor import Actor
from files.access.listing import breadcrumb
from files.access.lookup import entry_for, folder_for, space_or_personal, trashed_entry_for
from files.access.policy import can
from files.access.roles import Permission
from files.actions import trash, tree
from files.models import Entry
from files.web import listing, notices
from rapidserve.api.fields import parse_id
from rapidserve.errors import Conflict, Invalid, RapidServeError, Stale

View = Callable[..., HttpResponse]
# What a person can mend by typing something else; everything else is a page of its own.
MENDABLE = (Conflict, Invalid, Stale)


def page(*methods: str) -> Callable[[View], View]:
    """A page for signed-in people. Never stored: Back must not show what was trashed, nor anything
    at all once somebody has signed out.
    """

    def decorate(view: View) -> View:
        checked = require_http_methods([*methods])(view)
        return wraps(view)(never_cache(login_required(checked)))

    return decorate


@page("GET", "HEAD")
def home(request: HttpRequest) -> HttpResponse:
    space = space_or_personal(_actor(request), None)
    return redirect(reverse("folder", args=[space.root]) + notices.carried_on(request))


@page("GET", "HEAD")
def folder(request: HttpRequest, entry_id: str) -> HttpResponse:
    """A folder's children. A file has no page yet: its folder is shown."""
    actor = _actor(request)
    entry = entry_for(actor, parse_id(entry_id), Permission.VIEW)
    if not entry.is_folder:
        return redirect("folder", entry.parent_id)
    order = listing.order_of(request.GET)
    context = {
        "folder": entry,
        "crumbs": breadcrumb(entry)[:-1],
        "space": entry.space,
        "may_edit": can(actor, Permission.EDIT, entry),
        "form_address": f"/d/form/{issue.form_ticket(actor=actor, folder=entry)}",
        "columns": listing.columns(order),
        "listing": listing.children(request, entry, order),
        "notice": notices.asked_for(request, actor),
    }
    return render(request, "files/folder.html", context)


@page("GET", "HEAD", "POST")
def new_folder(request: HttpRequest, entry_id: str) -> HttpResponse:
    actor = _actor(request)
    parent = folder_for(actor, parse_id(entry_id), Permission.EDIT)
    typed, problem = request.POST.get("name", ""), None
    if request.method == "POST":
        try:
            made = tree.create_folder(actor=actor, parent_id=parent.id, name=typed.strip())
        except MENDABLE as error:
            problem = error
        else:
            messages.success(request, f"The folder “{made.name}” was made.")
            return redirect("folder", parent.id)
    context = {"title": "New folder", "action": "Create", "back": parent, "typed": typed}
    return _name_form(request, context, problem)


@page("GET", "HEAD", "POST")
def rename(request: HttpRequest, entry_id: str) -> HttpResponse:
    actor = _actor(request)
    entry = entry_for(actor, parse_id(entry_id), Permission.EDIT)
    typed, problem = request.POST.get("name", entry.name), None
    if request.method == "POST":
        try:
            renamed = tree.change(actor=actor, entry_id=entry.id, name=typed.strip())
        except MENDABLE as error:
            problem = error
        else:
            messages.success(request, f"It is called “{renamed.name}” now.")
            return redirect("folder", entry.parent_id)
    title = f"Rename “{entry.name}”"
    context = {"title": title, "action": "Rename", "back": entry.parent or entry, "typed": typed}
    return _name_form(request, context, problem)


@page("GET", "HEAD", "POST")
def trash_entry(request: HttpRequest, entry_id: str) -> HttpResponse:
    """GET asks first: a link, or a sign-in on the way, must not throw anything away."""
    actor = _actor(request)
    entry = entry_for(actor, parse_id(entry_id), Permission.EDIT)
    if request.method == "POST":
        trash.trash(actor=actor, entry_id=entry.id)
        return redirect(notices.after_trashing(entry))
    context = {
        "title": f"Move “{entry.name}” to the trash?",
        "text": f"It can be restored for {settings.TRASH_SECONDS // 86_400} days.",
        "action": "Move to trash",
        "back": entry.parent or entry,
    }
    return render(request, "files/confirm.html", context)


@page("GET", "HEAD")
def trash_page(request: HttpRequest) -> HttpResponse:
    return _trash_page(request, None)


@page("GET", "HEAD", "POST")
def restore(request: HttpRequest, entry_id: str) -> HttpResponse:
    """POST restores; `then=trash` goes on in the trash, else to where the entry is again."""
    if request.method != "POST":
        return redirect("trash")
    try:
        entry = trash.restore(actor=_actor(request), entry_id=parse_id(entry_id))
    except MENDABLE as error:
        return _trash_page(request, error)
    messages.success(request, f"“{entry.name}” is back in {_place(entry)}.")
    if request.POST.get("then") == "trash":
        return redirect("trash")
    return redirect("folder", entry.parent_id)


@page("GET", "HEAD", "POST")
def remove(request: HttpRequest, entry_id: str) -> HttpResponse:
    actor = _actor(request)
    entry = trashed_entry_for(actor, parse_id(entry_id), Permission.EDIT)
    if request.method == "POST":
        trash.remove(actor=actor, entry_id=entry.id)
        messages.success(request, f"“{entry.name}” was deleted for good.")
        return redirect("trash")
    within = "Everything in it goes, too. " if entry.is_folder else "All its versions go, too. "
    context = {
        "title": f"Delete “{entry.name}” for good?",
        "text": f"{within}This can't be undone.",
        "action": "Delete for good",
    }
    return render(request, "files/confirm.html", context)


def _actor(request: HttpRequest) -> Actor:
    """The signed-in person: `page` let nobody else in."""
    return Actor(cast("User", request.user))


def _place(entry: Entry) -> str:
    return f"“{entry.parent.name}”" if entry.parent else "its place"


def _name_form(
    request: HttpRequest, context: dict[str, Any], problem: RapidServeError | None
) -> HttpResponse:
    """The form with what was typed, and beside it why that was refused."""
    status = problem.status if problem else 200
    return render(request, "files/name.html", {**context, "problem": problem}, status=status)


def _trash_page(request: HttpRequest, problem: RapidServeError | None) -> HttpResponse:
    space = space_or_personal(_actor(request), None)
    context = {"space": space, "listing": listing.trashed(request, space), "problem": problem}
    return render(request, "files/trash.html", context, status=problem.status if problem else 200)
