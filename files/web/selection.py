"""What is done to several entries at once: chosen in a list, sent as one form. A browser's GET of
these addresses comes from a sign-in on the way, and leads back to the files.

Each entry is an action of its own: what could be done is done, and what was refused is said.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from files.access.actor import Actor
from files.access.listing import breadcrumb, subfolders
from files.access.lookup import entry_for, folder_for, space_or_personal, trashed_entry_for
from files.access.policy import can, folder_ids
from files.access.roles import Permission
from files.actions import copies, trash, tree
from files.models import Entry
from files.web import notices
from files.web.pages import actor_of, frame, page, trash_address, way_back
from rapidserve.api.fields import parse_id
from rapidserve.errors import Invalid, NotFound, RapidServeError

MOST: Final = 500  # entries in a form; each is a transaction of its own
_FOLDERS_SHOWN: Final = 500


@dataclass
class Outcome:
    """`done` and `refused` in the order of the form; a refusal is the sentence to show."""

    done: list[Entry] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Placing:
    """Moving or copying: its words, and what it does to one entry."""

    verb: str
    done: str
    act: Callable[[Actor, UUID, UUID], Entry]
    permission: Permission


MOVING: Final = Placing(
    "Move",
    "moved",
    lambda actor, entry, into: tree.change(actor=actor, entry_id=entry, parent_id=into),
    Permission.EDIT,
)
COPYING: Final = Placing(
    "Copy",
    "added",
    lambda actor, entry, into: copies.copy(actor=actor, entry_id=entry, parent_id=into),
    Permission.DOWNLOAD,
)


@page("GET", "HEAD", "POST")
def move(request: HttpRequest) -> HttpResponse:
    return _place(request, MOVING)


@page("GET", "HEAD", "POST")
def copy(request: HttpRequest) -> HttpResponse:
    return _place(request, COPYING)


@page("GET", "HEAD", "POST")
def trash_entries(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("home")
    actor = actor_of(request)

    def act(entry_id: UUID) -> Entry:
        entry = entry_for(actor, entry_id, Permission.EDIT)
        trash.trash(actor=actor, entry_id=entry_id)
        return entry

    outcome = _each(request, act)
    _say_done(request, Outcome(refused=outcome.refused), "")
    back = way_back(request)
    return redirect(notices.after_trashing(request, outcome.done, back) if outcome.done else back)


@page("GET", "HEAD", "POST")
def restore(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("trash")
    actor = actor_of(request)
    outcome = _each(request, lambda entry_id: trash.restore(actor=actor, entry_id=entry_id))
    _say_done(request, outcome, "restored")
    return redirect(way_back(request))


@page("GET", "HEAD", "POST")
def remove(request: HttpRequest) -> HttpResponse:
    """Delete for good. Asks first: `sure` comes from the page that asked."""
    if request.method != "POST":
        return redirect("trash")
    actor = actor_of(request)
    if "sure" not in request.POST:
        entries = [trashed_entry_for(actor, each, Permission.EDIT) for each in _chosen(request)]
        context = frame(actor, entries[0].space, "trash") | {
            "entries": entries,
            "named": named(entries),
        }
        return render(request, "files/remove.html", context)

    def act(entry_id: UUID) -> Entry:
        entry = trashed_entry_for(actor, entry_id, Permission.EDIT)
        trash.remove(actor=actor, entry_id=entry_id)
        return entry

    outcome = _each(request, act)
    _say_done(request, outcome, "deleted for good")
    return redirect(trash_address(outcome.done[0].space) if outcome.done else "trash")


def _place(request: HttpRequest, placing: Placing) -> HttpResponse:
    """Ask where to, with `into` as the folder looked into; or with `here` move or copy there."""
    if request.method != "POST":
        return redirect("home")
    actor = actor_of(request)
    entries = _still_there(actor, _chosen(request), placing.permission)
    named_folder = request.POST.get("here") or request.POST.get("into")
    beginning = str(_beginning(actor, entries[0]))
    into = folder_for(actor, parse_id(named_folder or beginning), Permission.EDIT)
    if "here" not in request.POST:
        return _chooser(request, placing, entries, into)
    outcome = _each(request, lambda entry_id: placing.act(actor, entry_id, into.id))
    if not outcome.done:
        return _chooser(request, placing, entries, into, problem=" ".join(outcome.refused))
    _say_done(request, outcome, f"{placing.done} to “{into.name}”")
    return redirect(way_back(request))


def _beginning(actor: Actor, entry: Entry) -> UUID:
    """The folder to look into first: the one it lies in, or the reader's own where he may not write
    there."""
    if entry.parent is None:
        return entry.id
    if can(actor, Permission.EDIT, entry.parent):
        return entry.parent.id
    return space_or_personal(actor, None).root


def _chooser(
    request: HttpRequest,
    placing: Placing,
    entries: Sequence[Entry],
    into: Entry,
    problem: str = "",
) -> HttpResponse:
    """The page that asks where to: the folder looked into, those in it, those above it."""
    chosen = {entry.id for entry in entries}
    folders = subfolders(into, _FOLDERS_SHOWN + 1)
    is_here = placing is MOVING and all(entry.parent_id == into.id for entry in entries)
    context = frame(actor_of(request), into.space, "files") | {
        "placing": placing,
        "entries": entries,
        "named": named(entries),
        "into": into,
        "crumbs": breadcrumb(actor_of(request), into)[:-1],
        "folders": [(folder, folder.id in chosen) for folder in folders[:_FOLDERS_SHOWN]],
        "has_more": len(folders) > _FOLDERS_SHOWN,
        "is_possible": not is_here and not chosen & {*folder_ids(into)},
        "next": way_back(request),
        "problem": problem,
    }
    return render(request, "files/place.html", context, status=409 if problem else 200)


def _each(request: HttpRequest, act: Callable[[UUID], Entry]) -> Outcome:
    outcome = Outcome()
    for entry_id in _chosen(request):
        try:
            outcome.done.append(act(entry_id))
        except NotFound:
            outcome.refused.append("Something is no longer there.")
        except RapidServeError as error:
            outcome.refused.append(error.message)
    return outcome


def _still_there(actor: Actor, chosen: list[UUID], permission: Permission) -> list[Entry]:
    """Those that nobody has thrown away meanwhile. NotFound when none is left."""
    found = []
    for entry_id in chosen:
        with suppress(NotFound):
            found.append(entry_for(actor, entry_id, permission))
    if not found:
        raise NotFound
    return found


def _chosen(request: HttpRequest) -> list[UUID]:
    """The entries of the form, each once. Invalid when there are none, or too many."""
    chosen = list(dict.fromkeys(parse_id(text) for text in request.POST.getlist("entry")))
    if not chosen:
        raise Invalid("Nothing is selected.", code="selection_invalid", field="entry")
    if len(chosen) > MOST:
        raise Invalid(
            f"At most {MOST} items can be taken at once.", code="selection_invalid", field="entry"
        )
    return chosen


def named(entries: Sequence[Entry]) -> str:
    """One by its name, several by their number."""
    return f"“{entries[0].name}”" if len(entries) == 1 else f"{len(entries)} items"


def _say_done(request: HttpRequest, outcome: Outcome, what: str) -> None:
    if outcome.done:
        verb = "was" if len(outcome.done) == 1 else "were"
        messages.success(request, f"{named(outcome.done)} {verb} {what}.")
    for refusal, times in Counter(outcome.refused).items():
        messages.error(request, refusal if times == 1 else f"{refusal} ({times} times)")
