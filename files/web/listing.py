"""What the pages show of a folder or the trash: rows, sort links, where the next page begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict

from files.access import listing
from files.access.listing import SORTS, Order
from files.models import Entry, Space
from rapidserve.api.fields import parse_id
from rapidserve.api.pagination import decode_cursor, encode_cursor, parse_limit
from rapidserve.errors import Invalid

_LABELS: Final = {"name": "Name", "size": "Size", "modified": "Modified"}
_ICONS: Final = {"image": "image", "video": "video", "audio": "audio"}


@dataclass(frozen=True, slots=True)
class Row:
    """An entry and the picture beside its name (a symbol of templates/files/icons.html)."""

    entry: Entry
    icon: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page. `more` is the query string of the next one, "" on the last."""

    rows: Sequence[Row]
    more: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and what following it sorts by. `direction`: what aria-sort says."""

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
    return [
        Column(key, _LABELS[key], _sort_query(key, order), _direction(key, order)) for key in SORTS
    ]


def children(request: HttpRequest, folder: Entry, order: Order) -> Listing:
    """The page of a folder's children that the request asks for."""
    kind = f"page.children.{folder.id}.{order.sort}.{order.descending}"
    cursor, limit = request.GET.get("cursor"), parse_limit(request.GET.get("limit"))
    after = listing.place_from(decode_cursor(kind, cursor), order) if cursor else None
    found = listing.children(folder, order, after, limit + 1)

    def cursor_behind(entry: Entry) -> str:
        return encode_cursor(kind, listing.place_text(listing.place_of(entry, order)))

    return _listing(request, found, limit, cursor_behind)


def trashed(request: HttpRequest, space: Space) -> Listing:
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

    return _listing(request, found, limit, cursor_behind)


def _listing(
    request: HttpRequest,
    found: list[Entry],
    limit: int,
    cursor_behind: Callable[[Entry], str],
) -> Listing:
    """`found` holds one more than fits when there is a next page."""
    shown = found[:limit]
    more = ""
    if len(found) > limit:
        kept = {key: request.GET[key] for key in ("sort", "order", "limit") if key in request.GET}
        more = urlencode(kept | {"cursor": cursor_behind(shown[-1])})
    rows = [Row(entry, _icon(entry)) for entry in shown]
    return Listing(rows, more, is_first="cursor" not in request.GET)


def _icon(entry: Entry) -> str:
    if entry.is_folder:
        return "folder"
    return _ICONS.get(entry.content_type.partition("/")[0], "file")


def _sort_query(key: str, order: Order) -> str:
    turned = key == order.sort and not order.descending
    return urlencode({"sort": key, "order": "desc" if turned else "asc"})


def _direction(key: str, order: Order) -> str:
    if key != order.sort:
        return "none"
    return "descending" if order.descending else "ascending"
