"""Read the journal: the lines of a space after a number."""

from dataclasses import dataclass

from files.models import Change, JournalHead, Space


@dataclass(frozen=True, slots=True)
class FeedPage:
    """`cursor` is the number to go on from, also when there were no lines."""

    changes: list[Change]
    cursor: int
    has_more: bool


def latest(space: Space) -> int:
    return JournalHead.objects.get(space=space).seq


def read(space: Space, *, after: int, limit: int) -> FeedPage:
    changes = list(Change.objects.filter(space=space, seq__gt=after).order_by("seq")[: limit + 1])
    page = changes[:limit]
    return FeedPage(page, page[-1].seq if page else after, len(changes) > limit)
