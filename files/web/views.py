"""Pages of folders and the trash: parse, look up, act, render. They work without JavaScript."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from files.access import issue
from files.access.actor import Actor
from files.access.listing import breadcrumb
from files.access.lookup import entry_for, folder_for, space_or_personal, trashed_entry_for
from files.access.policy import can
from files.access.roles import Permission
from files.access.search import checked_text
from files.actions import trash, tree
from files.models import Entry, Space
from files.web import listing, notices
from files.web.pages import MENDABLE, actor_of, frame, page, place_of, trash_address
from rapidserve import appearance
from rapidserve.api.fields import parse_id
from rapidserve.errors import RapidServeError


@page("GET", "HEAD")
def home(request: HttpRequest) -> HttpResponse:
    space = space_or_personal(actor_of(request), None)
    return redirect(reverse("folder", args=[space.root]) + notices.carried_on(request))


@page("GET", "HEAD")
def folder(request: HttpRequest, entry_id: str) -> HttpResponse:
    """A folder's children. A file has no page yet: its folder is shown."""
    actor = actor_of(request)
    entry = entry_for(actor, parse_id(entry_id), Permission.VIEW)
    if not entry.is_folder:
        return redirect(place_of(actor, entry))
    if request.GET.get("view") in appearance.VIEWS:
        return _change_view(request, entry)
    order = listing.order_of(request.GET)
    context = frame(actor, entry.space, "files") | {
        "folder": entry,
        "crumbs": breadcrumb(actor, entry)[:-1],
        "folder_address": reverse("folder", args=[entry.id]),
        "view": appearance.view_of(request),
        "views": {name: _address_of_view(request, name) for name in appearance.VIEWS},
        "may_edit": can(actor, Permission.EDIT, entry),
        "may_share": can(actor, Permission.SHARE, entry),
        "may_own": can(actor, Permission.OWN, entry),
        "form_address": f"/d/form/{issue.form_ticket(actor=actor, folder=entry)}",
        "columns": listing.columns(order),
        "listing": listing.children(request, actor, entry, order),
        "notice": notices.asked_for(request, actor),
    }
    return render(request, "files/folder.html", context)


def _change_view(request: HttpRequest, folder: Entry) -> HttpResponse:
    """Remember list or grid, and show the folder as asked for otherwise."""
    query = request.GET.copy()
    view = query.pop("view")[-1]
    response = redirect(f"{reverse('folder', args=[folder.id])}?{query.urlencode()}".rstrip("?"))
    appearance.remember(response, "view", view)
    return response


def _address_of_view(request: HttpRequest, view: str) -> str:
    """From its beginning: with another view, further pages begin elsewhere."""
    query = {key: request.GET[key] for key in ("sort", "order") if key in request.GET}
    return f"?{urlencode(query | {'view': view})}"


@page("GET", "HEAD", "POST")
def new_folder(request: HttpRequest, entry_id: str) -> HttpResponse:
    actor = actor_of(request)
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
    context = frame(actor, parent.space, "files") | {
        "title": "New folder",
        "label": "Name of the folder",
        "action": "Create",
        "back": reverse("folder", args=[parent.id]),
        "typed": typed,
    }
    return _name_form(request, context, problem)


@page("GET", "HEAD", "POST")
def rename(request: HttpRequest, entry_id: str) -> HttpResponse:
    actor = actor_of(request)
    entry = entry_for(actor, parse_id(entry_id), Permission.EDIT)
    typed, problem = request.POST.get("name", entry.name), None
    if request.method == "POST":
        try:
            renamed = tree.change(actor=actor, entry_id=entry.id, name=typed.strip())
        except MENDABLE as error:
            problem = error
        else:
            messages.success(request, f"It is called “{renamed.name}” now.")
            return redirect(place_of(actor, entry))
    title = f"Rename “{entry.name}”"
    context = frame(actor, entry.space, "files") | {
        "title": title,
        "label": "Name",
        "action": "Rename",
        "back": place_of(actor, entry),
        "typed": typed,
    }
    return _name_form(request, context, problem)


