"""Pages of sharing: who may see an entry, giving roles and taking them back, what others share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date

from files.access.audience import Reason, reasons, subject_called, visible_sources
from files.access.links import shown_token
from files.access.listing import links as listed_links
from files.access.lookup import entry_for, space_or_personal
from files.access.policy import can
from files.access.roles import GRANTED, Permission, Role
from files.actions import links, sharing
from files.models import Entry, Link
from files.web import listing
from files.web.pages import actor_of, frame, page, place_of
from rapidserve.api.fields import parse_id
from rapidserve.errors import Conflict, Invalid, NotFound, PermissionDenied, RapidServeError

ROLES = {
    Role.PREVIEWER: "Can look",
    Role.VIEWER: "Can download",
    Role.EDITOR: "Can edit",
    Role.MANAGER: "Can manage",
    Role.OWNER: "Owner",
}
LINK_ROLES = {
    "download": "Can download",
    "view": "Can look",
    "upload": "Can send files, and sees none",
}
LINKS_SHOWN = 20
SHOWN = (Conflict, Invalid, NotFound, PermissionDenied)


@dataclass(frozen=True, slots=True)
class Line:
    """A grant as the page shows it. `source`: the folder above that it comes from, None for one
    given here; `is_hidden`: such a folder that the reader may not see. `named`: how the form names
    its subject, "" for what can't be changed here.
    """

    reason: Reason
    label: str
    named: str
    source: Entry | None
    is_hidden: bool
    is_you: bool


@dataclass(frozen=True, slots=True)
class ShownLink:
    """`address` is "" where it can't be shown any more."""

    link: Link
    label: str
    address: str


@page("GET", "HEAD")
def shared(request: HttpRequest) -> HttpResponse:
    """What others have shared with one, each by itself."""
    actor = actor_of(request)
    found = listing.shared(request, actor)
    context = frame(actor, space_or_personal(actor, None), "shared") | {
        "listing": found,
        "columns": listing.plain_columns(),
        "may_edit": all(Permission.EDIT in row.may for row in found.rows),
        "shared_address": reverse("shared"),
    }
    return render(request, "files/shared.html", context)


@page("GET", "HEAD", "POST")
def share(request: HttpRequest, entry_id: str) -> HttpResponse:
    """Who may do what with an entry. A form is answered by the page again: all can be repeated."""
    actor = actor_of(request)
    entry = entry_for(actor, parse_id(entry_id), Permission.SHARE)
    problem: RapidServeError | None = None
    if request.method == "POST":
        try:
            _change(request, entry)
        except SHOWN as error:
            problem = error
        if not can(actor, Permission.SHARE, entry):  # he has given up his own role
            return redirect("shared")
    context = frame(actor, entry.space, "files") | {
        "entry": entry,
        "lines": _lines(request, entry),
        "roles": {role: ROLES[role] for role in GRANTED},
        "typed": request.POST.get("name", "") if problem else "",
        "problem": problem,
        "today": datetime.now(UTC).date(),
        "links": [
            ShownLink(link, LINK_ROLES[link.role], _address(request, link))
            for link in listed_links(entry, None, LINKS_SHOWN)
        ],
        "link_roles": {
            role: label for role, label in LINK_ROLES.items() if role != "upload" or entry.is_folder
        },
        "back": place_of(actor, entry),
    }
    status = problem.status if problem else 200
    return render(request, "files/share.html", context, status=status)


def _change(request: HttpRequest, entry: Entry) -> None:
    actor = actor_of(request)
    if "revoke" in request.POST:
        links.revoke_link(actor=actor, link_id=parse_id(request.POST["revoke"]))
        return
    if "link" in request.POST:
        _make_link(request, entry)
        return
    if "withdraw" in request.POST:
        kind, _, key = request.POST["withdraw"].partition(":")
        sharing.withdraw_role(actor=actor, entry_id=entry.id, subject=(kind, key))
        return
    subject = subject_called(request.POST.get("name", "").strip())
    if subject is None:
        raise Invalid("There is nobody with this name.", code="subject_unknown", field="name")
    sharing.give_role(
        actor=actor,
        entry_id=entry.id,
        subject=(subject.type, subject.id),
        role=_role(request.POST.get("role", "")),
        expires_at=_end_of(request.POST.get("until", "")),
    )


def _make_link(request: HttpRequest, entry: Entry) -> None:
    """Empty fields set no limit."""
    role = request.POST.get("link", "")
    if role not in LINK_ROLES:
        raise Invalid("Choose what the link is for.", code="role_invalid", field="link")
    links.create_link(
        actor=actor_of(request),
        entry_id=entry.id,
        role=role,
        password=request.POST.get("password") or None,
        expires_at=_end_of(request.POST.get("until", "")),
        max_downloads=_count_in(request.POST.get("downloads", "")),
    )


def _count_in(text: str) -> int | None:
    if not text.strip():
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text.strip()) or not int(text):
        raise Invalid(
            "Write how many downloads as a number.", code="max_downloads_invalid", field="downloads"
        )
    return int(text)


def _address(request: HttpRequest, link: Link) -> str:
    token = shown_token(link)
    return request.build_absolute_uri(reverse("link", args=[token])) if token else ""


def _role(text: str) -> Role:
    if text not in GRANTED:
        raise Invalid("Choose what they may do.", code="role_invalid", field="role")
    return Role(text)


def _end_of(text: str) -> datetime | None:
    """The last moment of a day, in UTC; None for none."""
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise Invalid("This is not a date.", code="expires_at_invalid", field="until")
    return datetime.combine(day, time(23, 59, 59), UTC)


def _lines(request: HttpRequest, entry: Entry) -> Sequence[Line]:
    """What counts today, the owner first."""
    actor, now = actor_of(request), datetime.now(UTC)
    given = [reason for reason in reasons(entry) if reason.counts(now)]
    sources = visible_sources(actor, entry, given)

    def line(reason: Reason) -> Line:
        subject, here = reason.subject, reason.source == entry.id and reason.role != Role.OWNER
        is_you = subject.identity == ("user", actor.id)
        source = None if here or reason.role == Role.OWNER else sources.get(reason.source)
        return Line(
            reason,
            ROLES[reason.role],
            f"{subject.type}:{subject.id}" if here else "",
            source,
            is_hidden=not here and source is None and reason.role != Role.OWNER,
            is_you=is_you,
        )

    return [line(reason) for reason in given]
