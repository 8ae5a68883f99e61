"""Write the lines of a change into the journal and the audit log, in the change's transaction."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import F

from files.journal import audit
from files.models import Change, Entry, JournalHead
from rapidserve.db import current_time


def append(
    change: Change.Type, entry: Entry, *, actor_id: UUID | None, old_parent: UUID | None = None
) -> None:
    """Must run inside the transaction that makes the change.

    The head's row serialises writers of one space, so numbers have no gaps and are committed in
    order: a reader that saw 7 will never find a 6 appear later.
    """
    append_all(change, [entry], actor_id=actor_id, old_parent=old_parent)


def append_all(
    change: Change.Type,
    entries: Sequence[Entry],
    *,
    actor_id: UUID | None,
    old_parent: UUID | None = None,
) -> None:
    """As `append`, for the same change of many entries of one space, in their order."""
    if not entries:
        return
    space_id = entries[0].space_id
    JournalHead.objects.filter(space_id=space_id).update(seq=F("seq") + len(entries))
    head = JournalHead.objects.get(space_id=space_id)
    now = current_time()
    Change.objects.bulk_create(
        Change(
            space_id=space_id,
            seq=seq,
            type=change,
            entry=entry.id,
            entry_type=entry.type,
            parent=entry.parent_id,
            old_parent=old_parent,
            name=entry.name,
            actor_id=actor_id,
            at=now,
        )
        for seq, entry in enumerate(entries, head.seq - len(entries) + 1)
    )
    moved = {"from": str(old_parent)} if old_parent else {}
    audit.record(
        space_id,
        [
            audit.Event(change, entry.id, entry.name, {"parent": _text(entry.parent_id), **moved})
            for entry in entries
        ],
        actor_id=actor_id,
    )


def _text(entry_id: UUID | None) -> str | None:
    return str(entry_id) if entry_id else None