@page("GET", "HEAD", "POST")
def trash_entry(request: HttpRequest, entry_id: str) -> HttpResponse:
    """GET asks first: a link, or a sign-in on the way, must not throw anything away."""
    actor = actor_of(request)
    entry = entry_for(actor, parse_id(entry_id), Permission.EDIT)
    if request.method == "POST":
        trash.trash(actor=actor, entry_id=entry.id)
        return redirect(notices.after_trashing(request, [entry], place_of(actor, entry)))
    context = frame(actor, entry.space, "files") | {
        "title": f"Move “{entry.name}” to the trash?",
        "text": f"It can be restored for {settings.TRASH_SECONDS // 86_400} days.",
        "action": "Move to trash",
        "back": place_of(actor, entry),
    }
    return render(request, "files/confirm.html", context)


@page("GET", "HEAD")
def search(request: HttpRequest) -> HttpResponse:
    """What has these words in its name, in all spaces one sees."""
    actor = actor_of(request)
    text = request.GET.get("q", "")
    found = listing.found(request, actor, checked_text(text))
    context = frame(actor, space_or_personal(actor, None), "") | {
        "query": text,
        "search_address": f"{reverse('search')}?{urlencode({'q': text})}",
        "listing": found,
        "columns": listing.plain_columns(),
        "may_edit": all(Permission.EDIT in row.may for row in found.rows),
    }
    return render(request, "files/search.html", context)


@page("GET", "HEAD")
def trash_page(request: HttpRequest) -> HttpResponse:
    chosen = request.GET.get("space")
    space = space_or_personal(
        actor_of(request), parse_id(chosen) if chosen else None, Permission.EDIT
    )
    return _trash_page(request, space, None)


@page("GET", "HEAD", "POST")
def restore(request: HttpRequest, entry_id: str) -> HttpResponse:
    """POST restores; `then=trash` goes on in the trash, else to where the entry is again."""
    if request.method != "POST":
        return redirect("trash")
    try:
        entry = trash.restore(actor=actor_of(request), entry_id=parse_id(entry_id))
    except MENDABLE as error:
        return _trash_page(request, space_or_personal(actor_of(request), None), error)
    actor = actor_of(request)
    messages.success(request, f"“{entry.name}” is back in {_place(actor, entry)}.")
    if request.POST.get("then") == "trash":
        return redirect(trash_address(entry.space))
    return redirect(place_of(actor, entry))


@page("GET", "HEAD", "POST")
def remove(request: HttpRequest, entry_id: str) -> HttpResponse:
    actor = actor_of(request)
    entry = trashed_entry_for(actor, parse_id(entry_id), Permission.EDIT)
    if request.method == "POST":
        trash.remove(actor=actor, entry_id=entry.id)
        messages.success(request, f"“{entry.name}” was deleted for good.")
        return redirect(trash_address(entry.space))
    within = "Everything in it goes, too. " if entry.is_folder else "All its versions go, too. "
    context = frame(actor, entry.space, "trash") | {
        "title": f"Delete “{entry.name}” for good?",
        "text": f"{within}This can't be undone.",
        "action": "Delete for good",
        "back": trash_address(entry.space),
    }
    return render(request, "files/confirm.html", context)


def _place(actor: Actor, entry: Entry) -> str:
    seen = entry.parent is not None and can(actor, Permission.VIEW, entry.parent)
    return f"“{entry.parent.name}”" if seen and entry.parent else "its place"


def _name_form(
    request: HttpRequest, context: dict[str, Any], problem: RapidServeError | None
) -> HttpResponse:
    """The form with what was typed, and beside it why that was refused."""
    status = problem.status if problem else 200
    return render(request, "files/name.html", {**context, "problem": problem}, status=status)


def _trash_page(
    request: HttpRequest, space: Space, problem: RapidServeError | None
) -> HttpResponse:
    actor = actor_of(request)
    context = frame(actor, space, "trash") | {
        "listing": listing.trashed(request, actor, space),
        "days": settings.TRASH_SECONDS // 86_400,
        "problem": problem,
    }
    return render(request, "files/trash.html", context, status=problem.status if problem else 200)
