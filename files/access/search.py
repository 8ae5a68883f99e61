"""Finding entries by name, in spaces of which the actor sees something: what he may not see is left
out here, as is what lies in the trash.

Names that begin with the text come first: they are one range of an index. Then those that hold all
of its words somewhere: for these the names of the spaces are read, from the index alone. An answer
looks at a bounded number of matches, however many of them turn out to lie in the trash.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from files.access.actor import Actor
from files.access.listing import trashed_above
from files.access.policy import sights
from files.models import Entry
from files.names import search_key
from rapidserve.db import flagged
from rapidserve.errors import Invalid

STEP: Final = 200
"""Matches looked at together: with 100 folders above each, one query still takes their ids."""
STEPS: Final = 20

MAX_TEXT: Final = 255
BEGINS, HOLDS = 0, 1
_AFTER_ALL = "\U0010ffff"

Place = tuple[int, str, UUID]
"""Where an answer ended: (BEGINS or HOLDS, search key, id)."""


@dataclass(frozen=True, slots=True)
class Found:
    """`more` is where to go on, None when that was all. Both may come with few entries."""

    entries: list[Entry]
    more: Place | None


def checked_text(text: str) -> str:
    """The text, when it can be searched for. Control characters are in no name, and a NUL would end
    the pattern it stands in. Invalid(q_invalid).
    """
    if len(text) > MAX_TEXT or any(unicodedata.category(character) == "Cc" for character in text):
        problem = f"Search for at most {MAX_TEXT} characters, none of them invisible."
    elif not words_of(text):
        problem = "Say what to search for."
    else:
        return text
    raise Invalid(problem, code="q_invalid", field="q")


def search(
    actor: Actor, spaces: Sequence[UUID], text: str, after: Place | None, limit: int
) -> Found:
    """At most `limit` entries by name, of those in these spaces that the actor sees. `text` has a
    word in it (`words_of`).
    """
    found: list[tuple[Place, Entry]] = []
    more = after
    for _ in range(STEPS):
        matches = _matches(spaces, words_of(text), more, STEP)
        found += _in_sight(actor, matches)
        more = matches[-1][0] if len(matches) == STEP else None
        if more is None or len(found) > limit:
            break
    if len(found) > limit:
        more = found[limit - 1][0]
    return Found([entry for _, entry in found[:limit]], more)


def place_from(values: Sequence[object]) -> Place:
    """A place that has been through a cursor, where ids are text."""
    rank, key, entry_id = values
    return int(str(rank)), str(key), UUID(str(entry_id))


def place_values(place: Place) -> list[str | int]:
    """A place as a cursor can carry it."""
    rank, key, entry_id = place
    return [rank, key, str(entry_id)]


def words_of(text: str) -> list[str]:
    return list(dict.fromkeys(search_key(text).split()))


def _matches(
    spaces: Sequence[UUID], words: list[str], after: Place | None, limit: int
) -> list[tuple[Place, Entry]]:
    found: list[tuple[Place, Entry]] = []
    for rank, rows in enumerate(_ranks(spaces, words)):
        if after and after[0] > rank:
            continue
        if after and after[0] == rank:
            _, key, entry_id = after
            rows = rows.filter(Q(search_key__gt=key) | Q(search_key=key, id__gt=entry_id))  # noqa: PLW2901 - the same rows, fewer
        page = rows.order_by("search_key", "id")[: limit - len(found)]
        found += [((rank, entry.search_key, entry.id), entry) for entry in page]
    return found


def _ranks(spaces: Sequence[UUID], words: list[str]) -> tuple[QuerySet[Entry], QuerySet[Entry]]:
    """What begins with the words, and what holds them otherwise. Top folders are no entries of
    anybody's: their names are the space's.
    """
    # Prefetched, not joined: beside a join the planner leaves the index's order and sorts it all.
    rows = Entry.objects.prefetch_related("space", "parent", "modified_by").filter(
        flagged(live=True), space__in=spaces, parent__isnull=False
    )
    start = " ".join(words)
    begins = Q(search_key__gte=start, search_key__lt=start + _AFTER_ALL)
    holds = Q(*(Q(search_key__contains=word) for word in words))
    return rows.filter(begins), rows.filter(holds).exclude(begins)


def _in_sight(actor: Actor, matches: list[tuple[Place, Entry]]) -> list[tuple[Place, Entry]]:
    """Those that the actor may see, with no folder above them in the trash."""
    entries = [entry for _, entry in matches]
    seen, gone = sights(actor, entries), trashed_above(entries)
    return [match for match in matches if seen[match[1].id].permissions and match[1].id not in gone]
