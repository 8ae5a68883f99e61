"""Pages about team spaces: make, rename, delete. Members are those a space is shared with."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.organisation import Ability
from accounts.policy import require
from files.access.lookup import space_for, space_or_personal
from files.access.roles import Permission
from files.actions import spaces
from files.models import Space
from files.web.pages import MENDABLE, actor_of, frame, page
from rapidserve.api.fields import parse_id
from rapidserve.errors import RapidServeError


@page("GET", "HEAD", "POST")
def new_space(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    require(actor.user, Ability.MAKE_SPACES)
    typed, problem = request.POST.get("name", ""), None
    if request.method == "POST":
        try:
            made = spaces.create_team_space(actor=actor, name=typed.strip())
        except MENDABLE as error:
            problem = error
        else:
            messages.success(
                request, f"The space “{made.name}” was made. Share it with its members."
            )
            return redirect("folder", made.root)
    context = frame(actor, space_or_personal(actor, None), "") | {
        "title": "New space",
        "label": "Name of the space",
        "action": "Create",
        "back": reverse("home"),
    }
    return _name_form(request, context, typed, problem)


@page("GET", "HEAD", "POST")
def rename_space(request: HttpRequest, space_id: str) -> HttpResponse:
    actor = actor_of(request)
    space = space_for(actor, parse_id(space_id), Permission.OWN)
    typed, problem = request.POST.get("name", space.name), None
    if request.method == "POST":
        try:
            space = spaces.rename_space(actor=actor, space_id=space.id, name=typed.strip())
        except MENDABLE as error:
            problem = error
        else:
            messages.success(request, f"It is called “{space.name}” now.")
            return redirect("folder", space.root)
    context = frame(actor, space, "files") | {
        "title": f"Rename the space “{space.name}”",
        "label": "Name",
        "action": "Rename",
        "back": _address(space),
    }
    return _name_form(request, context, typed, problem)


@page("GET", "HEAD", "POST")
def delete_space(request: HttpRequest, space_id: str) -> HttpResponse:
    """Only an empty one. GET asks first."""
    actor = actor_of(request)
    space = space_for(actor, parse_id(space_id), Permission.OWN)
    problem: RapidServeError | None = None
    if request.method == "POST":
        try:
            spaces.delete_space(actor=actor, space_id=space.id)
        except MENDABLE as error:
            problem = error
        else:
            messages.success(request, f"The space “{space.name}” was deleted.")
            return redirect("home")
    context = frame(actor, space, "files") | {
        "title": f"Delete the space “{space.name}”?",
        "text": problem.message if problem else "Only an empty space can be deleted.",
        "hint": problem.hint if problem else "",
        "action": "Delete",
        "back": _address(space),
    }
    status = problem.status if problem else 200
    return render(request, "files/confirm.html", context, status=status)


def _address(space: Space) -> str:
    return reverse("folder", args=[space.root])


def _name_form(
    request: HttpRequest, context: dict[str, Any], typed: str, problem: RapidServeError | None
) -> HttpResponse:
    """The form with what was typed, and beside it why that was refused."""
    status = problem.status if problem else 200
    shown = {**context, "typed": typed, "problem": problem}
    return render(request, "files/name.html", shown, status=status)
