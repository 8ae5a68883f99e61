"""Pages of what is in a folder, in the trash, in a file's history. Keyset-paged: page 1,000 costs
what page 1 costs. Callers were given the folder or space by files.access.lookup."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from files.access.actor import Actor
from files.access.policy import (
    ancestors,
    folder_ids,
    shared_entries,
    sights,
    visible_spaces,
)
from files.models import Entry, Extent, Link, Space, Version, Visit
from rapidserve.db import flagged

SORTS: Final = {"name": "name_key", "size": "size", "modified": "modified_at"}

SHARED_AT_ONCE: Final = 200
SHARED_AT_MOST: Final = 10_000
"""Shared entries that one answer looks at, however many of them can't be seen today."""

After = tuple[str, Any, UUID]
"""Where a page ended: (type, value of the sort column, id) of its last entry."""


@dataclass(frozen=True, slots=True)
class Order:
    """`sort` is a key of SORTS."""

    sort: str = "name"
    descending: bool = False


def children(folder: Entry, order: Order, after: After | None, limit: int) -> list[Entry]:
    """At most `limit` live children, folders first whatever the order."""
    found: list[Entry] = []
    for kind in (Entry.Type.FOLDER, Entry.Type.FILE):
        if after and after[0] == Entry.Type.FILE and kind == Entry.Type.FOLDER:
            continue
        column = _column(order, kind)
        rows = Entry.objects.filter(flagged(live=True), parent=folder, type=kind)
        if after and after[0] == kind:
            rows = rows.filter(_beyond(column, after, descending=order.descending))
        sign = "-" if order.descending else ""
        rows = rows.order_by(f"{sign}{column}", f"{sign}id")
        found += _with_people(rows)[: limit - len(found)]
        if len(found) == limit:
            break
    for entry in found:
        entry.parent = folder
    return found


def subfolders(folder: Entry, limit: int) -> list[Entry]:
    """At most `limit` live folders in a folder, by name."""
    rows = Entry.objects.filter(flagged(live=True), parent=folder, type=Entry.Type.FOLDER)
    return list(rows.order_by("name_key", "id")[:limit])


def place_of(entry: Entry, order: Order) -> After:
    """The `After` that continues behind this entry."""
    return entry.type, getattr(entry, _column(order, Entry.Type(entry.type))), entry.id


def place_from(values: list[Any], order: Order) -> After:
    """A place that has been through a cursor, where dates and ids are text."""
    kind, value, entry_id = values
    if order.sort == "modified":
        value = datetime.fromisoformat(value)
    return kind, value, UUID(entry_id)


def place_text(place: After) -> list[str | int]:
    """A place as a cursor can carry it."""
    kind, value, entry_id = place
    return [kind, value.isoformat() if isinstance(value, datetime) else value, str(entry_id)]


def child_counts(folders: Sequence[Entry]) -> dict[UUID, int]:
    """How many live children each of these folders has; one query for a whole page."""
    rows = Entry.objects.filter(flagged(live=True), parent__in=folders).order_by()
    counts = dict(rows.values_list("parent_id").annotate(count=Count("id")))
    return {folder.id: counts.get(folder.id, 0) for folder in folders}


def version_numbers(files: Sequence[Entry]) -> dict[UUID, int]:
    """The number of each file's current version; one query for a whole page."""
    current = [file.current_version_id for file in files if file.current_version_id]
    rows = Version.objects.filter(id__in=current).values_list("entry_id", "number")
    return {file_id: number for file_id, number in rows if file_id and number}


def spaces(actor: Actor, after: UUID | None, limit: int) -> list[Space]:
    """The spaces the actor sees, his personal one first, the others from the oldest on."""
    own = Q(owner=actor.user, kind=Space.Kind.PERSONAL)
    others = visible_spaces(actor).exclude(own).order_by("id")
    personal = visible_spaces(actor).filter(own).get()
    if after is None:
        return [personal, *others[: limit - 1]]
    if after != personal.id:
        others = others.filter(id__gt=after)
    return list(others[:limit])


