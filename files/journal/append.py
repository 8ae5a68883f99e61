"""Write the journal line of a change, in the same transaction as the change itself."""

from uuid import UUID

from django.db.models import F
from django.utils import timezone

from files.models import Change, Entry, JournalHead


def append(change: Change.Type, entry: Entry, *, actor_id: UUID | None) -> None:
    """Must run inside the transaction that makes the change.

    The head's row serialises writers of one space, so numbers have no gaps and are committed in
    order: a reader that saw 7 will never find a 6 appear later.
    """
    JournalHead.objects.filter(space_id=entry.space_id).update(seq=F("seq") + 1)
    head = JournalHead.objects.get(space_id=entry.space_id)
    Change.objects.create(
        space_id=entry.space_id,
        seq=head.seq,
        type=change,
        entry=entry.id,
        entry_type=entry.type,
        parent=entry.parent_id,
        name=entry.name,
        actor_id=actor_id,
        at=timezone.now(),
    )
