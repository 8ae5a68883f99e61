"""What the pages show of a folder or the trash: rows, sort links, where the next page begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict

from files.access import listing
from files.access.actor import Actor
from files.access.listing import SORTS, Order
from files.access.lookup import searched_spaces
from files.access.policy import sights
from files.access.roles import Permission
from files.access.search import place_from, place_values, search, words_of
from files.models import Entry, Space
from rapidserve.api.fields import parse_id
from rapidserve.api.pagination import decode_cursor, encode_cursor, parse_limit
from rapidserve.errors import Invalid

_LABELS: Final = {"name": "Name", "size": "Size", "modified": "Modified"}
_ICONS: Final = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "text": "text",
    "application/pdf": "text",
    "application/zip": "archive",
    "application/gzip": "archive",
    "application/x-tar": "archive",
}


@dataclass(frozen=True, slots=True)
class Row:
    """An entry, the picture beside its name (a symbol of templates/components/icons.html), how many
    items a folder has, the number of a file's version, and where that isn't the page's own folder
    the one it lies in. `may`: what the reader may do with it.
    """

    entry: Entry
    icon: str
    items: int | None
    version: int | None
    parent: Entry | None
    may: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page. `more` is the query string of the next one, "" on the last; `total` counts all
    pages, None where nobody has counted.
    """

    rows: Sequence[Row]
    more: str
    is_first: bool
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and what following it sorts by, "" where that can't be. `direction`: what aria-sort
    says.
    """

    key: str
    label: str
    query: str
    direction: str


def order_of(query: QueryDict) -> Order:
    """How the list is to be sorted. Invalid for anything but the words in the links."""
    sort = query.get("sort", "name")
    direction = query.get("order", "asc")
    if sort not in SORTS or direction not in {"asc", "desc"}:
        raise Invalid("The list can't be sorted that way.", code="sort_invalid", field="sort")
    return Order(sort, direction == "desc")


def columns(order: Order) -> list[Column]:
    """The headings. Following the one that is sorted by turns the order around."""
    sortable = [
        Column(key, _LABELS[key], _sort_query(key, order), _direction(key, order)) for key in SORTS
    ]
    return [*sortable, Column("by", "By", "", "none")]


def plain_columns() -> list[Column]:
    """The headings of a list that has its own order."""
    return [Column(key, label, "", "none") for key, label in [*_LABELS.items(), ("by", "By")]]


def children(request: HttpRequest, actor: Actor, folder: Entry, order: Order) -> Listing:
    """The page of a folder's children that the request asks for."""
    kind = f"page.children.{folder.id}.{order.sort}.{order.descending}"
    cursor, limit = request.GET.get("cursor"), parse_limit(request.GET.get("limit"))
    after = listing.place_from(decode_cursor(kind, cursor), order) if cursor else None
    found = listing.children(folder, order, after, limit + 1)

    def cursor_behind(entry: Entry) -> str:
        return encode_cursor(kind, listing.place_text(listing.place_of(entry, order)))

    page = _listing(request, actor, found, limit, cursor_behind)
    return replace(page, total=listing.child_counts([folder])[folder.id])


def trashed(request: HttpRequest, actor: Actor, space: Space) -> Listing:
    """The page of a space's trash that the request asks for, latest first."""
    kind = f"page.trash.{space.id}"
    cursor, limit = request.GET.get("cursor"), parse_limit(request.GET.get("limit"))
    after = None
    if cursor:
        at, entry_id = decode_cursor(kind, cursor)
        after = (datetime.fromisoformat(at), parse_id(entry_id))
    found = listing.trash(space, after, limit + 1)

    def cursor_behind(entry: Entry) -> str:
        at = entry.trashed_at.isoformat() if entry.trashed_at else ""
        return encode_cursor(kind, [at, str(entry.id)])

    return _listing(request, actor, found, limit, cursor_behind)


def shared(request: HttpRequest, actor: Actor) -> Listing:
    """The page of what others have shared with the actor that the request asks for."""
    kind = "page.shared"
    cursor, limit = request.GET.get("cursor"), parse_limit(request.GET.get("limit"))
    after = None
    if cursor:
        key, entry_id = decode_cursor(kind, cursor)
        after = (key, parse_id(entry_id))
    found = listing.shared(actor, after, limit + 1)
    return _listing(
        request,
        actor,
        found,
        limit,
        lambda entry: encode_cursor(kind, [entry.name_key, str(entry.id)]),
    )


def found(request: HttpRequest, actor: Actor, text: str) -> Listing:
    """The page of what a search finds that the request asks for."""
    kind = f"page.search.{' '.join(words_of(text))}"
    cursor, limit = request.GET.get("cursor"), parse_limit(request.GET.get("limit"))
    after = place_from(decode_cursor(kind, cursor)) if cursor else None
    result = search(actor, searched_spaces(actor), text, after, limit)
    more = ""
    if result.more:
        kept = {key: request.GET[key] for key in ("q", "limit") if key in request.GET}
        more = urlencode(kept | {"cursor": encode_cursor(kind, place_values(result.more))})
    rows = rows_of(actor, result.entries, with_parents=True)
    return Listing(rows, more, is_first=cursor is None)


def _listing(
    request: HttpRequest,
    actor: Actor,
    found: list[Entry],
    limit: int,
    cursor_behind: Callable[[Entry], str],
) -> Listing:
    """`found` holds one more than fits when there is a next page."""
    shown = found[:limit]
    more = ""
    if len(found) > limit:
        passed = ("space", "sort", "order", "limit")
        kept = {key: request.GET[key] for key in passed if key in request.GET}
        more = urlencode(kept | {"cursor": cursor_behind(shown[-1])})
    rows = rows_of(actor, shown)
    return Listing(rows, more, is_first="cursor" not in request.GET)


def rows_of(actor: Actor, entries: Sequence[Entry], *, with_parents: bool = False) -> list[Row]:
    """The entries with the numbers beside their names: as many queries as for one."""
    items = listing.child_counts([entry for entry in entries if entry.is_folder])
    versions = listing.version_numbers(entries)
    seen = sights(actor, entries)
    return [
        Row(
            entry,
            _icon(entry),
            items.get(entry.id),
            versions.get(entry.id),
            parent=entry.parent if with_parents and seen[entry.id].parent else None,
            may=seen[entry.id].permissions,
        )
        for entry in entries
    ]


def _icon(entry: Entry) -> str:
    if entry.is_folder:
        return "folder"
    kind = entry.content_type.partition(";")[0].lower()
    return _ICONS.get(kind) or _ICONS.get(kind.partition("/")[0], "file")


def _sort_query(key: str, order: Order) -> str:
    turned = key == order.sort and not order.descending
    return urlencode({"sort": key, "order": "desc" if turned else "asc"})


def _direction(key: str, order: Order) -> str:
    if key != order.sort:
        return "none"
    return "descending" if order.descending else "ascending"
