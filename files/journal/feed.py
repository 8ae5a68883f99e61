"""Read the journal: the lines of a space after a number, as far as the reader may know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.models import User
from files.access.actor import Actor
from files.access.policy import Sight, role_in, sights
from files.models import Change, Entry, JournalHead, Space

REMOVED: Final = "removed"
"""What a line says to whom an entry was taken out of sight by it, whatever it says to others."""
STEPS: Final = 10
"""Pages of lines that one answer looks at to find some that its reader may see."""


@dataclass(frozen=True, slots=True)
class Line:
    """A change as its reader may know it."""

    seq: int
    type: str
    entry: UUID
    entry_type: str
    parent: UUID | None
    name: str
    actor: User | None
    at: datetime


@dataclass(frozen=True, slots=True)
class FeedPage:
    """`cursor` is the number to go on from, also when there were no lines."""

    lines: list[Line]
    cursor: int
    has_more: bool


def latest(space: Space) -> int:
    return JournalHead.objects.get(space=space).seq


def read(actor: Actor, space: Space, *, after: int, limit: int) -> FeedPage:
    """All lines, without gaps, for who sees the whole space. For others those of what they see now,
    and `removed` for what was moved out of their sight; these may be few, or none, though there
    are more.
    """
    if role_in(actor, space):
        changes, has_more = _changes(space, after, limit)
        lines = [_line(change, change.type, change.parent) for change in changes]
        return FeedPage(lines, changes[-1].seq if changes else after, has_more)
    has_more, lines = True, []
    for _ in range(STEPS):
        changes, has_more = _changes(space, after, limit)
        lines += _seen_by(actor, changes)
        after = changes[-1].seq if changes else after
        if lines or not has_more:
            break
    return FeedPage(lines, after, has_more)


def _changes(space: Space, after: int, limit: int) -> tuple[list[Change], bool]:
    rows = Change.objects.filter(space=space, seq__gt=after).prefetch_related("actor")
    changes = list(rows.order_by("seq")[: limit + 1])
    return changes[:limit], len(changes) > limit


def _seen_by(actor: Actor, changes: Sequence[Change]) -> list[Line]:
    """What lies in the trash is told of as well: a line about it is how its reader learns that."""
    named = {change.entry for change in changes}
    named |= {folder for c in changes for folder in (c.parent, c.old_parent) if folder}
    rows = Entry.objects.prefetch_related("space", "parent").filter(id__in=named)
    entries = {entry.id: entry for entry in rows}
    seen = sights(actor, list(entries.values()))

    def sees(entry_id: UUID | None) -> Sight | None:
        sight = seen.get(entry_id) if entry_id else None
        return sight if sight and sight.permissions else None

    lines = []
    for change in changes:
        if sees(change.entry) or (sees(change.parent) and change.entry not in seen):
            if sees(change.parent):
                lines.append(_line(change, change.type, change.parent))
            else:  # how it was called there, before it came into sight, is not told
                lines.append(_line(change, change.type, None, name=entries[change.entry].name))
        elif sees(change.old_parent):
            lines.append(_line(change, REMOVED, change.old_parent, name=""))
    return lines


def _line(change: Change, kind: str, parent: UUID | None, name: str | None = None) -> Line:
    return Line(
        change.seq,
        kind,
        change.entry,
        change.entry_type,
        parent,
        change.name if name is None else name,
        change.actor,
        change.at,
    )
