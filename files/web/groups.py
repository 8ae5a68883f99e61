"""Pages about groups: those one is in and their members; for who administers them, all, to change.

The groups themselves are accounts.groups. The pages are here for what stands around them, and
because deleting a group ends roles on files.
"""

from typing import Any, Final, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse

from accounts import groups, lookup
from accounts.models import User
from files.access.audience import given_to_group, key_of, subject_called
from files.access.lookup import space_or_personal
from files.web.pages import MENDABLE, actor_of, frame, page
from rapidserve.errors import Invalid, NotFound, RapidServeError

SHOWN: Final = 100


@page("GET", "HEAD")
def all_groups(request: HttpRequest) -> HttpResponse:
    user = cast("User", request.user)
    after = request.GET.get("after")
    rows = groups.visible_groups(user, after=after, limit=SHOWN + 1)
    shown = rows[:SHOWN]
    context = _frame(request) | {
        "groups": [(group, groups.member_count(group)) for group in shown],
        "sees_all": groups.sees_all_groups(user),
        "sees_members": groups.sees_members(user),
        "may_add": groups.may(user, "add"),
        "more": urlencode({"after": shown[-1].name}) if len(rows) > SHOWN else "",
        "is_first": after is None,
    }
    return render(request, "files/groups.html", context)


@page("GET", "HEAD", "POST")
def one_group(request: HttpRequest, group_id: str) -> HttpResponse:
    """Its members. POST adds or removes one, and leads back here."""
    group = _group(request, group_id)
    problem: RapidServeError | None = None
    if request.method == "POST":
        try:
            _change_members(request, group)
        except (*MENDABLE, NotFound) as error:
            problem = error
        else:
            return redirect("group", group.pk)
    status = problem.status if problem else 200
    context = _members(request, group) | {"problem": problem}
    return render(request, "files/group.html", context, status=status)


@page("GET", "HEAD", "POST")
def new_group(request: HttpRequest) -> HttpResponse:
    user = cast("User", request.user)
    groups.refuse_without(user, "add")
    typed, problem = request.POST.get("name", ""), None
    if request.method == "POST":
        try:
            made = groups.make_group(name=typed, by=user)
        except MENDABLE as error:
            problem = error
        else:
            messages.success(request, f"The group “{made.name}” was made. Add its members.")
            return redirect("group", made.pk)
    context = {"title": "New group", "label": "Name of the group", "action": "Create"}
    return _name_form(request, context | {"back": reverse("groups")}, typed, problem)


@page("GET", "HEAD", "POST")
def rename_group(request: HttpRequest, group_id: str) -> HttpResponse:
    user = cast("User", request.user)
    group = _group(request, group_id, "change")
    was, typed, problem = group.name, request.POST.get("name", group.name), None
    if request.method == "POST":
        try:
            groups.rename_group(group=group, name=typed, by=user)
        except MENDABLE as error:
            problem = error
        else:
            messages.success(request, f"It is called “{group.name}” now.")
            return redirect("group", group.pk)
    context = {"title": f"Rename the group “{was}”", "label": "Name", "action": "Rename"}
    return _name_form(request, context | {"back": _address(group)}, typed, problem)


@page("GET", "HEAD", "POST")
def delete_group(request: HttpRequest, group_id: str) -> HttpResponse:
    """GET asks first, and says what ends with it."""
    group = _group(request, group_id, "delete")
    if request.method == "POST":
        groups.delete_group(group=group, by=cast("User", request.user))
        messages.success(request, f"The group “{group.name}” was deleted.")
        return redirect("groups")
    context = _frame(request) | {
        "title": f"Delete the group “{group.name}”?",
        "text": _what_ends(group),
        "action": "Delete",
        "back": _address(group),
    }
    return render(request, "files/confirm.html", context)


def _change_members(request: HttpRequest, group: Group) -> None:
    by = cast("User", request.user)
    if "remove" in request.POST:
        user = lookup.person(key_of("user", request.POST["remove"]))
        groups.remove_member(group=group, user=user, by=by)
        messages.success(request, f"{user.username} is no longer in it.")
        return
    groups.refuse_without(by, "change", group)
    found = subject_called(request.POST.get("name", "").strip())
    if found is None or found.type != "user":
        raise Invalid("There is nobody with this name.", code="subject_unknown", field="name")
    groups.add_member(group=group, user=lookup.person(found.key), by=by)
    messages.success(request, f"{found.name} is in it now.")


def _group(request: HttpRequest, group_id: str, right: groups.Right | None = None) -> Group:
    return groups.group_for(cast("User", request.user), key_of("group", group_id), right)


def _members(request: HttpRequest, group: Group) -> dict[str, Any]:
    user, after = cast("User", request.user), request.GET.get("after")
    rows = groups.members_of(group, after=after, limit=SHOWN + 1)
    shown = rows[:SHOWN]
    return _frame(request) | {
        "group": group,
        "members": shown,
        "count": groups.member_count(group),
        "more": urlencode({"after": shown[-1].username_key}) if len(rows) > SHOWN else "",
        "is_first": after is None,
        "may_change": groups.may_act_on(user, "change", group),
        "may_delete": groups.may_act_on(user, "delete", group),
    }


def _frame(request: HttpRequest) -> dict[str, Any]:
    actor = actor_of(request)
    return frame(actor, space_or_personal(actor, None), "groups")


def _address(group: Group) -> str:
    return reverse("group", args=[group.pk])


def _what_ends(group: Group) -> str:
    """In words, for the question whether to delete it."""
    members, roles = groups.member_count(group), given_to_group(group.pk)
    ends = (
        f"{roles} role{pluralize(roles)} on files and folders end{pluralize(roles, 's,')} with it"
    )
    return (
        f"It has {members} member{pluralize(members)}, and {ends if roles else 'no role on files'}."
    )


def _name_form(
    request: HttpRequest, context: dict[str, Any], typed: str, problem: RapidServeError | None
) -> HttpResponse:
    """The form with what was typed, and beside it why that was refused."""
    status = problem.status if problem else 200
    shown = _frame(request) | context | {"typed": typed, "problem": problem}
    return render(request, "files/name.html", shown, status=status)
