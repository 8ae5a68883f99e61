"""The overview on the first page: how much there is, what is saved, how the nodes and the cache
are."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from cachetools import TTLCache, cached
from django.contrib import admin
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import ApiToken, User
from files.content import reader
from files.content.topology import survey
from files.models import Chunk, Entry, Replica, Space, Upload
from rapidserve.db import flagged

MAX_AGE: Final = 300
"""Seconds. These sums read whole tables, so they are made at most so often in each process."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of things and the bytes they have together."""

    count: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """`logical`: every version at its full size. `chunks` by state; `nodes` by name."""

    counted_at: dt.datetime
    people: int
    tokens: int
    spaces: int
    files: int
    folders: int
    trashed: int
    logical: int
    uploads: Amount
    chunks: Mapping[str, Amount]
    nodes: Mapping[str, Amount]
    damaged: int

    @property
    def stored(self) -> int:
        """Bytes of the chunks that are there, each once, whichever spaces share it."""
        return sum(amount.size for state, amount in self.chunks.items() if state != "pending")

    @property
    def saved(self) -> int:
        return max(0, self.logical - self.stored)

    def on_node(self, name: str) -> Amount:
        return self.nodes.get(name, Amount())


@cached(TTLCache(1, MAX_AGE), lock=Lock())
def figures() -> Figures:
    """Of the whole deployment, up to five minutes old. Ten queries, however much there is.
    Top folders are their spaces, and no folders here.
    """
    entries = Entry.objects.filter(parent__isnull=False).order_by()
    kinds = dict(entries.values_list("type").annotate(count=Count("id")))
    states = Chunk.objects.order_by().values_list("state")
    copies = Replica.objects.order_by().values_list("node")
    uploads = Upload.objects.filter(state=Upload.State.OPEN)
    held = uploads.aggregate(count=Count("id"), size=Sum("reserved_bytes"))
    return Figures(
        counted_at=timezone.now(),
        people=User.objects.filter(is_active=True).count(),
        tokens=ApiToken.objects.count(),
        spaces=Space.objects.filter(live=True).count(),
        files=kinds.get(Entry.Type.FILE, 0),
        folders=kinds.get(Entry.Type.FOLDER, 0),
        trashed=Entry.objects.filter(flagged(live=False)).count(),
        logical=Space.objects.aggregate(total=Sum("used_bytes"))["total"] or 0,
        uploads=Amount(held["count"], held["size"] or 0),
        chunks=_amounts(states.annotate(count=Count("id"), size=Sum("size"))),
        nodes=_amounts(copies.annotate(count=Count("id"), size=Sum("chunk__size"))),
        damaged=Replica.objects.exclude(damaged_at=None).count(),
    )


def _amounts(rows: Any) -> dict[str, Amount]:
    return {name: Amount(count, size or 0) for name, count, size in rows}


_index = admin.site.index


def index_with_system(
    request: HttpRequest, extra_context: dict[str, Any] | None = None
) -> HttpResponse:
    """The first page, with the overview for those who may see nodes."""
    system = {}
    if request.user.has_perm("files.view_node"):
        system = {"figures": figures(), "nodes": survey().values(), "levels": reader.hits()}
    return _index(request, {**(extra_context or {}), **system})


admin.site.index = index_with_system  # type: ignore[method-assign,assignment] # the one site