def trash(space: Space, after: tuple[datetime, UUID] | None, limit: int) -> list[Entry]:
    """What was itself trashed, latest first."""
    rows = Entry.objects.filter(flagged(live=False), space=space, purged_at=None)
    if after:
        at, entry_id = after
        rows = rows.filter(Q(trashed_at__lt=at) | Q(trashed_at=at, id__lt=entry_id))
    rows = _with_people(rows.order_by("-trashed_at", "-id")).prefetch_related("parent")
    return list(rows[:limit])


def versions(file: Entry, before: int | None, limit: int) -> list[Version]:
    """Committed versions, newest first."""
    rows = Version.objects.filter(entry=file, state=Version.State.COMMITTED)
    if before is not None:
        rows = rows.filter(number__lt=before)
    return list(rows.prefetch_related("created_by").order_by("-number")[:limit])


def extents(version: Version, start: int, limit: int) -> Sequence[Extent]:
    rows = Extent.objects.filter(version=version, index__gte=start, index__lt=start + limit)
    return list(rows.order_by("index"))


def breadcrumb(actor: Actor, folder: Entry) -> list[Entry]:
    """The folders down to this one, from the first that the actor may see."""
    way = way_to(folder)
    seen = sights(actor, way)
    return [each for each in way if seen[each.id].permissions]


def way_to(folder: Entry) -> list[Entry]:
    """The folders from the top down to this one, whoever may see them."""
    ids = folder_ids(folder)
    found = Entry.objects.select_related("space").in_bulk(ids)
    way = [found[folder_id] for folder_id in ids if folder_id in found]
    for above, below in pairwise(way):
        below.parent = above
    return way


def shared(actor: Actor, after: tuple[str, UUID] | None, limit: int) -> list[Entry]:
    """What others have shared with the actor by itself, by name: not what lies in a space or folder
    that he sees as a whole. Behind `after`, the name's key and id of the last one.
    """
    rows = Entry.objects.prefetch_related("space", "parent", "modified_by").filter(
        flagged(live=True), id__in=shared_entries(actor), parent__isnull=False
    )
    if after:
        key, entry_id = after
        rows = rows.filter(Q(name_key__gt=key) | Q(name_key=key, id__gt=entry_id))
    found: list[Entry] = []
    for start in range(0, SHARED_AT_MOST, SHARED_AT_ONCE):
        page = list(rows.order_by("name_key", "id")[start : start + SHARED_AT_ONCE])
        seen = sights(actor, page)
        gone = trashed_above(page)
        found += [
            entry
            for entry in page
            if entry.id not in gone and seen[entry.id].permissions and seen[entry.id].parent is None
        ]
        if len(page) < SHARED_AT_ONCE or len(found) >= limit:
            break
    return found[:limit]


def links(entry: Entry, before: UUID | None, limit: int) -> list[Link]:
    """Those that were not revoked, newest first."""
    rows = Link.objects.filter(entry=entry, revoked_at=None)
    if before:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[:limit])


def visits(link: Link, before: UUID | None, limit: int) -> list[Visit]:
    rows = Visit.objects.filter(link=link)
    if before:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[:limit])


def trashed_above(entries: Sequence[Entry]) -> set[UUID]:
    """Of these, with their parents, which lie below a folder in the trash; one query for all."""
    above = {entry.id: ancestors(entry) for entry in entries}
    ids = {folder_id for folder_ids in above.values() for folder_id in folder_ids}
    trashed = set(Entry.objects.filter(id__in=ids, live=False).values_list("id", flat=True))
    return {entry_id for entry_id, folders in above.items() if not trashed.isdisjoint(folders)}


def _column(order: Order, kind: str) -> str:
    """Folders have no size; they keep their names' order then."""
    if order.sort == "size" and kind == Entry.Type.FOLDER:
        return SORTS["name"]
    return SORTS[order.sort]


def _beyond(column: str, after: After, *, descending: bool) -> Q:
    _, value, entry_id = after
    way = "lt" if descending else "gt"
    return Q(**{f"{column}__{way}": value}) | Q(**{column: value, f"id__{way}": entry_id})


def _with_people(rows: QuerySet[Entry]) -> QuerySet[Entry]:
    """Two more queries for a page. A join would be one of them for each row on MongoDB."""
    return rows.prefetch_related("space", "modified_by")
