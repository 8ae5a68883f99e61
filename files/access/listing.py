"""Pages of what is in a folder, in the trash, in a file's history. Keyset-paged: page 1,000 costs
what page 1 costs. Callers were given the folder or space by files.access.lookup."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from files.access.actor import Actor
from files.access.policy import visible_spaces
from files.models import Entry, Extent, Space, Version
from rapidserve.db import flagged

SORTS: Final = {"name": "name_key", "size": "size", "modified": "modified_at"}

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
    """The spaces the actor sees, oldest first: his own before those made since."""
    rows = visible_spaces(actor).order_by("id")
    if after:
        rows = rows.filter(id__gt=after)
    return list(rows[:limit])


def trash(space: Space, after: tuple[datetime, UUID] | None, limit: int) -> list[Entry]:
    """What was itself trashed, latest first."""
    rows = Entry.objects.filter(flagged(live=False), space=space, purged_at=None)
    if after:
        at, entry_id = after
        rows = rows.filter(Q(trashed_at__lt=at) | Q(trashed_at=at, id__lt=entry_id))
    return list(_with_people(rows.order_by("-trashed_at", "-id"))[:limit])


def versions(file: Entry, before: int | None, limit: int) -> list[Version]:
    """Committed versions, newest first."""
    rows = Version.objects.filter(entry=file, state=Version.State.COMMITTED)
    if before is not None:
        rows = rows.filter(number__lt=before)
    return list(rows.prefetch_related("created_by").order_by("-number")[:limit])


def extents(version: Version, start: int, limit: int) -> Sequence[Extent]:
    rows = Extent.objects.filter(version=version, index__gte=start, index__lt=start + limit)
    return list(rows.order_by("index"))


def breadcrumb(folder: Entry) -> list[Entry]:
    """The folders from the top down to this one."""
    ids = [UUID(part) for part in (folder.path or "").split("/") if part]
    found = Entry.objects.in_bulk(ids)
    return [found[folder_id] for folder_id in ids if folder_id in found]


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
